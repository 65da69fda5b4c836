//! SMTP command lines: the verb, and the arguments of MAIL and RCPT (RFC 5321 section 4.1).
//!
//! Arguments are checked but kept as the client wrote them, so that they can be sent on unmodified. Only parameters
//! of extensions that were offered are taken. Limits: [`PARAMETERS_MAX`] parameters; the line's own length is
//! bounded by the machine that read it. Not handled: blanks inside `FROM:` or `TO:`, paths without brackets.

use std::net::IpAddr;

use super::extensions::Extensions;
use super::path::{self, PathFault};
use super::reply::Reply;
use super::xtext;

/// Most parameters of one command.
pub const PARAMETERS_MAX: usize = 20;
/// Longest ENVID, in bytes (RFC 3461 section 4.4).
const ENVID_MAX: usize = 100;
/// Longest ORCPT, in bytes (RFC 3461 section 4.2).
const ORCPT_MAX: usize = 500;
/// Longest HELO or EHLO name, in bytes.
const NAME_MAX: usize = 255;

/// What a command line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Helo,
    Ehlo,
    Mail,
    Rcpt,
    Data,
    Reset,
    Noop,
    Quit,
    Help,
    Verify,
    Expand,
    StartTls,
    Auth,
    Xforward,
    Bdat,
    Lhlo,
    Xclient,
    Http,
    Unknown,
}

/// The whole language. HTTP's verbs stand here so that a browser made to talk to us gets no conversation.
const VERBS: &[(&str, Verb)] = &[
    ("HELO", Verb::Helo),
    ("EHLO", Verb::Ehlo),
    ("MAIL", Verb::Mail),
    ("RCPT", Verb::Rcpt),
    ("DATA", Verb::Data),
    ("RSET", Verb::Reset),
    ("NOOP", Verb::Noop),
    ("QUIT", Verb::Quit),
    ("HELP", Verb::Help),
    ("VRFY", Verb::Verify),
    ("EXPN", Verb::Expand),
    ("STARTTLS", Verb::StartTls),
    ("AUTH", Verb::Auth),
    ("XFORWARD", Verb::Xforward),
    ("BDAT", Verb::Bdat),
    ("LHLO", Verb::Lhlo),
    ("XCLIENT", Verb::Xclient),
    ("GET", Verb::Http),
    ("POST", Verb::Http),
    ("HEAD", Verb::Http),
    ("PUT", Verb::Http),
    ("DELETE", Verb::Http),
    ("OPTIONS", Verb::Http),
    ("CONNECT", Verb::Http),
    ("TRACE", Verb::Http),
    ("PATCH", Verb::Http),
    ("PRI", Verb::Http),
];

/// Splits a line into its verb and what follows, blanks around it removed.
pub(crate) fn split(line: &str) -> (Verb, &str) {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let verb = VERBS.iter().find(|(text, _)| text.eq_ignore_ascii_case(word)).map_or(Verb::Unknown, |(_, v)| *v);
    (verb, rest.trim_matches(' '))
}

/// How content is encoded (RFC 6152).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// BODY=7BIT.
    SevenBit,
    /// BODY=8BITMIME.
    EightBitMime,
    /// BODY=BINARYMIME (RFC 3030): only in chunks.
    BinaryMime,
}

/// A MAIL command, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailCommand {
    /// The text after `MAIL FROM:` as it came, to be sent on; it starts with `<`.
    pub argument: String,
    /// The path inside the brackets; empty for the null sender.
    pub path: String,
    /// SIZE, in bytes, as declared.
    pub size: Option<u64>,
    /// BODY.
    pub body: Option<Body>,
    /// SMTPUTF8 was given: the envelope and the header may hold UTF-8.
    pub smtputf8: bool,
}

/// A RCPT command, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RcptCommand {
    /// The text after `RCPT TO:` as it came, to be sent on; it starts with `<`.
    pub argument: String,
    /// The path inside the brackets; never empty. `postmaster` (any case) is the one without a domain.
    pub path: String,
}

/// Reads what follows `MAIL`. An error is the reply to send.
pub(crate) fn parse_mail(rest: &str, offered: &Extensions, max_size: u64) -> Result<MailCommand, Reply> {
    const USAGE: &str = "5.5.4 Syntax: MAIL FROM:<address> [parameters]";
    let argument = after(rest, "FROM:").ok_or_else(|| Reply::say(501, USAGE))?;
    let (path, rest) = path::split(argument).ok_or_else(|| Reply::say(501, USAGE))?;
    let mut command =
        MailCommand { argument: argument.to_owned(), path: path.to_owned(), size: None, body: None, smtputf8: false };
    let parameters = parameters(rest, offered)?;
    for (keyword, value) in &parameters {
        mail_parameter(&mut command, keyword, *value)?;
    }
    if command.body == Some(Body::BinaryMime) && !offered.binary_mime {
        return Err(Reply::say(501, "5.5.4 Bad value for BODY"));
    }
    if !path.is_empty() {
        path::check_mailbox(path, command.smtputf8).map_err(|fault| path_refusal(fault, "5.1.7", "sender"))?;
    }
    let text_is_fine = command.smtputf8 || argument.is_ascii();
    if !text_is_fine {
        return Err(Reply::say(501, "5.5.4 Parameter is not ASCII"));
    }
    if max_size != 0 && command.size.is_some_and(|size| size > max_size) {
        return Err(Reply::say(552, "5.3.4 Message size exceeds fixed limit"));
    }
    Ok(command)
}

