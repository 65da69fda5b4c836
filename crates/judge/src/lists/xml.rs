//! A strict reader for the small XML files of lists (D-14): every mistake has its line and column.
//!
//! Reads elements, attributes, text, comments, the declaration at the beginning, the five entities of XML and
//! character references. What a list has no use for is refused: document types and with them all other entities,
//! processing instructions, CDATA sections. Limits: [`MAX_DEPTH`], [`MAX_ATTRIBUTES`], [`MAX_NAME`]; a caller bounds
//! the length of the text. One pass. Not handled: character sets other than UTF-8.

/// Most elements in one another.
const MAX_DEPTH: usize = 8;
/// Most attributes of one element.
const MAX_ATTRIBUTES: usize = 8;
/// Longest name of an element or attribute, and longest reference, in bytes.
const MAX_NAME: usize = 64;

/// A place in a text; both count from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    /// The line.
    pub(super) line: u32,
    /// The character in it.
    pub(super) column: u32,
}

/// What is wrong, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    pub(super) at: Position,
    pub(super) what: String,
}

/// A place to go back to.
#[derive(Clone, Copy)]
pub(super) struct Mark<'a> {
    rest: &'a str,
    pub(super) at: Position,
}

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Event {
    /// An element begins; one that is empty is followed by its end.
    Start { name: String, attributes: Vec<(String, String)> },
    /// The innermost element ends.
    End,
    /// Text in an element, references decoded; never empty.
    Text(String),
    /// The document is complete.
    Done,
}

/// The reader.
pub(super) struct Reader<'a> {
    rest: &'a str,
    at: Position,
    open: Vec<String>,
    /// The last start was of an empty element.
    closing: bool,
    begun: bool,
}

impl<'a> Reader<'a> {
    /// Of a document; a byte order mark and the declaration are read.
    pub(super) fn new(text: &'a str) -> Result<Self, Fault> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let at = Position { line: 1, column: 1 };
        let mut reader = Self { rest: text, at, open: Vec::new(), closing: false, begun: false };
        if reader.rest.starts_with("<?xml") {
            let Some(end) = reader.rest.find("?>") else { return Err(reader.fault("the declaration has no end")) };
            let declaration = reader.take(end.saturating_add(2)).to_ascii_lowercase();
            let other = declaration.contains("encoding") && !declaration.contains("utf-8");
            if other {
                return Err(Fault { at, what: "only UTF-8 is read".to_owned() });
            }
        }
        Ok(reader)
    }

    /// Where the reader is.
    pub(super) fn position(&self) -> Position {
        self.at
    }

    /// What is wrong here.
    pub(super) fn fault(&self, what: &str) -> Fault {
        Fault { at: self.at, what: what.to_owned() }
    }

