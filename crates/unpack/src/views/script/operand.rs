//! The parts of an expression: literals, names, lists, calls, and places in values.

use std::rc::Rc;

use super::fold::{Folder, MAX_DEPTH, Read, Source, unknown};
use super::lex::{Dialect, Kind, Units};
use super::value::{Value, bytes};

/// Most arguments of a call, and members of a list that are not all plain numbers; of more, none is
/// part of it.
pub(super) const MAX_LIST: usize = 1 << 16;
/// Up to so many numbers are arguments one by one, more are a list.
const MAX_SINGLE: usize = 8;

impl Folder {
    /// `x.name`.
    pub(super) fn property<'a>(&mut self, read: Read<'a>, name: &'a [u8], end: usize) -> Read<'a> {
        if matches!(name, b"apply" | b"call" | b"bind") && read.name.is_some() {
            return Read { applied: true, end, ..read };
        }
        // The value stays as the receiver of a call that may follow.
        Read { name: Some(name), member: true, key: None, variable: false, end, ..read }
    }

    /// `x[place]`.
    pub(super) fn place<'a>(&mut self, read: Read<'a>, place: Read<'a>, end: usize) -> Read<'a> {
        let at = place.value.number().and_then(|at| usize::try_from(at).ok());
        let value = match (&read.value, at) {
            (Value::List(list), Some(at)) => list.get(at).map(|text| Value::Text(Rc::clone(text))),
            (Value::Numbers(list), Some(at)) => list.get(at).map(|number| Value::Number(i64::from(*number))),
            (Value::Text(text), Some(at)) => text.get(at).map(|unit| Value::text(vec![*unit])),
            (_, None) if matches!(place.value, Value::Text(_)) => {
                let Value::Text(key) = place.value else { return read };
                return Read { key: Some(key), name: Some(b""), member: true, variable: false, end, ..read };
            }
            _ => None,
        };
        let start = read.start;
        match value {
            Some(value) => Read { value, steps: 1, ..unknown(start, end) },
            None => {
                self.let_go(read);
                self.let_go(place);
                unknown(start, end)
            }
        }
    }

    /// A call's arguments, and what the call gives.
    pub(super) fn called<'a>(&mut self, source: &mut Source<'a>, read: Read<'a>, depth: u32) -> Read<'a> {
        source.advance();
        let (mut args, closed) = self.list(source, b')', depth);
        let end = source.last;
        let name = match &read.key {
            Some(key) => bytes(key),
            _ => read.name.unwrap_or(b"").to_vec(),
        };
        if read.applied && !args.is_empty() {
            args.remove(0);
        }
        let receiver = if read.member { read.value.clone() } else { Value::Unknown };
        let values: Vec<Value> = args.iter().map(|read| read.value.clone()).collect();
        let plain = name.is_empty() && values.len() == 1;
        let value = match values.first() {
            // `(x)(y)` is a call, `(y)` alone does not come here.
            _ if plain || !closed => Value::Unknown,
            _ => self.call(&name, &receiver, &values),
        };
        drop((values, receiver));
        if value == Value::Unknown {
            let start = read.start;
            self.let_go(Read { name: None, ..read });
            args.into_iter().for_each(|read| self.let_go(read));
            return unknown(start, end);
        }
        Read { value, steps: read.steps.saturating_add(1), ..unknown(read.start, end) }
    }

