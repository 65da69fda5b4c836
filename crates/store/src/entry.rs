//! What Backup knows of a message: the columns of spec BK-09 and BK-10, and the name of an entry.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use mail::address::Address;
use mail::arrival::{Direction, MessageId, Surface};
use mail::evidence::MAX_SIGNS;
use mail::untrusted::Untrusted;
use serde::{Deserialize, Serialize};

use crate::base32;
use crate::error::StoreError;

/// Most characters kept of a subject, a date or one name.
pub(crate) const MAX_SHORT: usize = 1_000;
/// Most characters kept of a From, To or Cc header and of a reason.
pub(crate) const MAX_LONG: usize = 8_000;
/// Most object names and malware names kept of one message.
pub(crate) const MAX_NAMES: usize = 100;
/// Most characters of what a sign of spam saw.
pub const MAX_SIGN_TEXT: usize = 80;
/// Bits of a [`BackupId`] that count within a millisecond.
const COUNT_BITS: u32 = 20;
/// Bits of a [`BackupId`] that are the time: enough until the year 2248.
const TIME_BITS: u32 = 43;
/// Digits of a [`BackupId`].
const ID_DIGITS: u32 = 13;

/// The name of an entry of Backup: 63 bits, shown as 13 characters of Crockford's base 32. The first 43
/// bits are the message's arrival in milliseconds since 1970, so that names sort by time. Not a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackupId(i64);

impl BackupId {
    /// From a time in milliseconds since 1970 and a count; both are cut to their bits.
    pub(crate) fn new(unix_ms: u64, count: u32) -> Self {
        let time = unix_ms & ((1 << TIME_BITS) - 1);
        let count = u64::from(count) & ((1 << COUNT_BITS) - 1);
        Self(((time << COUNT_BITS) | count) as i64)
    }

    /// The smallest name of a millisecond; a time beyond the range is the largest name.
    pub(crate) fn first_of(unix_ms: u64) -> Self {
        if unix_ms >> TIME_BITS != 0 { Self(i64::MAX) } else { Self::new(unix_ms, 0) }
    }

    /// The key of its row.
    pub(crate) fn key(self) -> i64 {
        self.0
    }

    /// From the key of a row.
    pub(crate) fn from_key(key: i64) -> Self {
        Self(key)
    }

    /// The time in it: when the message came, in milliseconds since 1970.
    pub fn unix_ms(self) -> u64 {
        (self.0 as u64) >> COUNT_BITS
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base32::number(self.0 as u64, ID_DIGITS))
    }
}

impl fmt::Debug for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 13 digits of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotABackupId;

impl fmt::Display for NotABackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of an entry of Backup")
    }
}

impl std::error::Error for NotABackupId {}

impl FromStr for BackupId {
    type Err = NotABackupId;

    fn from_str(text: &str) -> Result<Self, NotABackupId> {
        let value = base32::parse_number(text, ID_DIGITS as usize).ok_or(NotABackupId)?;
        i64::try_from(value).map(Self).map_err(|_| NotABackupId)
    }
}

impl Serialize for BackupId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BackupId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether a sender is one of ours (spec BK-10).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SenderType {
    /// Of our own domains.
    Internal,
    /// Anybody else.
    External,
}

