//! What an Authentication-Results field states (RFC 8601 section 2.2), and its copy in an ARC chain.
//!
//! Comments are dropped, quotes taken off, and what stands inside either is never taken for a statement.
//! The reader is lenient about white space, as senders are; it gives pairs and says nothing of words that
//! stand alone, such as the authserv-id. At most [`MAX_STATEMENTS`] are read, of [`MAX_PROPERTIES`] each;
//! not handled: the version of a method, which is dropped.

/// Most statements of one field.
pub const MAX_STATEMENTS: usize = 64;
/// Most properties of one statement.
pub const MAX_PROPERTIES: usize = 16;
/// Most bytes of a field that are read.
const MAX_VALUE: usize = 64 * 1024;

/// One statement: `dmarc=pass header.from=example.org`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Statement {
    /// The method in lower case: `dmarc`.
    pub method: String,
    /// What came out, in lower case: `pass`.
    pub result: String,
    /// The rest: names in lower case, values as they stand.
    pub properties: Vec<(String, String)>,
}

impl Statement {
    /// The first property of this name.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What the field states, in its order.
pub fn statements(value: &[u8]) -> Vec<Statement> {
    let text = String::from_utf8_lossy(value.get(..MAX_VALUE).unwrap_or(value));
    let mut reader = Reader::default();
    for c in text.chars() {
        if reader.all.len() >= MAX_STATEMENTS {
            return reader.all;
        }
        reader.take(c);
    }
    reader.end_statement();
    reader.all
}

/// Reads characters, and puts pairs together.
#[derive(Default)]
struct Reader {
    all: Vec<Statement>,
    /// Pairs of the statement that is being read.
    pairs: Vec<(String, String)>,
    /// The word that is being read.
    word: Option<String>,
    /// The word before; the name of a pair if a `=` follows.
    name: Option<String>,
    /// A `=` stands behind the name.
    equals: bool,
    quoted: bool,
    escaped: bool,
    /// How deep in comments.
    depth: u32,
}

impl Reader {
    fn take(&mut self, c: char) {
        if std::mem::take(&mut self.escaped) {
            return self.push(c);
        }
        match c {
            '\\' if self.quoted || self.depth > 0 => self.escaped = true,
            '"' if self.depth == 0 => {
                self.quoted = !self.quoted;
                self.word.get_or_insert_default();
            }
            _ if self.quoted => self.push(c),
            '(' => {
                self.end_word();
                self.depth = self.depth.saturating_add(1);
            }
            ')' if self.depth > 0 => self.depth = self.depth.saturating_sub(1),
            _ if self.depth > 0 => {}
            ';' => self.end_statement(),
            // Within a value it is part of it: base64 ends so.
            '=' if self.equals && self.word.is_some() => self.push(c),
            '=' => {
                self.end_word();
                self.equals = true;
            }
            c if c.is_whitespace() => self.end_word(),
            c => self.push(c),
        }
    }

    fn push(&mut self, c: char) {
        if self.depth == 0 {
            self.word.get_or_insert_default().push(c);
        }
    }

    /// A word is a name, or the value of the name before.
    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        match (self.name.take(), std::mem::take(&mut self.equals)) {
            (Some(name), true) if self.pairs.len() <= MAX_PROPERTIES => self.pairs.push((name.to_lowercase(), word)),
            (_, true) => {}
            (_, false) => self.name = Some(word),
        }
    }

    fn end_statement(&mut self) {
        self.end_word();
        (self.name, self.equals) = (None, false);
        let mut pairs = std::mem::take(&mut self.pairs).into_iter();
        let Some((method, result)) = pairs.next() else { return };
        let method = method.split('/').next().unwrap_or_default().trim().to_owned();
        self.all.push(Statement { method, result: result.to_lowercase(), properties: pairs.collect() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `method=result name=value …`, one statement after the other.
    fn read(value: &str) -> String {
        let said = |it: &Statement| {
            let rest: String = it.properties.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            format!("{}={}{rest}", it.method, it.result)
        };
        statements(value.as_bytes()).iter().map(said).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn statements_are_read_as_they_are_written_in_practice() {
        for (value, expected) in [
            (" mx.example.org; none\r\n", ""),
            ("mx.example.org 1; spf=pass smtp.mailfrom=example.net", "spf=pass smtp.mailfrom=example.net"),
            (
                "i=1; mx.example.org;\r\n\tdkim=pass (good key) header.i=@example.com",
                "i=1|dkim=pass header.i=@example.com",
            ),
            ("x; DMARC=Pass (p=reject dis=none) Header.From=Example.org", "dmarc=pass header.from=Example.org"),
            (
                "x; dmarc = fail reason=\"a; b=c\" header.from = a.example;",
                "dmarc=fail reason=a; b=c header.from=a.example",
            ),
            ("x; dkim/1=pass header.b=AbC= header.s=\"s 1\"", "dkim=pass header.b=AbC= header.s=s 1"),
            ("x; spf=pass(fine)smtp.mailfrom=a", "spf=pass smtp.mailfrom=a"),
            ("x; = ; ==; a=; =b; a b=c", "b=c"),
        ] {
            assert_eq!(read(value), expected, "{value}");
        }
    }

    #[test]
    fn nothing_in_quotes_or_comments_is_a_statement() {
        for value in [
            "x; spf=none smtp.mailfrom=\"a; dmarc=pass header.from=bank.example\"",
            "x; spf=none (a; dmarc=pass header.from=bank.example)",
            "x; spf=none (a (b) \\) ; dmarc=pass header.from=bank.example)",
            "x; spf=none smtp.mailfrom=\"\\\"; dmarc=pass header.from=bank.example\"",
            "\"x; dmarc=pass header.from=bank.example\"",
            "x; spf=none (never closed ; dmarc=pass header.from=bank.example",
        ] {
            assert!(statements(value.as_bytes()).iter().all(|it| it.method != "dmarc"), "{value}");
        }
    }

    #[test]
    fn what_is_read_has_its_limits() {
        let many = "a=b;".repeat(1000);
        assert_eq!(statements(many.as_bytes()).len(), MAX_STATEMENTS);
        let long = format!("a=b {}", "c=d ".repeat(1000));
        assert!(statements(long.as_bytes())[0].properties.len() <= MAX_PROPERTIES);
        assert_eq!(statements(&b"a".repeat(1 << 20)).len(), 0);
    }
}
