//! What an administrator can ask of a node, whether its daemon runs or not: Backup, policy, key,
//! message log. The command line uses it directly or through the control socket.

use std::path::PathBuf;
use std::sync::Arc;

use judge::policy::Policy;
use mail::address::Address;
use mail::arrival::MessageId;
use mail::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use settings::config::Outbox;
use store::{BackupId, Entry, Filter, LogFilter, Logged, Original, QueueId, Queued, RevisionHead, Store, StoreError};

use crate::id;
use crate::metrics::Metrics;
use crate::policy::{self, InForce, Origin, PolicyError};
use crate::release::{self, Released, SendError};
use crate::routes::Routes;

/// Most entries of one page.
const MAX_PAGE: usize = 1_000;

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
    /// Policies that were in force.
    Revisions {
        /// Newest first.
        revisions: Vec<RevisionHead>,
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

impl From<Entry> for Shown {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            entry: entry.entry,
            stored: entry.stored,
            released: entry.released,
            damaged: entry.damaged,
        }
    }
}

/// Everything that answering needs.
pub struct Admin {
    /// Where things are kept.
    pub store: Store,
    /// Where mail goes.
    pub routes: Arc<Routes>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// How much the outbox takes.
    pub outbox: Arc<Outbox>,
    /// The file that is the policy's only source.
    pub policy_file: Option<PathBuf>,
    /// The policy in force.
    pub in_force: Arc<InForce>,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

/// An answer with what has to happen after it.
pub struct Answer {
    /// The answer.
    pub response: Response,
    /// The bytes that follow a [`Response::Body`].
    pub body: Option<Original>,
    /// The policy that is in force from now on.
    pub policy: Option<InForce>,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self { response, body: None, policy: None }
    }
}

/// Why something could not be done.
#[derive(Debug)]
enum AdminError {
    Store(StoreError),
    Policy(PolicyError),
    Send(SendError),
    Other(String),
}

