//! Sockets to listen on that may stand in the file system, and their permissions.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Reader, Written};

/// A socket to listen on: in the file system, or an IP address and a port.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum SocketAddress {
    /// A socket in the file system.
    Unix(PathBuf),
    /// An IP address and a port; port 0 takes a free one.
    Inet(SocketAddr),
}

written!(SocketAddress, "a socket to listen on", "unix:/run/mailward/milter.sock");

/// Longest path of a socket, in bytes: what the system's address structure holds.
const MAX_SOCKET_PATH: usize = 107;

impl SocketAddress {
    /// The IP address and port; `None` for a socket in the file system.
    pub fn inet(&self) -> Option<SocketAddr> {
        match self {
            Self::Unix(_) => None,
            Self::Inet(address) => Some(*address),
        }
    }
}

impl Written for SocketAddress {
    fn read(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            if path.len() > MAX_SOCKET_PATH {
                return Err(format!("the path of a socket has at most {MAX_SOCKET_PATH} bytes"));
            }
            if path.starts_with('/') && !path.contains('\0') {
                return Ok(Self::Unix(PathBuf::from(path)));
            }
        } else if let Ok(address) = text.parse() {
            return Ok(Self::Inet(address));
        }
        Err(format!(
            "\"{text}\" is not a socket to listen on; write it like \"unix:/run/mailward/mail.sock\", \"127.0.0.1:10024\" or \"[::1]:10024\""
        ))
    }

    fn show(&self) -> String {
        match self {
            Self::Unix(path) => format!("unix:{}", path.display()),
            Self::Inet(address) => address.to_string(),
        }
    }
}

/// The permissions of a file, in octal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileMode(pub u32);

written!(FileMode, "permissions in octal", "660");

impl Written for FileMode {
    fn read(text: &str) -> Result<Self, String> {
        let digits = text.len() <= 4 && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777);
        mode.map(Self)
            .ok_or_else(|| format!("\"{text}\" is not a file's permissions; write them in octal, like \"660\""))
    }

    fn show(&self) -> String {
        format!("{:o}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_permissions_read_and_show() {
        for text in ["unix:/run/mailward/milter.sock", "127.0.0.1:10027", "[::1]:0"] {
            assert_eq!(SocketAddress::read(text).expect(text).to_string(), text);
        }
        let long = format!("unix:/{}", "a".repeat(MAX_SOCKET_PATH));
        for text in ["unix:milter.sock", "/run/milter.sock", "inet:10027@localhost", "localhost:1", "", &long] {
            assert!(SocketAddress::read(text).is_err(), "{text}");
        }
        assert_eq!(FileMode::read("0660").expect("octal").to_string(), "660");
        for text in ["", "888", "rw", "1777", "00660", "+7", "-1"] {
            assert!(FileMode::read(text).is_err(), "{text}");
        }
    }
}
