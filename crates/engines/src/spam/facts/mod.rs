//! What the signs of spam look at, made once a message: the header taken apart, the text that is seen
//! and that is not, links, parts and languages.
//!
//! Made in time linear in the message, within named limits: [`MAX_FIELDS`], [`MAX_TEXT`] of plain text,
//! [`MAX_PARTS`], and those of the modules below. What lies beyond is not looked at for spam, and is told
//! ([`Facts::cut`]); malware engines see it all the same. A message inside the message is not looked into:
//! what somebody forwards, or returns, is not what they write. Of a message that programs may read in
//! different ways every text is read that one of them shows.

mod address;
mod bare;
mod elements;
mod fold;
mod han;
mod host;
mod language;
mod link;
pub mod mailto;
mod moment;
mod page;
mod phrases;
mod route;
mod texts;
mod url;

use std::borrow::Cow;

use mail::evidence::FileKind;
use mail::graph::{Encoding, EntityId, Limits, Message, parse};
use mail::header::{MAX_LOOKED_UP, decode_words, mailboxes_up_to, unfold};

use super::Looks;
pub use address::Mailbox;
pub use fold::Folding;
pub(crate) use fold::{fold, is_emoji};
pub use language::Scripts;
pub use link::{Link, registered};
pub use moment::Moment;
pub use page::Html;
pub use route::{Hop, is_ip};

/// Most header fields that are looked at.
pub const MAX_FIELDS: usize = 1000;
/// Most bytes of all plain text together.
pub const MAX_TEXT: usize = 4 * 1024 * 1024;
/// Most bytes of what all HTML together shows.
pub const MAX_SHOWN: usize = 4 * 1024 * 1024;
/// Most parts, and most texts that are read.
pub const MAX_PARTS: usize = 500;
/// Longest value of a field, in bytes.
const MAX_VALUE: usize = 64 * 1024;
/// Most bytes of a returned header.
pub const MAX_RETURNED: usize = 32 * 1024;
/// How much of a text is folded, in bytes: its head and its end.
const MAX_UNFOLDED: usize = 512 * 1024;
/// Most bytes of the text of all that is attached.
pub const MAX_DOCUMENTS: usize = 64 * 1024;
/// Most bytes of addresses that links of documents lead to behind other words.
pub const MAX_LEADS: usize = 64 * 1024;
/// Most mail addresses of recipients that the envelope gives.
pub const MAX_RECIPIENTS: usize = 50;

/// What the envelope and the session say; all of it empty where nobody knows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Session {
    /// The reverse-path, empty for the null sender; `None` where there is no envelope.
    pub mail_from: Option<String>,
    /// The first [`MAX_RECIPIENTS`] recipients.
    pub recipients: Vec<String>,
    /// Domains that are ours, in lower case; the recipients' are as well.
    pub own_domains: Vec<String>,
    /// When the message came, in seconds since 1970.
    pub now: Option<i64>,
    /// The text of documents that are attached, where the policy wants it looked at (LM-04, LM-05), at most
    /// [`MAX_DOCUMENTS`].
    pub documents: String,
    /// Where links of those documents lead behind other words, at most [`MAX_LEADS`] bytes of them.
    pub leads: Vec<String>,
    /// Whether there are more of them.
    pub more_leads: bool,
    /// Whether their text, or that of attached plain text, is longer than that.
    pub more_documents: bool,
    /// Whether attached plain text is looked at as well.
    pub texts: bool,
    /// Whether only header and text are, and nothing that is attached (OUT-06).
    pub body_only: bool,
}

/// One part, as the walk saw it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attached {
    /// Its name, as its sender wrote it; empty if it has none.
    pub name: String,
    /// What it is by its content.
    pub kind: FileKind,
    /// The media type that is declared.
    pub declared: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it is an attachment, and not what the message shows.
    pub attachment: bool,
    /// Whether it lies in another object, an archive for instance.
    pub inside: bool,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// One header field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldFact {
    /// Its name as written.
    pub name: String,
    /// Its name in lower case.
    pub lower: String,
    /// Its value on one line, as written.
    pub value: String,
}

