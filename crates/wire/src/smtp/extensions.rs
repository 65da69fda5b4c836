//! ESMTP extensions: what a next hop offers, and what we offer of it.
//!
//! Limits: [`MECHANISMS_MAX`] authentication mechanisms, words of at most [`WORD_MAX`] bytes. Never offered, because
//! this gateway does not carry them: LIMITS (RFC 9422), REQUIRETLS (RFC 8689), FUTURERELEASE (RFC 4865), ETRN, BURL
//! and everything unknown.

use super::reply::Reply;
use super::xclient::XclientName;
use super::xforward::XforwardName;

/// Most authentication mechanisms read from a next hop.
pub const MECHANISMS_MAX: usize = 32;
/// Longest word of an extension that is kept, in bytes.
pub const WORD_MAX: usize = 40;

/// A set of extensions: what one side of a connection offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extensions {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// SIZE (RFC 1870): the largest message in bytes, 0 for no limit stated; `None` if not offered.
    pub size: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// BINARYMIME (RFC 3030).
    pub binary_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034).
    pub enhanced_status_codes: bool,
    /// AUTH (RFC 4954): mechanisms in upper case; empty if not offered.
    pub auth: Vec<String>,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// XFORWARD: the attributes taken; empty if not offered.
    pub xforward: Vec<XforwardName>,
    /// XCLIENT: the attributes taken; empty if not offered.
    pub xclient: Vec<XclientName>,
    /// MT-PRIORITY (RFC 6710): the profile, possibly empty; `None` if not offered.
    pub mt_priority: Option<String>,
    /// DELIVERBY (RFC 2852): the least time, possibly empty; `None` if not offered.
    pub deliver_by: Option<String>,
}

/// What we bring to an offer ourselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ours {
    /// The largest message we take, in bytes; 0 for no limit.
    pub max_size: u64,
    /// Whether we have a certificate and TLS is not active yet.
    pub starttls: bool,
    /// Whether the peer may use XFORWARD and XCLIENT.
    pub trusted: bool,
    /// Whether we take chunks. Towards a next hop without them they are put together.
    pub chunking: bool,
    /// Whether we carry binary content, to a next hop that takes it.
    pub binary: bool,
}

impl Extensions {
    /// Reads the reply to EHLO. Unknown keywords are passed over. A reply that is not a success offers nothing.
    pub fn parse(reply: &Reply) -> Self {
        let mut found = Extensions::default();
        if reply.is_success() {
            reply.lines().iter().skip(1).for_each(|line| found.read_line(line));
        }
        found
    }

    /// What we offer a client of ours in front of a next hop that offers `upstream`: what both support.
    pub fn offer(upstream: &Extensions, ours: &Ours) -> Self {
        Extensions {
            pipelining: true,
            size: upstream.size.map(|theirs| least_size(theirs, ours.max_size)),
            auth: upstream.auth.iter().filter(|m| !m.ends_with("-PLUS")).cloned().collect(),
            starttls: ours.starttls,
            chunking: ours.chunking,
            binary_mime: ours.chunking && ours.binary && upstream.takes_binary(),
            xforward: if ours.trusted { upstream.xforward.clone() } else { Vec::new() },
            xclient: if ours.trusted { XclientName::all() } else { Vec::new() },
            ..upstream.clone()
        }
    }

