//! Constants of a script, put together: literals joined by operators, known functions of constants,
//! variables that were given one. No interpreter: nothing is executed in order of time, loops and
//! conditions are passed over, and what is not constant is unknown.
//!
//! Each token is read once; nothing is tried twice. Limits: [`MAX_DEPTH`] of nesting (deeper is
//! unknown), [`MAX_NAMES`], and [`Folder::new`]'s work, beyond which nothing is joined any more.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::blobs::{Blob, Blobs};
use super::lex::{Dialect, Kind, Lexer, Token, Units};
use super::operand::MAX_LIST;
use super::value::{Value, join};

/// Deepest nesting of parentheses and calls that is followed.
pub(super) const MAX_DEPTH: u32 = 40;
/// Most variables that are known.
const MAX_NAMES: usize = 20_000;
/// Longest name of a variable, in bytes.
const MAX_NAME: usize = 256;
/// Longest value of a variable that is shown where the variable is used, in units.
const MAX_SHOWN: usize = 1024;
/// Most scripts that scripts give to `eval` and the like.
const MAX_EVALS: usize = 1024;

/// What was found in scripts.
#[derive(Default)]
pub(crate) struct Folded {
    /// The scripts with their constants put together; empty where there was nothing to do.
    pub(crate) view: String,
    /// Files that constants hold.
    pub(crate) blobs: Vec<Blob>,
    /// Scripts that are executed, and were constants.
    pub(crate) evals: Vec<Units>,
    /// Documents that are written, and were constants.
    pub(crate) pages: Vec<Units>,
    /// Names that files are offered under.
    pub(crate) names: Vec<Units>,
    /// Whether work ended early.
    pub(crate) over: bool,
}

/// An expression that was read.
#[derive(Clone)]
pub(super) struct Read<'a> {
    pub(super) value: Value,
    pub(super) start: usize,
    pub(super) end: usize,
    /// How many steps made the value of what is written.
    pub(super) steps: u32,
    /// The name it ends with: of a variable, property or function.
    pub(super) name: Option<&'a [u8]>,
    /// It is a property of the value.
    pub(super) member: bool,
    /// A property's name that is a constant: `x["name"]`.
    pub(super) key: Option<Units>,
    /// It is a variable, as it stands.
    pub(super) variable: bool,
    /// `f.apply(null, …)`.
    pub(super) applied: bool,
}

/// Puts the constants of one or several scripts together; they share their variables.
pub(crate) struct Folder {
    pub(super) variables: BTreeMap<Vec<u8>, Value>,
    pub(super) blobs: Blobs,
    pub(super) found: Folded,
    /// Units that may still be made.
    work: usize,
    /// Something was beyond a limit that leaves the rest as it is.
    lost: bool,
    /// Places of the present script, and what stands there instead.
    shown: Vec<(usize, usize, Units)>,
}

/// The present script's tokens.
pub(super) struct Source<'a> {
    pub(super) lexer: Lexer<'a>,
    pub(super) token: Token<'a>,
    /// Where the token before it ended.
    pub(super) last: usize,
    pub(super) dialect: Dialect,
    /// Whose value is being made: its old one may be taken.
    pub(super) target: Option<(Vec<u8>, Option<Value>)>,
}

impl<'a> Source<'a> {
    pub(super) fn advance(&mut self) -> Token<'a> {
        let next = self.lexer.next();
        self.last = self.token.end;
        std::mem::replace(&mut self.token, next)
    }

    pub(super) fn is(&self, mark: u8) -> bool {
        self.token.kind == Kind::Mark(mark, 0)
    }

    pub(super) fn takes(&mut self, mark: u8) -> bool {
        let fits = self.is(mark);
        if fits {
            self.advance();
        }
        fits
    }

    /// A name as variables are kept.
    pub(super) fn key(&self, name: &[u8]) -> Vec<u8> {
        let name = name.get(..MAX_NAME).unwrap_or(name);
        if self.dialect == Dialect::Js { name.to_vec() } else { name.to_ascii_lowercase() }
    }
}

impl Folder {
    /// For scripts of so many bytes in all; `deflated`: constants may be raw Deflate.
    pub(crate) fn new(bytes: usize, deflated: bool) -> Self {
        let work = bytes.saturating_mul(16).saturating_add(4 << 20);
        let (variables, shown) = (BTreeMap::new(), Vec::new());
        Self { variables, blobs: Blobs::new(deflated), found: Folded::default(), work, lost: false, shown }
    }

    /// Reads a script.
    pub(crate) fn run(&mut self, script: &[u8], dialect: Dialect) {
        let mut lexer = Lexer::new(script, dialect);
        let token = lexer.next();
        let mut source = Source { lexer, token, last: 0, dialect, target: None };
        while source.token.kind != Kind::End {
            let before = source.token.start;
            let read = self.expression(&mut source, 0);
            self.let_go(read);
            if source.token.start == before {
                source.advance();
            }
        }
        self.show(script);
    }

    /// Everything that was found.
    pub(crate) fn finish(mut self) -> Folded {
        for value in std::mem::take(&mut self.variables).into_values() {
            self.test(&value);
        }
        self.found.over |= self.blobs.over || self.lost;
        self.found.blobs = self.blobs.found;
        self.found
    }

