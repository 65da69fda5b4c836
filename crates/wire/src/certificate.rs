//! What a certificate says of itself: from when to when it counts, for which names, and its public key
//! (X.509, RFC 5280). None of it is checked here: who believes a certificate asks TLS.
//!
//! Limits: [`MAX_BYTES`], [`MAX_NAMES`], lengths of DER up to four bytes. Not handled: names other than
//! DNS names and addresses, and a name in the subject alone, which counts nowhere any more (RFC 9525).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// Largest certificate, in bytes.
pub const MAX_BYTES: usize = 64 << 10;
/// Most names of one certificate that are kept.
pub const MAX_NAMES: usize = 200;
/// Most extensions of one certificate that are looked at.
const MAX_EXTENSIONS: usize = 100;
/// The extension of names: 2.5.29.17.
const ALTERNATIVE_NAMES: [u8; 3] = [0x55, 0x1d, 0x11];

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const ADDRESS: u8 = 0x87;

/// What a certificate says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// The first second in which it counts, since 1970 (UTC).
    pub not_before: u64,
    /// The last one.
    pub not_after: u64,
    /// DNS names in lower case, perhaps `*.example.org`, and addresses; printable ASCII only.
    pub names: Vec<String>,
    /// Where in the certificate its `SubjectPublicKeyInfo` is, with its own tag and length: what a TLSA
    /// record with selector 1 is about (RFC 6698 section 2.1.2).
    pub key: Range<usize>,
}

impl Facts {
    /// Whether the certificate is for this name: itself, or below a `*` that stands for one label.
    pub fn names(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let below = name.split_once('.').map(|(_, rest)| rest);
        self.names
            .iter()
            .any(|known| *known == name || known.strip_prefix("*.").is_some_and(|mask| Some(mask) == below))
    }
}

/// Reads a certificate in DER; `None` if it is none.
pub fn read(der: &[u8]) -> Option<Facts> {
    if der.len() > MAX_BYTES {
        return None;
    }
    let mut outer = Reader { der, at: 0, end: der.len() };
    let mut certificate = outer.enter(SEQUENCE)?;
    let mut signed = certificate.enter(SEQUENCE)?;
    if signed.peek() == Some(VERSION) {
        signed.next()?;
    }
    signed.expect(INTEGER)?;
    signed.expect(SEQUENCE)?; // how it is signed
    signed.expect(SEQUENCE)?; // who issued it
    let mut validity = signed.enter(SEQUENCE)?;
    let not_before = validity.time()?;
    let not_after = validity.time()?;
    signed.expect(SEQUENCE)?; // whose it is
    let start = signed.at;
    signed.expect(SEQUENCE)?;
    let key = start..signed.at;
    let mut names = Vec::new();
    while let Some((tag, body)) = signed.next() {
        if tag == EXTENSIONS {
            extensions(Reader { der, at: body.start, end: body.end }, &mut names);
        }
    }
    Some(Facts { not_before, not_after, names, key })
}

fn extensions(mut reader: Reader<'_>, names: &mut Vec<String>) -> Option<()> {
    let mut list = reader.enter(SEQUENCE)?;
    for _ in 0..MAX_EXTENSIONS {
        let mut extension = list.enter(SEQUENCE)?;
        let (tag, oid) = extension.next()?;
        if tag != OID || extension.der.get(oid) != Some(&ALTERNATIVE_NAMES) {
            continue;
        }
        // Whether it is critical may stand between.
        let mut value = extension.next()?;
        if value.0 != OCTETS {
            value = extension.next()?;
        }
        let mut inside = Reader { der: extension.der, at: value.1.start, end: value.1.end };
        let mut general = inside.enter(SEQUENCE)?;
        while let Some((tag, body)) = general.next().filter(|_| names.len() < MAX_NAMES) {
            names.extend(name(tag, general.der.get(body)?));
        }
    }
    None
}

fn name(tag: u8, bytes: &[u8]) -> Option<String> {
    match (tag, bytes.len()) {
        (DNS_NAME, 1..=255) if bytes.iter().all(u8::is_ascii_graphic) => {
            Some(String::from_utf8_lossy(bytes).to_ascii_lowercase())
        }
        (ADDRESS, 4) => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string()),
        (ADDRESS, 16) => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string()),
        _ => None,
    }
}