/// One MIME part of the message itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartFact {
    /// The media type.
    pub media: String,
    /// The charset.
    pub charset: String,
    /// The transfer encoding.
    pub encoding: Encoding,
    /// Whether it is a multipart, and how many children it has.
    pub children: Option<usize>,
    /// Whether it is an attachment.
    pub attachment: bool,
    /// How deep it lies.
    pub depth: u16,
    /// Bytes of its body as they came.
    pub raw_size: usize,
    /// How many of them are not ASCII.
    pub eight_bit: bool,
    /// Whether its decoded text is plain ASCII.
    pub ascii: bool,
}

/// What a reader sees: no copy of a text that stands here anyhow.
#[derive(Clone, Debug, Default)]
enum Shown {
    /// All plain text.
    #[default]
    Plain,
    /// What the HTML shows.
    Html,
    /// That, and plain text beside it.
    Both(String),
}

/// Everything the signs look at.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The header's fields, in order.
    pub fields: Vec<FieldFact>,
    /// From.
    pub from: Vec<Mailbox>,
    /// To.
    pub to: Vec<Mailbox>,
    /// Cc.
    pub cc: Vec<Mailbox>,
    /// Reply-To.
    pub reply_to: Vec<Mailbox>,
    /// The subject, decoded.
    pub subject: String,
    /// The subject, folded.
    pub subject_folding: Folding,
    /// The date, where it can be read.
    pub date: Option<Moment>,
    /// The Received fields, the newest first.
    pub route: Vec<Hop>,
    /// The Message-ID with its brackets.
    pub message_id: String,
    /// The plain text.
    pub plain: String,
    /// The HTML.
    pub html: Html,
    /// What a reader sees, as written: see [`Facts::shown`].
    shown: Shown,
    /// The same, folded.
    pub folding: Folding,
    /// Subject and all shown text, folded: where phrases are looked for.
    pub words: String,
    /// The scripts of subject and shown text.
    pub scripts: Scripts,
    /// Links of all texts.
    pub links: Vec<Link>,
    /// The MIME parts of the message itself.
    pub parts: Vec<PartFact>,
    /// All objects that have a name or are attached.
    pub attached: Vec<Attached>,
    /// The envelope.
    pub session: Session,
    /// The size of the message in bytes.
    pub size: usize,
    /// Whether a message inside the message was passed over.
    pub has_message: bool,
    /// The header of the first message inside the message, as it came, the first [`MAX_RETURNED`] bytes.
    pub returned: String,
    /// Whether that is not all of it.
    pub returned_cut: bool,
    /// Whether it stands in a text, below a line of a mail server that says so.
    pub returned_in_text: bool,
    /// The phrases that occur, and the family of each.
    pub phrases: Vec<(&'static str, &'static str)>,
    /// The registered domains and addresses that links lead to, each once, for lists: first those of links
    /// that a reader sees, in the subject and in what is attached as well, then bare domains of texts and what a
    /// page shows without a link, last those of pictures. At most [`mail::evidence::MAX_HOSTS`].
    pub hosts: Vec<String>,
    /// Whether there are more of them.
    pub more_hosts: bool,
    /// Where links lead, in one form, each once, for lists: in the same order, among those that come as soon one for each host
    /// first. [`mail::evidence::MAX_URLS`], and one more where there are more.
    pub urls: Vec<String>,
    /// What was not read to its end, because a limit was reached: `parts`, `html`, `text`, `links`, `fields`,
    /// `value`, `authors`.
    pub cut: Vec<&'static str>,
    /// What was seen in them so far; they are not changed any more once somebody looked.
    pub(super) looks: Looks,
}

