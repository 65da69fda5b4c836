//! The outbox: mail that is ours to deliver (spec D-11), until every recipient is settled.
//!
//! The order of [`Store::enqueue`] is the promise: the sealed bytes are durable under their name
//! ([`Store::queue_stage`]), then the row is, then there is a [`QueuedReceipt`]; [`Store::queue_commit`] alone
//! makes one, for several mails at once or for none. A recipient is settled in the same
//! transaction that writes the report about it, so that neither is without the other. Files without a row
//! were never promised and go at the next opening; a row without its file is an error when it is read.
//! What a crash can do: a recipient whose next hop said yes just before it gets the message again.

mod files;
mod rows;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use mail::address::Address;
use mail::arrival::{Direction, MessageId};
use serde::{Deserialize, Serialize};

use crate::entry::{BackupId, NotABackupId};
use crate::error::StoreError;
use crate::{Original, Store};

pub(crate) use files::QueueFiles;
pub(crate) use rows::SCHEMA;

/// Most recipients of one mail in the outbox.
pub const MAX_RECIPIENTS: usize = 100_000;
/// Longest text that is kept of what a next hop said, in characters.
pub(crate) const MAX_SAID: usize = 1_000;
/// Most rows of one page.
const MAX_PAGE: usize = 1_000;

/// The name of a mail in the outbox; sorts by time. Shown as 13 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QueueId(pub(crate) BackupId);

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for QueueId {
    type Err = NotABackupId;

    fn from_str(text: &str) -> Result<Self, NotABackupId> {
        text.parse().map(Self)
    }
}

/// Why a mail is in the outbox.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueKind {
    /// Recipients whose next hop did not take it while another one did (D-11).
    Remainder,
    /// Released from Backup.
    Release,
    /// An original for the administrator (ACT-25).
    Forward,
    /// A report about a delivery (RFC 3464).
    Report,
}

impl QueueKind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Remainder => "remainder",
            Self::Release => "release",
            Self::Forward => "forward",
            Self::Report => "report",
        }
    }
}

/// A recipient of a new mail.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewRecipient {
    /// The address.
    pub address: Address,
    /// Parameters of RCPT (NOTIFY, ORCPT) as the client wrote them; may be empty.
    pub parameters: String,
}

/// A mail on its way into the outbox: what never changes about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewQueued {
    /// The message it is, or came from.
    pub message: MessageId,
    /// Why it is here.
    pub kind: QueueKind,
    /// Which way it goes.
    pub direction: Direction,
    /// The reverse-path; `None` is the null sender: nobody hears of a failure then.
    pub mail_from: Option<Address>,
    /// Parameters of MAIL (RET, ENVID, BODY, SMTPUTF8) as the client wrote them; may be empty.
    pub parameters: String,
    /// When it came to us, in milliseconds since 1970.
    pub created_ms: u64,
    /// Bytes of it.
    pub size: u64,
    /// The recipients; at most [`MAX_RECIPIENTS`]. Not part of what is stored with the mail's row.
    #[serde(skip)]
    pub recipients: Vec<NewRecipient>,
}

/// How a recipient stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// To be tried again.
    Waiting,
    /// A next hop has taken it.
    Delivered,
    /// It is given up.
    Failed,
}

/// A recipient of a mail in the outbox.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recipient {
    /// Its number in the mail, from 0.
    pub number: u32,
    /// The address.
    pub address: Address,
    /// Parameters of RCPT; may be empty.
    pub parameters: String,
    /// How it stands.
    pub standing: Standing,
    /// When that was last changed, in milliseconds since 1970; 0 for never.
    pub at_ms: u64,
    /// What the next hop said last, or why it could not be asked: one printable line.
    pub said: String,
    /// Which next hop that was.
    pub hop: String,
}

/// A mail in the outbox.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Queued {
    /// Its name.
    pub id: QueueId,
    /// What never changes about it; its `recipients` are empty.
    #[serde(flatten)]
    pub mail: NewQueued,
    /// Bytes on disk.
    pub stored: u64,
    /// When it is tried next, in milliseconds since 1970.
    pub next_ms: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// Not to be tried until somebody says so.
    pub held: bool,
    /// The sender was told that it takes long.
    pub warned: bool,
    /// How many of its recipients wait.
    #[serde(default)]
    pub waiting: u64,
    /// Its recipients. In lists only those that wait, and not all of many.
    pub recipients: Vec<Recipient>,
}

/// A mail whose bytes are durable in the outbox, and which nobody has promised yet: dropped, it leaves nothing.
pub struct StagedMail {
    store: Store,
    mail: NewQueued,
    id: QueueId,
    stored: u64,
    committed: bool,
}