    /// Expressions with commas between, up to a closing sign; whether that came.
    fn list<'a>(&mut self, source: &mut Source<'a>, close: u8, depth: u32) -> (Vec<Read<'a>>, bool) {
        let start = source.token.start;
        if let Some(numbers) = source.lexer.numbers(start, close) {
            source.token = source.lexer.next();
            source.last = start;
            source.takes(close);
            let read = |value| Read { value, ..unknown(start, source.last) };
            if numbers.len() <= MAX_SINGLE {
                let all = numbers.into_iter().map(|number| read(Value::Number(i64::from(number))));
                return (all.collect(), true);
            }
            return (vec![read(Value::Numbers(Rc::new(numbers)))], true);
        }
        let mut all = Vec::new();
        loop {
            if source.takes(close) {
                return (all, true);
            }
            let before = source.token.start;
            let read = self.expression(source, depth.saturating_add(1));
            if source.token.start != before {
                if all.len() < MAX_LIST { all.push(read) } else { self.let_go(read) }
            }
            if !source.takes(b',') {
                let closed = source.takes(close) && all.len() < MAX_LIST;
                return (all, closed);
            }
        }
    }

    /// A literal, a name, something in parentheses or brackets.
    pub(super) fn operand<'a>(&mut self, source: &mut Source<'a>, depth: u32) -> Read<'a> {
        let (start, end) = (source.token.start, source.token.end);
        let value = match &source.token.kind {
            Kind::Text(text) => Value::Text(Rc::clone(text)),
            Kind::Number(number) => Value::Number(*number),
            Kind::Pattern(text) => Value::Pattern(Rc::clone(text)),
            Kind::Name(name) => return self.named(source, name, depth),
            Kind::Mark(b'(', 0) => return self.grouped(source, depth),
            Kind::Mark(b'[', 0) => return self.bracketed(source, depth),
            Kind::Mark(b'@', 0) if source.dialect == Dialect::Ps => {
                source.advance();
                return if depth < MAX_DEPTH { self.bracketed(source, depth) } else { unknown(start, end) };
            }
            Kind::Mark(b'-' | b'+', 0) => {
                let minus = source.takes(b'-') || !source.takes(b'+');
                return self.signed(source, minus, start, depth);
            }
            _ => return unknown(start, end),
        };
        source.advance();
        Read { value, ..unknown(start, end) }
    }

    /// A number with a sign, or PowerShell's `-join` before its list.
    fn signed<'a>(&mut self, source: &mut Source<'a>, minus: bool, start: usize, depth: u32) -> Read<'a> {
        if depth >= MAX_DEPTH {
            return unknown(start, source.token.start);
        }
        if let (Dialect::Ps, Kind::Name(_)) = (source.dialect, &source.token.kind) {
            return self.dashed(source, unknown(start, start), depth.saturating_add(1));
        }
        let read = self.postfix(source, depth.saturating_add(1));
        let value = match read.value.number() {
            Some(number) => Value::Number(if minus { number.saturating_neg() } else { number }),
            None => Value::Unknown,
        };
        Read { value, start, ..read }
    }

    fn named<'a>(&mut self, source: &mut Source<'a>, name: &'a [u8], depth: u32) -> Read<'a> {
        let token = source.advance();
        if matches!(name, b"new" | b"typeof" | b"return" | b"await" | b"void") && depth < MAX_DEPTH {
            let read = self.postfix(source, depth.saturating_add(1));
            return Read { start: token.start, ..read };
        }
        let key = source.key(name);
        let value = match source.target.as_mut().filter(|(target, _)| *target == key) {
            Some((_, old)) => old.take(),
            None => self.variables.get(&key).cloned(),
        };
        let known = value.is_some();
        Read {
            value: value.unwrap_or(Value::Unknown),
            steps: u32::from(known),
            name: Some(name),
            variable: true,
            ..unknown(token.start, token.end)
        }
    }

    fn grouped<'a>(&mut self, source: &mut Source<'a>, depth: u32) -> Read<'a> {
        let start = source.advance().start;
        if depth >= MAX_DEPTH {
            return unknown(start, source.token.start);
        }
        let (mut all, closed) = self.list(source, b')', depth);
        let end = source.last;
        let last = all.pop();
        if source.dialect == Dialect::Ps && !all.is_empty() {
            all.extend(last);
            return self.listed(all, start, end);
        }
        all.into_iter().for_each(|read| self.let_go(read));
        match last {
            Some(last) if closed => Read { start, end, name: None, ..last },
            Some(last) => last,
            None => unknown(start, start),
        }
    }

    /// A list, or PowerShell's type before a value.
    fn bracketed<'a>(&mut self, source: &mut Source<'a>, depth: u32) -> Read<'a> {
        let start = source.advance().start;
        if depth >= MAX_DEPTH {
            return unknown(start, source.token.start);
        }
        let close =
            if source.dialect == Dialect::Ps && !matches!(source.token.kind, Kind::Name(_)) { b')' } else { b']' };
        let (all, _) = self.list(source, close, depth);
        let end = source.last;
        let kind = all.last().and_then(|read| read.name).map(<[u8]>::to_ascii_lowercase);
        if let (Dialect::Ps, b']', Some(kind)) = (source.dialect, close, kind) {
            if source.token.kind == Kind::Mark(b':', b':') {
                return Read { name: None, ..unknown(start, end) };
            }
            let read = self.postfix(source, depth.saturating_add(1));
            let value = match (kind.as_slice(), &read.value) {
                (b"char", value) => self.call(b"chr", &Value::Unknown, std::slice::from_ref(value)),
                (_, value) => value.clone(),
            };
            return Read { value, start, steps: read.steps.saturating_add(1), variable: false, ..read };
        }
        self.listed(all, start, end)
    }

    /// A list of what was read: all numbers, or all texts.
    fn listed<'a>(&mut self, all: Vec<Read<'a>>, start: usize, end: usize) -> Read<'a> {
        let number = |read: &Read<'_>| match read.value {
            Value::Number(number) => i32::try_from(number).ok(),
            _ => None,
        };
        if let Some(numbers) = all.iter().map(number).collect::<Option<Vec<i32>>>().filter(|all| !all.is_empty()) {
            return Read { value: Value::Numbers(Rc::new(numbers)), ..unknown(start, end) };
        }
        if let [Read { value: value @ (Value::Numbers(_) | Value::List(_)), .. }] = all.as_slice() {
            return Read { value: value.clone(), ..unknown(start, end) };
        }
        match all.iter().map(|read| read.value.units()).collect::<Option<Vec<Units>>>() {
            Some(list) => Read { value: Value::List(Rc::new(list)), ..unknown(start, end) },
            None => {
                all.into_iter().for_each(|read| self.let_go(read));
                unknown(start, end)
            }
        }
    }
}
