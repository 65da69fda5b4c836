//! Scripts as tokens: JavaScript, Visual Basic Script and PowerShell, as far as finding constants
//! needs. A string without an end stops at the end of its line, as the interpreters say.
//!
//! Not handled: `${…}` in template strings and `$x` in PowerShell's (left as written), numbers with
//! fractions (cut), names with letters beyond ASCII (one token a byte).

use std::rc::Rc;

use crate::bytes::between;

/// Longest regular expression, in bytes; a slash before more is an operator.
const MAX_PATTERN: usize = 1024;

/// The units of a text: UTF-16, as the interpreters have it.
pub(crate) type Units = Rc<Vec<u16>>;

/// The languages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    /// JavaScript, JScript.
    Js,
    /// Visual Basic, VBScript; names do not tell upper from lower case.
    Vb,
    /// PowerShell; the same of names.
    Ps,
}

/// What a token is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kind<'a> {
    /// A string, its escapes undone.
    Text(Units),
    /// A whole number.
    Number(i64),
    /// A name or keyword.
    Name(&'a [u8]),
    /// A regular expression's source.
    Pattern(Units),
    /// One sign, or two that belong together; the second is 0 where there is one.
    Mark(u8, u8),
    /// The end of the script.
    End,
}

/// A token and where it stands, in bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind<'a>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Reads tokens one after the other.
pub(crate) struct Lexer<'a> {
    data: &'a [u8],
    at: usize,
    dialect: Dialect,
    /// Whether the last token ends a value: then `/` divides, and `&H` is no number.
    after_value: bool,
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

