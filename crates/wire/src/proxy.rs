//! The PROXY protocol, versions 1 and 2: whom a load balancer speaks for, in front of a connection's own bytes.
//!
//! A reader says how many bytes it surely needs next, so that nothing behind the header is read: that may be the first
//! bytes of TLS. Limits: [`V1_MAX`] bytes for version 1, [`V2_MAX`] for version 2 with all that is said beside the
//! addresses, which is passed over. Not handled: addresses of datagrams and unix sockets (no address then), checksums
//! and what else version 2 may say beside the addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Longest header of version 1 with its CRLF, in bytes.
pub const V1_MAX: usize = 107;
/// Longest header of version 2 that is taken, in bytes.
pub const V2_MAX: usize = 4096;
/// The least that both versions have, in bytes: `PROXY UNKNOWN` with CRLF.
const LEAST: usize = 15;
/// What version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of version 2 in front of the addresses.
const FIXED: usize = 16;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// The connection is the load balancer's own, or it does not know: the address of the connection counts.
    Own,
    /// It speaks for this client.
    Client(SocketAddr),
}

/// Why a header is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyFault {
    /// It does not begin like one.
    NoHeader,
    /// It is longer than what is taken.
    TooLong,
    /// What it says is not understood.
    Malformed,
}

impl std::fmt::Display for ProxyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoHeader => "there is no PROXY header",
            Self::TooLong => "the PROXY header is too long",
            Self::Malformed => "the PROXY header is not understood",
        })
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes more belong to the header in any case; at least 1.
    More(usize),
    /// The header is complete.
    Done(Header),
}

/// Looks at all that was read so far.
///
/// # Errors
/// What came is no header; the connection is of no use.
pub fn read(bytes: &[u8]) -> Result<Progress, ProxyFault> {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(a, b)| a == b);
    if bytes.len() < LEAST {
        let possible = begins(SIGNATURE) || begins(b"PROXY ");
        return if possible {
            Ok(Progress::More(LEAST.saturating_sub(bytes.len())))
        } else {
            Err(ProxyFault::NoHeader)
        };
    }
    if begins(SIGNATURE) {
        return version_2(bytes);
    }
    if begins(b"PROXY ") { version_1(bytes) } else { Err(ProxyFault::NoHeader) }
}

fn version_1(bytes: &[u8]) -> Result<Progress, ProxyFault> {
    let Some(text) = bytes.strip_suffix(b"\r\n") else {
        if bytes.contains(&b'\n') {
            return Err(ProxyFault::Malformed);
        }
        return if bytes.len() < V1_MAX { Ok(Progress::More(1)) } else { Err(ProxyFault::TooLong) };
    };
    let text = std::str::from_utf8(text).map_err(|_| ProxyFault::Malformed)?;
    let mut words = text.split(' ').skip(1);
    let mut word = || words.next().unwrap_or_default();
    let (family, source, target, port, target_port) = (word(), word(), word(), word(), word());
    let rest = words.next();
    if family == "UNKNOWN" {
        return Ok(Progress::Done(Header::Own));
    }
    let of_family = |text: &str| match family {
        "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::from),
        "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        _ => None,
    };
    let fine = of_family(target).is_some() && number(target_port).is_some() && rest.is_none();
    let client = of_family(source).zip(number(port)).filter(|_| fine).ok_or(ProxyFault::Malformed)?;
    Ok(Progress::Done(Header::Client(client.into())))
}

