//! Delivery reports: what a sender is told about a message that could not be delivered, takes long, or left
//! for where nobody reports back (RFC 3461, RFC 3464).
//!
//! A `multipart/report` of three parts: a text for people, the fields for programs, and the message's header
//! or the whole message. Texts that others wrote become one printable ASCII line each; addresses outside
//! ASCII are written as RFC 6533 has them. Limits: [`MAX_RETURNED`], [`MAX_LINE`]. Not handled: reports in
//! the recipient's language; `message/global-delivery-status`.

use crate::address::Address;

/// Most bytes of the original message that go back.
pub const MAX_RETURNED: usize = 64 * 1024;
/// Longest text of one field, in bytes: a line has at most 998 (RFC 5322 section 2.1.1).
pub const MAX_LINE: usize = 800;

/// What happened (RFC 3464 section 2.3.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Happened {
    /// It was given up.
    Failed,
    /// It takes long and goes on being tried.
    Delayed,
    /// It was handed to a server that does not report.
    Relayed,
}

impl Happened {
    /// The word for it in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Relayed => "relayed",
        }
    }
}

/// One recipient of a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fate<'a> {
    /// The recipient.
    pub address: &'a Address,
    /// ORCPT as it came: `type;xtext`.
    pub original: Option<&'a str>,
    /// What happened.
    pub happened: Happened,
    /// The status code (RFC 3463): `5.1.1`.
    pub status: &'a str,
    /// What the next hop said: code and text.
    pub said: Option<&'a str>,
    /// Which next hop that was.
    pub remote: Option<&'a str>,
    /// Until when it is tried, as a date of RFC 5322.
    pub until: Option<&'a str>,
}

/// A report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report<'a> {
    /// Who reports.
    pub hostname: &'a str,
    /// A name for the report, unique and hard to guess: letters and digits.
    pub id: &'a str,
    /// To whom: the sender of the message.
    pub to: &'a Address,
    /// Now, as a date of RFC 5322.
    pub date: &'a str,
    /// When the message came, as a date of RFC 5322.
    pub arrived: &'a str,
    /// ENVID as it came, in xtext.
    pub envelope_id: Option<&'a str>,
    /// The recipients; at least one.
    pub fates: &'a [Fate<'a>],
    /// The start of the message: at least its header, or all of it.
    pub message: &'a [u8],
    /// Return all of `message`; else its header.
    pub whole: bool,
}

