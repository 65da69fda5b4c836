//! What `Received` headers tell: the client's address, for mail that a trusted relay brings without
//! saying who its client was (spec D-20: "the first hop outside trusted_relays in Received"), and whether
//! a message goes round in circles.
//!
//! Read from the top: each trusted hop has put its line above those it got, so the first address
//! that is not a trusted relay was written by one. What stands below it anybody may have written,
//! and is not looked at. Limits: the first 64 KiB of the header, 30 lines of `Received` for the address.
//! Not handled: addresses that a relay writes without brackets.

use std::net::IpAddr;

use judge::site::Site;
use service::spool::Spool;
use wire::smtp::reply::Reply;

/// How much of a message is looked at, in bytes.
pub(crate) const HEAD_MAX: usize = 64 * 1024;
/// Most `Received` headers that are read for an address.
const MAX_LINES: usize = 30;
/// Most `Received` headers of our own making. A forwarder or a mailing list brings back what was here
/// before, and that may happen more than once; what comes a sixth time goes round.
const MAX_OWN: usize = 5;

/// The client that stands behind a server, as its `Received` headers name it; `None` if the server is no relay of ours,
/// or they do not say.
pub(crate) fn client_behind(server: IpAddr, site: &Site, spool: &Spool) -> Option<IpAddr> {
    if !site.is_relay(server) {
        return None;
    }
    let head = spool.read_at(0, HEAD_MAX).unwrap_or_default();
    client(&head, |ip| site.is_relay(ip))
}

/// The first hop that is not trusted; `None` if there is none, or a hop does not say.
fn client(head: &[u8], is_relay: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let message = mail::graph::parse(header_of(head), &mail::graph::Limits::default());
    let raw = message.raw();
    let lines = message.fields(mail::graph::EntityId(0)).iter().filter(|field| field.name_is(raw, "received"));
    for field in lines.take(MAX_LINES) {
        let ip = from_address(&String::from_utf8_lossy(field.value.of(raw)))?;
        if !is_relay(ip) {
            return Some(ip);
        }
    }
    None
}

/// The refusal of a message that goes round in circles: it has passed more than `hops` servers (RFC 5321
/// section 6.3), or us, as `hostname`, more than [`MAX_OWN`] times. 5.4.6 is "routing loop detected" (RFC
/// 3463).
pub(crate) fn looping(head: &[u8], hostname: &str, hops: u32) -> Option<Reply> {
    let message = mail::graph::parse(header_of(head), &mail::graph::Limits::default());
    let raw = message.raw();
    let mark = format!(" by {hostname} (Mailward) with ").to_ascii_lowercase();
    let (mut all, mut own) = (0u32, 0usize);
    for field in message.fields(mail::graph::EntityId(0)).iter().filter(|field| field.name_is(raw, "received")) {
        all = all.saturating_add(1);
        if unfolded(field.value.of(raw)).contains(&mark) {
            own = own.saturating_add(1);
        }
    }
    if all > hops {
        return Some(Reply::say(554, "5.4.6 Too many hops: mail loop"));
    }
    (own > MAX_OWN).then(|| Reply::say(554, "5.4.6 Mail loop: this server has passed the message on before"))
}

/// A field's value as one line in lower case, blanks in a row being one.
fn unfolded(value: &[u8]) -> String {
    let words = String::from_utf8_lossy(value).to_ascii_lowercase();
    words.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// The bytes up to the empty line: nothing below is parsed.
fn header_of(head: &[u8]) -> &[u8] {
    let end = head.windows(4).position(|w| w == b"\r\n\r\n").map_or(head.len(), |at| at.saturating_add(4));
    head.get(..end).unwrap_or(head)
}

/// The address that the relay itself noted in the `from` part (RFC 5321 section 4.4: `TCP-info`). What
/// the client called itself may look like one, and stands in different places: before the comment
/// (Postfix: `from HELO (name [ADDRESS])`), or in it (Exim: `from name ([ADDRESS] helo=HELO)`, or
/// `from [ADDRESS] (helo=HELO)`; qmail: `(HELO name) (ADDRESS)`). In doubt there is none.
fn from_address(value: &str) -> Option<IpAddr> {
    let value = value.trim_start();
    let from = value.get(..5).filter(|word| word.eq_ignore_ascii_case("from "))?;
    let part = value.get(from.len()..)?;
    let part = part.find(" by ").and_then(|at| part.get(..at)).unwrap_or(part);
    let (outside, comment) = part.split_once('(')?;
    let mut noted = bracketed(comment);
    match (noted.next(), noted.next()) {
        (Some(text), None) => address(text),
        (None, _) if comment.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("helo=")) => {
            let text = outside.trim().strip_prefix('[')?.split_once(']')?.0;
            address(text)
        }
        _ => None,
    }
}

