//! Lists of senders and recipients (spec sections 13 and 14; D-9, D-14, D-21).
//!
//! A [`Record`] is one entry of the allowlist or the denylist, of the organisation or of one person.
//! [`Lists`] holds all of them so that finding costs the same however many there are; [`standing`](fn@standing) says
//! what they mean for a message, and [`Lane`] which recipients they set apart. [`exchange`] reads and writes files.
//! Limits: [`MAX_ENTRIES`], [`MAX_PERSONAL`], [`MAX_ALIKE`], [`MAX_VALUE`], [`MAX_COMMENT`]. Not handled: users and
//! groups of a directory, since there is none to ask.

mod decode;
mod doubts;
pub mod exchange;
mod index;
mod lane;
mod merging;
mod standing;
mod value;
mod xml;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

pub use decode::decoded;
pub use doubts::{Doubt, MAX_DOUBTS, doubts};
pub use index::MAX_ALIKE;
pub use lane::{Coming, Lane, Personal, Skip, lane};
pub use standing::{Asked, standing};
pub use value::{MAX_VALUE, Rank, Subject, Value, ValueError, is_postmaster};

use index::{Best, Index};

/// Most entries of all lists together.
pub const MAX_ENTRIES: usize = 200_000;
/// Most entries of one person (BL-04).
pub const MAX_PERSONAL: usize = 500;
/// Longest comment, and longest name of who changed something, in bytes.
pub const MAX_COMMENT: usize = 500;

/// Which list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// Whose mail is not examined for spam (WL-01).
    Allow,
    /// Whose mail is "address blacklisted" (BL-01).
    Deny,
}

impl List {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Allow, Self::Deny];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }

    /// The list with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.name() == name)
    }
}

/// Whom an entry is about (WL-05).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Who sends.
    #[default]
    Sender,
    /// Who receives.
    Recipient,
}

impl Purpose {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Recipient => "recipient",
        }
    }

    /// The purpose with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Sender, Self::Recipient].into_iter().find(|purpose| purpose.name() == name)
    }
}

/// What an entry of the allowlist spares (WL-06).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The examination for spam and for bulk mail.
    #[default]
    All,
    /// Being called bulk mail, and nothing else.
    Mass,
}

impl Scope {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mass => "mass",
        }
    }

    /// The scope with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::All, Self::Mass].into_iter().find(|scope| scope.name() == name)
    }
}

/// One entry (WL-03 to WL-07, BL-02).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Its own name: a GUID in lower case.
    pub id: String,
    /// In which list.
    pub list: List,
    /// What it names.
    pub value: Value,
    /// Whom it is about.
    pub purpose: Purpose,
    /// What it spares.
    pub scope: Scope,
    /// The recipient whose own entry it is; `None`: the organisation's. In the form in which addresses are compared.
    pub owner: Option<String>,
    /// For people; one line.
    pub comment: String,
    /// Who changed it last.
    pub modified_by: String,
    /// When, in milliseconds since 1970.
    pub modified_ms: u64,
}

/// What makes an entry the one it is: there is at most one with the same.
pub type Identity = (List, Option<String>, Purpose, Value);

/// Why a record cannot be in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecordError {
    /// The denylist is about senders only (BL-03).
    DenyRecipient,
    /// The denylist knows no scope.
    DenyScope,
    /// A person's entry is about senders' addresses (BL-04).
    Personal,
    /// The owner is no address.
    Owner,
    /// A comment or name is too long, or not one line.
    Text,
}

impl std::fmt::Display for RecordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DenyRecipient => f.write_str("the denylist is about senders only"),
            Self::DenyScope => f.write_str("an entry of the denylist has no scope"),
            Self::Personal => f.write_str("a person's own list is about addresses of senders only"),
            Self::Owner => f.write_str("the owner is no address"),
            Self::Text => write!(f, "a comment is one line of at most {MAX_COMMENT} bytes"),
        }
    }
}

impl Record {
    /// What makes it the entry it is.
    pub fn identity(&self) -> Identity {
        (self.list, self.owner.clone(), self.purpose, self.value.clone())
    }