    /// Counts units that are made; `false` when there were enough.
    pub(super) fn spend(&mut self, units: usize) -> bool {
        match self.work.checked_sub(units) {
            Some(left) => self.work = left,
            None => {
                self.work = 0;
                self.found.over = true;
            }
        }
        !self.found.over
    }

    /// A constant that goes nowhere we know: it may hold a file.
    fn test(&mut self, value: &Value) {
        if self.spend(value.size()) {
            self.blobs.test(value);
        }
    }

    /// Something read that nothing is made of.
    pub(super) fn let_go(&mut self, read: Read<'_>) {
        let text = match &read.value {
            Value::Text(text) if read.steps > 0 => Some(text),
            _ => None,
        };
        if let Some(text) = text.filter(|text| !read.variable || text.len() <= MAX_SHOWN) {
            self.shows(read.start, read.end, text);
        }
        // What a variable holds is looked at once, at its end.
        if !read.variable {
            self.test(&read.value);
        }
    }

    /// A constant that is to stand in a place of the script, if it is text.
    fn shows(&mut self, start: usize, end: usize, text: &Units) {
        if !text.iter().any(|unit| matches!(unit, 0..=8 | 14..=31 | 127..=159)) {
            self.shown.push((start, end, Rc::clone(text)));
        }
    }

    /// The script with its constants in their places, if there are any.
    fn show(&mut self, script: &[u8]) {
        let mut shown = std::mem::take(&mut self.shown);
        if shown.is_empty() {
            return;
        }
        shown.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
        let mut at = 0_usize;
        let mut view = String::new();
        for (start, end, text) in shown {
            if start < at || !self.spend(text.len()) {
                continue;
            }
            view.push_str(&String::from_utf8_lossy(script.get(at..start).unwrap_or(&[])));
            view.push('"');
            view.push_str(&String::from_utf16_lossy(&text));
            view.push('"');
            at = end;
        }
        view.push_str(&String::from_utf8_lossy(script.get(at..).unwrap_or(&[])));
        if !self.found.view.is_empty() {
            self.found.view.push('\n');
        }
        self.found.view.push_str(&view);
    }

