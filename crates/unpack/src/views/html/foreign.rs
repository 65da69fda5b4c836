//! Where SVG and MathML stand in an HTML document, as several kinds of programs tell it.
//!
//! Browsers leave them at certain tags of HTML, and enter HTML again in certain elements of theirs (WHATWG
//! HTML, sections 13.2.6.1 and 13.2.6.5); simpler programs wait for the end tag, and others do not know
//! them at all. Limit: [`MAX_OPEN`] levels are kept, and
//! more are said to be. Not handled: elements of the same name as an
//! integration point that are open inside of it.

/// Most open elements that are kept.
const MAX_OPEN: usize = 256;
/// Tags of HTML at which browsers leave SVG and MathML. `font` with some attributes does so, too.
const BREAKOUTS: [&[u8]; 44] = [
    b"b",
    b"big",
    b"blockquote",
    b"body",
    b"br",
    b"center",
    b"code",
    b"dd",
    b"div",
    b"dl",
    b"dt",
    b"em",
    b"embed",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"head",
    b"hr",
    b"i",
    b"img",
    b"li",
    b"listing",
    b"menu",
    b"meta",
    b"nobr",
    b"ol",
    b"p",
    b"pre",
    b"ruby",
    b"s",
    b"small",
    b"span",
    b"strong",
    b"strike",
    b"sub",
    b"sup",
    b"table",
    b"tt",
    b"u",
    b"ul",
    b"var",
];
/// Attributes with which `font` is a tag of HTML.
const FONT: [&[u8]; 3] = [b"color", b"face", b"size"];
/// Elements of SVG and MathML in which HTML stands.
const INTEGRATION: [&[u8]; 9] =
    [b"foreignobject", b"desc", b"title", b"annotation-xml", b"mi", b"mo", b"mn", b"ms", b"mtext"];

/// How a program reads what not all read alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mode {
    /// The content of `noscript` is text: a program that runs scripts.
    pub noscript_raw: bool,
    /// How far SVG and MathML reach.
    pub foreign: Foreign,
    /// Only what the standard says is markup: not what stands in conditional comments and in those that nobody
    /// closes.
    pub strict: bool,
}

impl Mode {
    /// As the standard says, in a program that runs no scripts.
    pub const STANDARD: Self = Self { noscript_raw: false, foreign: Foreign::Breaks, strict: true };
}

/// How far SVG and MathML reach in a document of HTML.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Foreign {
    /// Up to their end tags.
    #[default]
    Nested,
    /// As in browsers.
    Breaks,
    /// Nowhere: all is HTML.
    Never,
}

/// What is open.
#[derive(Default)]
pub(super) struct Open {
    /// How many `svg` and `math` have no end tag yet.
    count: u32,
    /// The same as browsers see it: whether each is SVG or MathML, or a place of HTML in them; its name.
    stack: Vec<(bool, Vec<u8>)>,
    noscript: bool,
    odd: bool,
    /// More was open than is kept.
    pub(super) over: bool,
}

fn is_root(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"svg") || name.eq_ignore_ascii_case(b"math")
}

fn is_one_of(names: &[&[u8]], name: &[u8]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

impl Open {
    /// Whether SVG or MathML is open.
    pub(super) fn is_foreign(&self, how: Foreign) -> bool {
        match how {
            Foreign::Nested => self.count > 0,
            Foreign::Breaks => self.in_stack(),
            Foreign::Never => false,
        }
    }

    fn in_stack(&self) -> bool {
        self.stack.last().is_some_and(|(foreign, _)| *foreign)
    }

    /// Notes what not all programs read alike within SVG and MathML.
    pub(super) fn odd(&mut self) {
        self.odd |= self.count > 0 || !self.stack.is_empty();
    }

    /// Notes an element whose content may be text.
    pub(super) fn raw(&mut self, raw: bool, noscript: bool) {
        self.noscript |= noscript;
        if raw || noscript {
            self.odd();
        }
    }

    /// A start tag; `empty`: it ends its element as well, in XML.
    pub(super) fn start(&mut self, name: &[u8], attributes: &[(&[u8], &[u8])], empty: bool) {
        if is_root(name) {
            self.count = self.count.saturating_add(1);
        }
        let font = || name.eq_ignore_ascii_case(b"font") && attributes.iter().any(|(key, _)| is_one_of(&FONT, key));
        if self.in_stack() && (is_one_of(&BREAKOUTS, name) || font()) {
            self.leave();
        }
        let opens = if self.in_stack() { is_root(name) || is_one_of(&INTEGRATION, name) } else { is_root(name) };
        self.over |= opens && !empty && self.stack.len() >= MAX_OPEN;
        if opens && !empty && self.stack.len() < MAX_OPEN {
            self.stack.push((is_root(name), name.to_ascii_lowercase()));
        }
    }

    /// Out of SVG and MathML, up to the next place of HTML.
    fn leave(&mut self) {
        while self.in_stack() {
            self.stack.pop();
        }
    }

    /// An end tag.
    pub(super) fn end(&mut self, name: &[u8]) {
        if is_root(name) {
            self.count = self.count.saturating_sub(1);
        }
        if self.stack.is_empty() {
            return;
        }
        if !self.in_stack() {
            // A place of HTML ends at its own end tag only.
            if self.stack.last().is_some_and(|(_, open)| open.eq_ignore_ascii_case(name)) {
                self.stack.pop();
            }
        } else if is_one_of(&[b"p", b"br"], name) {
            self.leave();
        } else if let Some(at) = self.stack.iter().rposition(|(_, open)| open.eq_ignore_ascii_case(name)) {
            self.stack.truncate(at);
        }
    }

    /// The modes beside the first in which the document may be other markup.
    pub(super) fn further(&self) -> Vec<Mode> {
        let mut all = Vec::new();
        for noscript_raw in [false, true] {
            for foreign in [Foreign::Nested, Foreign::Breaks, Foreign::Never] {
                let mode = Mode { noscript_raw, foreign, strict: false };
                let differs = (self.noscript || !noscript_raw) && (self.odd || foreign == Foreign::Nested);
                if differs && mode != Mode::default() {
                    all.push(mode);
                }
            }
        }
        all
    }
}
