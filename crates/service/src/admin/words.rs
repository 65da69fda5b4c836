//! What can be asked of a node, and its answers: the words of the control socket.

use judge::lists::exchange::{Change, Entry, Form, Problem};
use judge::lists::{Doubt, List, Record};
use judge::origin::Parties;
use judge::policy::{FirstContact, Policy};
use mail::evidence::{Memory, Picture};
use serde::{Deserialize, Serialize};
use store::{
    BackupId, DmarcDay, ListAudit, LogFilter, Logged, QueueId, Queued, ReceivedReport, ReportFilter, RevisionHead,
};
use unpack::dmarc::Aggregate;

use super::lists::{EntryChange, EntryFilter};

/// What can be asked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// Entries of Backup, newest first.
    BackupList {
        /// Which.
        filter: ListFilter,
        /// Where the page begins.
        before: Option<BackupId>,
        /// How many at most.
        limit: usize,
    },
    /// One entry.
    BackupShow {
        /// Its id, or the message's.
        id: String,
    },
    /// The original bytes of an entry; they follow the response.
    BackupExport {
        /// Its id, or the message's.
        id: String,
    },
    /// Send an entry to its recipients, or to others.
    BackupRelease {
        /// Its id, or the message's.
        id: String,
        /// To whom; empty: the message's own recipients.
        to: Vec<String>,
    },
    /// Delete an entry for good.
    BackupDelete {
        /// Its id, or the message's.
        id: String,
    },
    /// Check every stored message.
    BackupVerify,
    /// Mails in the outbox, oldest first.
    QueueList {
        /// Where the page begins.
        after: Option<QueueId>,
        /// How many at most.
        limit: usize,
    },
    /// One mail in the outbox.
    QueueShow {
        /// Its id.
        id: String,
    },
    /// Have mails tried now, held or not.
    QueueRetry {
        /// Their ids; empty: all that are not held.
        ids: Vec<String>,
    },
    /// Hold mails until they are retried by hand.
    QueueHold {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Delete mails without a word to anybody.
    QueueDelete {
        /// Their ids.
        ids: Vec<String>,
    },
    /// The installation key, to be kept in a safe place.
    KeyExport,
    /// The policy in force.
    PolicyShow,
    /// A new policy.
    PolicyApply {
        /// As TOML.
        text: String,
        /// Who says so.
        author: String,
        /// Why.
        comment: String,
    },
    /// Policies that were in force, newest first.
    PolicyHistory {
        /// Only revisions before this one.
        before: Option<u64>,
        /// How many at most.
        limit: usize,
    },
    /// One of them; 0 is what is in force before the first.
    PolicyRevision {
        /// Its number.
        number: u64,
    },
    /// Put one of them in force again, as a new revision.
    PolicyRollback {
        /// Its number.
        number: u64,
        /// Who says so.
        author: String,
        /// Why.
        comment: String,
    },
    /// What greylisting holds.
    GreylistShow,
    /// Greylisting begins anew.
    GreylistForget,
    /// What is remembered about a message.
    Recall {
        /// What its pictures look like.
        pictures: Vec<Picture>,
        /// Who wrote it to whom, if that is to be known, and by which rules.
        parties: Option<(Parties, FirstContact)>,
    },
    /// Results of DMARC that wait to be reported.
    DmarcWaiting {
        /// How many days and domains at most.
        limit: usize,
    },
    /// Reports of DMARC that others sent, newest first.
    DmarcReceived {
        /// Which.
        filter: ReportFilter,
        /// Only those before this number.
        before: Option<i64>,
        /// How many at most.
        limit: usize,
    },
    /// All of one of them.
    DmarcReport {
        /// Its number.
        id: i64,
    },
    /// What the sample base of pictures holds.
    PicturesShow,
    /// Learn pictures, as those of spam.
    PicturesLearn {
        /// What they look like.
        pictures: Vec<Picture>,
    },
    /// Take pictures out of the base by their numbers, those of spam as those that are never taken for it.
    PicturesRemove {
        /// The numbers.
        ids: Vec<i64>,
    },
    /// Forget pictures that look like these, and never take them for spam again.
    PicturesForget {
        /// What they look like.
        pictures: Vec<Picture>,
    },
    /// Entries of lists of senders and recipients, in order.
    ListsShow {
        /// Which.
        filter: EntryFilter,
        /// Where the page begins; 0 at first.
        after: usize,
        /// How many at most.
        limit: usize,
    },
    /// Put entries into lists; all of them or none.
    ListsAdd {
        /// The entries.
        entries: Vec<Entry>,
        /// Who does it.
        author: String,
    },
    /// Change an entry.
    ListsChange {
        /// Its id.
        id: String,
        /// What becomes another.
        change: EntryChange,
        /// Who does it.
        author: String,
    },
    /// Take entries out of lists; all of them or none.
    ListsRemove {
        /// Their ids.
        ids: Vec<String>,
        /// Who does it.
        author: String,
    },
    /// Put the entries of a file into a list; all of them or none.
    ListsImport {
        /// Which list.
        list: List,
        /// The form of the file.
        form: Form,
        /// The file.
        text: String,
        /// Whose list; `None`: the organisation's, or whose the file says.
        owner: Option<String>,
        /// Only say what would change.
        preview: bool,
        /// Who does it.
        author: String,
    },
    /// The entries that name an address or IP address, the most specific first.
    ListsFind {
        /// The address.
        address: String,
    },
    /// Entries of lists that probably do something else than was wanted.
    ListsDoubts,
    /// What was changed in lists, newest first.
    ListsTrail {
        /// Only of this entry.
        entry: Option<String>,
        /// Only changes before this one.
        before: Option<u64>,
        /// How many at most.
        limit: usize,
    },
    /// Rows of the message log, newest first.
    MessageLog {
        /// Which.
        filter: LogFilter,
        /// Where the page begins.
        before: Option<i64>,
        /// How many at most.
        limit: usize,
    },
}

