//! What an administrator can ask of a node, whether its daemon runs or not: Backup, policy, key,
//! message log. The command line uses it directly or through the control socket.

mod lists;
mod pictures;
mod queue;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use judge::lists::{List, Lists, MAX_DOUBTS, doubts};
use judge::site::Site;
use mail::address::Address;
use mail::arrival::MessageId;
use mail::untrusted::Untrusted;
use net::auth::sign::Signers;
use settings::config::Outbox;
use store::{BackupId, Entry, Filter, Original, Store, StoreError};

use crate::lists::ListFailure;
use crate::metrics::Metrics;
use crate::policy::{self, InForce, Origin, PolicyError};
use crate::release::{self, Released, SendError};
use crate::routes::Routes;

pub use lists::{EntryChange, EntryFilter, entries, form_of};
pub use words::{ListFilter, Request, Response, Shown, ShownPicture};

/// Most entries of one page.
pub(crate) const MAX_PAGE: usize = 1_000;

/// Everything that answering needs.
pub struct Admin {
    /// Where things are kept.
    pub store: Store,
    /// Where mail goes.
    pub routes: Arc<Routes>,
    /// The organisation.
    pub site: Arc<Site>,
    /// Who signs outgoing mail that is released.
    pub signers: Arc<Signers>,
    /// Leave addresses out of the log.
    pub redact: bool,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// How much the outbox takes.
    pub outbox: Arc<Outbox>,
    /// The file that is the policy's only source.
    pub policy_file: Option<PathBuf>,
    /// The policy in force.
    pub in_force: Arc<InForce>,
    /// The lists of senders and recipients in force.
    pub lists: Arc<Lists>,
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
    /// The lists that are in force from now on.
    pub lists: Option<Lists>,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self { response, body: None, policy: None, lists: None }
    }
}

/// Why something could not be done.
#[derive(Debug)]
pub(crate) enum AdminError {
    Store(StoreError),
    Policy(PolicyError),
    Send(SendError),
    Lists(ListFailure),
    Other(String),
}

impl std::fmt::Display for AdminError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => write!(f, "{error}"),
            Self::Policy(error) => write!(f, "{error}"),
            Self::Send(error) => write!(f, "{error}"),
            Self::Lists(error) => write!(f, "{error}"),
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
                tracing::info!(backup = %entry.id, id = %entry.entry.id, "an entry was deleted from Backup by hand");
                Response::Deleted.into()
            }
            Request::BackupVerify => {
                let found = self.store.verify_all()?;
                let damaged = found.entries.iter().map(|(id, why)| (id.to_string(), why.clone())).collect();
                Response::Verified { checked: found.checked, damaged }.into()
            }
            request @ (Request::QueueList { .. }
            | Request::QueueShow { .. }
            | Request::QueueRetry { .. }
            | Request::QueueHold { .. }
            | Request::QueueDelete { .. }) => queue::answer(&self.store, request)?.into(),
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
            request @ (Request::Recall { .. }
            | Request::PicturesShow
            | Request::PicturesLearn { .. }
            | Request::PicturesRemove { .. }
            | Request::PicturesForget { .. }) => pictures::answer(&self.store, request)?.into(),
            Request::DmarcWaiting { limit } => {
                let days = self.store.dmarc_days(u64::MAX, None, limit.clamp(1, MAX_PAGE))?;
                Response::DmarcWaiting { days }.into()
            }
            Request::DmarcReceived { filter, before, limit } => {
                let reports = self.store.received_reports(&filter, before, limit.clamp(1, MAX_PAGE))?;
                Response::DmarcReceived { reports }.into()
            }
            Request::DmarcReport { id } => {
                let none = || AdminError::Other(format!("there is no report {id}: `mailward dmarc list` lists them"));
                let (received, detail) = self.store.received_report(id)?.ok_or_else(none)?;
                let report = serde_json::from_str(&detail).map_err(|error| AdminError::Other(error.to_string()))?;
                Response::DmarcReport { received, report: Box::new(report) }.into()
            }
            Request::GreylistShow => self.greylist()?.into(),
            Request::GreylistForget => {
                let held = self.greylist()?;
                self.store.forget_greylist()?;
                tracing::info!("greylisting was made to forget, by hand");
                held.into()
            }
            Request::MessageLog { filter, before, limit } => {
                let page = self.store.search_messages(&filter, before, limit.clamp(1, MAX_PAGE))?;
                Response::Messages { messages: page.messages, next: page.next }.into()
            }
            Request::ListsDoubts => {
                let doubts = doubts(&self.lists, &self.in_force.policy.spam, &self.site);
                let unreadable = crate::lists::unreadable(&self.store)?.into_iter().take(MAX_DOUBTS).collect();
                let count = |list| self.lists.count(list);
                let (allow, deny) = (count(List::Allow), count(List::Deny));
                let entries = (allow.0.saturating_add(deny.0), allow.1.saturating_add(deny.1));
                Response::ListsDoubts { doubts, unreadable, entries }.into()
            }
            request @ (Request::ListsShow { .. }
            | Request::ListsAdd { .. }
            | Request::ListsChange { .. }
            | Request::ListsRemove { .. }
            | Request::ListsImport { .. }
            | Request::ListsFind { .. }
            | Request::ListsTrail { .. }) => {
                let (response, lists) = lists::answer(&self.store, &self.lists, request)?;
                Answer { response, body: None, policy: None, lists }
            }
            Request::BackupRelease { .. } => return Err(AdminError::Other("release is answered elsewhere".to_owned())),
        })
    }

    fn greylist(&self) -> Result<Response, AdminError> {
        let held = self.store.greylist_usage()?;
        Ok(Response::Greylist { pairs: held.pairs, clients: held.clients })
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
        Ok(Answer { response, body: Some(body), policy: None, lists: None })
    }

    async fn release(self, id: String, to: Vec<String>) -> Result<Answer, AdminError> {
        let (routes, metrics, limits) = (Arc::clone(&self.routes), Arc::clone(&self.metrics), Arc::clone(&self.outbox));
        let (site, signers, redact) = (Arc::clone(&self.site), Arc::clone(&self.signers), self.redact);
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
        let way = release::Way {
            routes: &routes,
            metrics: &metrics,
            direction: entry.entry.direction,
            site: Some(&site),
            signers: Some(&signers),
            redact,
        };
        let Released { sent, queued, error } = release::release(&store, way, &limits, entry.id, &recipients).await;
        tracing::info!(backup = %entry.id, id = %entry.entry.id, recipients = sent.len(), queued = queued.len(), "an entry was released from Backup");
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
        Ok(Answer { response, body: None, policy: Some(new), lists: None })
    }
}

fn store_filter(filter: ListFilter) -> Filter {
    Filter {
        sender: filter.sender,
        recipient: filter.recipient,
        subject: filter.subject,
        text: filter.text,
        status: filter.status,
        spam: filter.spam,
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
