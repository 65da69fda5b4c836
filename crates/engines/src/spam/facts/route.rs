//! The chain of Received fields (RFC 5321 section 4.4), as far as it can be read.
//!
//! Limit: [`MAX_HOPS`]. Every server writes them in its own way; what is not understood stays empty.

use super::moment::{self, Moment};

/// Most fields that are read, from the top.
pub(crate) const MAX_HOPS: usize = 64;

/// One hop.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hop {
    /// The value on one line.
    pub text: String,
    /// What the client called itself.
    pub from: String,
    /// The name that the server found for the client, if it tells one.
    pub name: String,
    /// The client's address, if it tells it.
    pub ip: String,
    /// The server.
    pub by: String,
    /// The protocol.
    pub with: String,
    /// When.
    pub date: Option<Moment>,
}

/// Reads one field.
pub(crate) fn read(raw: &[u8]) -> Hop {
    let text = String::from_utf8_lossy(&mail::header::unfold(raw)).replace('\t', " ");
    let (path, date) = text.rsplit_once(';').unwrap_or((text.as_str(), ""));
    let after = |word: &str| -> String {
        let padded = format!(" {word} ");
        let found = if path.starts_with(padded.trim_start()) {
            path.get(padded.len().saturating_sub(1)..)
        } else {
            path.split_once(padded.as_str()).map(|(_, rest)| rest)
        };
        let word = found.unwrap_or("").split_whitespace().next().unwrap_or("");
        word.trim_matches(|c| matches!(c, ';' | ',')).to_owned()
    };
    let from = after("from");
    let behind = path.split_once(from.as_str()).map_or("", |(_, rest)| rest);
    let first = behind.split_once('(').map_or("", |(before, rest)| {
        // Only the comment that follows the name is about the client.
        if before.contains(" by ") { "" } else { rest.split(')').next().unwrap_or("") }
    });
    let bracketed = first.split_once('[').or_else(|| from.split_once('[')).map(|(_, rest)| rest);
    let bare = first.split_whitespace().find(|word| is_ip(word)).unwrap_or("");
    let ip = bracketed.map_or(bare, |rest| rest.split(']').next().unwrap_or(""));
    let name = first.split([' ', '[']).next().unwrap_or("").trim_end_matches('.');
    let known = name.contains('.') && !is_ip(name) && !name.contains('=') || name == "unknown";
    Hop {
        ip: ip.trim_start_matches("IPv6:").to_owned(),
        name: if known { name.rsplit('@').next().unwrap_or(name).to_lowercase() } else { String::new() },
        by: after("by").to_lowercase(),
        with: after("with").to_uppercase(),
        date: moment::read(date),
        from: if from == "by" { String::new() } else { from },
        text,
    }
}

/// Whether a word is an IP address.
pub fn is_ip(word: &str) -> bool {
    word.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_write_is_understood() {
        let cases = [
            (
                "from mail.example.org (host.example.org [192.0.2.1]) by mx.example.net (Postfix) with ESMTP id 1; \
                 Tue, 19 Sep 2023 12:11:42 +0000",
                ("mail.example.org", "host.example.org", "192.0.2.1", "mx.example.net", "ESMTP", true),
            ),
            (
                "from 97.example.com (192.0.2.97) by mx.example.net\r\n with ESMTP; Sat, 24 Jun 2023 20:47:27 +0000",
                ("97.example.com", "", "192.0.2.97", "mx.example.net", "ESMTP", true),
            ),
            (
                "from [192.0.2.7] (unknown [192.0.2.7]) by a.example with SMTP",
                ("[192.0.2.7]", "unknown", "192.0.2.7", "a.example", "SMTP", false),
            ),
            ("by a.example with local (Exim); x", ("", "", "", "a.example", "LOCAL", false)),
            ("(qmail 7 invoked by uid 1); 19 Sep 2023 12:11:42 -0000", ("", "", "", "uid", "", true)),
        ];
        for (text, (from, name, ip, by, with, dated)) in cases {
            let hop = read(text.as_bytes());
            let found = (&*hop.from, &*hop.name, &*hop.ip, &*hop.by, &*hop.with, hop.date.is_some());
            assert_eq!(found, (from, name, ip, by, with, dated), "{text}");
        }
    }
}