    /// Whether it can be in a list.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), RecordError> {
        let line = |text: &str| text.len() <= MAX_COMMENT && !text.chars().any(char::is_control);
        if self.list == List::Deny && self.purpose == Purpose::Recipient {
            return Err(RecordError::DenyRecipient);
        }
        if self.list == List::Deny && self.scope != Scope::All {
            return Err(RecordError::DenyScope);
        }
        if let Some(owner) = &self.owner {
            if !matches!(Value::parse(owner), Ok(Value::Exact { .. })) {
                return Err(RecordError::Owner);
            }
            if self.purpose != Purpose::Sender || matches!(self.value, Value::Network(_)) {
                return Err(RecordError::Personal);
            }
        }
        if line(&self.comment) && line(&self.modified_by) { Ok(()) } else { Err(RecordError::Text) }
    }
}

/// Why records cannot be the lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListsError {
    /// One of them cannot be in a list.
    Record(String, RecordError),
    /// More than [`MAX_ENTRIES`].
    TooMany,
    /// More than [`MAX_PERSONAL`] of this person.
    TooManyOf(String),
    /// More than [`MAX_ALIKE`] masks that end in the same labels; the one that is too much.
    TooManyAlike(String),
    /// There is already one like this.
    Twice(String),
}

impl std::fmt::Display for ListsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Record(value, why) => write!(f, "{value}: {why}"),
            Self::TooMany => write!(f, "more than {MAX_ENTRIES} entries"),
            Self::TooManyOf(owner) => write!(f, "{owner} would have more than {MAX_PERSONAL} entries"),
            Self::TooManyAlike(value) => write!(
                f,
                "{value}: more than {MAX_ALIKE} masks of the same domain; an entry for the whole domain (*@example.org) \
                 or addresses without wildcards have no such limit"
            ),
            Self::Twice(value) => write!(f, "{value}: there is already such an entry"),
        }
    }
}

impl std::error::Error for ListsError {}

/// All lists, never changed once they are made.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Lists {
    records: Vec<Record>,
    senders: Index,
    recipients: Index,
    people: HashMap<Box<str>, (Index, usize)>,
}

impl Lists {
    /// The lists of these records.
    ///
    /// # Errors
    /// The first record that cannot be in them.
    pub fn new(records: Vec<Record>) -> Result<Self, ListsError> {
        if records.len() > MAX_ENTRIES {
            return Err(ListsError::TooMany);
        }
        let mut lists = Self::default();
        let mut known = HashSet::with_capacity(records.len());
        for (at, record) in records.iter().enumerate() {
            let shown = || record.value.to_string();
            record.check().map_err(|why| ListsError::Record(shown(), why))?;
            if !known.insert((record.list, record.owner.as_deref(), record.purpose, &record.value)) {
                return Err(ListsError::Twice(shown()));
            }
            let at = u32::try_from(at).map_err(|_| ListsError::TooMany)?;
            let index = match (&record.owner, record.purpose) {
                (Some(owner), _) => {
                    let (index, count) = lists.people.entry(owner.as_str().into()).or_default();
                    *count = count.saturating_add(1);
                    if *count > MAX_PERSONAL {
                        return Err(ListsError::TooManyOf(owner.clone()));
                    }
                    index
                }
                (None, Purpose::Sender) => &mut lists.senders,
                (None, Purpose::Recipient) => &mut lists.recipients,
            };
            if !index.add(record, at) {
                return Err(ListsError::TooManyAlike(shown()));
            }
        }
        lists.records = records;
        Ok(lists)
    }

    /// Every entry.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether an entry of the organisation about senders names this address; for fuzzing.
    pub(crate) fn names(&self, subject: &Subject) -> bool {
        let found = self.senders.find(subject);
        found.allow.is_some() || found.deny.is_some()
    }

    /// How many entries of a list the organisation has, and how many people have.
    pub fn count(&self, list: List) -> (usize, usize) {
        let of = |own: bool| self.records.iter().filter(|r| r.list == list && r.owner.is_some() == own).count();
        (of(false), of(true))
    }

    fn record(&self, found: Option<(Rank, u32)>) -> Option<&Record> {
        found.and_then(|(_, at)| self.records.get(usize::try_from(at).ok()?))
    }

    /// The index of a person's entries: of the address itself, or of the one without what follows its `+`.
    fn person(&self, owner: &Subject) -> Option<&Index> {
        if self.people.is_empty() {
            return None;
        }
        let own = self.people.get(owner.to_string().as_str());
        let plain = || owner.without_tag().and_then(|plain| self.people.get(plain.to_string().as_str()));
        own.or_else(plain).map(|(index, _)| index)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
