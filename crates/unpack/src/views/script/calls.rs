//! What known functions of JavaScript, Visual Basic and PowerShell make of constants.
//!
//! Limits: what they make is counted in the folder's work. A function that is not known here gives
//! nothing, and its arguments are looked at as they are.

use std::rc::Rc;

use mail::transfer;

use super::fold::Folder;
use super::lex::Units;
use super::value::{Value, bytes, bytes_of_numbers, join};

/// Most pieces that one text is split into.
const MAX_PIECES: usize = 1 << 20;

impl Folder {
    /// What a call gives. `name` is the last name of the function; `on` what it is called on.
    pub(super) fn call(&mut self, name: &[u8], on: &Value, args: &[Value]) -> Value {
        let size: usize = args.iter().map(Value::size).sum();
        let lower = name.to_ascii_lowercase();
        let lower = lower.strip_suffix(b"$").unwrap_or(&lower);
        if lower.len() > 24 || !self.spend(size.saturating_add(on.size())) {
            return Value::Unknown;
        }
        self.acts(lower, args);
        let first = args.first().unwrap_or(&Value::Unknown);
        let text = |value: &Value| value.units().filter(|_| !matches!(value, Value::Number(_)));
        let made = match lower {
            b"fromcharcode" | b"fromcodepoint" | b"chr" | b"chrw" | b"chrb" => characters(args),
            b"atob" | b"frombase64string" => {
                text(first).map(|text| Value::binary(&transfer::base64(&bytes(&text), usize::MAX).bytes))
            }
            b"unescape" | b"decodeuri" | b"decodeuricomponent" | b"urldecode" => {
                text(first).map(|text| Value::text(percent(&text)))
            }
            b"reverse" | b"strreverse" => {
                reversed(if lower == b"reverse" && first == &Value::Unknown { on } else { first })
            }
            b"join" | b"-join" => joined(on, args),
            b"split" | b"-split" => split(on, args),
            b"replace" | b"replaceall" | b"-replace" | b"-creplace" | b"-ireplace" => self.replaced(on, args),
            b"concat" => concatenated(on, args),
            b"-f" => text(on).map(|text| Value::text(formatted(&text, args))),
            b"tostring" | b"trim" | b"valueof" | b"cstr" | b"string" | b"getstring" | b"getbytes" | b"tochararray"
            | b"decode" | b"encode" | b"from" | b"of" | b"array" | b"uint8array" | b"blob" | b"file" | b"text" => {
                passed(on, args)
            }
            b"tolowercase" | b"lcase" | b"tolower" => cased(on, first, |unit| (65..91).contains(&unit)),
            b"touppercase" | b"ucase" | b"toupper" => cased(on, first, |unit| (97..123).contains(&unit)),
            b"substring" | b"slice" | b"substr" | b"mid" | b"left" | b"right" | b"charat" => part(lower, on, args),
            _ => None,
        };
        // What was made counts, so that nothing grows for free.
        made.filter(|value| self.spend(value.size())).unwrap_or(Value::Unknown)
    }

    /// Calls that act: what they execute, write or offer is kept.
    fn acts(&mut self, name: &[u8], args: &[Value]) {
        let last = args.last().unwrap_or(&Value::Unknown);
        match (name, last) {
            (b"eval" | b"execute" | b"executeglobal" | b"iex" | b"function" | b"settimeout", _) => {
                for value in args {
                    if let Value::Text(text) = value {
                        self.executes(text);
                    }
                }
            }
            (b"write" | b"writeln" | b"insertadjacenthtml", _) => self.writes(args),
            (b"mssaveoropenblob" | b"mssaveblob" | b"saveas", Value::Text(text)) => {
                self.found.names.push(Rc::clone(text));
            }
            (b"file", _) => {
                if let Some(Value::Text(text)) = args.get(1) {
                    self.found.names.push(Rc::clone(text));
                }
            }
            (b"setattribute", Value::Text(text)) => {
                let download = "download".encode_utf16();
                if matches!(args.first(), Some(Value::Text(key)) if key.iter().copied().eq(download)) {
                    self.found.names.push(Rc::clone(text));
                }
            }
            _ => {}
        }
    }

    fn replaced(&mut self, on: &Value, args: &[Value]) -> Option<Value> {
        let (on, what, with) = match (on, args) {
            (Value::Unknown, [on, what, with, ..]) => (on, what, with),
            (on, [what, with, ..]) => (on, what, with),
            // PowerShell's `-replace 'x'` takes it away.
            (on, [what]) => (on, what, &Value::Unknown),
            _ => return None,
        };
        let (on, with) = (on.units()?, with.units().unwrap_or_default());
        let (Value::Text(what) | Value::Pattern(what)) = what else { return None };
        let made = replace(&on, what, &with, matches!(args.iter().rev().nth(1), Some(Value::Pattern(_))))?;
        Some(Value::text(made))
    }
}