impl std::fmt::Display for AdminError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => write!(f, "{error}"),
            Self::Policy(error) => write!(f, "{error}"),
            Self::Send(error) => write!(f, "{error}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Admin {
    /// Answers a request. Everything that blocks runs on a thread of its own.
    pub async fn handle(self, request: Request) -> Answer {
        let result = match request {
            Request::BackupRelease { id, to } => self.release(id, to).await,
            other => {
                let work = tokio::task::spawn_blocking(move || self.answer(other));
                work.await.unwrap_or_else(|crash| Err(AdminError::Other(format!("this crashed: {crash}"))))
            }
        };
        result.unwrap_or_else(|error| Response::Error { message: error.to_string() }.into())
    }

    fn answer(&self, request: Request) -> Result<Answer, AdminError> {
        Ok(match request {
            Request::BackupList { filter, before, limit } => {
                let page = self.store.list(&store_filter(filter), before, limit.clamp(1, MAX_PAGE))?;
                let entries = page.entries.into_iter().map(Shown::from).collect();
                Response::Entries { entries, next: page.next }.into()
            }
            Request::BackupShow { id } => Response::Entry { entry: Box::new(self.find(&id)?.into()) }.into(),
            Request::BackupExport { id } => self.export(&id)?,
            Request::BackupDelete { id } => {
                let entry = self.find(&id)?;
                self.store.delete(entry.id)?;
                tracing::info!(backup = %entry.id, message = %entry.entry.id, "an entry was deleted from Backup by hand");
                Response::Deleted.into()
            }
            Request::BackupVerify => {
                let found = self.store.verify_all()?;
                let damaged = found.entries.iter().map(|(id, why)| (id.to_string(), why.clone())).collect();
                Response::Verified { checked: found.checked, damaged }.into()
            }
            Request::QueueList { after, limit } => {
                let limit = limit.clamp(1, MAX_PAGE);
                let mails = self.store.queue_list(after, limit)?;
                let next = mails.last().map(|mail| mail.id).filter(|_| mails.len() == limit);
                Response::Queue { mails, next }.into()
            }
            Request::QueueShow { id } => {
                Response::Queue { mails: vec![self.store.queue_show(queue_id(&id)?)?], next: None }.into()
            }
            Request::QueueRetry { ids } if ids.is_empty() => {
                Response::QueueDone { count: self.store.queue_retry(None, id::now_ms())? }.into()
            }
            Request::QueueRetry { ids } => {
                each(&ids, |id| Ok(self.store.queue_retry(Some(id), id::now_ms())? > 0))?.into()
            }
            Request::QueueHold { ids } => each(&ids, |id| self.store.queue_hold(id))?.into(),
            Request::QueueDelete { ids } => each(&ids, |id| self.store.queue_delete(id))?.into(),
            Request::KeyExport => Response::Key { text: self.store.export_key().expose().to_owned() }.into(),
            Request::PolicyShow => {
                let policy = Box::new(self.in_force.policy.as_ref().clone());
                Response::Policy { policy, origin: self.in_force.origin.to_string() }.into()
            }
            Request::PolicyApply { text, author, comment } => self.apply(&text, &author, &comment)?,
            Request::PolicyHistory { before, limit } => {
                Response::Revisions { revisions: self.store.policies(before, limit.clamp(1, MAX_PAGE))? }.into()
            }
            Request::PolicyRevision { number } => {
                let policy = policy::revision(&self.store, number).map_err(AdminError::Policy)?.policy;
                let origin = policy::Origin::of(number).to_string();
                Response::Policy { policy: Box::new(policy), origin }.into()
            }
            Request::PolicyRollback { number, author, comment } => {
                let text = policy::revision(&self.store, number).map_err(AdminError::Policy)?.text;
                self.apply(&text, &author, &comment)?
            }
            Request::MessageLog { filter, before, limit } => {
                let page = self.store.search_messages(&filter, before, limit.clamp(1, MAX_PAGE))?;
                Response::Messages { messages: page.messages, next: page.next }.into()
            }
            Request::BackupRelease { .. } => return Err(AdminError::Other("release is answered elsewhere".to_owned())),
        })
    }

    /// By the entry's own id, or by the message's: the newest entry of it.
    fn find(&self, id: &str) -> Result<Entry, AdminError> {
        if let Ok(id) = id.parse::<BackupId>() {
            return Ok(self.store.show(id)?);
        }
        let Some(message) = MessageId::parse(id) else {
            let shown = mail::untrusted::escape(id, 60);
            return Err(AdminError::Other(format!(
                "\"{shown}\" is neither the id of an entry (13 characters) nor of a message (26 characters)"
            )));
        };
        let filter = Filter { message: Some(message), ..Filter::default() };
        let page = self.store.list(&filter, None, 1)?;
        page.entries
            .into_iter()
            .next()
            .ok_or_else(|| AdminError::Other(format!("Backup holds nothing of message {message}")))
    }

    fn export(&self, id: &str) -> Result<Answer, AdminError> {
        let entry = self.find(id)?;
        let body = self.store.open_original(entry.id)?;
        let response = Response::Body { size: body.size(), file_name: file_name(&entry) };
        Ok(Answer { response, body: Some(body), policy: None })
    }

    async fn release(self, id: String, to: Vec<String>) -> Result<Answer, AdminError> {
        let (routes, metrics, limits) = (Arc::clone(&self.routes), Arc::clone(&self.metrics), Arc::clone(&self.outbox));
        if routes.all().is_empty() {
            return Err(AdminError::Send(SendError::NoNextHop));
        }
        let store = self.store.clone();
        let find = tokio::task::spawn_blocking(move || self.find(&id));
        let entry = find.await.map_err(|e| AdminError::Other(e.to_string()))??;
        let mut recipients = Vec::new();
        for text in &to {
            let shown = mail::untrusted::escape(text, 80);
            recipients
                .push(Address::parse(text).ok_or_else(|| AdminError::Other(format!("\"{shown}\" is not an address")))?);
        }
        if recipients.is_empty() {
            recipients.clone_from(&entry.entry.recipients);
        }
        let way = release::Way { routes: &routes, metrics: &metrics, direction: entry.entry.direction };
        let Released { sent, queued, error } = release::release(&store, way, &limits, entry.id, &recipients).await;
        tracing::info!(backup = %entry.id, message = %entry.entry.id, recipients = sent.len(), queued = queued.len(), "an entry was released from Backup");
        let texts = |list: &[Address]| list.iter().map(|a| a.as_str().to_owned()).collect();
        Ok(Response::Released { to: texts(&sent), queued: texts(&queued), error: error.map(|e| e.to_string()) }.into())
    }

    fn apply(&self, text: &str, author: &str, comment: &str) -> Result<Answer, AdminError> {
        let file = self.policy_file.as_deref();
        let new = policy::apply(&self.store, file, text, author, comment).map_err(AdminError::Policy)?;
        if let Origin::Revision(number) = new.origin {
            tracing::info!(revision = number, "a new policy is in force");
        }
        let response =
            Response::Policy { policy: Box::new(new.policy.as_ref().clone()), origin: new.origin.to_string() };
        Ok(Answer { response, body: None, policy: Some(new) })
    }
}

fn queue_id(text: &str) -> Result<QueueId, AdminError> {
    let shown = || mail::untrusted::escape(text, 60);
    text.parse().map_err(|_| {
        AdminError::Other(format!("\"{}\" is not the id of a mail in the outbox (13 characters)", shown()))
    })
}

/// Does something to mails in the outbox, all or none of which must have a good id.
fn each(ids: &[String], mut act: impl FnMut(QueueId) -> Result<bool, StoreError>) -> Result<Response, AdminError> {
    let ids = ids.iter().map(|id| queue_id(id)).collect::<Result<Vec<_>, _>>()?;
    let mut count = 0;
    for id in ids {
        if !act(id)? {
            return Err(AdminError::Other(format!("the outbox has no mail {id} (any more); {count} were done before")));
        }
        count += 1;
    }
    Ok(Response::QueueDone { count })
}

fn store_filter(filter: ListFilter) -> Filter {
    Filter {
        sender: filter.sender,
        recipient: filter.recipient,
        subject: filter.subject,
        text: filter.text,
        status: filter.status,
        message: None,
        since_ms: filter.since_ms,
        until_ms: filter.until_ms,
    }
}

/// ACT-23: a name made of the protocol, date, time and connection number.
fn file_name(entry: &Entry) -> String {
    let seconds = i64::try_from(entry.entry.received_ms / 1000).unwrap_or(0);
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    let time = time.strftime("%Y%m%d-%H%M%S").to_string();
    format!("{}-{time}-{}.eml", entry.entry.surface.name(), entry.entry.connection)
}

/// Texts of entries are somebody else's; this makes one safe to show.
pub fn shown(text: Option<&Untrusted<String>>, max: usize) -> String {
    text.map_or_else(String::new, |text| text.escaped(max))
}
