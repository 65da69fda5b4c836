//! XCLIENT: a trusted peer asks to be taken for its client (Postfix's extension).
//!
//! Unlike XFORWARD this starts the session anew: the answer to a success is a greeting. Limits: those of
//! [`super::xforward`]. `[UNAVAILABLE]` and `[TEMPUNAVAIL]` stand for what the peer does not know.

use super::xforward;

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
}