impl SenderType {
    /// As logs and lists show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

/// What is known of a message when it is kept. Texts over their limits are cut by [`crate::Store::keep`];
/// the envelope never is, because release needs it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewEntry {
    /// Our name for the message.
    pub id: MessageId,
    /// Where it crossed us.
    pub surface: Surface,
    /// Which way it went.
    pub direction: Direction,
    /// The reverse-path; `None` is the null sender.
    pub mail_from: Option<Address>,
    /// The recipients of the envelope.
    pub recipients: Vec<Address>,
    /// The From header, decoded.
    pub header_from: Option<Untrusted<String>>,
    /// The To header, decoded.
    pub header_to: Option<Untrusted<String>>,
    /// The Cc header, decoded.
    pub header_cc: Option<Untrusted<String>>,
    /// The Subject header, decoded.
    pub subject: Option<Untrusted<String>>,
    /// The Date header, as written.
    pub date: Option<Untrusted<String>>,
    /// Names of the objects concerned: attachment names, `<message body>` or `<message>`.
    pub objects: Vec<Untrusted<String>>,
    /// The status, one word (spec section 4); for filters.
    pub status: String,
    /// Why it was kept, for people.
    pub reason: String,
    /// Names of what was found.
    pub malware: Vec<Untrusted<String>>,
    /// Whether the sender is one of ours.
    pub sender_type: SenderType,
    /// The client's address.
    pub peer_ip: Option<IpAddr>,
    /// Number of the connection since start (spec ACT-23).
    pub connection: u64,
    /// Bytes of the message; [`crate::Store::keep`] refuses a body of another length.
    pub size: u64,
    /// What it is as to spam; `None` where that was not even asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spam: Option<KeptSpam>,
    /// What was done with the message, one word.
    pub action: String,
    /// When its first byte came, in milliseconds since 1970; the entry's place in lists and its age.
    pub received_ms: u64,
}

/// What a message is as to spam.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeptSpam {
    /// The status, one word (spec section 7); for filters.
    pub status: String,
    /// Its rating, 0 to 100 (D-10); `None` where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
    /// Why it was not examined, one word (D-19, LM-02); only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The signs that were seen (D-10).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<KeptSign>,
}

/// A sign of spam as it was seen in a message (D-10). Written as a list of four, because most rows have many.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "(String, i16, bool, Untrusted<String>)", into = "(String, i16, bool, Untrusted<String>)")]
pub struct KeptSign {
    /// Its name.
    pub id: String,
    /// Its points, in hundredths.
    pub points: i16,
    /// Whether it counted, by the policy and by what the message is.
    pub counts: bool,
    /// What was seen; its beginning, at most [`MAX_SIGN_TEXT`] characters, and `…` where more was.
    pub evidence: Untrusted<String>,
}

impl From<(String, i16, bool, Untrusted<String>)> for KeptSign {
    fn from((id, points, counts, evidence): (String, i16, bool, Untrusted<String>)) -> Self {
        Self { id, points, counts, evidence }
    }
}

impl From<KeptSign> for (String, i16, bool, Untrusted<String>) {
    fn from(sign: KeptSign) -> Self {
        (sign.id, sign.points, sign.counts, sign.evidence)
    }
}

/// Signs within their limits.
pub(crate) fn bounded_signs(signs: &mut Vec<KeptSign>) {
    signs.truncate(MAX_SIGNS);
    for sign in signs {
        sign.id = sign.id.chars().take(MAX_SHORT).collect();
        if sign.evidence.raw().chars().count() > MAX_SIGN_TEXT {
            let cut = shortened(&sign.evidence, MAX_SIGN_TEXT.saturating_sub(1));
            sign.evidence = Untrusted::new(format!("{}…", cut.raw()));
        }
    }
}

/// Cuts a foreign text to a number of characters.
fn cut(text: &mut Option<Untrusted<String>>, max: usize) {
    if let Some(value) = text {
        *value = shortened(value, max);
    }
}

/// A foreign text of at most `max` characters.
pub(crate) fn shortened(text: &Untrusted<String>, max: usize) -> Untrusted<String> {
    Untrusted::new(text.raw().chars().take(max).collect())
}

impl NewEntry {
    /// The same with every text within its limit.
    pub(crate) fn bounded(mut self) -> Self {
        for text in [&mut self.subject, &mut self.date] {
            cut(text, MAX_SHORT);
        }
        for text in [&mut self.header_from, &mut self.header_to, &mut self.header_cc] {
            cut(text, MAX_LONG);
        }
        for names in [&mut self.objects, &mut self.malware] {
            names.truncate(MAX_NAMES);
            names.iter_mut().for_each(|name| *name = shortened(name, MAX_SHORT));
        }
        for text in [&mut self.status, &mut self.action] {
            *text = text.chars().take(MAX_SHORT).collect();
        }
        if let Some(spam) = &mut self.spam {
            for word in spam.why.iter_mut().chain([&mut spam.status]) {
                *word = word.chars().take(MAX_SHORT).collect();
            }
            bounded_signs(&mut spam.signs);
        }
        self.reason = self.reason.chars().take(MAX_LONG).collect();
        self
    }
}