/// Reads what follows `RCPT`. An error is the reply to send.
pub(crate) fn parse_rcpt(rest: &str, offered: &Extensions, utf8: bool) -> Result<RcptCommand, Reply> {
    const USAGE: &str = "5.5.4 Syntax: RCPT TO:<address> [parameters]";
    let argument = after(rest, "TO:").ok_or_else(|| Reply::say(501, USAGE))?;
    let (path, rest) = path::split(argument).ok_or_else(|| Reply::say(501, USAGE))?;
    for (keyword, value) in parameters(rest, offered)? {
        rcpt_parameter(&keyword, value)?;
    }
    if !path.eq_ignore_ascii_case("postmaster") {
        path::check_mailbox(path, utf8).map_err(|fault| path_refusal(fault, "5.1.3", "recipient"))?;
    }
    if !utf8 && !argument.is_ascii() {
        return Err(Reply::say(501, "5.5.4 Parameter is not ASCII"));
    }
    Ok(RcptCommand { argument: argument.to_owned(), path: path.to_owned() })
}

/// Checks the name after HELO or EHLO: one word of printable ASCII.
pub(crate) fn parse_hello(rest: &str) -> Result<String, Reply> {
    let fine = !rest.is_empty() && rest.len() <= NAME_MAX && rest.bytes().all(|b| b.is_ascii_graphic());
    if fine { Ok(rest.to_owned()) } else { Err(Reply::say(501, "5.5.4 Syntax: EHLO hostname")) }
}

/// Reads what follows `BDAT`: the octets of the chunk, and whether it is the last one (RFC 3030 section 2).
pub(crate) fn parse_bdat(rest: &str) -> Option<(u64, bool)> {
    let (size, last) = match rest.split_once(' ') {
        Some((size, word)) => (size, word.trim_matches(' ').eq_ignore_ascii_case("LAST").then_some(true)?),
        None => (rest, false),
    };
    Some((digits(size, 20)?.parse().ok()?, last))
}

/// What follows `word` and blanks.
fn after<'a>(rest: &'a str, word: &str) -> Option<&'a str> {
    let (start, tail) = rest.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then(|| tail.trim_start_matches(' '))
}

fn path_refusal(fault: PathFault, enhanced: &str, whose: &str) -> Reply {
    match fault {
        PathFault::Syntax => Reply::say(501, &format!("{enhanced} Bad {whose} address syntax")),
        PathFault::SourceRoute => Reply::say(501, &format!("{enhanced} Source route in {whose} address")),
        PathFault::TooLong => Reply::say(501, &format!("{enhanced} The {whose} address is too long")),
        PathFault::NeedsUtf8 => Reply::say(553, &format!("5.6.7 The {whose} address needs SMTPUTF8")),
    }
}

/// Splits `[SP keyword[=value]]...`: keywords in upper case, each once, each of an offered extension.
fn parameters<'a>(rest: &'a str, offered: &Extensions) -> Result<Vec<(String, Option<&'a str>)>, Reply> {
    let syntax = || Reply::say(501, "5.5.4 Bad parameter syntax");
    if !rest.is_empty() && !rest.starts_with(' ') {
        return Err(syntax());
    }
    let mut found: Vec<(String, Option<&str>)> = Vec::new();
    for word in rest.split(' ').filter(|w| !w.is_empty()) {
        let (keyword, value) = match word.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (word, None),
        };
        let keyword = keyword.to_ascii_uppercase();
        let value_is_fine = value.is_none_or(|v| !v.is_empty() && v.chars().all(is_value_char));
        if !is_keyword(&keyword) || !value_is_fine || found.len() >= PARAMETERS_MAX {
            return Err(syntax());
        }
        if !offered.has_parameter(&keyword) {
            return Err(Reply::say(555, &format!("5.5.4 Unsupported parameter: {keyword}")));
        }
        if found.iter().any(|(seen, _)| *seen == keyword) {
            return Err(syntax());
        }
        found.push((keyword, value));
    }
    Ok(found)
}