impl StagedMail {
    /// Its name in the outbox.
    pub fn id(&self) -> QueueId {
        self.id
    }

    /// Bytes of it.
    pub fn size(&self) -> u64 {
        self.mail.size
    }
}

impl fmt::Debug for StagedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedMail").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for StagedMail {
    fn drop(&mut self) {
        if !self.committed {
            self.store.inner.queue_files.remove(self.id);
        }
    }
}

/// Evidence that a mail is durable in the outbox. Only [`Store::queue_commit`] makes one.
#[derive(PartialEq, Eq, Debug)]
#[must_use = "a receipt stands for the responsibility for a message"]
pub struct QueuedReceipt {
    message: MessageId,
    id: QueueId,
}

impl QueuedReceipt {
    /// The message.
    pub fn message(&self) -> MessageId {
        self.message
    }

    /// Its name in the outbox.
    pub fn id(&self) -> QueueId {
        self.id
    }
}

/// What is new about a recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    /// Its number.
    pub number: u32,
    /// How it stands now.
    pub standing: Standing,
    /// What was said; cut to [`MAX_SAID`].
    pub said: String,
    /// By which next hop.
    pub hop: String,
}

/// When and how a mail goes on that still has recipients waiting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Next {
    /// When it is tried next, in milliseconds since 1970.
    pub at_ms: u64,
    /// The sender has been told that it takes long.
    pub warned: bool,
}

/// How much the outbox holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QueueUsage {
    /// Mails.
    pub mails: u64,
    /// Of these, held.
    pub held: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// When the oldest came, in milliseconds since 1970.
    pub oldest_ms: Option<u64>,
}

impl Store {
    /// Takes a mail into the outbox: its bytes durable, then its row, and only then a receipt. After an error
    /// nothing is left. `body` must give `mail.size` bytes. Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] on a full disk; no recipient or too many; what the disk says.
    pub fn enqueue(&self, mail: NewQueued, body: &mut dyn Read) -> Result<QueuedReceipt, StoreError> {
        let mut receipts = self.queue_commit(vec![self.queue_stage(mail, body)?])?;
        receipts.pop().ok_or(StoreError::NotFound { what: "mail in the outbox" })
    }

    /// Makes a mail's bytes durable, without a promise: that comes with [`Store::queue_commit`]. `body` must give
    /// `mail.size` bytes. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Store::enqueue`]; nothing is left then.
    pub fn queue_stage(&self, mail: NewQueued, body: &mut dyn Read) -> Result<StagedMail, StoreError> {
        let (id, stored) = self.put_file(&mail, body)?;
        Ok(StagedMail { store: self.clone(), mail, id, stored, committed: false })
    }

    /// Takes all of these into the outbox or none: their rows are one transaction. A receipt for each, in their
    /// order. Blocks on the disk.
    ///
    /// # Errors
    /// What the disk says; nothing is left then.
    pub fn queue_commit(&self, mut staged: Vec<StagedMail>) -> Result<Vec<QueuedReceipt>, StoreError> {
        self.inner.outbox.write("write the outbox", |t| {
            staged.iter().try_for_each(|one| rows::insert(t, one.id, &one.mail, one.stored))
        })?;
        let receipt = |one: &mut StagedMail| {
            one.committed = true;
            QueuedReceipt { message: one.mail.message, id: one.id }
        };
        Ok(staged.iter_mut().map(receipt).collect())
    }

    /// Seals a mail's bytes under a new name.
    fn put_file(&self, mail: &NewQueued, body: &mut dyn Read) -> Result<(QueueId, u64), StoreError> {
        if mail.recipients.is_empty() || mail.recipients.len() > MAX_RECIPIENTS {
            return Err(StoreError::TooLarge { what: "the number of recipients", limit: MAX_RECIPIENTS as u64 });
        }
        let count = || self.inner.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.inner.queue_files.put(mail, body, &self.inner.keys, count)
    }

    /// The mails that are to be tried now, with their waiting recipients: at most `limit`, those first that
    /// have waited longest; where there are more, behind them the `latest` that came. One whose row cannot be read
    /// is told and held.
    pub fn queue_due(&self, now_ms: u64, limit: usize, latest: usize) -> Result<Vec<Queued>, StoreError> {
        let (limit, latest) = (limit.min(MAX_PAGE), latest.min(MAX_PAGE));
        let found = self.inner.outbox.read("read the outbox", |c| rows::due(c, now_ms, limit, latest))?;
        let mut mails = Vec::new();
        for one in found {
            match one {
                Ok(mail) => mails.push(mail),
                Err((queue, why)) => {
                    tracing::error!(%queue, why, "what is written of a mail in the outbox cannot be read; it is held: see mailward queue show");
                    self.queue_hold(queue)?;
                }
            }
        }
        Ok(mails)
    }

