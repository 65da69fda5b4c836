//! How often a message ended the scan worker that looked at it. The counts survive a restart, so that a
//! message which crashes its worker each time is set aside and not tried for days.
//!
//! A message is known again by a hash of all but its trace fields: whoever sends it again puts new ones
//! above it.

use aws_lc_rs::digest::{Context, SHA256};
use mail::arrival::Arrival;
use mail::evidence::{EngineId, Report, Seen, UnableWhy};
use store::{Store, StoreError};

use crate::id;
use crate::spool::Spool;

/// The keys of the counts in the store.
const PREFIX: &str = "crash/";
/// How long a count is kept after the last crash, in milliseconds: longer than senders try.
const KEEP_MS: u64 = 7 * 24 * 3600 * 1000;
/// Fields that change from one attempt to the next.
const TRACE: [&str; 5] = ["received", "return-path", "delivered-to", "x-original-to", "authentication-results"];

/// Counts this examination if it ended a worker; how many did so far, 0 if this one did not. Without a
/// store, or when it fails, the count is 1: the message is deferred, as after its first crash.
pub(crate) async fn count(store: Option<&Store>, spool: &Spool, arrival: &Arrival, report: &Report) -> u32 {
    if !has_crashed(report) {
        return 0;
    }
    let Some(store) = store.cloned() else { return 1 };
    let spool = spool.clone();
    let work = move || -> Result<u64, String> {
        let raw = spool.bytes().map_err(|error| error.to_string())?;
        let key = format!("{PREFIX}{}", fingerprint(&raw));
        store.count_state(&key, id::now_ms()).map_err(|error| error.to_string())
    };
    match tokio::task::spawn_blocking(work).await.map_err(|crash| crash.to_string()).flatten() {
        Ok(count) => {
            tracing::warn!(id = %arrival.id, count, "an examination ended its scan worker");
            u32::try_from(count).unwrap_or(u32::MAX)
        }
        Err(error) => {
            tracing::error!(id = %arrival.id, %error, "a crash of a scan worker could not be counted");
            1
        }
    }
}

/// Forgets counts that nothing was added to for long.
pub(crate) fn expire(store: &Store, now_ms: u64) -> Result<(), StoreError> {
    store.expire_state(PREFIX, now_ms.saturating_sub(KEEP_MS)).map(drop)
}

/// Whether the worker ended, or a decoder in it crashed. A worker that never got its turn does not count.
fn has_crashed(report: &Report) -> bool {
    let ended = |why| matches!(why, UnableWhy::Crashed | UnableWhy::Memory | UnableWhy::Time | UnableWhy::BadAnswer);
    let worker = report.evidence().unable.iter().any(|unable| unable.engine == EngineId::Unpack && ended(unable.why));
    let crashed = Seen::Unable(UnableWhy::Crashed);
    worker || report.objects().iter().any(|object| object.coverage.iter().any(|coverage| coverage.seen == crashed))
}

/// SHA-256 of a message without its trace fields, in hexadecimal.
fn fingerprint(raw: &[u8]) -> String {
    let mut hash = Context::new(&SHA256);
    let mut rest = raw;
    let mut skipping = false;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        if matches!(line, b"\r\n" | b"\n") {
            break;
        }
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            let name = line.split(|byte| *byte == b':').next().unwrap_or(line).trim_ascii();
            skipping = TRACE.iter().any(|trace| name.eq_ignore_ascii_case(trace.as_bytes()));
        }
        if !skipping {
            hash.update(line);
        }
        rest = after;
    }
    hash.update(rest);
    hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_again_under_new_trace_fields() {
        let mail = b"Received: from a\r\n by b\r\nSubject: x\r\n\r\nReceived: in the body\r\n";
        let again = b"Received: from c\r\nRETURN-PATH : <a@example.org>\r\nSubject: x\r\n\r\nReceived: in the body\r\n";
        assert_eq!(fingerprint(mail), fingerprint(again));
        let others: [&[u8]; 3] = [
            b"Received: from a\r\nSubject: y\r\n\r\nReceived: in the body\r\n",
            b"Received: from a\r\nSubject: x\r\n\r\nReceived: elsewhere\r\n",
            b"Received: from a\r\nSubject: x\r\n folded\r\n\r\nReceived: in the body\r\n",
        ];
        for other in others {
            assert_ne!(fingerprint(mail), fingerprint(other), "{}", String::from_utf8_lossy(other));
        }
    }
}