impl Facts {
    /// Takes a message apart. `attached`: what the walk saw.
    pub fn of(message: &Message<'_>, attached: Vec<Attached>, session: Session) -> Self {
        let mut facts = Self { attached, session, size: message.raw().len(), ..Self::default() };
        facts.read_header(message);
        texts::read(&mut facts, message);
        facts.subject_folding = fold(&facts.subject);
        if facts.shown().len() > MAX_UNFOLDED {
            facts.cut("text");
        }
        facts.folding = fold(&ends(facts.shown()));
        let both = [facts.subject_folding.text.as_str(), " \n ", facts.folding.text.as_str()].concat();
        facts.words = if facts.session.documents.is_empty() {
            both
        } else {
            [both.as_str(), " \n ", &fold(&facts.session.documents).text].concat()
        };
        // What is taken for hidden may be seen all the same, and some programs show plain text rather than the page.
        let plain = if matches!(facts.shown, Shown::Plain) { "" } else { facts.plain.as_str() };
        let [hidden, plain] = [facts.html.hidden.as_str(), plain].map(|text| fold(&ends(text)).text);
        facts.phrases = phrases::find(&[&facts.words, &hidden, &plain]);
        facts.scripts = Scripts::of(&[facts.subject.as_str(), " ", facts.shown()].concat());
        facts
    }

    /// Remembers that a limit was reached.
    fn cut(&mut self, what: &'static str) {
        if !self.cut.contains(&what) {
            self.cut.push(what);
        }
    }

    fn read_header(&mut self, message: &Message<'_>) {
        let root = EntityId(0);
        let buffer = message.raw();
        if message.fields(root).len() > MAX_FIELDS {
            self.cut("fields");
        }
        let mut authors = 0usize;
        for field in message.fields(root).iter().take(MAX_FIELDS) {
            let whole = field.value.of(buffer);
            let raw = whole.get(..MAX_VALUE).unwrap_or(whole);
            if raw.len() < whole.len() {
                self.cut("value");
            }
            let name = String::from_utf8_lossy(field.name.of(buffer)).into_owned();
            let lower = name.trim().to_ascii_lowercase();
            if lower == "from" {
                // As many as lists of senders are asked about (D-9).
                authors = authors.saturating_add(mailboxes_up_to(raw, MAX_LOOKED_UP.saturating_add(1)).list.len());
            }
            match lower.as_str() {
                "from" if self.from.is_empty() => self.from = address::list(raw),
                "to" => self.to.extend(address::list(raw)),
                "cc" => self.cc.extend(address::list(raw)),
                "reply-to" if self.reply_to.is_empty() => self.reply_to = address::list(raw),
                "subject" if self.subject.is_empty() => self.subject = decode_words(raw),
                "received" if self.route.len() < route::MAX_HOPS => self.route.push(route::read(raw)),
                _ => {}
            }
            self.to.truncate(address::MAX_MAILBOXES);
            self.cc.truncate(address::MAX_MAILBOXES);
            let value = String::from_utf8_lossy(&unfold(raw)).into_owned();
            match lower.as_str() {
                "date" if self.date.is_none() => self.date = moment::read(&value),
                "message-id" if self.message_id.is_empty() => self.message_id = value.trim().to_owned(),
                _ => {}
            }
            self.fields.push(FieldFact { name, lower, value });
        }
        if authors > MAX_LOOKED_UP {
            self.cut("authors");
        }
    }

    /// Keeps the header of a message inside the message.
    fn read_returned(&mut self, message: &Message<'_>, id: EntityId) {
        if !self.returned.is_empty() {
            return;
        }
        let content = message.content(id, MAX_RETURNED);
        self.keep_returned(&String::from_utf8_lossy(&content.bytes), content.cut);
    }

    /// Keeps the header that a text begins with. `cut`: there is more of the text.
    fn keep_returned(&mut self, text: &str, cut: bool) {
        let text = text.replace("\r\n", "\n");
        let header = text.split("\n\n").next().unwrap_or("");
        self.returned_cut = cut && header.len() == text.len();
        self.returned = header.get(..header.floor_char_boundary(MAX_RETURNED)).unwrap_or("").to_owned();
    }