impl Report<'_> {
    /// The report as a message.
    pub fn to_bytes(&self) -> Vec<u8> {
        let boundary = format!("report-{}", self.id);
        let mut out = Vec::new();
        let mut put = |text: String| out.extend_from_slice(text.as_bytes());
        put(format!("From: Mail Delivery System <MAILER-DAEMON@{}>\r\n", self.hostname));
        put(format!("To: <{}>\r\nSubject: {}\r\nDate: {}\r\n", self.to.as_str(), self.subject(), self.date));
        put(format!(
            "Message-ID: <{}@{}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n",
            self.id, self.hostname
        ));
        put(format!(
            "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\r\n"
        ));
        put(format!("--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{}\r\n", self.text()));
        put(format!("--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\n{}\r\n", self.fields()));
        let (kind, returned) = self.returned();
        let eight = if returned.is_ascii() { "" } else { "Content-Transfer-Encoding: 8bit\r\n" };
        put(format!("--{boundary}\r\nContent-Type: {kind}\r\n{eight}\r\n"));
        out.extend_from_slice(&returned);
        out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        out
    }

    fn worst(&self) -> Happened {
        self.fates.iter().map(|fate| fate.happened).min().unwrap_or(Happened::Failed)
    }

    fn subject(&self) -> &'static str {
        match self.worst() {
            Happened::Failed => "Your message could not be delivered",
            Happened::Delayed => "Your message is delayed",
            Happened::Relayed => "Your message was handed on",
        }
    }

    /// For people.
    fn text(&self) -> String {
        let mut text = format!("This is the mail system at {}.\r\n\r\n", self.hostname);
        text.push_str(match self.worst() {
            Happened::Failed => "Your message could not be delivered to these recipients. Nothing more is tried.\r\n",
            Happened::Delayed => {
                "Your message has not been delivered yet. You need not send it again: it goes on\r\nbeing tried.\r\n"
            }
            Happened::Relayed => "Your message was handed to a server that does not report deliveries.\r\n",
        });
        for fate in self.fates {
            text.push_str(&format!("\r\n<{}>: {}\r\n", ascii(fate.address.as_str()), fate.happened.name()));
            if let Some(said) = fate.said {
                text.push_str(&format!("    {}\r\n", line(said)));
            }
            if let Some(until) = fate.until {
                text.push_str(&format!("    It is tried until {until}.\r\n"));
            }
        }
        text
    }

    /// For programs.
    fn fields(&self) -> String {
        let mut text = format!("Reporting-MTA: dns; {}\r\n", self.hostname);
        if let Some(id) = self.envelope_id.map(unxtext) {
            text.push_str(&format!("Original-Envelope-Id: {}\r\n", line(&id)));
        }
        text.push_str(&format!("Arrival-Date: {}\r\n", self.arrived));
        for fate in self.fates {
            text.push_str("\r\n");
            if let Some((kind, address)) = fate.original.and_then(|original| original.split_once(';')) {
                let address = if kind.eq_ignore_ascii_case("utf-8") { address.to_owned() } else { unxtext(address) };
                text.push_str(&format!("Original-Recipient: {}; {}\r\n", line(kind), ascii(&address)));
            }
            let kind = if fate.address.as_str().is_ascii() { "rfc822" } else { "utf-8" };
            text.push_str(&format!("Final-Recipient: {kind}; {}\r\n", ascii(fate.address.as_str())));
            text.push_str(&format!("Action: {}\r\nStatus: {}\r\n", fate.happened.name(), line(fate.status)));
            if let Some(remote) = fate.remote {
                text.push_str(&format!("Remote-MTA: dns; {}\r\n", line(remote)));
            }
            if let Some(said) = fate.said {
                text.push_str(&format!("Diagnostic-Code: smtp; {}\r\n", line(said)));
            }
            if let Some(until) = fate.until {
                text.push_str(&format!("Will-Retry-Until: {until}\r\n"));
            }
        }
        text
    }

    /// What goes back of the message, with its type.
    fn returned(&self) -> (&'static str, Vec<u8>) {
        if self.whole && self.message.len() <= MAX_RETURNED {
            return ("message/rfc822", self.message.to_vec());
        }
        let end = header_end(self.message).min(MAX_RETURNED);
        ("text/rfc822-headers", self.message.get(..end).unwrap_or_default().to_vec())
    }
}

/// Where the header ends, its empty line not counted.
fn header_end(message: &[u8]) -> usize {
    let blank = |pattern: &[u8], keep: usize| {
        let at = message.windows(pattern.len()).position(|window| window == pattern);
        at.map(|at| at.saturating_add(keep))
    };
    if message.starts_with(b"\r\n") || message.starts_with(b"\n") {
        return 0;
    }
    let ends = [blank(b"\r\n\r\n", 2), blank(b"\n\n", 1)];
    ends.into_iter().flatten().min().unwrap_or(message.len())
}

/// One printable ASCII line.
fn line(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.chars().take(MAX_LINE).map(plain).collect()
}

/// An address in ASCII: what is not stands as `\x{HEX}` (RFC 6533 section 3).
fn ascii(address: &str) -> String {
    let mut out = String::new();
    for c in address.chars().take(MAX_LINE) {
        if out.len() > MAX_LINE {
            break;
        }
        match c {
            c if c.is_ascii_graphic() || c == ' ' => out.push(c),
            c => out.push_str(&format!("\\x{{{:X}}}", u32::from(c))),
        }
    }
    out
}

