//! Objects of PDF (ISO 32000-1, section 7.3) out of bytes that need not be right.
//!
//! Limits: [`MAX_NESTING`], beyond which arrays and dictionaries are read as if their brackets were not
//! there, and [`MAX_ITEMS`] values of one object. What is no token is passed over. Not handled:
//! generations of references; every version of an object is looked at anyway.

use crate::bytes::between;

/// Deepest nesting of arrays and dictionaries that is kept.
pub(super) const MAX_NESTING: usize = 48;
/// Most values in one object.
pub(super) const MAX_ITEMS: usize = 1 << 20;

/// One object.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, whole or not.
    Number(f64),
    /// A name, without its slash and with `#xx` undone.
    Name(Vec<u8>),
    /// A string, its escapes undone, decrypted.
    Text(Vec<u8>),
    /// Several values.
    Array(Vec<Value>),
    /// Values by names.
    Dict(Dict),
    /// The object of this number.
    Reference(u32),
}

/// A dictionary: every pair, in order, a key that occurs twice included.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Dict(pub Vec<(Vec<u8>, Value)>);

impl Dict {
    /// The value of a key; of several the last.
    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Whether a key has this name as its value.
    pub fn is(&self, key: &[u8], name: &[u8]) -> bool {
        matches!(self.get(key), Some(Value::Name(value)) if value == name)
    }
}

impl Value {
    /// The number it is.
    pub fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// A number that can stand for a place or a size.
    pub fn size(&self) -> Option<usize> {
        self.number().filter(|number| *number >= 0.0 && *number <= 4e15).map(|number| number as usize)
    }

    /// The name it is.
    pub fn name(&self) -> Option<&[u8]> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }

    /// The string it is.
    pub fn text(&self) -> Option<&[u8]> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The dictionary it is.
    pub fn dict(&self) -> Option<&Dict> {
        if let Self::Dict(dict) = self { Some(dict) } else { None }
    }

    /// The values of the array it is.
    pub fn array(&self) -> Option<&[Value]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The number of the object that it refers to.
    pub fn reference(&self) -> Option<u32> {
        if let Self::Reference(number) = self { Some(*number) } else { None }
    }
}

/// One token.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    Value(Value),
    Open(Bracket),
    Close(Bracket),
    /// A keyword or an operator.
    Word(&'a [u8]),
}

/// What encloses several values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bracket {
    Array,
    Dict,
}

/// White space (ISO 32000-1, table 1).
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