    /// The value of the first field of a name in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.lower == name).map(|field| field.value.trim())
    }

    /// Whether there is a field of a name in lower case.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.lower == name)
    }

    /// How many fields of a name there are.
    pub fn count(&self, name: &str) -> usize {
        self.fields.iter().filter(|field| field.lower == name).count()
    }

    /// The first From mailbox.
    pub fn sender(&self) -> Option<&Mailbox> {
        self.from.first()
    }

    /// The registered domain of From; empty where there is none.
    pub fn from_domain(&self) -> String {
        self.sender().map(|sender| registered(&sender.domain()).to_owned()).unwrap_or_default()
    }

    /// The sender of the envelope: of the session, or as the last server wrote it into Return-Path.
    pub fn envelope_sender(&self) -> Option<String> {
        let written = || self.field("return-path").map(|path| path.trim_matches(['<', '>', ' ']).to_owned());
        self.session.mail_from.clone().or_else(written)
    }

    /// Every recipient in the header, and of the envelope.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        let header = self.to.iter().chain(&self.cc).map(|mailbox| mailbox.address.as_str());
        header.chain(self.session.recipients.iter().map(String::as_str)).filter(|address| address.contains('@'))
    }

    /// The fields of the returned header, name in lower case and value on one line.
    pub fn returned_fields(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        for line in self.returned.lines().take(MAX_FIELDS) {
            match (line.starts_with([' ', '\t']), line.split_once(':'), found.last_mut()) {
                (true, _, Some((_, value))) => {
                    value.push(' ');
                    value.push_str(line.trim_start());
                }
                (false, Some((name, value)), _) => {
                    found.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                }
                _ => {}
            }
        }
        found
    }

    /// When the message came, as well as it is known: by the session, or by its newest Received field.
    pub fn arrived(&self) -> Option<i64> {
        self.session.now.or_else(|| self.route.iter().find_map(|hop| hop.date).map(|date| date.unix))
    }

    /// Links that somebody clicks on, in the web.
    pub fn clicks(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(|link| link.clicked && link.is_web())
    }

    /// What a reader sees, as written: HTML with the plain text beside it, or all plain text where there is
    /// no HTML. Of a choice between both it is the HTML.
    pub fn shown(&self) -> &str {
        match &self.shown {
            Shown::Plain => &self.plain,
            Shown::Html => &self.html.text,
            Shown::Both(text) => text,
        }
    }
}

/// One Received field, by its value on one line.
pub(crate) fn hop(value: &str) -> Hop {
    route::read(value.as_bytes())
}

/// When a message came by its newest Received field that says so, in seconds since 1970; as [`Facts::arrived`] without
/// a session.
pub fn came(head: &[u8]) -> Option<i64> {
    let message = parse(head, &Limits::default());
    let (fields, buffer) = (message.fields(EntityId(0)), message.raw());
    let hops = fields.iter().take(MAX_FIELDS).filter(|field| field.name_is(buffer, "received")).take(route::MAX_HOPS);
    let value = |whole: &'_ [u8]| route::read(whole.get(..MAX_VALUE).unwrap_or(whole)).date;
    hops.filter_map(|field| value(field.value.of(buffer))).map(|date| date.unix).next()
}

/// A text, or the head and the end of a long one.
fn ends(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_UNFOLDED {
        return Cow::Borrowed(text);
    }
    let half = MAX_UNFOLDED / 2;
    let head = text.get(..text.floor_char_boundary(half)).unwrap_or("");
    let end = text.get(text.ceil_char_boundary(text.len().saturating_sub(half))..).unwrap_or("");
    Cow::Owned([head, " \n ", end].concat())
}

#[cfg(test)]
#[path = "shown_tests.rs"]
mod shown_tests;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
