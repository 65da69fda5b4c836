//! The host of an address of the web, as browsers read it: escapes undone, letters in other styles made
//! plain, an IPv4 address in any of its notations (URL Standard, section "Host parsing").
//!
//! Linear; how long a host may be says its address ([`super::link`]), and no IPv4 address is read from one
//! above [`MAX_IPV4`]. Letters of other languages become what the DNS has for them, where it has something.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mail::header::percent_decode;
use mail::letters::{is_empty, is_variation, styled};

/// Longest host that is taken for an IPv4 address, in bytes: four numbers, with some zeros in front.
const MAX_IPV4: usize = 200;

/// The host that a browser goes to. An address of IPv6 loses its brackets. What is none stays as it is.
pub(super) fn canonical(written: &str) -> String {
    let decoded = match written.contains('%') {
        true => Cow::Owned(String::from_utf8_lossy(&percent_decode(written.as_bytes())).into_owned()),
        false => Cow::Borrowed(written),
    };
    let inside = decoded.strip_prefix('[').map(|rest| rest.trim_end_matches(']'));
    if let Some(ip) = inside.and_then(|inside| inside.parse::<Ipv6Addr>().ok()) {
        return IpAddr::V6(ip).to_canonical().to_string();
    }
    // Browsers leave the others out.
    let shown = decoded.chars().filter(|c| !is_empty(*c) && !is_variation(*c));
    let plain: String = shown.flat_map(plain).collect();
    let host = plain.trim_end_matches(['.', ',', ')', '>']);
    ipv4(host).map_or_else(|| mail::address::canonical(host).into_owned(), |ip| ip.to_string())
}

/// A character of a host as the DNS has it, but for letters of other languages.
fn plain(letter: char) -> std::char::ToLowercase {
    let letter = match letter {
        '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => '.',
        '\u{ff0d}' => '-',
        letter => styled(letter).unwrap_or(letter),
    };
    letter.to_lowercase()
}

/// An IPv4 address in decimal, octal or hexadecimal numbers, one to four of them; the last fills what is
/// left.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    if host.len() > MAX_IPV4 || !host.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut numbers = Vec::new();
    for part in host.split('.') {
        numbers.push(number(part).filter(|_| numbers.len() < 4)?);
    }
    let last = numbers.pop()?;
    let room = 32_u32.checked_sub(u32::try_from(numbers.len()).ok()?.checked_mul(8)?)?;
    if last.checked_shr(room).unwrap_or(0) != 0 {
        return None;
    }
    let mut value = u32::try_from(last).ok()?;
    for (number, shift) in numbers.iter().zip([24_u32, 16, 8]) {
        value |= u32::from(u8::try_from(*number).ok()?).checked_shl(shift)?;
    }
    Some(Ipv4Addr::from(value))
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some("") => return Some(0),
        Some(rest) => (rest, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let only_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(digits, radix).ok().filter(|_| only_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_those_that_browsers_go_to() {
        let cases = [
            ("bad.example", "bad.example"),
            ("bad%2eexample", "bad.example"),
            ("bad%2Eexampl%65.", "bad.example"),
            ("bad。example", "bad.example"),
            ("ｂａｄ．ｅｘａｍｐｌｅ", "bad.example"),
            ("ba\u{ad}d.exa\u{200b}mple", "bad.example"),
            ("BAD.Example", "bad.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("3221225985", "192.0.2.1"),
            ("0xC0000201", "192.0.2.1"),
            ("0300.0.2.1", "192.0.2.1"),
            ("192.0.513", "192.0.2.1"),
            ("192.513", "192.0.2.1"),
            ("0xc0.0.0x2.01", "192.0.2.1"),
            ("%31%39%32.0.2.1", "192.0.2.1"),
            ("192.0.2.1.5", "192.0.2.1.5"),
            ("192.0.2.256", "192.0.2.256"),
            ("192.0.2.08", "192.0.2.08"),
            ("4294967296", "4294967296"),
            ("192.0.2.-1", "192.0.2.-1"),
            ("192.0.2.+1", "192.0.2.+1"),
            ("7.example", "7.example"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("[::ffff:192.0.2.1]", "192.0.2.1"),
            ("%", "%"),
            ("%zz%4", "%zz%4"),
            ("", ""),
        ];
        for (written, expected) in cases {
            assert_eq!(canonical(written), expected, "{written}");
        }
    }
}