/// Text as units.
pub(crate) fn units(text: &[u8]) -> Vec<u16> {
    String::from_utf8_lossy(text).encode_utf16().collect()
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(data: &'a [u8], dialect: Dialect) -> Self {
        Self { data, at: 0, dialect, after_value: false }
    }

    fn rest(&self) -> &'a [u8] {
        between(self.data, self.at, self.data.len())
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.data.len());
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.skip(memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()));
    }

    fn skip_behind(&mut self, end: &[u8]) {
        let rest = self.rest();
        self.skip(memchr::memmem::find(rest, end).map_or(rest.len(), |at| at.saturating_add(end.len())));
    }

    /// Passes over blanks and comments.
    fn blanks(&mut self) {
        loop {
            let before = self.at;
            let rest = self.rest();
            let second = rest.get(1).copied().unwrap_or(0);
            match (self.dialect, rest.first().copied()) {
                (_, Some(b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)) => self.skip(1),
                (Dialect::Js, Some(b'/')) if second == b'/' => self.skip_line(),
                (Dialect::Js, Some(b'/')) if second == b'*' => self.skip_behind(b"*/"),
                (Dialect::Js, Some(b'<')) if rest.starts_with(b"<!--") => self.skip_line(),
                (Dialect::Vb, Some(b'\'')) => self.skip_line(),
                (Dialect::Vb, Some(b'_')) if matches!(second, b'\r' | b'\n') => self.skip(1),
                (Dialect::Ps, Some(b'<')) if second == b'#' => self.skip_behind(b"#>"),
                (Dialect::Ps, Some(b'#')) => self.skip_line(),
                _ => {}
            }
            if self.at == before {
                return;
            }
        }
    }

    /// Several plain numbers with commas between, from an offset to a closing sign, which comes next;
    /// long lists are read so at a fraction of the cost. `None`, and nothing read, if it is anything
    /// else.
    pub(crate) fn numbers(&mut self, from: usize, close: u8) -> Option<Vec<i32>> {
        let data = between(self.data, from, self.data.len());
        let length = data.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'x' | b'X' | b'-' | b',' | b' ' | b'\t' | b'\r' | b'\n'))?;
        if data.get(length) != Some(&close) {
            return None;
        }
        let list = std::str::from_utf8(between(data, 0, length)).ok()?;
        let list = list.trim_end().strip_suffix(',').unwrap_or(list);
        let number = |text: &str| {
            let text = text.trim();
            let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
            hex.map_or_else(|| text.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok().map(u32::cast_signed))
        };
        let numbers = list.split(',').map(number).collect::<Option<Vec<i32>>>().filter(|all| all.len() > 1)?;
        (self.at, self.after_value) = (from.saturating_add(length), true);
        Some(numbers)
    }

    /// The next token.
    pub(crate) fn next(&mut self) -> Token<'a> {
        self.blanks();
        let start = self.at;
        let rest = self.rest();
        let kind = match rest.first().copied() {
            None => Kind::End,
            Some(quote @ (b'"' | b'\'')) => self.string(quote),
            Some(b'`') if self.dialect == Dialect::Js => self.string(b'`'),
            Some(b'/') if self.dialect == Dialect::Js && !self.after_value => self.pattern(),
            Some(b'0'..=b'9') => self.number(),
            Some(b'&') if self.is_hex_of_basic(rest) => self.basic_hex(),
            Some(byte) if is_name(byte) => {
                let length = rest.iter().take_while(|byte| is_name(**byte)).count();
                self.skip(length);
                Kind::Name(between(rest, 0, length))
            }
            Some(first) => {
                let second = rest.get(1).copied().unwrap_or(0);
                let double = matches!(
                    (first, second),
                    (b'=', b'=' | b'>')
                        | (b'+', b'=' | b'+')
                        | (b'-', b'-')
                        | (b'!' | b'<' | b'>', b'=')
                        | (b'&', b'&')
                        | (b'|', b'|')
                        | (b':', b':')
                );
                self.skip(if double { 2 } else { 1 });
                Kind::Mark(first, if double { second } else { 0 })
            }
        };
        self.after_value = matches!(kind, Kind::Text(_) | Kind::Number(_) | Kind::Mark(b')' | b']' | b'}', 0))
            || matches!(kind, Kind::Name(name) if !matches!(name, b"return" | b"typeof" | b"case" | b"in" | b"of"));
        Token { kind, start, end: self.at }
    }

    /// `&H41` where a value is expected.
    fn is_hex_of_basic(&self, rest: &[u8]) -> bool {
        let digit = rest.get(2).is_some_and(u8::is_ascii_hexdigit);
        self.dialect == Dialect::Vb && !self.after_value && matches!(rest.get(1), Some(b'h' | b'H')) && digit
    }

    fn basic_hex(&mut self) -> Kind<'a> {
        self.skip(2);
        Kind::Number(self.digits(16))
    }

    /// Digits of a radix; more than fit stay at the largest number.
    fn digits(&mut self, radix: u32) -> i64 {
        let rest = self.rest();
        let mut value = 0_i64;
        let mut length = 0_usize;
        while let Some(digit) = rest.get(length).and_then(|byte| char::from(*byte).to_digit(radix)) {
            value = value.saturating_mul(i64::from(radix)).saturating_add(i64::from(digit));
            length = length.saturating_add(1);
        }
        self.skip(length);
        value
    }

    fn number(&mut self) -> Kind<'a> {
        let value = if matches!(self.rest(), [b'0', b'x' | b'X', ..]) {
            self.skip(2);
            self.digits(16)
        } else {
            self.digits(10)
        };
        if matches!(self.rest(), [b'.', b'0'..=b'9', ..]) {
            self.skip(1);
            self.digits(10);
        }
        Kind::Number(value)
    }

    /// A string behind its opening quote.
    fn string(&mut self, quote: u8) -> Kind<'a> {
        self.skip(1);
        let mut out = Vec::new();
        let escape = match self.dialect {
            Dialect::Js => b'\\',
            Dialect::Ps if quote == b'"' => b'`',
            // Nothing is an escape: one that cannot stand before the quote.
            _ => quote,
        };
        loop {
            let rest = self.rest();
            let lines = self.dialect != Dialect::Ps && quote != b'`';
            let ends = |byte: &u8| *byte == quote || *byte == escape || lines && matches!(byte, b'\r' | b'\n');
            let length = rest.iter().position(ends).unwrap_or(rest.len());
            out.extend(units(between(rest, 0, length)));
            self.skip(length);
            match (rest.get(length).copied(), rest.get(length.saturating_add(1)).copied()) {
                (Some(byte), Some(next)) if byte == quote && next == quote && self.dialect != Dialect::Js => {
                    out.push(u16::from(quote));
                    self.skip(2);
                }
                (Some(byte), _) if byte == quote => {
                    self.skip(1);
                    break;
                }
                (Some(byte), _) if byte == escape => {
                    self.skip(1);
                    self.escape(&mut out);
                }
                _ => break,
            }
        }
        Kind::Text(Rc::new(out))
    }

    /// An escape behind its first sign.
    fn escape(&mut self, out: &mut Vec<u16>) {
        let rest = self.rest();
        let Some(byte) = rest.first().copied() else { return };
        let hex = |from: usize, len: usize| {
            let digits = rest.get(from..from.saturating_add(len))?;
            u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        self.skip(1);
        let simple = match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0' => 0,
            b'\r' | b'\n' if self.dialect == Dialect::Js => {
                self.skip(usize::from(byte == b'\r' && rest.get(1) == Some(&b'\n')));
                return;
            }
            b'x' if self.dialect == Dialect::Js => return self.unit(hex(1, 2), 2, out),
            b'u' if self.dialect == Dialect::Js && rest.get(1) == Some(&b'{') => {
                let length = rest.iter().take(9).position(|byte| *byte == b'}').unwrap_or(2);
                return self.unit(hex(2, length.saturating_sub(2)), length, out);
            }
            b'u' if self.dialect == Dialect::Js => return self.unit(hex(1, 4), 4, out),
            byte => byte,
        };
        out.push(u16::from(simple));
    }

    /// A character by its number, and how long that was.
    fn unit(&mut self, code: Option<u32>, length: usize, out: &mut Vec<u16>) {
        let Some(code) = code else { return };
        self.skip(length);
        match u16::try_from(code) {
            Ok(unit) => out.push(unit),
            Err(_) => out.extend(char::from_u32(code).unwrap_or(' ').encode_utf16(&mut [0; 2]).iter()),
        }
    }

    /// A regular expression, or a lone slash.
    fn pattern(&mut self) -> Kind<'a> {
        let rest = self.rest();
        let (mut at, mut class) = (1_usize, false);
        loop {
            match rest.get(at) {
                byte if at > MAX_PATTERN || matches!(byte, None | Some(b'\n' | b'\r')) => {
                    self.skip(1);
                    return Kind::Mark(b'/', 0);
                }
                Some(b'\\') => at = at.saturating_add(1),
                Some(b'[') => class = true,
                Some(b']') => class = false,
                Some(b'/') if !class => break,
                _ => {}
            }
            at = at.saturating_add(1);
        }
        let source = units(between(rest, 1, at));
        self.skip(at.saturating_add(1));
        let flags = self.rest().iter().take_while(|byte| byte.is_ascii_lowercase()).count();
        self.skip(flags);
        Kind::Pattern(Rc::new(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(script: &str, dialect: Dialect) -> String {
        let mut lexer = Lexer::new(script.as_bytes(), dialect);
        let mut out = Vec::new();
        loop {
            out.push(match lexer.next().kind {
                Kind::End => return out.join(" "),
                Kind::Text(text) => format!("{:?}", String::from_utf16_lossy(&text)),
                Kind::Number(number) => number.to_string(),
                Kind::Name(name) => String::from_utf8_lossy(name).into_owned(),
                Kind::Pattern(source) => format!("/{}/", String::from_utf16_lossy(&source)),
                Kind::Mark(first, 0) => char::from(first).to_string(),
                Kind::Mark(first, second) => format!("{}{}", char::from(first), char::from(second)),
            });
        }
    }

    #[test]
    fn scripts_are_read_as_their_interpreters_read_them() {
        let cases = [
            (Dialect::Js, r#"a="x\x41\u0042\u{43}\n\'"+'y'//c"#, "a = \"xABC\\n'\" + \"y\""),
            (Dialect::Js, "a /*x*/ = b / 2 / /[/\"]/g", "a = b / 2 / /[/\"]/"),
            (Dialect::Js, "s.replace(/x/g,'')", "s . replace ( /x/ , \"\" )"),
            (Dialect::Js, "'open\nb", "\"open\" b"),
            (Dialect::Js, "`a\nb`+0x1f+1.5", "\"a\\nb\" + 31 + 1"),
            (
                Dialect::Vb,
                "x = \"a\"\"b\" & Chr(&H41) 'c\ny = x _\n & \"\\\"",
                "x = \"a\\\"b\" & Chr ( 65 ) y = x & \"\\\\\"",
            ),
            (Dialect::Ps, "$a='it''s' # c\n$b=\"x`n`\"\"", "$a = \"it's\" $b = \"x\\n\\\"\""),
            (Dialect::Ps, "[Convert]::X('a') <# b #>", "[ Convert ] :: X ( \"a\" )"),
        ];
        for (dialect, script, expected) in cases {
            assert_eq!(shown(script, dialect), expected, "{script}");
        }
    }

    #[test]
    fn hostile_scripts_take_linear_time() {
        for piece in ["\"", "'", "/", "\\", "/*", "`", "\"\\", "0", "a", "/[", "&H", "<#", "\u{e9}"] {
            let script = piece.repeat(1 << 17);
            for dialect in [Dialect::Js, Dialect::Vb, Dialect::Ps] {
                let begun = testkit::CpuClock::now();
                let _text = shown(&script, dialect);
                assert!(begun.elapsed().as_secs() < 20, "{piece} {dialect:?}");
            }
        }
    }
}
