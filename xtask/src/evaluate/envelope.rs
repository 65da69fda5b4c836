//! What a mail server would have told a filter about a message of a collection, as far as its header shows it.
//!
//! rspamd is made to be asked by a mail server: it judges the client's address and greeting, and the sender of the
//! envelope. A collection has them in its header only. Told is what the first `Received` with a public address says of
//! the client, and the sender of `Return-Path` if it is an address that a mail server could have taken: rspamd gives 8
//! points for a sender that is none, and what a collector left of one (`[removed]`) is his work. Both or nothing, since a
//! client without a sender is a bounce to rspamd, and a header without `Return-Path` was not written where mail came in.
//! Recipients are not told: collectors exchanged them in one place and not in another.

use std::net::IpAddr;

/// What the header shows of the envelope.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Envelope {
    /// The client's address, and what it said in HELO.
    pub(crate) client: IpAddr,
    pub(crate) greeting: String,
    pub(crate) sender: String,
}

impl Envelope {
    /// Of a raw message; `None` where the header does not show all of it.
    pub(crate) fn of(raw: &[u8]) -> Option<Self> {
        let end = raw.windows(2).position(|pair| pair == b"\n\n").unwrap_or(raw.len());
        let header = String::from_utf8_lossy(&raw[..end]).replace("\n\t", " ").replace("\n ", " ");
        let values = |name: &str| {
            let name = format!("{name}:");
            let of = move |line: &str| {
                let (field, value) = line.split_at_checked(name.len())?;
                field.eq_ignore_ascii_case(&name).then(|| value.trim().to_owned())
            };
            header.lines().filter_map(of).collect::<Vec<_>>()
        };
        let (client, greeting) = values("received").iter().find_map(|hop| client(hop))?;
        let sender = values("return-path").first().and_then(|value| address(value))?;
        Some(Self { client, greeting, sender })
    }
}

/// `from GREETING (NAME [ADDRESS]) by …`, with the address anywhere before `by`.
fn client(hop: &str) -> Option<(IpAddr, String)> {
    let rest = hop.strip_prefix("from ")?;
    let from = rest.split(" by ").next()?;
    let (greeting, comment) = from.split_once(char::is_whitespace)?;
    let comment = comment.replace("IPv6:", " ");
    let words = comment.split(|c: char| !(c.is_ascii_hexdigit() || c == '.' || c == ':'));
    let address = words.filter_map(|word| word.trim_matches(':').parse::<IpAddr>().ok()).find(is_public)?;
    let plain = greeting.len() < 256 && greeting.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b));
    plain.then(|| (address, greeting.to_owned()))
}

fn is_public(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let octets = v4.octets();
            let shared = octets[0] == 100 && (64..128).contains(&octets[1]);
            let here = v4.is_private() || v4.is_loopback() || v4.is_link_local() || octets[0] == 0;
            !(here || shared || v4.is_multicast())
        }
        IpAddr::V6(v6) => v6.segments()[0] & 0xe000 == 0x2000,
    }
}

/// An address as MAIL takes it, of plain letters only.
fn address(value: &str) -> Option<String> {
    let address: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    let address = address.trim_start_matches('<').trim_end_matches('>');
    let (local, domain) = address.rsplit_once('@')?;
    let atom = |text: &str, more: &[u8]| {
        let letter = |b: u8| b.is_ascii_alphanumeric() || more.contains(&b);
        !text.is_empty() && text.split('.').all(|part| !part.is_empty() && part.bytes().all(letter))
    };
    (atom(local, b"!#$%&'*+/=?^_`{|}~-") && atom(domain, b"-") && domain.contains('.') && address.len() < 255)
        .then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_first_with_a_public_address() {
        let inner = "from localhost (localhost [127.0.0.1]) by a.example.org; x";
        assert_eq!(client(inner), None);
        let of = |address: &str, greeting: &str| Some((address.parse().expect("an address"), greeting.to_owned()));
        let outer = "from mail.example.com (mail.example.com [192.0.2.7]) by b.example.org";
        assert_eq!(client(outer), of("192.0.2.7", "mail.example.com"));
        let six = "from x.example.net ([IPv6:2001:db8::1]) by b.example.org";
        assert_eq!(client(six), of("2001:db8::1", "x.example.net"));
        assert_eq!(client("by b.example.org with SMTP id 192.0.2.1"), None);
        assert_eq!(client("from \"a b\" (192.0.2.1) by b.example.org"), None);
        let whole = |sender: &str| format!("Return-Path:{sender}\nReceived: {inner}\nreceived: {outer}\n\nb");
        let told = Envelope::of(whole(" <a@\n example.org>").as_bytes()).expect("all of it is there");
        assert_eq!((told.client.to_string(), told.sender), ("192.0.2.7".to_owned(), "a@example.org".to_owned()));
        assert_eq!(told.greeting, "mail.example.com");
        assert_eq!(Envelope::of(whole("<[removed]>").as_bytes()), None);
        assert_eq!(Envelope::of(b"Subject: a\n\nReturn-Path: <a@example.org>\n"), None);
    }

    #[test]
    fn only_a_sender_that_a_mail_server_takes_is_told() {
        assert_eq!(address("<a.b+c=d@example.org>").as_deref(), Some("a.b+c=d@example.org"));
        for none in ["<[removed]>", "<>", "", "a@example", "a..b@example.org", "a@b@example.org", "<a\"@example.org>"] {
            assert_eq!(address(none), None, "{none}");
        }
    }
}