/// One release of an entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Release {
    /// To whom.
    pub to: Vec<Address>,
    /// When, in milliseconds since 1970.
    pub when_ms: u64,
}

/// An entry of Backup as it is listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name.
    pub id: BackupId,
    /// What was known of the message.
    pub entry: NewEntry,
    /// Bytes of the sealed message on disk, shared by all entries with the same content.
    pub stored: u64,
    /// To whom it was released, oldest first.
    pub released: Vec<Release>,
    /// What is wrong with the stored message, if something was found.
    pub damaged: Option<String>,
    /// Whether the row was made from the sealed file (after a crash or a lost index).
    pub recovered: bool,
}

/// A searchable text: what a word of [`Filter`] is looked for in.
pub(crate) struct Texts {
    pub(crate) sender: String,
    pub(crate) recipient: String,
    pub(crate) subject: String,
    pub(crate) other: String,
}

impl Texts {
    /// The texts of an entry.
    pub(crate) fn of(entry: &NewEntry) -> Self {
        let text = |t: &Option<Untrusted<String>>| t.as_ref().map(|t| t.raw().clone()).unwrap_or_default();
        let mut recipient: Vec<&str> = entry.recipients.iter().map(Address::as_str).collect();
        let (to, cc) = (text(&entry.header_to), text(&entry.header_cc));
        recipient.extend([to.as_str(), cc.as_str()]);
        let peer = entry.peer_ip.map(|ip| ip.to_string()).unwrap_or_default();
        let id = entry.id.to_string();
        let mut other: Vec<&str> = entry.objects.iter().chain(&entry.malware).map(|t| t.raw().as_str()).collect();
        other.extend([entry.reason.as_str(), peer.as_str(), id.as_str()]);
        let from = entry.mail_from.as_ref().map_or("", Address::as_str);
        Self {
            sender: [from, text(&entry.header_from).as_str()].join("\n"),
            recipient: recipient.join("\n"),
            subject: text(&entry.subject),
            other: other.join("\n"),
        }
    }
}

/// Which entries are wanted; every field that is set must fit. Words are looked for anywhere in the
/// text, in any case.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// In the reverse-path or the From header.
    pub sender: Option<String>,
    /// In a recipient or the To or Cc header.
    pub recipient: Option<String>,
    /// In the Subject header.
    pub subject: Option<String>,
    /// In any of these, an object's or malware's name, the reason, the client's address or the message's name.
    pub text: Option<String>,
    /// The status, exactly.
    pub status: Option<String>,
    /// The status as to spam, exactly.
    pub spam: Option<String>,
    /// The message, exactly.
    pub message: Option<MessageId>,
    /// Received at this time or later, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Received before this time, in milliseconds since 1970.
    pub until_ms: Option<u64>,
}

/// Some entries, newest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// At most as many as were asked for; fewer (even none) if the search stopped at its limit of work.
    pub entries: Vec<Entry>,
    /// Where the next page begins: give it to the next call. `None` at the end.
    pub next: Option<BackupId>,
}

/// The JSON of something that is stored; what cannot be written is too large for it by definition of its limits.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::TooLarge { what: "the description", limit: 0 })
}

#[cfg(test)]
mod tests {
    use super::BackupId;

    #[test]
    fn names_read_back_and_sort_by_time() {
        let early = BackupId::new(1_700_000_000_000, 0xf_ffff);
        let late = BackupId::new(1_700_000_000_001, 0);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(late.to_string().to_lowercase().parse(), Ok(late));
        assert_eq!(late.unix_ms(), 1_700_000_000_001);
        assert!(BackupId::first_of(u64::MAX) > late);
        for bad in ["", "8000000000000", "000000000000", "../../../../x"] {
            assert!(bad.parse::<BackupId>().is_err(), "{bad}");
        }
    }
}
