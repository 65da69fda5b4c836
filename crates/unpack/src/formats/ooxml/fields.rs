//! Field codes of Word and RTF, which may be split over runs and nested: `{ DDEAUTO cmd "/c calc" }`.
//!
//! A nested `QUOTE` field gives its text, or the characters whose numbers it lists, to the field
//! around it. Limits: [`MAX_DEPTH`] fields in one another, [`MAX_CODE`] bytes of one code.

use mail::evidence::Active;

use crate::views::{Views, links};
use crate::xml::{Event, Reader, Tag};

/// Most fields in one another; deeper ones are read as part of the one at this depth, and told.
const MAX_DEPTH: usize = 64;
/// Longest field code, in bytes, blanks in front not counted; the rest is left out, and told of codes whose
/// arguments matter.
const MAX_CODE: usize = 64 * 1024;
/// Fields that load what they name.
const LOADERS: &[&str] = &["INCLUDETEXT", "INCLUDEPICTURE", "INCLUDE", "IMPORT", "LINK", "RD", "DATABASE", "AUTOTEXT"];

/// The fields that are open.
#[derive(Default, Debug)]
pub(crate) struct Fields {
    open: Vec<Field>,
    /// How many are open beyond [`MAX_DEPTH`].
    deeper: usize,
    /// Something was beyond these limits.
    over: bool,
    /// Places of pieces of codes that act, or of which it is not known.
    acting: Vec<Place>,
}

/// What a piece of a code does, and where it stands, in bytes: behind the start tag of the element that holds it.
/// `None`: that is not told apart, because of a limit.
pub type Place = (Option<Active>, usize);

#[derive(Default, Debug)]
struct Field {
    code: String,
    /// There was more of it.
    cut: bool,
    /// Its result follows: no more code.
    result: bool,
    /// Deeper fields are in its code, which is not told from theirs.
    full: bool,
    /// Where the pieces of its code stand.
    pieces: Vec<usize>,
}

impl Field {
    /// Adds to the code.
    fn add(&mut self, text: &str) {
        // What stands in front of the first word says nothing, however much it is.
        let text = if self.code.is_empty() { text.trim_start() } else { text };
        let kept = text.floor_char_boundary(MAX_CODE.saturating_sub(self.code.len()));
        self.code.push_str(text.get(..kept).unwrap_or(""));
        self.cut |= kept < text.len();
    }

    /// Whether what was left out may matter.
    fn is_over(&self) -> bool {
        let word = first_word(&self.code);
        self.cut && (LOADERS.contains(&word.as_str()) || matches!(word.as_str(), "HYPERLINK" | "QUOTE"))
    }
}

impl Fields {
    /// A field begins.
    pub(crate) fn begin(&mut self) {
        if self.open.len() < MAX_DEPTH {
            self.open.push(Field::default());
        } else {
            self.deeper = self.deeper.saturating_add(1);
            self.over = true;
            if let Some(field) = self.open.last_mut() {
                field.full = true;
            }
        }
    }

    /// Its code ends, its result follows.
    pub(crate) fn separate(&mut self) {
        if let Some(field) = self.open.last_mut().filter(|_| self.deeper == 0) {
            field.result = true;
        }
    }

    /// Some of a code; outside of a field it is one of its own.
    pub(crate) fn code(&mut self, text: &str) {
        if self.open.is_empty() {
            self.begin();
        }
        if let Some(field) = self.open.last_mut().filter(|field| !field.result) {
            field.add(text);
        }
    }

    /// The same, of a piece whose place is to be known.
    fn code_at(&mut self, text: &str, at: usize) {
        self.code(text);
        let field = self.open.last_mut().filter(|field| !field.result);
        if let Some(field) = field.filter(|field| field.pieces.last() != Some(&at)) {
            field.pieces.push(at);
        }
    }

