//! One entry of Backup as JSON. Programs rely on it: keys are only added.

use mail::address::Address;
use mail::untrusted::Untrusted;
use serde::Serialize;
use service::admin::Shown;

use crate::signs::SignLine;
use crate::{terminal, when};

/// An entry. Texts are as their sender wrote them; times are in UTC.
#[derive(Serialize)]
struct EntryLine<'a> {
    /// The entry's id.
    id: String,
    /// The message's id, as in headers and log.
    message: String,
    /// When it was received (RFC 3339).
    received: String,
    status: &'a str,
    /// What it is as to spam; absent where that was not even asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    spam: Option<&'a str>,
    /// 0 to 100; absent where nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<u8>,
    /// Why it was not examined for spam; only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    spam_why: Option<&'a str>,
    /// The signs of spam that were seen; absent where nobody looked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signs: Vec<SignLine<'a>>,
    action: &'a str,
    /// Why it was kept: a sentence a rule.
    reasons: Vec<&'a str>,
    malware: Vec<&'a str>,
    /// What was found in it: names of attachments, `<message body>` or `<message>`.
    objects: Vec<&'a str>,
    /// The envelope's sender; `null` for the null sender.
    sender: Option<&'a str>,
    recipients: Vec<&'a str>,
    from: Option<&'a str>,
    to: Option<&'a str>,
    cc: Option<&'a str>,
    subject: Option<&'a str>,
    date: Option<&'a str>,
    sender_type: &'a store::SenderType,
    surface: &'a str,
    direction: &'a str,
    client: Option<std::net::IpAddr>,
    /// Bytes of the message.
    size: u64,
    /// Bytes on disk.
    stored: u64,
    released: Vec<ReleaseLine<'a>>,
    /// What is wrong with the stored message, if anything is.
    damaged: Option<&'a str>,
}

#[derive(Serialize)]
struct ReleaseLine<'a> {
    time: String,
    to: Vec<&'a str>,
}

/// An entry as one line of JSON.
pub(super) fn json(shown: &Shown) -> String {
    let entry = &shown.entry;
    terminal::json_line(&EntryLine {
        id: shown.id.to_string(),
        message: entry.id.to_string(),
        received: when::rfc3339(entry.received_ms),
        status: &entry.status,
        spam: entry.spam.as_ref().map(|spam| spam.status.as_str()),
        rating: entry.spam.as_ref().and_then(|spam| spam.rating),
        spam_why: entry.spam.as_ref().and_then(|spam| spam.why.as_deref()),
        signs: entry.spam.iter().flat_map(|spam| &spam.signs).map(SignLine::of).collect(),
        action: &entry.action,
        reasons: entry.reason.lines().collect(),
        malware: texts(&entry.malware),
        objects: texts(&entry.objects),
        sender: entry.mail_from.as_ref().map(Address::as_str),
        recipients: addresses(&entry.recipients),
        from: text(entry.header_from.as_ref()),
        to: text(entry.header_to.as_ref()),
        cc: text(entry.header_cc.as_ref()),
        subject: text(entry.subject.as_ref()),
        date: text(entry.date.as_ref()),
        sender_type: &entry.sender_type,
        surface: entry.surface.name(),
        direction: entry.direction.name(),
        client: entry.peer_ip,
        size: entry.size,
        stored: shown.stored,
        released: shown
            .released
            .iter()
            .map(|release| ReleaseLine { time: when::rfc3339(release.when_ms), to: addresses(&release.to) })
            .collect(),
        damaged: shown.damaged.as_deref(),
    })
}

fn text(text: Option<&Untrusted<String>>) -> Option<&str> {
    text.map(|text| text.raw().as_str())
}

fn texts(texts: &[Untrusted<String>]) -> Vec<&str> {
    texts.iter().map(|text| text.raw().as_str()).collect()
}

fn addresses(addresses: &[Address]) -> Vec<&str> {
    addresses.iter().map(Address::as_str).collect()
}