/// Values of DER, one behind the other.
struct Reader<'a> {
    der: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        (self.at < self.end).then(|| self.der.get(self.at).copied()).flatten()
    }

    /// The next value: its tag, and where its content is.
    fn next(&mut self) -> Option<(u8, Range<usize>)> {
        let tag = self.peek()?;
        let first = *self.der.get(self.at.checked_add(1)?)?;
        let mut start = self.at.checked_add(2)?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let count = usize::from(first & 0x7f);
            let bytes = self.der.get(start..start.checked_add(count)?).filter(|_| (1..=4).contains(&count))?;
            start = start.checked_add(count)?;
            let length = bytes.iter().fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
            usize::try_from(length).ok()?
        };
        let end = start.checked_add(length).filter(|end| *end <= self.end)?;
        self.at = end;
        Some((tag, start..end))
    }

    fn expect(&mut self, tag: u8) -> Option<Range<usize>> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, body)| body)
    }

    fn enter(&mut self, tag: u8) -> Option<Reader<'a>> {
        let body = self.expect(tag)?;
        Some(Reader { der: self.der, at: body.start, end: body.end })
    }

    /// A time, in seconds since 1970; one before is 0 (RFC 5280 section 4.1.2.5).
    fn time(&mut self) -> Option<u64> {
        let (tag, body) = self.next()?;
        let text = self.der.get(body)?;
        let (year, rest) = match tag {
            UTC_TIME => {
                let year = number(text.get(..2)?)?;
                (if year < 50 { year.checked_add(2000)? } else { year.checked_add(1900)? }, text.get(2..)?)
            }
            GENERALIZED_TIME => (number(text.get(..4)?)?, text.get(4..)?),
            _ => return None,
        };
        let part = |at: usize| rest.get(at..at.checked_add(2)?).and_then(number);
        let (month, day, hour, minute, second) = (part(0)?, part(2)?, part(4)?, part(6)?, part(8)?);
        let plausible = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
        if !plausible || rest.get(10..) != Some(b"Z") {
            return None;
        }
        seconds(days(year, month, day)?, hour, minute, second)
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit & 0x0f))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// Days since 1970; 0 for what lies before.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    // Days before each month of a year that is none of 366 days.
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    // How many 29ths of February there were before this year.
    let leaps = |year: u64| {
        let last = year.checked_sub(1)?;
        (last / 4).checked_sub(last / 100)?.checked_add(last / 400)
    };
    if year < 1970 {
        return Some(0);
    }
    let whole = year.checked_sub(1970)?.checked_mul(365)?.checked_add(leaps(year)?.checked_sub(leaps(1970)?)?)?;
    let month_start = *BEFORE.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    let extra = u64::from(leap && month > 2);
    whole.checked_add(month_start)?.checked_add(extra)?.checked_add(day.checked_sub(1)?)
}

fn seconds(days: u64, hour: u64, minute: u64, second: u64) -> Option<u64> {
    let hours = days.checked_mul(24)?.checked_add(hour)?;
    hours.checked_mul(60)?.checked_add(minute)?.checked_mul(60)?.checked_add(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_with_leap_years() {
        let cases = [
            ((1970, 1, 1), 0),
            ((1972, 3, 1), 790),
            ((2000, 3, 1), 11_017),
            ((2026, 11, 22), 20_779),
            ((1960, 5, 1), 0),
        ];
        for ((year, month, day), expected) in cases {
            assert_eq!(days(year, month, day), Some(expected), "{year}-{month}-{day}");
        }
        assert_eq!(days(2100, 3, 1).unwrap() - days(2100, 2, 28).unwrap(), 1, "2100 is no leap year");
    }

    #[test]
    fn both_forms_of_time_are_read_and_others_are_not() {
        let time = |tag: u8, text: &str| {
            let der = [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
            Reader { der: &der, at: 0, end: der.len() }.time()
        };
        assert_eq!(time(UTC_TIME, "260101000000Z"), Some(1_767_225_600));
        assert_eq!(time(GENERALIZED_TIME, "20260101000000Z"), Some(1_767_225_600));
        assert_eq!(time(UTC_TIME, "991231235959Z"), Some(946_684_799));
        for text in ["", "260101000000", "260101000000+0000", "26010100000aZ", "261301000000Z", "260132000000Z"] {
            assert_eq!(time(UTC_TIME, text), None, "{text}");
        }
    }

    #[test]
    fn a_star_stands_for_one_label() {
        let names = ["mx.example.org", "*.example.net"].map(str::to_owned).to_vec();
        let facts = Facts { not_before: 0, not_after: 0, names, key: 0..0 };
        for name in ["mx.example.org", "MX.example.org.", "a.example.net"] {
            assert!(facts.names(name), "{name}");
        }
        for name in ["example.org", "a.mx.example.org", "example.net", "a.b.example.net", "", "*.example.com"] {
            assert!(!facts.names(name), "{name}");
        }
    }
}