    /// A field ends; gives what it does.
    pub(crate) fn end(&mut self, views: &mut Views) -> Option<Active> {
        if self.deeper > 0 {
            self.deeper = self.deeper.saturating_sub(1);
            return None;
        }
        let field = self.open.pop()?;
        tell(&field.code, views);
        let (what, over) = (acts(&field.code), field.is_over());
        self.over |= over;
        if what.is_some() || over || field.full {
            let known = what.filter(|_| !over && !field.full);
            self.acting.extend(field.pieces.iter().map(|at| (known, *at)));
        }
        if let (Some(quoted), Some(outer)) = (quoted(&field.code), self.open.last_mut())
            && !outer.result
        {
            outer.add(&quoted);
            // What it shows is code of the field around it.
            outer.pieces.extend(field.pieces);
        }
        what
    }

    /// Whether something was beyond a limit.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Nothing follows: fields that do not end are over. Gives what one of them does.
    pub(crate) fn finish(&mut self, views: &mut Views) -> Option<Active> {
        self.deeper = 0;
        let mut acts = None;
        while !self.open.is_empty() {
            acts = self.end(views).or(acts);
        }
        if self.over {
            views.limit();
        }
        acts
    }
}

/// The fields of a part of Word (ECMA-376 part 1, 17.16), as its elements come.
#[derive(Default)]
pub(crate) struct Codes {
    fields: Fields,
    /// Inside of an element that holds code: where its content begins.
    inside: Option<usize>,
}

impl Codes {
    /// An element begins; `behind`: where its content stands.
    pub(crate) fn start(&mut self, tag: &Tag<'_>, behind: usize, views: &mut Views) {
        match tag.name {
            "instrText" | "delInstrText" => self.inside = (!tag.empty).then_some(behind),
            "fldChar" => match mark(tag.all("fldCharType")) {
                Some("begin") => self.fields.begin(),
                Some("separate") => self.fields.separate(),
                Some("end") => drop(self.fields.end(views)),
                _ => {}
            },
            _ => {}
        }
    }

    /// An element ends.
    pub(crate) fn end(&mut self, name: &str) {
        if matches!(name, "instrText" | "delInstrText") {
            self.inside = None;
        }
    }

    /// Characters between tags; gives whether they are code.
    pub(crate) fn text(&mut self, text: &str) -> bool {
        if let Some(at) = self.inside {
            self.fields.code_at(text, at);
        }
        self.inside.is_some()
    }

    /// Nothing follows.
    pub(crate) fn finish(&mut self, views: &mut Views) {
        self.fields.finish(views);
    }
}

/// Where the codes of fields that act stand in a part, as the reader of such parts reads it: for whoever takes them
/// out.
pub fn places(text: &str) -> Vec<Place> {
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
    let front = text.len().saturating_sub(plain.len());
    let (mut codes, mut views, mut reader) = (Codes::default(), Views::default(), Reader::new(plain));
    while let Some(event) = reader.next() {
        match event {
            Event::Start(tag) => codes.start(&tag, reader.at().saturating_add(front), &mut views),
            Event::End(name) => codes.end(name),
            Event::Text(text) => {
                codes.text(&text);
            }
            Event::Instruction(_) => {}
        }
    }
    codes.finish(&mut views);
    codes.fields.acting
}

/// Tells what a field with this code does, if anything.
pub(crate) fn tell(code: &str, views: &mut Views) {
    if let Some(what) = acts(code) {
        views.act(what, None, links::kept(code.trim()));
    }
}

/// What a field with this code does beside showing something, if anything.
pub fn acts(code: &str) -> Option<Active> {
    let code = code.trim();
    let word = first_word(code);
    if word == "DDE" || word == "DDEAUTO" {
        Some(Active::Dde)
    } else if LOADERS.contains(&word.as_str()) && arguments(code).any(|word| links::is_remote(&word)) {
        // A picture of the web is asked for like one of a page.
        let picture =
            word == "INCLUDEPICTURE" && arguments(code).all(|word| links::is_web(&word) || !links::is_remote(&word));
        (!picture).then_some(Active::RemoteTemplate)
    } else {
        (word == "HYPERLINK" && arguments(code).any(|word| links::acts(&word))).then_some(Active::Launch)
    }
}