/// esmtp-keyword of RFC 5321 section 4.1.2.
fn is_keyword(word: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    word.bytes().all(fine) && word.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

/// esmtp-value, with UTF-8 (RFC 6531 section 3.3). `=` is let through for AUTH=<> and old xtext.
fn is_value_char(c: char) -> bool {
    c.is_ascii_graphic() || (!c.is_ascii() && !c.is_control() && !c.is_whitespace())
}

fn mail_parameter(command: &mut MailCommand, keyword: &str, value: Option<&str>) -> Result<(), Reply> {
    let bad = || Reply::say(501, &format!("5.5.4 Bad value for {keyword}"));
    let fine = match (keyword, value) {
        ("SIZE", Some(v)) => {
            command.size = Some(digits(v, 20).and_then(|v| v.parse().ok()).ok_or_else(bad)?);
            true
        }
        ("BODY", Some(v)) => {
            command.body = Some(parse_body(v).ok_or_else(bad)?);
            true
        }
        ("SMTPUTF8", None) => {
            command.smtputf8 = true;
            true
        }
        ("RET", Some(v)) => v.eq_ignore_ascii_case("FULL") || v.eq_ignore_ascii_case("HDRS"),
        ("ENVID", Some(v)) => v.len() <= ENVID_MAX && xtext::decode(v).is_some(),
        ("AUTH", Some(v)) => v == "<>" || xtext::decode(v).is_some(),
        ("MT-PRIORITY", Some(v)) => digits(v.strip_prefix('-').unwrap_or(v), 1).is_some(),
        ("BY", Some(v)) => is_by(v),
        _ => false,
    };
    if fine { Ok(()) } else { Err(bad()) }
}

fn rcpt_parameter(keyword: &str, value: Option<&str>) -> Result<(), Reply> {
    let fine = match (keyword, value) {
        ("NOTIFY", Some(v)) => is_notify(v),
        ("ORCPT", Some(v)) => is_orcpt(v),
        _ => false,
    };
    if fine { Ok(()) } else { Err(Reply::say(501, &format!("5.5.4 Bad value for {keyword}"))) }
}

fn parse_body(value: &str) -> Option<Body> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Some(Body::SevenBit),
        "8BITMIME" => Some(Body::EightBitMime),
        "BINARYMIME" => Some(Body::BinaryMime),
        _ => None,
    }
}

/// `value` if it is 1 to `most` decimal digits.
fn digits(value: &str, most: usize) -> Option<&str> {
    let fine = !value.is_empty() && value.len() <= most && value.bytes().all(|b| b.is_ascii_digit());
    fine.then_some(value)
}

/// by-value of RFC 2852 section 4: `[-]digits;R|N[T]`.
fn is_by(value: &str) -> bool {
    let Some((time, mode)) = value.split_once(';') else { return false };
    let mode = mode.to_ascii_uppercase();
    digits(time.strip_prefix('-').unwrap_or(time), 9).is_some() && matches!(mode.as_str(), "R" | "N" | "RT" | "NT")
}

/// RFC 3461 section 4.1: NEVER alone, or a list of the others.
fn is_notify(value: &str) -> bool {
    let one = |w: &str| ["SUCCESS", "FAILURE", "DELAY"].iter().any(|k| k.eq_ignore_ascii_case(w));
    value.eq_ignore_ascii_case("NEVER") || value.split(',').all(one)
}

/// RFC 3461 section 4.2: `type;xtext`; RFC 6533 adds UTF-8 forms, which are taken as they are.
fn is_orcpt(value: &str) -> bool {
    let Some((kind, address)) = value.split_once(';') else { return false };
    let text = kind.eq_ignore_ascii_case("utf-8") || xtext::decode(address).is_some();
    value.len() <= ORCPT_MAX && is_keyword(kind) && !address.is_empty() && text
}