/// Undoes xtext (RFC 3461 section 4); what is none stays as it is.
fn unxtext(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('+') {
        out.push_str(before);
        match after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if byte.is_ascii() => {
                out.push(char::from(byte));
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push('+');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fate<'a>(address: &'a Address, happened: Happened, said: &'a str) -> Fate<'a> {
        Fate {
            address,
            original: Some("rfc822;Bob+2Bx@example.com"),
            happened,
            status: "5.1.1",
            said: Some(said),
            remote: Some("mail.example.com"),
            until: None,
        }
    }

    fn report<'a>(to: &'a Address, fates: &'a [Fate<'a>], message: &'a [u8], whole: bool) -> Report<'a> {
        Report {
            hostname: "mx.example.org",
            id: "01ABCDEF",
            to,
            date: "Tue, 14 Nov 2023 22:13:20 +0000",
            arrived: "Tue, 14 Nov 2023 21:13:20 +0000",
            envelope_id: Some("QQ+2B314159"),
            fates,
            message,
            whole,
        }
    }

    const MESSAGE: &[u8] = b"Subject: hello\r\nTo: <bob@example.com>\r\n\r\nbody\r\n";

    #[test]
    fn a_report_tells_people_and_programs() {
        let (alice, bob) = (Address::parse("alice@example.org").unwrap(), Address::parse("bob@example.com").unwrap());
        let fates = [fate(&bob, Happened::Failed, "550 5.1.1 No such user")];
        let bytes = report(&alice, &fates, MESSAGE, false).to_bytes();
        let expected = "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\r\nTo: <alice@example.org>\r\n\
            Subject: Your message could not be delivered\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n\
            Message-ID: <01ABCDEF@mx.example.org>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"report-01ABCDEF\"\r\n\r\n\
            --report-01ABCDEF\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
            This is the mail system at mx.example.org.\r\n\r\n\
            Your message could not be delivered to these recipients. Nothing more is tried.\r\n\r\n\
            <bob@example.com>: failed\r\n    550 5.1.1 No such user\r\n\r\n\
            --report-01ABCDEF\r\nContent-Type: message/delivery-status\r\n\r\n\
            Reporting-MTA: dns; mx.example.org\r\nOriginal-Envelope-Id: QQ+314159\r\n\
            Arrival-Date: Tue, 14 Nov 2023 21:13:20 +0000\r\n\r\n\
            Original-Recipient: rfc822; Bob+x@example.com\r\nFinal-Recipient: rfc822; bob@example.com\r\n\
            Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mail.example.com\r\n\
            Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n\r\n\
            --report-01ABCDEF\r\nContent-Type: text/rfc822-headers\r\n\r\n\
            Subject: hello\r\nTo: <bob@example.com>\r\n\r\n--report-01ABCDEF--\r\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        let whole = String::from_utf8(report(&alice, &fates, MESSAGE, true).to_bytes()).unwrap();
        assert!(whole.contains("message/rfc822\r\n\r\nSubject: hello\r\nTo: <bob@example.com>\r\n\r\nbody\r\n"));
    }

    #[test]
    fn the_worst_gives_the_subject_and_each_recipient_its_own_word() {
        let (alice, bob) =
            (Address::parse("alice@example.org").unwrap(), Address::parse("b\u{f6}b@example.com").unwrap());
        let fates = [fate(&bob, Happened::Relayed, "250 ok"), fate(&bob, Happened::Delayed, "451 busy")];
        let text = String::from_utf8(report(&alice, &fates, MESSAGE, false).to_bytes()).unwrap();
        assert!(text.contains("Subject: Your message is delayed\r\n"));
        assert!(text.contains("Action: relayed\r\n") && text.contains("Action: delayed\r\n"));
        assert!(text.contains("Final-Recipient: utf-8; b\\x{F6}b@example.com\r\n"));
    }

    #[test]
    fn what_a_next_hop_says_cannot_write_fields() {
        let (alice, bob) = (Address::parse("alice@example.org").unwrap(), Address::parse("bob@example.com").unwrap());
        let said = format!("550 x\r\nAction: delivered\r\n\r\n--report-01ABCDEF--\u{1b}[2J{}", "y".repeat(5_000));
        let fates = [fate(&bob, Happened::Failed, &said)];
        let text = String::from_utf8(report(&alice, &fates, b"\xff\r\n\r\n", false).to_bytes().to_ascii_lowercase());
        let text = text.unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
        assert!(!text.contains("\r\naction: delivered") && !text.contains('\u{1b}'));
        assert!(text.split("\r\n").all(|line| line.len() <= 998));
        assert_eq!(text.matches("\r\n--report-01abcdef").count(), 4);
    }

    #[test]
    fn the_header_ends_where_it_ends() {
        let cases: [(&[u8], usize); 6] =
            [(b"A: b\r\n\r\nbody", 6), (b"A: b\n\nbody", 5), (b"\r\nbody", 0), (b"A: b\r\n", 6), (b"", 0), (b"\n", 0)];
        for (message, end) in cases {
            assert_eq!(header_end(message), end, "{}", message.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_input_breaks_a_report(said in "\\PC{0,40}", message in proptest::collection::vec(any::<u8>(), 0..300), whole: bool) {
            let (alice, bob) = (Address::parse("alice@example.org").unwrap(), Address::parse("bob@example.com").unwrap());
            let fates = [Fate { original: Some(&said), ..fate(&bob, Happened::Failed, &said) }];
            let bytes = Report { envelope_id: Some(&said), ..report(&alice, &fates, &message, whole) }.to_bytes();
            let begin = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
            prop_assert!(bytes[..begin].is_ascii());
            prop_assert!(bytes.ends_with(b"\r\n--report-01ABCDEF--\r\n"));
        }
    }
}
