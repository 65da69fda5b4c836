//! The macros of SPF records (RFC 7208 section 7).

/// The longest name that a macro may make; what is longer loses labels at its left.
const MAX_NAME: usize = 253;

/// What a piece stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Text(String),
    Expand { letter: u8, escape: bool, parts: usize, reverse: bool, delimiters: String },
}

/// A name with macros in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Spec(Vec<Piece>);

/// What macros stand for in one check.
#[derive(Clone, Debug)]
pub(super) struct Values<'a> {
    /// `local@domain`.
    pub(super) local: &'a str,
    /// Domain of the sender.
    pub(super) sender_domain: &'a str,
    /// The domain that is looked at now.
    pub(super) domain: &'a str,
    /// The client's address: dotted, or nibbles.
    pub(super) ip: &'a str,
    /// `in-addr` or `ip6`.
    pub(super) version: &'a str,
    /// What the client said in HELO.
    pub(super) helo: &'a str,
    /// The confirmed name of the client, or `unknown`.
    pub(super) confirmed: &'a str,
}

/// Reads a text that may hold macros.
///
/// # Errors
/// What is wrong with it.
pub(super) fn text(value: &str) -> Result<Spec, String> {
    // Letters that stand only in explanations are right in texts nobody expands.
    pieces(value, "slodiphvcrt").map(Spec)
}

/// Reads a domain that may hold macros.
///
/// # Errors
/// What is wrong with it.
pub(super) fn domain(value: &str) -> Result<Spec, String> {
    let pieces = pieces(value, "slodiphv")?;
    match pieces.last() {
        Some(Piece::Expand { .. }) => {}
        // Its last label has to be one that a top-level domain can have.
        Some(Piece::Text(text)) => {
            let text = text.strip_suffix('.').unwrap_or(text);
            let (before, label) = text.rsplit_once('.').ok_or("it is no domain")?;
            let fits = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && label.starts_with(|c: char| c.is_ascii_alphanumeric())
                && label.ends_with(|c: char| c.is_ascii_alphanumeric())
                && !label.chars().all(|c| c.is_ascii_digit());
            let first = pieces.len() == 1 && before.is_empty();
            if !fits || first {
                return Err("it is no domain".to_owned());
            }
        }
        None => return Err("the domain is missing".to_owned()),
    }
    Ok(Spec(pieces))
}

fn pieces(value: &str, letters: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = value;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '%' {
            if !('\x21'..='\x7e').contains(&c) {
                return Err("it holds characters that may not be there".to_owned());
            }
            literal.push(c);
            continue;
        }
        let next = rest.chars().next().ok_or("a % stands alone")?;
        rest = rest.get(1..).ok_or("a % stands alone")?;
        match next {
            '%' => literal.push('%'),
            '_' => literal.push(' '),
            '-' => literal.push_str("%20"),
            '{' => {
                let (inside, after) = rest.split_once('}').ok_or("a macro has no end")?;
                rest = after;
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                pieces.push(expansion(inside, letters)?);
            }
            _ => return Err("a % stands alone".to_owned()),
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Ok(pieces)
}

fn expansion(inside: &str, letters: &str) -> Result<Piece, String> {
    let mut chars = inside.chars();
    let letter = chars.next().ok_or("a macro is empty")?;
    let lower = letter.to_ascii_lowercase();
    if !letters.contains(lower) {
        return Err(format!("there is no macro {letter:?} here"));
    }
    let rest = chars.as_str();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at(digits);
    let parts = match number {
        "" => usize::MAX,
        // A number too large to read takes all there is.
        number => number.parse().unwrap_or(usize::MAX),
    };
    if parts == 0 {
        return Err("a macro takes no part at all".to_owned());
    }
    let reverse = rest.starts_with(['r', 'R']);
    let delimiters = if reverse { &rest[1..] } else { rest };
    if delimiters.chars().any(|c| !".-+,/_=".contains(c)) {
        return Err("a macro has an unknown delimiter".to_owned());
    }
    let delimiters = if delimiters.is_empty() { ".".to_owned() } else { delimiters.to_owned() };
    let escape = letter.is_ascii_uppercase();
    Ok(Piece::Expand { letter: u8::try_from(lower).unwrap_or(b's'), escape, parts, reverse, delimiters })
}

impl Spec {
    /// Whether the client's confirmed name is needed to expand it.
    pub(super) fn needs_name(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Expand { letter: b'p', .. }))
    }

    /// The name with everything in its place; without a final dot.
    pub(super) fn expand(&self, values: &Values<'_>) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Expand { letter, escape, parts, reverse, delimiters } => {
                    let value = values.get(*letter);
                    let mut list: Vec<&str> = value.split(|c| delimiters.contains(c)).collect();
                    if *reverse {
                        list.reverse();
                    }
                    let skip = list.len().saturating_sub(*parts);
                    let joined = list.get(skip..).unwrap_or_default().join(".");
                    if *escape { percent(&joined, &mut out) } else { out.push_str(&joined) }
                }
            }
        }
        let mut name = out.strip_suffix('.').unwrap_or(&out);
        while name.len() > MAX_NAME {
            match name.split_once('.') {
                Some((_, shorter)) => name = shorter,
                None => break,
            }
        }
        name.to_owned()
    }
}

impl Values<'_> {
    fn get(&self, letter: u8) -> String {
        match letter {
            b's' => format!("{}@{}", self.local, self.sender_domain),
            b'l' => self.local.to_owned(),
            b'o' => self.sender_domain.to_owned(),
            b'd' => self.domain.to_owned(),
            b'i' => self.ip.to_owned(),
            b'p' => self.confirmed.to_owned(),
            b'v' => self.version.to_owned(),
            b'h' => self.helo.to_owned(),
            _ => String::new(),
        }
    }
}

/// RFC 3986 section 2.1: everything but unreserved characters.
fn percent(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'_> = Values {
        local: "strong-bad",
        sender_domain: "email.example.com",
        domain: "email.example.com",
        ip: "192.0.2.3",
        version: "in-addr",
        helo: "mx.example.net",
        confirmed: "unknown",
    };

    /// The examples of RFC 7208 section 7.4.
    #[test]
    fn macros_expand_as_in_the_rfc() {
        let cases = [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
            ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
            ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
            ("%{S}.x%%y.example.com", "strong-bad%40email.example.com.x%y.example.com"),
        ];
        for (spec, expected) in cases {
            assert_eq!(domain(spec).unwrap().expand(&VALUES), expected, "{spec}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_loses_its_left() {
        let long = format!("{}.example.com", ["abcdefghij"; 30].join("."));
        let name = domain(&long).unwrap().expand(&VALUES);
        assert!(name.len() <= MAX_NAME && name.ends_with(".abcdefghij.example.com"));
    }
}