    /// An expression, and an assignment's right side.
    pub(super) fn expression<'a>(&mut self, source: &mut Source<'a>, depth: u32) -> Read<'a> {
        let left = self.sum(source, depth);
        let assigned = match source.token.kind {
            Kind::Mark(b'=', 0) => false,
            Kind::Mark(b'+', b'=') => true,
            _ => return left,
        };
        let Some(name) = left.name.filter(|_| depth < MAX_DEPTH) else { return left };
        source.advance();
        let (key, property) = (source.key(name), left.member);
        // So that nobody else has the old value.
        drop(left);
        let outer = source.target.take();
        if !property {
            // The old value is handed out once, so that it can grow in its place.
            let old = self.variables.remove(&key);
            source.target = Some((key.clone(), old));
        }
        let right = self.expression(source, depth.saturating_add(1));
        let old = source.target.take().and_then(|(_, old)| old);
        source.target = outer;
        self.assign(key, old, right, assigned)
    }

    /// Gives a variable its value; the value of it all is that too.
    fn assign<'a>(&mut self, key: Vec<u8>, old: Option<Value>, right: Read<'a>, add: bool) -> Read<'a> {
        let offered = matches!(key.as_slice(), b"download" | b"filename" | b"fileName");
        if let (true, Value::Text(name)) = (offered, &right.value) {
            self.found.names.push(Rc::clone(name));
        }
        let value = match (add, old) {
            (true, Some(old)) => self.add(old, right.value.clone()),
            (true, None) => Value::Unknown,
            (false, old) => {
                if let Some(old) = old {
                    self.test(&old);
                }
                right.value.clone()
            }
        };
        let (start, end, steps) = (right.start, right.end, right.steps);
        if let (Value::Text(text), true) = (&right.value, steps > 0 && !right.variable) {
            self.shows(start, end, text);
        }
        if value == Value::Unknown {
            self.let_go(right);
        } else if self.variables.len() < MAX_NAMES {
            self.variables.insert(key, value.clone());
        } else {
            // What is put together of it is not known any more.
            self.lost |= matches!(value, Value::Text(_));
            self.test(&value);
        }
        let value = if value.size() <= MAX_SHOWN { value } else { Value::Unknown };
        Read { value, start, end, steps: 0, name: None, member: false, key: None, variable: true, applied: false }
    }

    /// Terms with operators between, from the left.
    fn sum<'a>(&mut self, source: &mut Source<'a>, depth: u32) -> Read<'a> {
        let mut left = self.postfix(source, depth);
        loop {
            let operator = match (&source.token.kind, source.dialect) {
                (Kind::Mark(sign @ (b'+' | b'-' | b'*' | b'%'), 0), _) => *sign,
                (Kind::Mark(b'^', 0), Dialect::Js) => b'^',
                (Kind::Mark(b'&', 0), Dialect::Vb) => b'+',
                (Kind::Name(name), Dialect::Vb) if name.eq_ignore_ascii_case(b"xor") => b'^',
                _ => return left,
            };
            source.advance();
            if source.dialect == Dialect::Ps && operator == b'-' && matches!(source.token.kind, Kind::Name(_)) {
                left = self.dashed(source, left, depth);
                continue;
            }
            let right = self.postfix(source, depth);
            let known = left.value != Value::Unknown && right.value != Value::Unknown;
            if !known {
                let (start, end) = (left.start, right.end);
                self.let_go(left);
                self.let_go(right);
                left = unknown(start, end);
                continue;
            }
            let (start, end) = (left.start, right.end);
            let steps = left.steps.saturating_add(right.steps).saturating_add(1);
            let value = match (operator, left.value.number(), right.value.number(), &left.value) {
                (b'+', _, _, Value::Text(_)) => self.add(left.value, right.value),
                (b'+', _, _, _) if matches!(right.value, Value::Text(_)) => self.add(left.value, right.value),
                (b'+', Some(a), Some(b), _) => Value::Number(a.saturating_add(b)),
                (b'-', Some(a), Some(b), _) => Value::Number(a.saturating_sub(b)),
                (b'*', Some(a), Some(b), _) => Value::Number(a.saturating_mul(b)),
                (b'%', Some(a), Some(b), _) => a.checked_rem(b).map_or(Value::Unknown, Value::Number),
                (b'^', Some(a), Some(b), _) => Value::Number(a ^ b),
                _ => Value::Unknown,
            };
            left = Read { value, steps, ..unknown(start, end) };
        }
    }

    /// PowerShell's operators with a dash: `-join`, `-f`, `-replace`, `-split`, `-bxor`.
    pub(super) fn dashed<'a>(&mut self, source: &mut Source<'a>, left: Read<'a>, depth: u32) -> Read<'a> {
        let Kind::Name(name) = source.advance().kind else { return left };
        let mut args = vec![self.postfix(source, depth)];
        while source.is(b',') && args.len() < MAX_LIST {
            source.advance();
            args.push(self.postfix(source, depth));
        }
        let (start, end) = (left.start, args.last().map_or(left.end, |read| read.end));
        let name = [b"-", name].concat();
        let steps = left.steps.saturating_add(1);
        let values: Vec<Value> = args.iter().map(|read| read.value.clone()).collect();
        let value = self.call(&name, &left.value, &values);
        if value == Value::Unknown {
            self.let_go(left);
            args.into_iter().for_each(|read| self.let_go(read));
        }
        Read { value, steps, ..unknown(start, end) }
    }

    /// One text behind another; the first grows in its place where nobody else has it.
    fn add(&mut self, left: Value, right: Value) -> Value {
        let Some(tail) = right.units() else { return Value::Unknown };
        let Some(mut text) = left.units() else { return Value::Unknown };
        drop(left);
        let copied = if Rc::strong_count(&text) == 1 { 0 } else { text.len() };
        if !self.spend(tail.len().saturating_add(copied)) {
            return Value::Unknown;
        }
        Rc::make_mut(&mut text).extend_from_slice(&tail);
        Value::Text(text)
    }

    /// A value and what is done with it: properties, calls, places in it.
    pub(super) fn postfix<'a>(&mut self, source: &mut Source<'a>, depth: u32) -> Read<'a> {
        let mut read = self.operand(source, depth);
        if depth >= MAX_DEPTH {
            return read;
        }
        loop {
            let basic = source.dialect == Dialect::Vb;
            match source.token.kind {
                Kind::Mark(b'.', 0) | Kind::Mark(b':', b':') => {
                    source.advance();
                    let Kind::Name(name) = source.token.kind else { return read };
                    let end = source.advance().end;
                    read = self.property(read, name, end);
                }
                Kind::Mark(b'(', 0) => read = self.called(source, read, depth),
                Kind::Mark(b'[', 0) if !basic => {
                    source.advance();
                    let place = self.expression(source, depth.saturating_add(1));
                    source.takes(b']');
                    read = self.place(read, place, source.last);
                }
                _ => return read,
            }
        }
    }

    /// Keeps a script that is executed.
    pub(super) fn executes(&mut self, text: &Units) {
        if self.found.evals.len() >= MAX_EVALS {
            self.found.over = true;
        } else if self.spend(text.len()) {
            self.found.evals.push(Rc::clone(text));
        }
    }

    /// Keeps a document that is written.
    pub(super) fn writes(&mut self, all: &[Value]) {
        let texts: Vec<Units> = all.iter().filter_map(Value::units).collect();
        let text = join(&texts, &[]);
        if !text.contains(&u16::from(b'<')) {
            return;
        }
        if self.found.pages.len() >= MAX_EVALS {
            self.lost = true;
        } else if self.spend(text.len()) {
            self.found.pages.push(Rc::new(text));
        }
    }
}

/// Something that is not known.
pub(super) fn unknown<'a>(start: usize, end: usize) -> Read<'a> {
    Read {
        value: Value::Unknown,
        start,
        end,
        steps: 0,
        name: None,
        member: false,
        key: None,
        variable: false,
        applied: false,
    }
}