/// Replaces everywhere; a pattern may be plain text or one class of single letters.
fn replace(on: &[u16], what: &[u16], with: &[u16], pattern: bool) -> Option<Vec<u16>> {
    let special = |unit: &u16| u8::try_from(*unit).is_ok_and(|byte| b"\\^$.|?*+()[]{}".contains(&byte));
    let class = what.strip_prefix(&[u16::from(b'[')]).and_then(|what| what.strip_suffix(&[u16::from(b']')]));
    if let Some(class) = class.filter(|class| pattern && !class.iter().any(special) && class.len() < 64) {
        let mut out = Vec::new();
        for unit in on {
            if class.contains(unit) { out.extend_from_slice(with) } else { out.push(*unit) }
        }
        return Some(out);
    }
    if what.is_empty() || pattern && what.iter().any(special) {
        return None;
    }
    Some(join(&pieces(on, what), with))
}

/// A text between the occurrences of another, which is not empty. Linear: the needle is looked for
/// as bytes.
fn pieces(text: &[u16], needle: &[u16]) -> Vec<Units> {
    let wide = |text: &[u16]| text.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>();
    let (bytes, needle_bytes) = (wide(text), wide(needle));
    let mut all = Vec::new();
    let mut from = 0_usize;
    for at in memchr::memmem::find_iter(&bytes, &needle_bytes) {
        let (at, odd) = (at / 2, at % 2 == 1);
        if odd || at < from || all.len() >= MAX_PIECES {
            continue;
        }
        all.push(Rc::new(text.get(from..at).unwrap_or(&[]).to_vec()));
        from = at.saturating_add(needle.len());
    }
    all.push(Rc::new(text.get(from..).unwrap_or(&[]).to_vec()));
    all
}

/// Characters by their numbers.
fn characters(args: &[Value]) -> Option<Value> {
    let mut out = Vec::new();
    for value in args {
        match value {
            Value::Numbers(numbers) => out.extend(numbers.iter().map(|number| number.to_le_bytes()).map(low)),
            value => out.push(low(i32::try_from(value.number()?).ok()?.to_le_bytes())),
        }
    }
    (!args.is_empty()).then(|| Value::text(out))
}

fn low([a, b, _, _]: [u8; 4]) -> u16 {
    u16::from_le_bytes([a, b])
}

fn reversed(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Text(text) => Value::text(text.iter().rev().copied().collect()),
        Value::List(list) => Value::List(Rc::new(list.iter().rev().map(Rc::clone).collect())),
        Value::Numbers(list) => Value::Numbers(Rc::new(list.iter().rev().copied().collect())),
        _ => return None,
    })
}

/// A list joined: `list.join(sep)`, `Join(list, sep)`, `list -join sep`.
fn joined(on: &Value, args: &[Value]) -> Option<Value> {
    let (list, separator) = match (on, args) {
        (on @ (Value::List(_) | Value::Numbers(_) | Value::Text(_)), args) => (on, args.first()),
        (_, [list, rest @ ..]) => (list, rest.first()),
        _ => return None,
    };
    let separator = separator.and_then(Value::units);
    match list {
        Value::List(list) => {
            let default = Rc::new(vec![u16::from(b',')]);
            // `-join list` puts nothing between.
            let default = if matches!(on, Value::Unknown) { Units::default() } else { default };
            Some(Value::text(join(list, &separator.unwrap_or(default))))
        }
        Value::Text(text) => Some(Value::Text(Rc::clone(text))),
        _ => None,
    }
}

fn split(on: &Value, args: &[Value]) -> Option<Value> {
    let (text, separator) = match (on, args) {
        (Value::Text(text), args) => (text, args.first()),
        (Value::Unknown, [Value::Text(text), rest @ ..]) => (text, rest.first()),
        _ => return None,
    };
    let separator = match separator {
        Some(Value::Text(separator) | Value::Pattern(separator)) => Rc::clone(separator),
        _ => Rc::new(vec![u16::from(b' ')]),
    };
    // Letter by letter: the text itself stands for the list, which is only reversed or joined.
    if separator.is_empty() {
        return Some(Value::Text(Rc::clone(text)));
    }
    let list = pieces(text, &separator);
    let number = |text: &Units| String::from_utf16(text.get(..12).unwrap_or(text)).ok()?.trim().parse::<i32>().ok();
    if let Some(numbers) = list.iter().map(number).collect::<Option<Vec<i32>>>().filter(|all| all.len() > 8) {
        return Some(Value::Numbers(Rc::new(numbers)));
    }
    Some(Value::List(Rc::new(list)))
}

fn concatenated(on: &Value, args: &[Value]) -> Option<Value> {
    let all: Option<Vec<Units>> = std::iter::once(on).chain(args).map(Value::units).collect();
    Some(Value::text(join(&all?, &[])))
}