/// What ends a name, a number or a word.
fn is_delimiter(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// Undoes the encryption of a string.
pub(super) type Decrypt<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

/// Reads tokens.
pub(super) struct Lexer<'a> {
    pub(super) data: &'a [u8],
    pub(super) at: usize,
    pub(super) decrypt: Option<Decrypt<'a>>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self { data, at, decrypt: None }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.step();
        Some(byte)
    }

    /// Passes over white space and comments.
    pub(super) fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let rest = between(self.data, self.at, self.data.len());
                let line = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                self.at = self.at.saturating_add(line);
            } else if is_space(byte) {
                self.step();
            } else {
                return;
            }
        }
    }

    /// The next token; `None` at the end.
    pub(super) fn token(&mut self) -> Option<Token<'a>> {
        loop {
            self.skip_space();
            let start = self.at;
            let byte = self.bump()?;
            let next = self.peek();
            return Some(match byte {
                b'/' => Token::Value(Value::Name(self.name())),
                b'(' => Token::Value(Value::Text(self.decrypted(Self::literal))),
                b'<' if next == Some(b'<') => {
                    self.step();
                    Token::Open(Bracket::Dict)
                }
                b'<' => Token::Value(Value::Text(self.decrypted(Self::hex))),
                b'>' if next == Some(b'>') => {
                    self.step();
                    Token::Close(Bracket::Dict)
                }
                b'[' => Token::Open(Bracket::Array),
                b']' => Token::Close(Bracket::Array),
                b'>' | b')' | b'{' | b'}' => continue,
                _ => {
                    let word = self.word(start);
                    number(word).map_or(Token::Word(word), |number| Token::Value(Value::Number(number)))
                }
            });
        }
    }

    fn decrypted(&mut self, read: fn(&mut Self) -> Vec<u8>) -> Vec<u8> {
        let text = read(self);
        self.decrypt.map_or_else(|| text.clone(), |decrypt| decrypt(&text))
    }

    /// All up to the next delimiter.
    fn word(&mut self, start: usize) -> &'a [u8] {
        while self.peek().is_some_and(|byte| !is_delimiter(byte)) {
            self.step();
        }
        between(self.data, start, self.at)
    }

    fn name(&mut self) -> Vec<u8> {
        let start = self.at;
        let raw = self.word(start);
        if memchr::memchr(b'#', raw).is_none() {
            return raw.to_vec();
        }
        let mut name = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((&byte, behind)) = rest.split_first() {
            let pair = (behind.first().and_then(|b| digit(*b)), behind.get(1).and_then(|b| digit(*b)));
            if let (b'#', (Some(high), Some(low))) = (byte, pair) {
                name.push(high << 4 | low);
                rest = behind.get(2..).unwrap_or(&[]);
            } else {
                name.push(byte);
                rest = behind;
            }
        }
        name
    }

    /// A string in parentheses (7.3.4.2), behind the first one.
    fn literal(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut open = 1_usize;
        while let Some(byte) = self.bump() {
            match byte {
                b'(' => open = open.saturating_add(1),
                b')' => open = open.saturating_sub(1),
                b'\\' => {
                    self.escape(&mut text);
                    continue;
                }
                _ => {}
            }
            if open == 0 {
                break;
            }
            text.push(byte);
        }
        text
    }

    fn escape(&mut self, text: &mut Vec<u8>) {
        let Some(byte) = self.bump() else { return };
        text.push(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'\n' => return,
            b'\r' => {
                if self.peek() == Some(b'\n') {
                    self.step();
                }
                return;
            }
            b'0'..=b'7' => {
                let mut code = u32::from(byte & 7);
                for _ in 0..2 {
                    let Some(next @ b'0'..=b'7') = self.peek() else { break };
                    code = code << 3 | u32::from(next & 7);
                    self.step();
                }
                (code & 0xff) as u8
            }
            other => other,
        });
    }

    /// A string of hexadecimal digits (7.3.4.3), behind the first bracket.
    fn hex(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut high = None;
        while let Some(byte) = self.bump() {
            if byte == b'>' {
                break;
            }
            let Some(low) = digit(byte) else { continue };
            match high.take() {
                None => high = Some(low),
                Some(high) => text.push(high << 4 | low),
            }
        }
        text.extend(high.map(|high| high << 4));
        text
    }

    /// One object and what ends it: a keyword such as `endobj` or `stream`, or `None` at the end of the
    /// bytes. Brackets that nobody closed are closed there; the flag says that there were none.
    pub(super) fn object(&mut self) -> (Value, Option<&'a [u8]>, bool) {
        let mut stack = Stack { frames: vec![(None, Vec::new())], flat: 0, items: 0 };
        let end = loop {
            match self.token() {
                None => break None,
                Some(Token::Value(value)) => stack.push(value),
                Some(Token::Open(bracket)) => stack.open(bracket),
                Some(Token::Close(_)) => stack.close(),
                Some(Token::Word(word)) => match word {
                    b"true" => stack.push(Value::Bool(true)),
                    b"false" => stack.push(Value::Bool(false)),
                    b"null" => stack.push(Value::Null),
                    b"R" => stack.reference(),
                    _ if ends_object(word) => break Some(word),
                    _ => {}
                },
            }
            if stack.items > MAX_ITEMS {
                break None;
            }
        };
        let closed = end.is_some() || stack.frames.len() == 1;
        (stack.finish(), end, closed)
    }
}

/// Keywords at which an object is over, whatever is open. What is glued to them does not matter.
fn ends_object(word: &[u8]) -> bool {
    [&b"endobj"[..], b"stream", b"endstream", b"obj", b"xref", b"trailer", b"startxref"]
        .iter()
        .any(|end| word.starts_with(end))
}

/// What is open while an object is read.
struct Stack {
    frames: Vec<(Option<Bracket>, Vec<Value>)>,
    /// Brackets that were opened beyond [`MAX_NESTING`].
    flat: usize,
    items: usize,
}

impl Stack {
    fn push(&mut self, value: Value) {
        self.items = self.items.saturating_add(1);
        if let Some((_, values)) = self.frames.last_mut() {
            values.push(value);
        }
    }

    fn open(&mut self, bracket: Bracket) {
        if self.frames.len() > MAX_NESTING {
            self.flat = self.flat.saturating_add(1);
        } else {
            self.frames.push((Some(bracket), Vec::new()));
        }
    }