/// A port without a sign and without zeros in front.
fn number(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

fn version_2(bytes: &[u8]) -> Result<Progress, ProxyFault> {
    let Some(fixed) = bytes.get(SIGNATURE.len()..FIXED) else {
        return Ok(Progress::More(FIXED.saturating_sub(bytes.len())));
    };
    let &[version, family, high, low] = fixed else { return Err(ProxyFault::Malformed) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let whole = FIXED.saturating_add(length);
    if whole > V2_MAX {
        return Err(ProxyFault::TooLong);
    }
    let Some(rest) = bytes.get(FIXED..whole) else {
        return Ok(Progress::More(whole.saturating_sub(bytes.len())));
    };
    match version {
        0x20 => Ok(Progress::Done(Header::Own)),
        0x21 => addresses(family, rest).map(Progress::Done).ok_or(ProxyFault::Malformed),
        _ => Err(ProxyFault::Malformed),
    }
}

/// The source address of version 2; families without ports of TCP say nothing.
fn addresses(family: u8, rest: &[u8]) -> Option<Header> {
    let port = |at: usize| rest.get(at..at.saturating_add(2)).and_then(|b| b.try_into().ok()).map(u16::from_be_bytes);
    match family {
        0x11 => {
            let ip: [u8; 4] = rest.get(..4)?.try_into().ok()?;
            port(10)?;
            Some(Header::Client((IpAddr::from(ip), port(8)?).into()))
        }
        0x21 => {
            let ip: [u8; 16] = rest.get(..16)?.try_into().ok()?;
            port(34)?;
            Some(Header::Client((IpAddr::from(ip), port(32)?).into()))
        }
        0x00 | 0x12 | 0x22 | 0x31 | 0x32 => Some(Header::Own),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads as a pump does: never more than what is asked for.
    fn feed(input: &[u8]) -> Result<(Header, usize), Option<ProxyFault>> {
        let mut have = 0;
        loop {
            match read(&input[..have]).map_err(Some)? {
                Progress::Done(header) => return Ok((header, have)),
                Progress::More(more) => {
                    assert!(more > 0);
                    have += more;
                    if have > input.len() {
                        return Err(None);
                    }
                }
            }
        }
    }

    fn v2(version: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[version, family], &length, rest].concat()
    }

    fn client(text: &str) -> Header {
        Header::Client(text.parse().unwrap())
    }

    #[test]
    fn version_1_says_whom_it_speaks_for_and_nothing_behind_it_is_read() {
        let cases = [
            ("PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n", Ok(client("192.0.2.7:56324"))),
            ("PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n", Ok(client("[2001:db8::7]:1"))),
            ("PROXY UNKNOWN\r\n", Ok(Header::Own)),
            ("PROXY UNKNOWN ffff::1 x 1 2\r\n", Ok(Header::Own)),
            ("PROXY TCP4 2001:db8::7 198.51.100.1 1 2\r\n", Err(ProxyFault::Malformed)),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 70000 25\r\n", Err(ProxyFault::Malformed)),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 +1 25\r\n", Err(ProxyFault::Malformed)),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 01 25\r\n", Err(ProxyFault::Malformed)),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n", Err(ProxyFault::Malformed)),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n", Err(ProxyFault::Malformed)),
            ("PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n", Err(ProxyFault::Malformed)),
            ("PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n", Err(ProxyFault::Malformed)),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n\r\n", Err(ProxyFault::Malformed)),
            ("EHLO client.example.org\r\n", Err(ProxyFault::NoHeader)),
        ];
        for (text, expected) in cases {
            let mut input = text.as_bytes().to_vec();
            input.extend(b"EHLO x\r\n");
            assert_eq!(feed(&input), expected.map(|h| (h, text.len())).map_err(Some), "{text}");
        }
        assert_eq!(feed(&[b"PROXY UNKNOWN ".as_slice(), &[b'x'; 200]].concat()), Err(Some(ProxyFault::TooLong)));
        assert_eq!(feed(b"PROXY TCP4 192."), Err(None));
    }

    #[test]
    fn version_2_says_whom_it_speaks_for_and_the_rest_is_passed_over() {
        let v4 = [192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 4, 0, 25];
        let mut v6 = [0; 36];
        v6[..16].copy_from_slice(&"2001:db8::7".parse::<Ipv6Addr>().unwrap().octets());
        v6[33] = 9;
        let more = [v4.as_slice(), &[4, 0, 3, 1, 2, 3]].concat();
        let cases = [
            (v2(0x21, 0x11, &v4), Ok(client("192.0.2.7:56324"))),
            (v2(0x21, 0x11, &more), Ok(client("192.0.2.7:56324"))),
            (v2(0x21, 0x21, &v6), Ok(client("[2001:db8::7]:9"))),
            (v2(0x20, 0x11, &v4), Ok(Header::Own)),
            (v2(0x20, 0, &[]), Ok(Header::Own)),
            (v2(0x21, 0, &[1, 2]), Ok(Header::Own)),
            (v2(0x21, 0x31, &[0; 216]), Ok(Header::Own)),
            (v2(0x21, 0x11, &v4[..11]), Err(ProxyFault::Malformed)),
            (v2(0x21, 0x21, &v4), Err(ProxyFault::Malformed)),
            (v2(0x11, 0x11, &v4), Err(ProxyFault::Malformed)),
            (v2(0x22, 0x11, &v4), Err(ProxyFault::Malformed)),
            (v2(0x21, 0x99, &v4), Err(ProxyFault::Malformed)),
            (v2(0x21, 0x11, &[0; 5000]), Err(ProxyFault::TooLong)),
        ];
        for (header, expected) in cases {
            let input = [header.as_slice(), b"\x16\x03\x01"].concat();
            assert_eq!(feed(&input), expected.map(|h| (h, header.len())).map_err(Some), "{header:?}");
        }
        assert_eq!(feed(&v2(0x21, 0x11, &v4)[..20]), Err(None));
    }
}