    /// Where the reader is, for [`Self::back`].
    pub(super) fn mark(&self) -> Mark<'a> {
        Mark { rest: self.rest, at: self.at }
    }

    /// Goes back to a place in front of an element that has just begun.
    pub(super) fn back(&mut self, to: Mark<'a>) {
        (self.rest, self.at) = (to.rest, to.at);
    }

    /// Goes on behind a mistake: at the next start of an element of this name, which counts as one of the root's.
    /// `false`: there is none, or nobody can tell, because a comment or a CDATA section has no end.
    pub(super) fn resume(&mut self, root: &str, name: &str) -> bool {
        while let Some(at) = self.rest.find('<') {
            self.take(at);
            let inner = self.rest.get(1..).and_then(|rest| rest.strip_prefix(name));
            if inner.is_some_and(|rest| rest.starts_with([' ', '\t', '\r', '\n', '/', '>'])) {
                (self.open, self.closing) = (vec![root.to_owned()], false);
                return true;
            }
            // What stands in there is no element.
            let hidden =
                [("<!--", "-->"), ("<![CDATA[", "]]>")].into_iter().find(|(mark, _)| self.rest.starts_with(mark));
            let over = match hidden {
                Some((_, end)) => self.rest.find(end).map(|at| at.saturating_add(end.len())),
                None => Some(1),
            };
            let Some(over) = over else { return false };
            self.take(over);
        }
        false
    }

    /// Takes so many bytes; they end between characters.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        for c in taken.chars() {
            match c {
                '\n' => self.at = Position { line: self.at.line.saturating_add(1), column: 1 },
                _ => self.at.column = self.at.column.saturating_add(1),
            }
        }
        self.rest = rest;
        taken
    }

    fn blanks(&mut self) {
        let kept = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.take(self.rest.len().saturating_sub(kept.len()));
    }

    /// The next event.
    pub(super) fn next(&mut self) -> Result<Event, Fault> {
        if self.closing {
            self.closing = false;
            self.open.pop();
            return Ok(Event::End);
        }
        loop {
            if self.open.is_empty() {
                self.blanks();
                if self.rest.is_empty() {
                    return if self.begun { Ok(Event::Done) } else { Err(self.fault("there is no element")) };
                }
            }
            if self.rest.starts_with("<!--") {
                let Some(end) = self.rest.find("-->") else { return Err(self.fault("the comment has no end")) };
                self.take(end.saturating_add(3));
            } else if self.rest.starts_with("</") {
                return self.end();
            } else if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
                return Err(self.fault("a document type, CDATA section or instruction has no place in a list"));
            } else if self.rest.starts_with('<') {
                return self.start();
            } else if let Some(name) = self.open.last() {
                let end = self.rest.find('<').unwrap_or(self.rest.len());
                if end == self.rest.len() {
                    return Err(self.fault(&format!("<{name}> has no end")));
                }
                return self.text(end).map(Event::Text);
            } else {
                return Err(self.fault("text outside of every element"));
            }
        }
    }

    fn name(&mut self) -> Result<String, Fault> {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        let end = self.rest.find(|c| !fine(c)).unwrap_or(self.rest.len());
        let first = self.rest.chars().next().filter(|c| c.is_ascii_alphabetic() || *c == '_');
        if first.is_none() || end > MAX_NAME {
            return Err(self.fault("here is no name"));
        }
        Ok(self.take(end).to_owned())
    }

    fn end(&mut self) -> Result<Event, Fault> {
        let at = self.at;
        self.take(2);
        let name = self.name()?;
        self.blanks();
        if !self.rest.starts_with('>') {
            return Err(self.fault("expected \">\""));
        }
        self.take(1);
        match self.open.pop() {
            Some(open) if open == name => Ok(Event::End),
            Some(open) => Err(Fault { at, what: format!("</{name}> where </{open}> belongs") }),
            None => Err(Fault { at, what: format!("</{name}> ends nothing") }),
        }
    }

    fn start(&mut self) -> Result<Event, Fault> {
        if self.open.is_empty() && self.begun {
            return Err(self.fault("a second element outside of the first"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(self.fault("too many elements in one another"));
        }
        self.begun = true;
        self.take(1);
        let name = self.name()?;
        let mut attributes: Vec<(String, String)> = Vec::new();
        loop {
            let before = self.rest.len();
            self.blanks();
            if self.rest.starts_with("/>") {
                self.take(2);
                self.closing = true;
                break;
            }
            if self.rest.starts_with('>') {
                self.take(1);
                break;
            }
            if before == self.rest.len() {
                return Err(self.fault("expected a blank, \">\" or \"/>\""));
            }
            let at = self.at;
            let (key, value) = self.attribute()?;
            if attributes.len() >= MAX_ATTRIBUTES || attributes.iter().any(|(known, _)| *known == key) {
                return Err(Fault { at, what: format!("the attribute {key} is there twice, or there are too many") });
            }
            attributes.push((key, value));
        }
        self.open.push(name.clone());
        Ok(Event::Start { name, attributes })
    }

    fn attribute(&mut self) -> Result<(String, String), Fault> {
        let key = self.name()?;
        self.blanks();
        if !self.rest.starts_with('=') {
            return Err(self.fault("expected \"=\""));
        }
        self.take(1);
        self.blanks();
        let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return Err(self.fault("expected a value in quotes"));
        };
        self.take(1);
        let Some(end) = self.rest.find(quote) else { return Err(self.fault("the value has no end")) };
        if self.rest.get(..end).is_some_and(|value| value.contains('<')) {
            return Err(self.fault("\"<\" in a value"));
        }
        let value = self.text(end)?;
        self.take(1);
        Ok((key, value))
    }

    /// So many bytes of text, references decoded.
    fn text(&mut self, bytes: usize) -> Result<String, Fault> {
        let (mut left, mut out) = (bytes, String::new());
        while left > 0 {
            let here = self.rest.get(..left).unwrap_or(self.rest);
            if let Some(bad) = here.chars().next().filter(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n')) {
                return Err(self.fault(&format!("the control character {}", bad.escape_default())));
            }
            let taken = if here.starts_with('&') {
                let limit = here.get(..here.len().min(MAX_NAME)).unwrap_or(here);
                let Some(end) = limit.find(';') else { return Err(self.fault("\"&\" that begins no reference")) };
                let name = here.get(1..end).unwrap_or_default();
                let Some(c) = reference(name) else { return Err(self.fault(&format!("no such reference: &{name};"))) };
                out.push(c);
                end.saturating_add(1)
            } else {
                let stop = |c: char| c == '&' || (c.is_control() && !matches!(c, '\t' | '\r' | '\n'));
                let end = here.find(stop).unwrap_or(here.len());
                out.push_str(here.get(..end).unwrap_or_default());
                end
            };
            self.take(taken);
            left = left.saturating_sub(taken.max(1));
        }
        Ok(out)
    }
}

fn reference(name: &str) -> Option<char> {
    let number = match name {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        name => name.strip_prefix('#')?,
    };
    let code = match number.strip_prefix('x') {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).filter(|c| !c.is_control())
}

/// A text as it stands in an element or a value.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // Lists have one line each; nothing else that controls can be in them.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