/// An address literal for EHLO (RFC 5321 section 4.1.3).
pub fn address_literal(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => format!("[{ip}]"),
        IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Extensions {
        Extensions {
            pipelining: true,
            size: Some(0),
            eight_bit_mime: true,
            smtputf8: true,
            dsn: true,
            auth: vec!["PLAIN".into()],
            mt_priority: Some(String::new()),
            deliver_by: Some(String::new()),
            ..Extensions::default()
        }
    }

    #[test]
    fn verbs_are_found_in_any_case() {
        assert_eq!(split("mail FROM:<a@b>"), (Verb::Mail, "FROM:<a@b>"));
        assert_eq!(split("Data  "), (Verb::Data, ""));
        assert_eq!(split("GET / HTTP/1.1"), (Verb::Http, "/ HTTP/1.1"));
        assert_eq!(split(""), (Verb::Unknown, ""));
        assert_eq!(split("DATAX"), (Verb::Unknown, ""));
    }

    #[test]
    fn a_chunk_says_how_long_it_is() {
        let cases = [
            ("0", Some((0, false))),
            ("30 last", Some((30, true))),
            ("30  LAST", Some((30, true))),
            ("18446744073709551615", Some((u64::MAX, false))),
            ("18446744073709551616", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("0x10", None),
            ("5 FIRST", None),
            ("5 LAST LAST", None),
            ("LAST", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_bdat(text), expected, "{text}");
        }
    }

    #[test]
    fn mail_arguments_are_taken_as_written() {
        let text =
            "<a@example.org> SIZE=100 body=8bitmime RET=HDRS ENVID=x+2By AUTH=<> MT-PRIORITY=-3 BY=120;R SMTPUTF8";
        let mail = parse_mail(&format!("from:  {text}"), &all(), 100).unwrap();
        assert_eq!(mail.argument, text);
        assert_eq!((mail.path.as_str(), mail.size), ("a@example.org", Some(100)));
        assert_eq!((mail.body, mail.smtputf8), (Some(Body::EightBitMime), true));
        assert_eq!(parse_mail("FROM:<>", &Extensions::default(), 0).unwrap().path, "");
    }

    #[test]
    fn mail_arguments_are_refused_with_their_code() {
        let cases = [
            ("", 501),
            ("<a@b>", 501),
            ("FROM", 501),
            ("FROM:a@b", 501),
            ("FROM:<a@b", 501),
            ("FROM:<a>", 501),
            ("FROM:<@x:a@b>", 501),
            ("FROM:<a@b>SIZE=1", 501),
            ("FROM:<a@b> SIZE=1 SIZE=1", 501),
            ("FROM:<a@b> SIZE", 501),
            ("FROM:<a@b> SIZE=", 501),
            ("FROM:<a@b> SIZE=-1", 501),
            ("FROM:<a@b> SIZE=99999999999999999999", 501),
            ("FROM:<a@b> SIZE=101", 552),
            ("FROM:<a@b> BODY=BINARYMIME", 501),
            ("FROM:<a@b> BODY", 501),
            ("FROM:<a@b> SMTPUTF8=1", 501),
            ("FROM:<a@b> RET=ALL", 501),
            ("FROM:<a@b> ENVID=a=b", 501),
            ("FROM:<a@b> MT-PRIORITY=10", 501),
            ("FROM:<a@b> BY=x;R", 501),
            ("FROM:<a@b> NOTIFY=NEVER", 501),
            ("FROM:<a@b> HOLDFOR=5", 555),
            ("FROM:<a@b> REQUIRETLS", 555),
            ("FROM:<a@b> X", 555),
            ("FROM:<a@b> -X", 501),
            ("FROM:<\u{fc}@b>", 553),
            ("FROM:<a@b> ENVID=\u{fc}", 501),
        ];
        for (text, code) in cases {
            assert_eq!(parse_mail(text, &all(), 100).map_err(|r| r.code()), Err(code), "{text}");
        }
        for text in ["FROM:<a@b> SIZE=1", "FROM:<a@b> BODY=7BIT", "FROM:<a@b> SMTPUTF8", "FROM:<a@b> AUTH=<>"] {
            assert_eq!(parse_mail(text, &Extensions::default(), 0).map_err(|r| r.code()), Err(555), "{text}");
        }
    }

    #[test]
    fn rcpt_arguments_are_taken_or_refused() {
        let fine = [
            "TO:<a@b>",
            "to: <Postmaster>",
            "TO:<a@b> NOTIFY=SUCCESS,failure ORCPT=rfc822;a+2Bc@b",
            "TO:<a@b> NOTIFY=NEVER",
        ];
        for text in fine {
            assert!(parse_rcpt(text, &all(), false).is_ok(), "{text}");
        }
        let bad = [
            ("TO:<>", 501),
            ("TO:<root>", 501),
            ("TO:a@b", 501),
            ("TO:<a@b> NOTIFY=NEVER,DELAY", 501),
            ("TO:<a@b> NOTIFY=", 501),
            ("TO:<a@b> ORCPT=a@b", 501),
            ("TO:<a@b> SIZE=3", 501),
            ("TO:<a@b> NOPE", 555),
            ("TO:<\u{fc}@b>", 553),
        ];
        for (text, code) in bad {
            assert_eq!(parse_rcpt(text, &all(), false).map_err(|r| r.code()), Err(code), "{text}");
        }
        assert!(parse_rcpt("TO:<\u{fc}@b> ORCPT=utf-8;\u{fc}@b", &all(), true).is_ok());
    }

    #[test]
    fn hello_names_are_one_printable_word() {
        assert_eq!(parse_hello("[192.0.2.1]").as_deref(), Ok("[192.0.2.1]"));
        let long = "x".repeat(256);
        for bad in ["", "two words", "caf\u{e9}", "a\tb", long.as_str()] {
            assert_eq!(parse_hello(bad).map_err(|r| r.code()), Err(501), "{bad:?}");
        }
    }
}
