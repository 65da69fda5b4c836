//! The message log's writer: rows are collected for a moment and written in one transaction, so
//! that a message does not pay for a transaction of its own. The log is a record, not a promise: a
//! crash may lose the rows of the last moment, never a message. Rows wait while the disk is full, as many as
//! [`QUEUE`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mail::address::Address;
use store::{Logged, MAX_LOGGED, Store, StoreError};

/// Rows that may wait to be written; what comes beyond is not logged.
const QUEUE: usize = 10_000;
/// Most rows of one transaction.
const BATCH: usize = 1_000;
/// How long rows are collected.
const WINDOW: Duration = Duration::from_millis(50);
/// How long after the disk was full it is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// The writer.
#[derive(Debug)]
pub(crate) struct Journal {
    rows: Mutex<Option<SyncSender<Logged>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Nothing is waited for any more.
    closing: Arc<AtomicBool>,
}

impl Journal {
    /// Starts the writer's thread.
    pub(crate) fn start(store: Store) -> Self {
        let (rows, incoming) = sync_channel(QUEUE);
        let closing = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&closing);
        let write = move || write_all(&store, &incoming, &ending);
        let thread = std::thread::Builder::new().name("message-log".to_owned()).spawn(write);
        let thread = thread.inspect_err(|error| tracing::error!(%error, "no message log is written: no thread"));
        Self { rows: Mutex::new(Some(rows)), thread: Mutex::new(thread.ok()), closing }
    }

    /// Hands a row over; never waits.
    pub(crate) fn push(&self, row: Logged) {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = rows.as_ref() else { return };
        match sender.try_send(row) {
            Ok(()) => {}
            Err(TrySendError::Full(row) | TrySendError::Disconnected(row)) => {
                tracing::warn!(id = %row.id, "the message log cannot keep up; a row is left out");
            }
        }
    }

    /// Writes what waits and ends.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

/// The recipients that a row names: rows wait in memory while the disk is full.
pub(crate) fn named(recipients: &[Address]) -> Vec<Address> {
    recipients.iter().take(MAX_LOGGED).cloned().collect()
}

fn write_all(store: &Store, rows: &Receiver<Logged>, closing: &AtomicBool) {
    while let Ok(first) = rows.recv() {
        write(store, collect(first, rows), closing);
    }
}

/// Writes a batch. While the disk is full it waits with it, and the rows behind it wait in the queue.
fn write(store: &Store, batch: Vec<Logged>, closing: &AtomicBool) {
    let rows = batch.len();
    let mut waited = false;
    loop {
        match store.log_messages(batch.clone()) {
            Ok(()) if waited => return tracing::info!(rows, "the message log is written again"),
            Ok(()) => return,
            Err(error @ StoreError::NoSpace { .. }) if !closing.load(Ordering::Relaxed) => {
                if !waited {
                    tracing::warn!(%error, rows, "the message log waits until there is space");
                }
                waited = true;
                std::thread::park_timeout(AGAIN);
            }
            Err(error) => return tracing::warn!(%error, rows, "the message log could not be written"),
        }
    }
}

/// What comes within the window, the first row included.
fn collect(first: Logged, rows: &Receiver<Logged>) -> Vec<Logged> {
    let until = Instant::now() + WINDOW;
    let mut batch = vec![first];
    while batch.len() < BATCH {
        match rows.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(row) => batch.push(row),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_waits_names_no_more_recipients_than_are_written() {
        let many: Vec<Address> = (0..1000).filter_map(|n| Address::parse(&format!("u{n}@example.com"))).collect();
        assert_eq!((many.len(), named(&many).len(), named(&many).capacity()), (1000, MAX_LOGGED, MAX_LOGGED));
    }
}
