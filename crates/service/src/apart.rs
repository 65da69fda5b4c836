//! Recipients who are taken out of a message that a mail server keeps for the others (spec D-11): what they get goes
//! through our outbox. Each copy is made durable first and promised last, all of them at once, so that a message which
//! comes again has left nothing.

use std::io::{Cursor, Read};
use std::sync::Arc;

use mail::address::Address;
use mail::arrival::Arrival;
use store::{NewQueued, NewRecipient, QueueKind, QueuedReceipt, StagedMail, StoreError};
use tokio::task;

use crate::outbox::{Asked, check_room, way};
use crate::spool::Spool;
use crate::{Part, Service, id, release};

/// These, each once, in their order.
pub fn distinct(all: &[Address]) -> Vec<&Address> {
    let mut found: Vec<&Address> = Vec::new();
    for one in all {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

fn crashed(crash: task::JoinError) -> StoreError {
    StoreError::Body(std::io::Error::other(crash))
}

impl Service {
    /// Whether our outbox has a way to every recipient of a message.
    pub fn reaches_all(&self, arrival: &Arrival) -> bool {
        let (routes, site) = (self.current().routes.load(), self.current().site.load());
        let reaches = |to: &Address| routes.find(to, way(&site, arrival.direction, to)).is_some();
        arrival.envelope.rcpt_to.iter().all(reaches)
    }

    /// Whether the outbox takes that many mails more, of these bytes together.
    ///
    /// # Errors
    /// It does not, or what the disk says.
    pub async fn has_room(&self, mails: u64, size: u64) -> Result<(), StoreError> {
        let (store, limits) = (self.store().clone(), Arc::clone(&self.current().outbox.load()));
        let work = move || check_room(&store.queue_usage()?, mails, size, &limits);
        task::spawn_blocking(work).await.map_err(crashed)?
    }

    /// Makes durable what each recipient of a part gets, once however often it is named. It is marked as ours: a mail
    /// server that asks us about it once more hears that it may pass.
    ///
    /// # Errors
    /// What the disk says. Nothing is kept then.
    pub async fn stage_apart(&self, spool: &Spool, part: &Part, asked: &Asked) -> Result<Vec<StagedMail>, StoreError> {
        let (output, bytes) = (part.decided.output.clone(), spool.clone());
        let hash = move || release::digest_of(output.reader(&bytes));
        let below = task::spawn_blocking(hash).await.map_err(crashed)?.map_err(StoreError::Body)?;
        let mut staged = Vec::new();
        for to in distinct(&part.arrival.envelope.rcpt_to) {
            let head = release::mark(self.store(), to, &below);
            let mail = self.copy_for(to, part, asked, part.decided.output.len(spool).saturating_add(head.len() as u64));
            let (store, output, spool) = (self.store().clone(), part.decided.output.clone(), spool.clone());
            let work = move || store.queue_stage(mail, &mut Cursor::new(head).chain(output.reader(&spool)));
            staged.push(task::spawn_blocking(work).await.map_err(crashed)??);
        }
        Ok(staged)
    }

    fn copy_for(&self, to: &Address, part: &Part, asked: &Asked, size: u64) -> NewQueued {
        let arrival = &part.arrival;
        NewQueued {
            message: arrival.id,
            kind: QueueKind::Remainder,
            direction: way(&self.current().site.load(), arrival.direction, to),
            mail_from: arrival.envelope.mail_from.clone(),
            parameters: asked.mail.clone(),
            created_ms: id::now_ms(),
            size,
            recipients: vec![NewRecipient { address: to.clone(), parameters: asked.of(to).to_owned() }],
        }
    }

    /// Promises what was made durable: all of it or nothing.
    ///
    /// # Errors
    /// The outbox is full, or what the disk says. Nothing is kept then.
    pub async fn commit_staged(&self, staged: Vec<StagedMail>) -> Result<Vec<QueuedReceipt>, StoreError> {
        if staged.is_empty() {
            return Ok(Vec::new());
        }
        let (store, limits) = (self.store().clone(), Arc::clone(&self.current().outbox.load()));
        let size = staged.iter().map(StagedMail::size).fold(0, u64::saturating_add);
        let work = move || {
            check_room(&store.queue_usage()?, staged.len() as u64, size, &limits)?;
            store.queue_commit(staged)
        };
        let receipts = task::spawn_blocking(work).await.map_err(crashed)??;
        self.wake_outbox();
        Ok(receipts)
    }
}