    /// The lines of an EHLO reply after the first, without code.
    pub fn lines(&self) -> Vec<String> {
        let flag = |on: bool, word: &str| on.then(|| word.to_owned());
        let with = |word: &str, value: &str| format!("{word} {value}").trim_end().to_owned();
        let names: Vec<&str> = self.xforward.iter().map(|n| n.as_str()).collect();
        let more: Vec<&str> = self.xclient.iter().map(|n| n.as_str()).collect();
        [
            flag(self.pipelining, "PIPELINING"),
            self.size.map(|n| if n == 0 { "SIZE".to_owned() } else { format!("SIZE {n}") }),
            flag(self.starttls, "STARTTLS"),
            (!self.auth.is_empty()).then(|| with("AUTH", &self.auth.join(" "))),
            flag(self.enhanced_status_codes, "ENHANCEDSTATUSCODES"),
            flag(self.eight_bit_mime, "8BITMIME"),
            flag(self.chunking, "CHUNKING"),
            flag(self.binary_mime, "BINARYMIME"),
            flag(self.dsn, "DSN"),
            flag(self.smtputf8, "SMTPUTF8"),
            self.mt_priority.as_ref().map(|profile| with("MT-PRIORITY", profile)),
            self.deliver_by.as_ref().map(|time| with("DELIVERBY", time)),
            (!names.is_empty()).then(|| with("XFORWARD", &names.join(" "))),
            (!more.is_empty()).then(|| with("XCLIENT", &more.join(" "))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether binary content can go there.
    pub fn takes_binary(&self) -> bool {
        self.chunking && self.binary_mime
    }

    /// The parameters of MAIL or RCPT that belong to this set, each with a blank in front. SMTPUTF8 and BINARYMIME
    /// stay in any case: what needs them must be refused where they are not known (RFC 6531 section 3.5, RFC 3030
    /// section 3), not sent all the same.
    pub fn keep(&self, parameters: &str) -> String {
        let known = |word: &&str| {
            let keyword = word.split('=').next().unwrap_or_default().to_ascii_uppercase();
            keyword == "SMTPUTF8" || word.eq_ignore_ascii_case("BODY=BINARYMIME") || self.has_parameter(&keyword)
        };
        parameters.split(' ').filter(|word| !word.is_empty()).filter(known).map(|word| format!(" {word}")).collect()
    }

    /// Whether a parameter of MAIL or RCPT belongs to an extension of this set.
    pub(crate) fn has_parameter(&self, keyword: &str) -> bool {
        match keyword {
            "SIZE" => self.size.is_some(),
            "BODY" => self.eight_bit_mime || self.binary_mime,
            "SMTPUTF8" => self.smtputf8,
            "RET" | "ENVID" | "NOTIFY" | "ORCPT" => self.dsn,
            "AUTH" => !self.auth.is_empty(),
            "MT-PRIORITY" => self.mt_priority.is_some(),
            "BY" => self.deliver_by.is_some(),
            _ => false,
        }
    }

    /// Takes one line of an EHLO reply.
    fn read_line(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace().filter(|w| w.len() <= WORD_MAX);
        let Some(keyword) = words.next() else { return };
        let keyword = keyword.to_ascii_uppercase();
        match keyword.as_str() {
            "PIPELINING" => self.pipelining = true,
            "SIZE" => self.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0)),
            "8BITMIME" => self.eight_bit_mime = true,
            "CHUNKING" => self.chunking = true,
            "BINARYMIME" => self.binary_mime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "DSN" => self.dsn = true,
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = true,
            "STARTTLS" => self.starttls = true,
            "AUTH" => words.for_each(|w| self.add_mechanism(w)),
            "XFORWARD" => words.filter_map(XforwardName::parse).for_each(|n| self.add_xforward(n)),
            "XCLIENT" => words.filter_map(XclientName::parse).for_each(|n| self.add_xclient(n)),
            "MT-PRIORITY" => self.mt_priority = Some(words.next().unwrap_or_default().to_owned()),
            "DELIVERBY" => self.deliver_by = Some(words.next().unwrap_or_default().to_owned()),
            // The old form of some servers: "AUTH=LOGIN PLAIN".
            _ => {
                if let Some(first) = keyword.strip_prefix("AUTH=") {
                    self.add_mechanism(first);
                    words.for_each(|w| self.add_mechanism(w));
                }
            }
        }
    }

    fn add_mechanism(&mut self, word: &str) {
        let name = word.to_ascii_uppercase();
        let fine = name.len() <= 20 && !name.is_empty() && name.bytes().all(is_mechanism_byte);
        if fine && self.auth.len() < MECHANISMS_MAX && !self.auth.contains(&name) {
            self.auth.push(name);
        }
    }

    fn add_xclient(&mut self, name: XclientName) {
        if !self.xclient.contains(&name) {
            self.xclient.push(name);
        }
    }

    fn add_xforward(&mut self, name: XforwardName) {
        if !self.xforward.contains(&name) {
            self.xforward.push(name);
        }
    }
}

/// RFC 4422 section 3.1.
fn is_mechanism_byte(b: u8) -> bool {
    matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_')
}

/// The smaller limit, where 0 is none.
fn least_size(a: u64, b: u64) -> u64 {
    match (a, b) {
        (0, n) | (n, 0) => n,
        (a, b) => a.min(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::PeerText;

    fn parse(lines: &[&str]) -> Extensions {
        let lines: Vec<PeerText> = lines.iter().map(|l| PeerText::new(l)).collect();
        Extensions::parse(&Reply::with_lines(250, &lines))
    }

    const NEXT_HOP: &[&str] = &[
        "mx.example.org AUTH is no extension here",
        "PIPELINING",
        "size 5000",
        "ETRN",
        "STARTTLS",
        "AUTH PLAIN login SCRAM-SHA-256-PLUS b@d",
        "AUTH=PLAIN CRAM-MD5",
        "ENHANCEDSTATUSCODES",
        "8BITMIME",
        "DSN",
        "SMTPUTF8",
        "CHUNKING",
        "BINARYMIME",
        "LIMITS RCPTMAX=5",
        "REQUIRETLS",
        "MT-PRIORITY MIXER",
        "DELIVERBY 240",
        "XFORWARD NAME ADDR PROTO COLOUR",
        "XCLIENT NAME ADDR",
    ];

    #[test]
    fn only_parameters_that_a_next_hop_knows_are_kept() {
        let none = Extensions::default();
        let some = Extensions { dsn: true, eight_bit_mime: true, ..Extensions::default() };
        let all = " SIZE=5 BODY=8BITMIME  ret=HDRS ENVID=x SMTPUTF8 X-Y=z";
        assert_eq!(none.keep(all), " SMTPUTF8");
        assert_eq!(some.keep(all), " BODY=8BITMIME ret=HDRS ENVID=x SMTPUTF8");
        assert_eq!(some.keep(" NOTIFY=NEVER ORCPT=rfc822;a@b"), " NOTIFY=NEVER ORCPT=rfc822;a@b");
        assert_eq!(none.keep(""), "");
    }

    #[test]
    fn offer_is_what_the_next_hop_has_and_we_support() {
        let ours = Ours { max_size: 10_000, ..Ours::default() };
        let offered = Extensions::offer(&parse(NEXT_HOP), &ours).lines();
        let expected = [
            "PIPELINING",
            "SIZE 5000",
            "AUTH PLAIN LOGIN CRAM-MD5",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "DSN",
            "SMTPUTF8",
            "MT-PRIORITY MIXER",
            "DELIVERBY 240",
        ];
        assert_eq!(offered, expected);
    }

    #[test]
    fn starttls_and_xforward_are_offered_by_our_own_rules() {
        let ours = Ours { starttls: true, trusted: true, ..Ours::default() };
        let offered = Extensions::offer(&parse(NEXT_HOP), &ours).lines();
        assert!(offered.contains(&"STARTTLS".to_owned()));
        assert!(offered.contains(&"XFORWARD NAME ADDR PROTO".to_owned()));
        let xclient = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";
        assert_eq!(Extensions::offer(&parse(&["mx"]), &ours).lines(), ["PIPELINING", "STARTTLS", xclient]);
    }

    #[test]
    fn chunks_are_ours_and_binary_content_needs_a_next_hop_that_takes_it() {
        let ours = Ours { chunking: true, binary: true, ..Ours::default() };
        let offered = |lines: &[&str], ours: &Ours| {
            let offer = Extensions::offer(&parse(lines), ours);
            (offer.chunking, offer.binary_mime)
        };
        assert_eq!(offered(&["mx"], &ours), (true, false));
        assert_eq!(offered(&["mx", "BINARYMIME"], &ours), (true, false));
        assert_eq!(offered(&["mx", "CHUNKING", "BINARYMIME"], &ours), (true, true));
        assert_eq!(offered(&["mx", "CHUNKING", "BINARYMIME"], &Ours::default()), (false, false));
        assert_eq!(Extensions::default().keep(" BODY=8BITMIME"), "");
        assert_eq!(Extensions::default().keep(" BODY=BinaryMime"), " BODY=BinaryMime");
    }

    #[test]
    fn size_is_the_smaller_limit_and_nothing_if_the_next_hop_has_none() {
        let offer =
            |line: &str, max_size| Extensions::offer(&parse(&["mx", line]), &Ours { max_size, ..Ours::default() }).size;
        let cases = [("SIZE 5", 9, Some(5)), ("SIZE 9", 5, Some(5)), ("SIZE 0", 5, Some(5)), ("SIZE", 5, Some(5))];
        for (line, ours, expected) in cases {
            assert_eq!(offer(line, ours), expected, "{line} {ours}");
        }
        assert_eq!(offer("SIZE 7", 0), Some(7));
        assert_eq!(offer("SIZE", 0), Some(0));
        assert_eq!(offer("DSN", 5), None);
    }

    #[test]
    fn what_is_offered_reads_back_the_same() {
        let ours = Ours { max_size: 3, starttls: true, trusted: true, chunking: true, binary: true };
        let all = Extensions::offer(&parse(NEXT_HOP), &ours);
        assert!(all.chunking && all.takes_binary() && !all.xclient.is_empty());
        let lines = all.lines();
        let mut reply = vec!["mx"];
        reply.extend(lines.iter().map(String::as_str));
        assert_eq!(parse(&reply), all);
    }

    #[test]
    fn a_refusal_offers_nothing_and_mechanisms_are_bounded() {
        let lines = [PeerText::new("no"), PeerText::new("DSN")];
        assert_eq!(Extensions::parse(&Reply::with_lines(550, &lines)), Extensions::default());
        let many: String = (0..100).map(|n| format!(" M{n}")).collect();
        assert_eq!(parse(&["mx", &format!("AUTH{many}")]).auth.len(), MECHANISMS_MAX);
    }
}
