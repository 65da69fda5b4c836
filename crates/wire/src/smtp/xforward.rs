//! XFORWARD: who the client of a proxy is, told by a trusted peer (Postfix's extension).
//!
//! Limits: a value has at most [`VALUE_MAX`] bytes decoded, a command we write [`COMMAND_MAX`] with its CRLF. Older
//! peers send values that are not xtext; such a value is taken as it stands.

use std::net::IpAddr;

use super::xtext;

/// Longest value, decoded, in bytes.
pub const VALUE_MAX: usize = 255;
/// Longest XFORWARD command that is written, CRLF counted, in octets.
pub const COMMAND_MAX: usize = 512;
/// The value of an attribute that is not known.
pub const UNAVAILABLE: &str = "[UNAVAILABLE]";

/// An attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum XforwardName {
    /// The client's host name.
    Name,
    /// The client's address.
    Addr,
    /// The client's port.
    Port,
    /// SMTP or ESMTP.
    Proto,
    /// The client's HELO or EHLO name.
    Helo,
    /// The message's identity at the peer.
    Ident,
    /// LOCAL or REMOTE.
    Source,
}

const NAMES: &[(XforwardName, &str)] = &[
    (XforwardName::Name, "NAME"),
    (XforwardName::Addr, "ADDR"),
    (XforwardName::Port, "PORT"),
    (XforwardName::Proto, "PROTO"),
    (XforwardName::Helo, "HELO"),
    (XforwardName::Ident, "IDENT"),
    (XforwardName::Source, "SOURCE"),
];

impl XforwardName {
    /// Every attribute.
    pub fn all() -> Vec<XforwardName> {
        NAMES.iter().map(|(name, _)| *name).collect()
    }

    /// The attribute of this name, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        NAMES.iter().find(|(_, text)| text.eq_ignore_ascii_case(word)).map(|(name, _)| *name)
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(name, _)| *name == self).map_or("", |(_, text)| *text)
    }
}

/// An address as ADDR carries it: IPv6 behind `IPV6:`.
pub fn address(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("IPV6:{ip}"),
    }
}

/// Reads the arguments of XFORWARD. `None` if they are malformed, too long, or hold an unknown attribute or one twice.
pub fn parse(arguments: &str) -> Option<Vec<(XforwardName, String)>> {
    parse_attributes(arguments, XforwardName::parse)
}

/// Reads `name=value` words of the names that `known` knows.
pub(super) fn parse_attributes<N: PartialEq>(
    arguments: &str,
    known: impl Fn(&str) -> Option<N>,
) -> Option<Vec<(N, String)>> {
    let mut found: Vec<(N, String)> = Vec::new();
    for word in arguments.split(' ').filter(|w| !w.is_empty()) {
        let (name, value) = word.split_once('=')?;
        let name = known(name)?;
        let value = match xtext::decode(value) {
            Some(bytes) => String::from_utf8(bytes).ok()?,
            None => value.to_owned(),
        };
        let fine = value.len() <= VALUE_MAX && !value.is_empty() && !value.chars().any(char::is_control);
        if !fine || found.iter().any(|(seen, _)| *seen == name) {
            return None;
        }
        found.push((name, value));
    }
    (!found.is_empty()).then_some(found)
}

/// The commands, without CRLF, that carry these attributes: each at most [`COMMAND_MAX`] octets, ADDR last. A value
/// longer than [`VALUE_MAX`], empty, or too long for a command of its own goes as [`UNAVAILABLE`].
pub fn commands(attributes: &[(XforwardName, &str)]) -> Vec<String> {
    const VERB: &str = "XFORWARD";
    let room = COMMAND_MAX.saturating_sub(2);
    let (address, others): (Vec<_>, Vec<_>) = attributes.iter().partition(|(name, _)| *name == XforwardName::Addr);
    let mut commands = Vec::new();
    let mut command = VERB.to_owned();
    for (name, value) in others.into_iter().chain(address) {
        let mut word = format!(" {}={}", name.as_str(), xtext::encode(value.as_bytes()));
        let too_long = value.len() > VALUE_MAX || VERB.len().saturating_add(word.len()) > room;
        if too_long || value.is_empty() {
            word = format!(" {}={UNAVAILABLE}", name.as_str());
        }
        if command.len().saturating_add(word.len()) > room {
            commands.push(std::mem::replace(&mut command, VERB.to_owned()));
        }
        command.push_str(&word);
    }
    if command != VERB {
        commands.push(command);
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;
    use XforwardName::{Addr, Helo, Name, Port, Proto};

    type Case = (&'static str, Option<Vec<(XforwardName, &'static str)>>);

    #[test]
    fn arguments_are_decoded_and_bounded() {
        let cases: &[Case] = &[
            ("NAME=a.example addr=192.0.2.1", Some(vec![(Name, "a.example"), (Addr, "192.0.2.1")])),
            ("NAME=a+2Bb+20c", Some(vec![(Name, "a+b c")])),
            ("HELO=old+style=x", Some(vec![(Helo, "old+style=x")])),
            ("NAME=[UNAVAILABLE]", Some(vec![(Name, UNAVAILABLE)])),
            ("", None),
            ("NAME", None),
            ("NAME=", None),
            ("COLOUR=red", None),
            ("NAME=a NAME=b", None),
            ("NAME=a+0D+0Ab", None),
            ("NAME=a+FF", None),
        ];
        for (text, expected) in cases {
            let found = parse(text);
            let found = found.as_ref().map(|list| list.iter().map(|(n, v)| (*n, v.as_str())).collect());
            assert_eq!(found, *expected, "{text}");
        }
        assert_eq!(parse(&format!("NAME={}", "a".repeat(256))), None);
    }

    #[test]
    fn commands_stay_below_their_limit_and_read_back() {
        let long = "\u{e9}".repeat(70);
        let attributes = [(Addr, "192.0.2.1"), (Name, long.as_str()), (Helo, long.as_str()), (Proto, "ESMTP")];
        let commands = commands(&attributes);
        assert_eq!(commands.len(), 2);
        let mut back = Vec::new();
        for command in &commands {
            assert!(command.len() + 2 <= COMMAND_MAX);
            back.extend(parse(command.strip_prefix("XFORWARD ").unwrap()).unwrap());
        }
        let back: Vec<_> = back.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(back, [(Name, long.as_str()), (Helo, long.as_str()), (Proto, "ESMTP"), (Addr, "192.0.2.1")]);
    }

    #[test]
    fn what_does_not_fit_goes_as_unavailable() {
        let long = "\u{e9}".repeat(100);
        assert_eq!(commands(&[(Helo, &long), (Port, "")]), ["XFORWARD HELO=[UNAVAILABLE] PORT=[UNAVAILABLE]"]);
        assert_eq!(commands(&[]), Vec::<String>::new());
    }

    #[test]
    fn ipv6_addresses_carry_their_tag() {
        assert_eq!(address("2001:db8::1".parse().unwrap()), "IPV6:2001:db8::1");
        assert_eq!(address("192.0.2.1".parse().unwrap()), "192.0.2.1");
    }
}