    /// When the next mail is to be tried, in milliseconds since 1970; `None` if none waits.
    pub fn queue_next(&self) -> Result<Option<u64>, StoreError> {
        self.inner.outbox.read("read the outbox", rows::next)
    }

    /// Mails after this one (or from the oldest), oldest first, at most 1,000. One of which nothing can be read is
    /// told and left out.
    pub fn queue_list(&self, after: Option<QueueId>, limit: usize) -> Result<Vec<Queued>, StoreError> {
        let found = self.inner.outbox.read("list the outbox", |c| rows::list(c, after, limit.min(MAX_PAGE)))?;
        let told = |(queue, why): &(QueueId, String)| {
            tracing::error!(%queue, why, "what is written of a mail in the outbox cannot be read");
        };
        Ok(found.into_iter().filter_map(|one| one.inspect_err(told).ok()).collect())
    }

    /// One mail with all its recipients.
    pub fn queue_show(&self, id: QueueId) -> Result<Queued, StoreError> {
        let found = self.inner.outbox.read("read the outbox", |c| rows::show(c, id))?;
        found.ok_or(StoreError::NotFound { what: "mail in the outbox" })
    }

    /// How much the outbox holds.
    pub fn queue_usage(&self) -> Result<QueueUsage, StoreError> {
        self.inner.outbox.read("measure the outbox", rows::usage)
    }

    /// The bytes of a mail; see [`Original`] for what is checked when.
    pub fn queue_open(&self, id: QueueId) -> Result<Original, StoreError> {
        self.inner.queue_files.read(id, &self.inner.keys)
    }

    /// Settles recipients after an attempt, together with the reports about them: all of it or nothing. A mail
    /// without a waiting recipient leaves the outbox. Whether it did; `false` also for one that is not there any
    /// more, of which nothing is written.
    pub fn queue_settle(
        &self,
        id: QueueId,
        settled: &[Settled],
        next: Next,
        reports: Vec<(NewQueued, Vec<u8>)>,
        now_ms: u64,
    ) -> Result<bool, StoreError> {
        let mut files = Vec::new();
        for (mail, body) in &reports {
            match self.put_file(mail, &mut io::Cursor::new(body)) {
                Ok(file) => files.push(file),
                Err(error) => {
                    files.iter().for_each(|(id, _)| self.inner.queue_files.remove(*id));
                    return Err(error);
                }
            }
        }
        let done = self.inner.outbox.write("settle the outbox", |t| {
            if !rows::exists(t, id)? {
                return Ok(None);
            }
            for ((report, _), (file, stored)) in reports.iter().zip(&files) {
                rows::insert(t, *file, report, *stored)?;
            }
            rows::settle(t, id, settled, next, now_ms).map(Some)
        });
        if !matches!(done, Ok(Some(_))) {
            files.iter().for_each(|(id, _)| self.inner.queue_files.remove(*id));
        }
        let gone = done? == Some(true);
        if gone {
            self.inner.queue_files.remove(id);
        }
        Ok(gone)
    }

    /// Puts mails off without counting an attempt; those that are not there are passed over.
    pub fn queue_postpone(&self, ids: &[QueueId], at_ms: u64) -> Result<(), StoreError> {
        self.inner.outbox.write("write the outbox", |t| rows::postpone(t, ids, at_ms))
    }

    /// Has a mail tried now, held or not; `None`: every one that is not held. How many that are.
    pub fn queue_retry(&self, id: Option<QueueId>, now_ms: u64) -> Result<u64, StoreError> {
        self.inner.outbox.write("write the outbox", |t| rows::retry(t, id, now_ms))
    }

    /// Holds a mail until it is retried by hand; whether it is there.
    pub fn queue_hold(&self, id: QueueId) -> Result<bool, StoreError> {
        self.inner.outbox.write("write the outbox", |t| rows::hold(t, id))
    }

    /// Removes a mail without a word to anybody; whether it was there.
    pub fn queue_delete(&self, id: QueueId) -> Result<bool, StoreError> {
        let there = self.inner.outbox.write("write the outbox", |t| rows::delete(t, id))?;
        if there {
            self.inner.queue_files.remove(id);
        }
        Ok(there)
    }

    /// Removes files of mails that were never promised, or are done: what a crash left behind.
    pub(crate) fn sweep_outbox(&self) -> Result<(), StoreError> {
        let known = self.inner.outbox.read("read the outbox", rows::ids)?;
        for id in self.inner.queue_files.names()? {
            if !known.contains(&id) {
                self.inner.queue_files.remove(id);
            }
        }
        Ok(())
    }
}