/// What stands in brackets and is not what the client called itself.
fn bracketed(text: &str) -> impl Iterator<Item = &str> {
    let greeting = |before: &str| {
        let word = before.len().checked_sub(5).and_then(|at| before.get(at..));
        word.is_some_and(|w| ["helo=", "ehlo=", "helo ", "ehlo "].iter().any(|k| w.eq_ignore_ascii_case(k)))
    };
    text.match_indices('[').filter_map(move |(open, _)| {
        let inside = text.get(open.saturating_add(1)..)?;
        (!greeting(text.get(..open)?)).then_some(inside.get(..inside.find(']')?)?)
    })
}

fn address(text: &str) -> Option<IpAddr> {
    let text =
        text.get(..5).filter(|p| p.eq_ignore_ascii_case("IPv6:")).map_or(text, |p| text.get(p.len()..).unwrap_or(text));
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(head: &str) -> Option<String> {
        let relay = |ip: IpAddr| ip.is_loopback() || ip.to_string().starts_with("192.0.2.");
        client(head.replace('\n', "\r\n").as_bytes(), relay).map(|ip| ip.to_string())
    }

    #[test]
    fn the_first_hop_that_is_not_trusted_is_the_client() {
        let head = "Received: from mx1 (mx1.example.org [192.0.2.5]) by gw.example.org; date\n\
                    Received: from far (unknown [203.0.113.7])\n\tby mx1.example.org (Postfix); date\n\
                    Received: from forged ([198.51.100.1]) by far; date\n\
                    Subject: x\n\nReceived: from body ([198.51.100.2]) by x; date\n";
        assert_eq!(found(head).as_deref(), Some("203.0.113.7"));
    }

    #[test]
    fn a_greeting_that_looks_like_an_address_is_not_taken_for_one() {
        assert_eq!(
            found("Received: from [198.51.100.9] (unknown [203.0.113.7]) by mx; d\n\n").as_deref(),
            Some("203.0.113.7")
        );
        assert_eq!(found("Received: from x (y [IPv6:2001:db8::5]) by mx; d\n\n").as_deref(), Some("2001:db8::5"));
    }

    #[test]
    fn what_a_client_calls_itself_is_never_its_address() {
        let cases = [
            // Postfix, Exim with and without a name, Sendmail, Exchange's form, qmail.
            ("from [198.51.100.9] (unknown [203.0.113.7]) by mx; d", Some("203.0.113.7")),
            (
                "from far.example.org ([203.0.113.7] helo=[198.51.100.9]) by mx with esmtp (Exim 4.96) id x; d",
                Some("203.0.113.7"),
            ),
            ("from [203.0.113.7] (helo=[198.51.100.9]) by mx with esmtp (Exim 4.96) id x; d", Some("203.0.113.7")),
            ("from [203.0.113.7] (port=4711 helo=[198.51.100.9]) by mx; d", None),
            ("from [198.51.100.9] (far.example.org [203.0.113.7] (may be forged)) by mx; d", Some("203.0.113.7")),
            ("from unknown (HELO [198.51.100.9]) (203.0.113.7) by mx with SMTP; d", None),
            ("from [198.51.100.9] by mx; d", None),
            ("from x ([203.0.113.7] ident=[198.51.100.9]) by mx; d", None),
        ];
        for (line, ip) in cases {
            assert_eq!(found(&format!("Received: {line}\n\n")).as_deref(), ip, "{line}");
        }
    }

    #[test]
    fn what_passed_too_many_servers_or_us_too_often_goes_round() {
        let other = "Received: from a by b (Postfix) with ESMTP; d\r\n";
        let own = "RECEIVED: from a ([192.0.2.1])\r\n\tby MX.example.org  (Mailward) with ESMTP id x; d\r\n";
        let of_another = "Received: from a by mx.example.net (Mailward) with ESMTP id x; d\r\n";
        let named = "Subject: from a by mx.example.org (Mailward) with x\r\n";
        let cases = [
            (other.repeat(50), false),
            (other.repeat(51), true),
            (own.repeat(5), false),
            (own.repeat(6), true),
            (of_another.repeat(20), false),
            (named.repeat(20), false),
            (format!("Subject: x\r\n\r\n{}", other.repeat(60)), false),
        ];
        for (head, goes_round) in cases {
            let reply = looping(format!("{head}\r\n").as_bytes(), "mx.example.org", 50);
            assert_eq!(reply.as_ref().map(Reply::code), goes_round.then_some(554), "{head}");
            assert!(reply.is_none_or(|reply| reply.text().starts_with("5.4.6 ")));
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for head in [
            "",
            "Subject: x\n\n",
            "Received: by mx.example.org (Postfix, from userid 0); d\n\n",
            "Received: from x by mx; d\nReceived: from y ([203.0.113.7]) by x; d\n\n",
            "Received: from x ([192.0.2.1]) by mx; d\n\n",
            "Received: from x ([not an address]) by mx; d\n\n",
            "Subject: x\n\nReceived: from y ([203.0.113.7]) by x; d\n",
        ] {
            assert_eq!(found(head), None, "{head}");
        }
    }
}