/// Functions that leave their value as it is, for our purpose.
fn passed(on: &Value, args: &[Value]) -> Option<Value> {
    match (on, args) {
        (Value::Unknown, [Value::Number(_)]) => None,
        (Value::Unknown, all)
            if all.len() > 1 && !matches!(all.first(), Some(Value::Numbers(_) | Value::List(_) | Value::Text(_))) =>
        {
            None
        }
        (Value::Unknown, [Value::List(list), ..]) => Some(Value::text(join(list, &[])))
            .filter(|_| list.len() == 1)
            .or_else(|| Some(Value::List(Rc::clone(list)))),
        (Value::Unknown, [value @ Value::Text(_)]) => Some(value.clone()),
        (Value::Unknown, [value @ Value::Numbers(_), ..]) => Some(value.clone()),
        (Value::Unknown, [Value::Text(_), ..]) => {
            let list: Option<Vec<Units>> = args.iter().map(Value::units).collect();
            list.map(|list| Value::List(Rc::new(list)))
        }
        (value @ (Value::Text(_) | Value::Numbers(_) | Value::Number(_)), _) => Some(value.clone()),
        _ => None,
    }
}

/// Upper or lower case: the letters that fit change.
fn cased(on: &Value, first: &Value, fits: impl Fn(u16) -> bool) -> Option<Value> {
    let ((Value::Text(text), _) | (_, Value::Text(text))) = (on, first) else { return None };
    let change = |unit: &u16| if fits(*unit) { *unit ^ 32 } else { *unit };
    Some(Value::text(text.iter().map(change).collect()))
}

/// Part of a text: Visual Basic counts from 1 and names the text first.
fn part(name: &[u8], on: &Value, args: &[Value]) -> Option<Value> {
    let (text, args) = match (on, args) {
        (Value::Text(text), args) => (text, args),
        (Value::Unknown, [Value::Text(text), rest @ ..]) => (text, rest),
        _ => return None,
    };
    let all = i64::try_from(text.len()).ok()?;
    let number = |at: usize| args.get(at).and_then(Value::number);
    let place = |number: i64| number.saturating_add(if number < 0 { all } else { 0 }).clamp(0, all);
    let (a, b) = (number(0)?, number(1));
    let (from, to) = match name {
        b"left" => (0, a),
        b"right" => (all.saturating_sub(a), all),
        b"mid" => (a.saturating_sub(1), b.map_or(all, |b| a.saturating_sub(1).saturating_add(b))),
        b"charat" => (a, a.saturating_add(1)),
        b"substr" => (place(a), b.map_or(all, |b| place(a).saturating_add(b))),
        b"slice" => (place(a), b.map_or(all, place)),
        _ => (a, b.unwrap_or(all)),
    };
    let (from, to) = (usize::try_from(from.clamp(0, all)).ok()?, usize::try_from(to.clamp(0, all)).ok()?);
    Some(Value::text(text.get(from..to).unwrap_or(&[]).to_vec()))
}

/// PowerShell's `"{1}{0}" -f a, b`.
fn formatted(text: &[u16], args: &[Value]) -> Vec<u16> {
    let parts: Vec<Units> = match args {
        [Value::List(list)] => list.to_vec(),
        args => args.iter().map(|value| value.units().unwrap_or_default()).collect(),
    };
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.iter().position(|unit| *unit == u16::from(b'{')) {
        out.extend_from_slice(rest.get(..at).unwrap_or(&[]));
        rest = rest.get(at.saturating_add(1)..).unwrap_or(&[]);
        let Some(end) = rest.iter().take(8).position(|unit| *unit == u16::from(b'}')) else { continue };
        let number = String::from_utf16_lossy(rest.get(..end).unwrap_or(&[])).parse::<usize>();
        // Bounded: the whole is as long as its parts are, each used a few times.
        if let Some(part) = number.ok().and_then(|at| parts.get(at)).filter(|part| part.len() < 4096) {
            out.extend_from_slice(part);
        }
        rest = rest.get(end.saturating_add(1)..).unwrap_or(&[]);
    }
    out.extend_from_slice(rest);
    out
}

/// `%41` and `%u0041` undone.
pub(super) fn percent(text: &[u16]) -> Vec<u16> {
    let hex = |at: usize, len: usize| {
        let digits = text.get(at..at.saturating_add(len))?;
        digits.iter().try_fold(0_u16, |sum, unit| {
            let digit = char::from_u32(u32::from(*unit))?.to_digit(16)?;
            Some(sum.wrapping_shl(4) | u16::try_from(digit).ok()?)
        })
    };
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0_usize;
    while let Some(unit) = text.get(at) {
        let wide = matches!(text.get(at.saturating_add(1)), Some(0x75 | 0x55));
        let (from, len) = if wide { (2_usize, 4_usize) } else { (1, 2) };
        match hex(at.saturating_add(from), len).filter(|_| *unit == u16::from(b'%')) {
            Some(code) => {
                out.push(code);
                at = at.saturating_add(from).saturating_add(len);
            }
            None => {
                out.push(*unit);
                at = at.saturating_add(1);
            }
        }
    }
    out
}

/// The bytes that a value stands for.
pub(super) fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Text(text) => Some(bytes(text)),
        Value::Numbers(numbers) => bytes_of_numbers(numbers),
        Value::List(list) => Some(bytes(&join(list, &[]))),
        _ => None,
    }
}