/// Which entries are wanted: see `store::Filter`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListFilter {
    /// In the sender's addresses.
    pub sender: Option<String>,
    /// In the recipients' addresses.
    pub recipient: Option<String>,
    /// In the subject.
    pub subject: Option<String>,
    /// In anything else that is known.
    pub text: Option<String>,
    /// The status, exactly.
    pub status: Option<String>,
    /// The status as to spam, exactly.
    pub spam: Option<String>,
    /// Received at this time or later, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Received before this time, in milliseconds since 1970.
    pub until_ms: Option<u64>,
}

/// What is answered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Response {
    /// Entries, and where the next page begins.
    Entries {
        /// The entries.
        entries: Vec<Shown>,
        /// Where the next page begins.
        next: Option<BackupId>,
    },
    /// One entry.
    Entry {
        /// The entry.
        entry: Box<Shown>,
    },
    /// The bytes of a message follow.
    Body {
        /// How many.
        size: u64,
        /// A name for a file: surface, date, time, connection number (spec ACT-23).
        file_name: String,
    },
    /// To whom an entry was sent; with an error if some were left out.
    Released {
        /// Addresses that the next hop took it for.
        to: Vec<String>,
        /// Addresses for which it waits in the outbox.
        #[serde(default)]
        queued: Vec<String>,
        /// Why it stopped before the end.
        error: Option<String>,
    },
    /// It is deleted.
    Deleted,
    /// Mails in the outbox.
    Queue {
        /// The mails.
        mails: Vec<Queued>,
        /// Where the next page begins.
        next: Option<QueueId>,
    },
    /// Something was done to mails in the outbox.
    QueueDone {
        /// To how many.
        count: u64,
    },
    /// What a check of all stored messages found.
    Verified {
        /// Contents that were read to their end.
        checked: u64,
        /// Entries that are damaged, by id and reason.
        damaged: Vec<(String, String)>,
    },
    /// The installation key.
    Key {
        /// Its printable form.
        text: String,
    },
    /// A policy.
    Policy {
        /// The policy.
        policy: Box<Policy>,
        /// Where it comes from.
        origin: String,
    },
    /// What is remembered about a message.
    Recalled {
        /// The answers.
        memory: Memory,
    },
    /// Results of DMARC that wait.
    DmarcWaiting {
        /// By day and domain, oldest first.
        days: Vec<DmarcDay>,
    },
    /// Reports of DMARC that others sent, each with its number.
    DmarcReceived {
        /// Newest first.
        reports: Vec<(i64, ReceivedReport)>,
    },
    /// All of a report.
    DmarcReport {
        /// When it came, and from whom.
        received: ReceivedReport,
        /// What it says.
        report: Box<Aggregate>,
    },
    /// The sample base of pictures.
    Pictures {
        /// Those of spam.
        samples: Vec<ShownPicture>,
        /// Those that must not be taken for spam.
        spared: Vec<ShownPicture>,
        /// In how many messages pictures of spam were found.
        hits: u64,
    },
    /// What became of pictures that were to be learnt or forgotten.
    PicturesChanged {
        /// Learnt, or taken out of the base.
        changed: u64,
        /// Known already; or nothing that was known.
        unchanged: u64,
        /// Not learnt, because they were forgotten once.
        spared: u64,
    },
    /// What greylisting holds.
    Greylist {
        /// Pairs of sender and recipient that wait or have passed.
        pairs: u64,
        /// Networks of clients that have passed.
        clients: u64,
    },
    /// Policies that were in force.
    Revisions {
        /// Newest first.
        revisions: Vec<RevisionHead>,
    },
    /// Entries of lists.
    ListEntries {
        /// The entries.
        entries: Vec<Record>,
        /// Where the next page begins.
        next: Option<usize>,
    },
    /// What a change of lists came to.
    ListsChanged {
        /// How many entries are new.
        added: usize,
        /// How many are others than before.
        changed: usize,
        /// How many are gone.
        removed: usize,
        /// How many were there as they are.
        unchanged: usize,
        /// How many said what another one of the same file says.
        merged: usize,
        /// The first thousand changes.
        shown: Vec<Change>,
        /// Nothing was changed: that is what would be.
        preview: bool,
    },
    /// A file of a list is refused.
    ListsRefused {
        /// What is wrong in it.
        problems: Vec<Problem>,
    },
    /// Entries of lists that are odd.
    ListsDoubts {
        /// The first 200 of them.
        doubts: Vec<Doubt>,
        /// The names of those that this version cannot read.
        unreadable: Vec<String>,
        /// How many entries the organisation has, and how many people have.
        entries: (usize, usize),
    },
    /// What was changed in lists.
    ListsTrail {
        /// Newest first.
        changes: Vec<ListAudit>,
    },
    /// Rows of the message log.
    Messages {
        /// Newest first.
        messages: Vec<Logged>,
        /// Where the next page begins.
        next: Option<i64>,
    },
    /// Something is wrong.
    Error {
        /// What, and what to do.
        message: String,
    },
}

/// An entry as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shown {
    /// Its name; `id` is the message's.
    #[serde(rename = "backup")]
    pub id: BackupId,
    /// What was known of the message.
    #[serde(flatten)]
    pub entry: store::NewEntry,
    /// Bytes on disk.
    pub stored: u64,
    /// To whom it was released.
    pub released: Vec<store::Release>,
    /// What is wrong with it.
    pub damaged: Option<String>,
}

impl From<store::Entry> for Shown {
    fn from(entry: store::Entry) -> Self {
        Self {
            id: entry.id,
            entry: entry.entry,
            stored: entry.stored,
            released: entry.released,
            damaged: entry.damaged,
        }
    }
}

/// A picture of the sample base, as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShownPicture {
    /// Its number.
    pub id: i64,
    /// When it was learnt, in milliseconds since 1970.
    pub learnt_ms: u64,
    /// When it was found last, or learnt, in milliseconds since 1970.
    pub used_ms: u64,
    /// In how many messages it was found.
    pub hits: u64,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}
