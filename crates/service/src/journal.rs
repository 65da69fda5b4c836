//! The message log's writer: rows are collected for a moment and written in one transaction, so
//! that a message does not pay for a transaction of its own. The log is a record, not a promise: a
//! crash may lose the rows of the last moment, never a message.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use store::{Logged, Store};

/// Rows that may wait to be written; what comes beyond is not logged.
const QUEUE: usize = 10_000;
/// Most rows of one transaction.
const BATCH: usize = 1_000;
/// How long rows are collected.
const WINDOW: Duration = Duration::from_millis(50);

/// The writer.
#[derive(Debug)]
pub(crate) struct Journal {
    rows: Mutex<Option<SyncSender<Logged>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Starts the writer's thread.
    pub(crate) fn start(store: Store) -> Self {
        let (rows, incoming) = sync_channel(QUEUE);
        let thread =
            std::thread::Builder::new().name("message-log".to_owned()).spawn(move || write_all(&store, &incoming));
        let thread = thread.inspect_err(|error| tracing::error!(%error, "no message log is written: no thread"));
        Self { rows: Mutex::new(Some(rows)), thread: Mutex::new(thread.ok()) }
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
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

fn write_all(store: &Store, rows: &Receiver<Logged>) {
    while let Ok(first) = rows.recv() {
        let batch = collect(first, rows);
        let count = batch.len();
        if let Err(error) = store.log_messages(batch) {
            tracing::warn!(%error, rows = count, "the message log could not be written");
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
