//! Lines of an authentication exchange (RFC 4954): passed on unseen, except for the login name.
//!
//! Known mechanisms for the login name: PLAIN, LOGIN and XOAUTH2 in the client's first line. Others give none.
//! Limit: a login name has at most [`LOGIN_MAX`] bytes. The password is never kept.

use std::fmt;

use crate::secret::Secret;

/// Longest login name kept, in bytes.
pub const LOGIN_MAX: usize = 255;

/// An AUTH command. Its `Debug` form shows the mechanism only.
pub struct AuthCommand {
    /// The mechanism, upper case, one of those offered.
    pub mechanism: String,
    /// The initial response as it stands on the line, if there is one.
    pub initial: Option<Secret>,
}

impl AuthCommand {
    /// The whole command without CRLF, to be sent on.
    pub fn to_line(&self) -> Secret {
        let mut line = format!("AUTH {}", self.mechanism).into_bytes();
        if let Some(initial) = &self.initial {
            line.push(b' ');
            line.extend_from_slice(initial.expose());
        }
        Secret::new(line)
    }
}

impl fmt::Debug for AuthCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthCommand({}, ..)", self.mechanism)
    }
}

/// A client's answer to a 334, without CRLF. Its `Debug` form shows nothing.
pub struct AuthResponse(pub Secret);

impl fmt::Debug for AuthResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthResponse(..)")
    }
}

/// Whether a line can be part of an exchange: printable ASCII without blanks, as base64, `=` and `*` are.
pub(crate) fn is_exchange_line(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_graphic)
}

/// The login name in the client's first line of an exchange.
pub(crate) fn login(mechanism: &str, line: &[u8]) -> Option<String> {
    let decoded = Secret::new(base64_simd::STANDARD.decode_to_vec(line).ok()?);
    let name = match mechanism {
        "LOGIN" => decoded.expose(),
        "PLAIN" => decoded.expose().split(|&b| b == 0).nth(1)?,
        "XOAUTH2" => decoded.expose().strip_prefix(b"user=")?.split(|&b| b == 1).next()?,
        _ => return None,
    };
    let name = std::str::from_utf8(name).ok()?;
    let fine = !name.is_empty() && name.len() <= LOGIN_MAX && !name.chars().any(char::is_control);
    fine.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> Vec<u8> {
        base64_simd::STANDARD.encode_to_string(text).into_bytes()
    }

    #[test]
    fn login_names_are_found_by_mechanism() {
        let cases = [
            ("PLAIN", "\0user\0pass", Some("user")),
            ("PLAIN", "admin\0user\0pass", Some("user")),
            ("PLAIN", "no zeros", None),
            ("PLAIN", "\0\0pass", None),
            ("LOGIN", "user@example.org", Some("user@example.org")),
            ("LOGIN", "us\r\ner", None),
            ("XOAUTH2", "user=a@example.org\x01auth=Bearer t\x01\x01", Some("a@example.org")),
            ("CRAM-MD5", "user digest", None),
        ];
        for (mechanism, text, expected) in cases {
            assert_eq!(login(mechanism, &encoded(text)).as_deref(), expected, "{mechanism} {text:?}");
        }
        assert_eq!(login("LOGIN", b"not base64!"), None);
        assert_eq!(login("LOGIN", &encoded(&"x".repeat(256))), None);
    }

    #[test]
    fn debug_shows_no_secret() {
        let command = AuthCommand { mechanism: "PLAIN".into(), initial: Some(Secret::new(b"hunter2".to_vec())) };
        let shown = format!("{command:?} {:?}", AuthResponse(Secret::new(b"hunter2".to_vec())));
        assert_eq!(shown, "AuthCommand(PLAIN, ..) AuthResponse(..)");
        assert_eq!(command.to_line().expose(), b"AUTH PLAIN hunter2");
    }
}
