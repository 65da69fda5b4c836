//! XCLIENT: a trusted peer asks to be taken for its client (Postfix's extension).
//!
//! Unlike XFORWARD this starts the session anew: the answer to a success is a greeting. Limits: those of
//! [`super::xforward`]. `[UNAVAILABLE]` and `[TEMPUNAVAIL]` stand for what the peer does not know.

use super::{xforward, xtext};

/// An attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum XclientName {
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
    /// Whom the client has logged in as.
    Login,
    /// The address that the client connected to.
    DestAddr,
    /// The port that the client connected to.
    DestPort,
}

const NAMES: &[(XclientName, &str)] = &[
    (XclientName::Name, "NAME"),
    (XclientName::Addr, "ADDR"),
    (XclientName::Port, "PORT"),
    (XclientName::Proto, "PROTO"),
    (XclientName::Helo, "HELO"),
    (XclientName::Login, "LOGIN"),
    (XclientName::DestAddr, "DESTADDR"),
    (XclientName::DestPort, "DESTPORT"),
];

impl XclientName {
    /// Every attribute.
    pub fn all() -> Vec<XclientName> {
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

/// Reads the arguments of XCLIENT. `None` if they are malformed, too long, or hold an unknown attribute or one twice.
pub fn parse(arguments: &str) -> Option<Vec<(XclientName, String)>> {
    xforward::parse_attributes(arguments, XclientName::parse)
}

/// The one command, without CRLF, that carries these attributes, of at most [`xforward::COMMAND_MAX`] octets; `None`
/// without any. It is one, because each would start the session anew. What is empty, has control
/// characters, is longer than [`xforward::VALUE_MAX`] or does not fit goes as [`xforward::UNAVAILABLE`].
pub fn command(attributes: &[(XclientName, &str)]) -> Option<String> {
    let word = |name: XclientName, value: &str| format!(" {}={value}", name.as_str());
    let unknown = |name| word(name, xforward::UNAVAILABLE);
    // With nothing known it fits: the names are few and short.
    let mut left = xforward::COMMAND_MAX.saturating_sub(2).saturating_sub("XCLIENT".len());
    left = attributes.iter().fold(left, |left, (name, _)| left.saturating_sub(unknown(*name).len()));
    let mut command = "XCLIENT".to_owned();
    for (name, value) in attributes {
        let known = word(*name, &xtext::encode(value.as_bytes()));
        let room = left.saturating_add(unknown(*name).len());
        let plain = !value.is_empty() && !value.chars().any(char::is_control);
        let fits = plain && value.len() <= xforward::VALUE_MAX && known.len() <= room;
        let chosen = if fits { known } else { unknown(*name) };
        left = room.saturating_sub(chosen.len());
        command.push_str(&chosen);
    }
    (!attributes.is_empty()).then_some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_decoded_and_bounded() {
        let read = parse("NAME=a+2Bb ADDR=IPv6:2001:db8::1 login=bob").unwrap();
        let expected =
            [(XclientName::Name, "a+b"), (XclientName::Addr, "IPv6:2001:db8::1"), (XclientName::Login, "bob")];
        assert_eq!(read.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>(), expected);
        for text in ["", "IDENT=x", "NAME=a NAME=b", "ADDR", "ADDR=", "HELO=a+0D+0Ab"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert!(XclientName::all().iter().all(|name| XclientName::parse(name.as_str()) == Some(*name)));
    }

    #[test]
    fn a_command_is_one_line_whatever_is_told() {
        let told = [
            (XclientName::Name, "a b.example"),
            (XclientName::Addr, "IPV6:2001:db8::1"),
            (XclientName::Helo, ""),
            (XclientName::Login, "x=y"),
        ];
        let line = "XCLIENT NAME=a+20b.example ADDR=IPV6:2001:db8::1 HELO=[UNAVAILABLE] LOGIN=x+3Dy";
        assert_eq!(command(&told).as_deref(), Some(line));
        assert_eq!(command(&[]), None);
        let long = "x".repeat(xforward::VALUE_MAX);
        let spelled = "=".repeat(xforward::VALUE_MAX);
        for values in [[long.as_str(); 4], [spelled.as_str(); 4], [long.as_str(), &spelled, "a\r\nb", &long]] {
            let told: Vec<_> = XclientName::all().into_iter().zip(values).collect();
            let line = command(&told).unwrap();
            assert!(line.len() + 2 <= xforward::COMMAND_MAX && !line.contains('\n'), "{line}");
            let read = parse(line.strip_prefix("XCLIENT ").unwrap()).unwrap();
            assert_eq!(read.len(), 4);
        }
        // What is short is told although what comes first is long.
        let told = [(XclientName::Name, long.as_str()), (XclientName::Helo, &long), (XclientName::Addr, "192.0.2.1")];
        assert!(command(&told).unwrap().ends_with(" ADDR=192.0.2.1"));
    }
}