    fn close(&mut self) {
        if self.flat > 0 {
            self.flat = self.flat.saturating_sub(1);
        } else if self.frames.len() > 1
            && let Some((bracket, values)) = self.frames.pop()
        {
            self.push(if bracket == Some(Bracket::Dict) { Value::Dict(pairs(values)) } else { Value::Array(values) });
        }
    }

    /// The last two numbers are a reference.
    fn reference(&mut self) {
        let Some((_, values)) = self.frames.last_mut() else { return };
        if let [.., Value::Number(number), Value::Number(_)] = values.as_slice() {
            let number = *number;
            values.truncate(values.len().saturating_sub(2));
            values.push(Value::Reference(number.clamp(0.0, f64::from(u32::MAX)) as u32));
        }
    }

    fn finish(mut self) -> Value {
        self.flat = 0;
        while self.frames.len() > 1 {
            self.close();
        }
        self.frames.pop().and_then(|(_, values)| values.into_iter().next()).unwrap_or(Value::Null)
    }
}

/// Names and what follows each; what follows no name is left out.
fn pairs(values: Vec<Value>) -> Dict {
    let mut pairs = Vec::new();
    let mut values = values.into_iter();
    while let Some(key) = values.next() {
        if let Value::Name(key) = key {
            pairs.push((key, values.next().unwrap_or(Value::Null)));
        }
    }
    Dict(pairs)
}

/// A number; PDF has no exponents, and programs write `--5` and `4.`.
pub(super) fn number(word: &[u8]) -> Option<f64> {
    let digits = word.iter().position(|byte| !matches!(byte, b'+' | b'-')).unwrap_or(word.len());
    let (signs, rest) = word.split_at_checked(digits)?;
    let known = rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.' || *byte == b'-');
    if !known || !rest.iter().any(u8::is_ascii_digit) || rest.len() > 40 {
        return None;
    }
    // `12-34` is 12 to those who read it at all.
    let rest = rest.split(|byte| *byte == b'-').next().unwrap_or_default();
    let number: f64 = std::str::from_utf8(rest).ok()?.parse().ok()?;
    Some(if signs.contains(&b'-') { -number } else { number })
}

/// The value of a hexadecimal digit.
pub(super) fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        Lexer::new(text.as_bytes(), 0).object().0
    }

    #[test]
    fn strings_and_names_are_undone() {
        let cases = [
            ("(a(b)c)", "a(b)c"),
            (r"(\101\102\7)", "AB\u{7}"),
            ("(a\\\nb\\\r\nc\\))", "abc)"),
            ("<4a 53>", "JS"),
            ("<4a5>", "JP"),
            ("(open", "open"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), Value::Text(expected.into()), "{text}");
        }
        assert_eq!(read("/J#61vaScript"), Value::Name(b"JavaScript".into()));
        assert_eq!(read("/a#zz"), Value::Name(b"a#zz".into()));
    }

    #[test]
    fn dictionaries_keep_all_pairs_and_references() {
        let value = read("<</A 1/A 2 % comment\n/B[5 0 R/C(x)]/D<</E null>>");
        let dict = value.dict().unwrap();
        assert_eq!(dict.get(b"A"), Some(&Value::Number(2.0)));
        assert_eq!(dict.0.len(), 4);
        let items = [Value::Reference(5), Value::Name(b"C".into()), Value::Text(b"x".into())];
        assert_eq!(dict.get(b"B").unwrap().array(), Some(&items[..]));
    }

    #[test]
    fn nesting_has_an_end_and_loses_nothing() {
        let text = format!("{}/JS (x){}", "[".repeat(100_000), "]".repeat(100_000));
        let mut value = read(&text);
        let mut depth = 0;
        while let Value::Array(items) = value {
            depth += 1;
            value = items.into_iter().next().unwrap();
        }
        assert_eq!((depth, value), (MAX_NESTING, Value::Name(b"JS".into())));
    }

    #[test]
    fn numbers_are_what_readers_make_of_them() {
        let cases = [("12", Some(12.0)), ("-.5", Some(-0.5)), ("4.", Some(4.0)), ("--7", Some(-7.0)), ("1e5", None)];
        for (text, expected) in cases {
            assert_eq!(number(text.as_bytes()), expected, "{text}");
        }
    }
}