/// Which mark of a field an element is, by all its attributes that may say so: one that begins a field, or ends its
/// code, must not be hidden by another.
fn mark<'t>(kinds: impl Iterator<Item = std::borrow::Cow<'t, str>>) -> Option<&'static str> {
    let marks = ["begin", "separate", "end"];
    let first = kinds.filter_map(|kind| marks.iter().position(|mark| **mark == *kind)).min();
    first.and_then(|at| marks.get(at).copied())
}

/// What a field is, in upper case.
fn first_word(code: &str) -> String {
    split_word(code).0.to_ascii_uppercase()
}

/// The first word, and what stands behind it, with the quote that may end it.
fn split_word(code: &str) -> (&str, &str) {
    let code = code.trim_start();
    code.split_at(code.find(|letter: char| letter.is_whitespace() || letter == '"').unwrap_or(code.len()))
}

/// The words behind the first, without their quotes and with doubled backslashes made single.
fn arguments(code: &str) -> impl Iterator<Item = String> + '_ {
    let (_, rest) = split_word(code);
    let quoted = rest.split('"').enumerate();
    quoted.flat_map(|(number, piece)| {
        let words: Vec<String> = if number % 2 == 1 {
            vec![piece.replace("\\\\", "\\")]
        } else {
            piece.split_whitespace().map(|word| word.replace("\\\\", "\\")).collect()
        };
        words
    })
}

/// What a `QUOTE` field shows: its text, or the characters that its numbers stand for; `None` for any other.
fn quoted(code: &str) -> Option<String> {
    let code = code.trim();
    let rest = code.get(..5).filter(|word| word.eq_ignore_ascii_case("QUOTE")).and_then(|_| code.get(5..))?;
    let numbers: Option<String> =
        rest.split_whitespace().map(|word| word.parse::<u32>().ok().and_then(char::from_u32)).collect();
    Some(numbers.unwrap_or_else(|| rest.replace('"', "")))
}

#[cfg(test)]
mod tests {
    use mail::evidence::{Role, UnscannedReason};

    use super::*;
    use crate::budget::{Budget, Limits, Meter, StopFlag};

    fn told(views: Views) -> Vec<(Role, String)> {
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        let members = views.into_members(0, &mut budget, &mut Meter::new(1)).0;
        members.into_iter().map(|member| (member.role, String::from_utf8(member.content).unwrap())).collect()
    }

    #[test]
    fn fields_that_act_are_told_from_those_that_show() {
        for (code, what) in [
            (" DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe \"/k calc\" ", Some(Active::Dde)),
            ("dde excel x", Some(Active::Dde)),
            ("INCLUDETEXT \"http://example.org/a.docx\"", Some(Active::RemoteTemplate)),
            ("INCLUDEPICTURE \"\\\\\\\\192.0.2.1\\\\a.png\" \\d", Some(Active::RemoteTemplate)),
            ("INCLUDEPICTURE \"http://example.org/a.png\" \\d", None),
            ("HYPERLINK \"http://example.org\"", None),
            ("HYPERLINK \"ms-msdt:/id x\"", Some(Active::Launch)),
            ("HYPERLINK\"ms-msdt:/id x\"", Some(Active::Launch)),
            ("HYPERLINK \"file://192.0.2.1/share/run.exe\"", Some(Active::Launch)),
            ("HYPERLINK \"javascript:x\"", Some(Active::Launch)),
            ("PAGE", None),
            ("DDEFOO x", None),
        ] {
            let mut views = Views::default();
            tell(code, &mut views);
            let expected: Vec<_> = what.into_iter().map(|what| (Role::Active(what), code.trim().to_owned())).collect();
            assert_eq!(told(views), expected, "{code}");
        }
    }

    #[test]
    fn nested_quotes_make_up_a_code() {
        let (mut fields, mut views) = (Fields::default(), Views::default());
        fields.begin();
        fields.begin();
        fields.code("QUOTE 68 68 ");
        fields.code("69 65 85 84 79");
        fields.separate();
        fields.code("ignored");
        fields.end(&mut views);
        fields.code(" cmd");
        fields.finish(&mut views);
        assert_eq!(told(views), [(Role::Active(Active::Dde), "DDEAUTO cmd".to_owned())]);
    }

    #[test]
    fn the_places_of_codes_that_act_are_those_that_are_told() {
        let mark = |kind: &str| format!("<w:fldChar w:fldCharType='{kind}'/>");
        let code = |text: &str| format!("<w:instrText>{text}</w:instrText>");
        let text = [
            "\u{feff}<w:p><!-- <w:instrText>DDE a</w:instrText> -->",
            &mark("begin"),
            &code("PAGE"),
            &mark("end"),
            &mark("begin"),
            &code("DD"),
            &code(""),
            &mark("begin"),
            &code("QUOTE 69"),
            &mark("end"),
            &code("AU<b>TO</b> c:\\x"),
            &mark("separate"),
            &code("shown"),
            &mark("end"),
            &mark("begin"),
            &code("INCLUDETEXT http://example.org/a"),
        ]
        .concat();
        let found: Vec<_> = places(&text).into_iter().map(|(what, at)| (what, &text[at..at + 4])).collect();
        let dde = Some(Active::Dde);
        let expected = [(dde, "DD</"), (dde, "QUOT"), (dde, "AU<b"), (Some(Active::RemoteTemplate), "INCL")];
        assert_eq!(found, expected);
        let deep = [mark("begin").repeat(70), code("PAGE")].concat();
        assert!(matches!(&places(&deep)[..], [(None, _)]));
    }

    #[test]
    fn fields_may_be_deeper_than_the_limit() {
        let (mut fields, mut views) = (Fields::default(), Views::default());
        for _ in 0..100_000 {
            fields.begin();
        }
        fields.code("DDE a b");
        for _ in 0..100_000 {
            fields.end(&mut views);
        }
        fields.finish(&mut views);
        assert_eq!(told(views), [(Role::Active(Active::Dde), "DDE a b".to_owned())]);
    }

    /// What is told of codes, each a field in those before, and whether a limit is.
    fn nested(codes: &[String]) -> (usize, bool) {
        let (mut fields, mut views) = (Fields::default(), Views::default());
        for code in codes {
            fields.begin();
            fields.code(code);
        }
        fields.finish(&mut views);
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        let (members, problems) = views.into_members(0, &mut budget, &mut Meter::new(1));
        (members.len(), problems == [UnscannedReason::LimitObjects])
    }

    #[test]
    fn what_is_beyond_the_limits_of_a_code_is_told_and_blanks_are_not_counted() {
        let (blank, dde) = (" ".repeat(2 * MAX_CODE), "DDEAUTO cmd".to_owned());
        let remote = |fill: &str| format!("INCLUDETEXT {fill}\"http://example.org/a.docx\"");
        let deep = |depth: usize| [vec!["IF ".to_owned(); depth], vec![dde.clone()]].concat();
        for (codes, expected) in [
            (vec![format!("{blank}{dde}")], (1, false)),
            (vec![remote(&blank)], (0, true)),
            (vec![remote("")], (1, false)),
            // What a bibliography keeps in its fields is long.
            (vec![format!("ADDIN ZOTERO_ITEM {}", "x".repeat(2 * MAX_CODE))], (0, false)),
            (deep(MAX_DEPTH - 1), (1, false)),
            (deep(MAX_DEPTH), (0, true)),
        ] {
            let start: String = codes.concat().trim_start().chars().take(30).collect();
            assert_eq!(nested(&codes), expected, "{start}");
        }
    }
}
