//! Mail that leaves Backup again: sent straight to the next hop, one transaction a recipient, with a
//! marker by which released mail is known (spec BK-11, BK-14); through the outbox while the next hop is
//! away.

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use judge::site::Site;
use mail::address::Address;
use mail::arrival::{Arrival, Direction, MessageId};
use net::auth::sign::Signers;
use net::handover::refusal;
use net::upstream::{Upstream, UpstreamError};
use settings::config::{Outbox, SigningFailure};
use store::{BackupId, Entry, NewQueued, NewRecipient, Original, QueueKind, ReleaseMarker, Store, StoreError};
use tokio::time::Instant;
use wire::octets::Plainness;

use crate::id;
use crate::metrics::{Metrics, SignatureLabels};
use crate::outbox::{self, check_room};
use crate::record::without_addresses;
use crate::routes::{self, Routes};
use crate::spool::{CHUNK, Spool, Spooler};

/// The marker's header.
pub const MARKER: &str = "X-Mailward-Release";
/// How long a marker counts, in seconds: time enough for a queue behind us.
const MARKER_LIFE: u64 = 7 * 86_400;
/// How much of a message is looked at for a marker, in bytes.
const HEAD_MAX: usize = 64 * 1024;
/// How long one transaction may take.
const SEND_LIMIT: Duration = Duration::from_secs(600);

/// Why a message could not be sent.
#[derive(Debug)]
pub enum SendError {
    /// Backup could not give it.
    Store(StoreError),
    /// The next hop could not be reached, or the session broke.
    Upstream(UpstreamError),
    /// The next hop answered a command with a refusal.
    Refused(String),
    /// There is no next hop.
    NoNextHop,
    /// It cannot be signed, and `signing.failure` does not let it leave so.
    Unsigned(String),
}

impl std::fmt::Display for SendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => write!(f, "{error}"),
            Self::Upstream(error) => write!(f, "the next hop: {error}"),
            Self::Refused(reply) => write!(f, "the next hop refuses it: {reply}"),
            Self::Unsigned(why) => write!(f, "it cannot be signed, and signing.failure is \"defer\": {why}"),
            Self::NoNextHop => f.write_str("no next hop is configured for it: set next_hop.address, or a [[route]]"),
        }
    }
}

impl std::error::Error for SendError {}

impl SendError {
    /// Whether it may be over later by itself.
    fn may_pass(&self) -> bool {
        match self {
            Self::Upstream(error) => !error.is_permanent(),
            Self::Refused(said) => said.starts_with('4'),
            Self::Store(_) | Self::NoNextHop | Self::Unsigned(_) => false,
        }
    }
}

impl From<UpstreamError> for SendError {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(error)
    }
}

/// How a message of ours finds its next hop.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// Where mail goes.
    pub routes: &'a Routes,
    /// Figures.
    pub metrics: &'a Metrics,
    /// Which way the message went.
    pub direction: Direction,
    /// The organisation: to whom it is released decides which way it goes now. `None`: as it went.
    pub site: Option<&'a Site>,
    /// Who signs outgoing mail that is released; `None`: nobody.
    pub signers: Option<&'a Arc<Signers>>,
    /// Leave addresses out of the log.
    pub redact: bool,
}

impl Way<'_> {
    /// Which way it goes to this recipient. Where no domain counts as ours, all goes as it went.
    fn to(&self, recipient: &Address) -> Direction {
        self.site.map_or(self.direction, |site| outbox::way(site, self.direction, recipient))
    }
}

/// What became of a release.
#[derive(Debug, Default)]
pub struct Released {
    /// For whom the next hop took it.
    pub sent: Vec<Address>,
    /// For whom it waits in the outbox, because the next hop does not take it now.
    pub queued: Vec<Address>,
    /// Why it stopped before the end.
    pub error: Option<SendError>,
}

/// Releases an entry of Backup to these recipients. What the next hop does not take now goes to the
/// outbox; the first refusal for good ends it.
pub async fn release(store: &Store, way: Way<'_>, limits: &Outbox, entry: BackupId, to: &[Address]) -> Released {
    let mut released = Released::default();
    released.error = release_each(store, way, limits, entry, to, &mut released).await.err();
    let done: Vec<Address> = released.sent.iter().chain(&released.queued).cloned().collect();
    if !done.is_empty() {
        let store = store.clone();
        let marked = tokio::task::spawn_blocking(move || store.mark_released(entry, done, id::now_ms())).await;
        if let Ok(Err(error)) = marked {
            tracing::warn!(%error, "the release is done but could not be noted");
        }
    }
    released
}

async fn release_each(
    store: &Store,
    way: Way<'_>,
    limits: &Outbox,
    entry: BackupId,
    to: &[Address],
    released: &mut Released,
) -> Result<(), SendError> {
    let (spool, known) = original(store, entry).await?;
    let sender = known.entry.mail_from.as_ref();
    let below = digest_of(spool.reader()).map_err(|e| SendError::Store(StoreError::Body(e)))?;
    // Once a next hop is away, the others need not wait for it as well.
    let mut away = false;
    let mut signatures: Option<Vec<u8>> = None;
    for recipient in to {
        let signs = way.direction == Direction::Outgoing && way.to(recipient) == Direction::Outgoing;
        if signs && signatures.is_none() {
            signatures = Some(signed(way, known.entry.id, &spool).await?);
        }
        // A signature may stand above a marker: it is a trace.
        let mut head = signatures.clone().filter(|_| signs).unwrap_or_default();
        head.extend(mark(store, recipient, &below));
        if !away {
            match send(way, sender, recipient, head.clone(), &spool).await {
                Ok(_) => {
                    released.sent.push(recipient.clone());
                    continue;
                }
                Err(error) if error.may_pass() => {
                    let error = without_addresses(&error.to_string(), way.redact);
                    tracing::warn!(backup = %entry, error, "a release waits in the outbox");
                    away = true;
                }
                Err(error) => return Err(error),
            }
        }
        queue(store, way.to(recipient), limits, &known, recipient, head, &spool).await?;
        released.queued.push(recipient.clone());
    }
    Ok(())
}

/// The fields that sign outgoing mail which is released: it was held before it came so far.
///
/// # Errors
/// It cannot be signed, and is not to leave so.
async fn signed(way: Way<'_>, id: MessageId, spool: &Spool) -> Result<Vec<u8>, SendError> {
    let Some(signers) = way.signers.filter(|signers| !signers.is_empty()).map(Arc::clone) else {
        return Ok(Vec::new());
    };
    let defers = signers.settings().failure == SigningFailure::Defer;
    let spool = spool.clone();
    let work = move || signers.sign(&spool.bytes().map_err(|error| error.to_string())?);
    let made = tokio::task::spawn_blocking(work).await.unwrap_or_else(|crash| Err(crash.to_string()));
    let count = |result| way.metrics.signatures.get_or_create(&SignatureLabels { kind: "dkim", result }).inc();
    match made {
        Ok(fields) => {
            if !fields.is_empty() {
                count("made");
            }
            Ok(fields)
        }
        Err(why) => {
            count("failed");
            if defers {
                return Err(SendError::Unsigned(why));
            }
            tracing::warn!(%id, why, "released mail leaves without a DKIM signature");
            Ok(Vec::new())
        }
    }
}

/// Puts a release into the outbox. Its sender, who may be forged, is not told what becomes of it: the
/// log is.
async fn queue(
    store: &Store,
    direction: Direction,
    limits: &Outbox,
    known: &Entry,
    to: &Address,
    head: Vec<u8>,
    spool: &Spool,
) -> Result<(), SendError> {
    let mail = NewQueued {
        message: known.entry.id,
        kind: QueueKind::Release,
        direction,
        mail_from: known.entry.mail_from.clone(),
        parameters: String::new(),
        created_ms: id::now_ms(),
        size: spool.len().saturating_add(head.len() as u64),
        recipients: vec![NewRecipient { address: to.clone(), parameters: " NOTIFY=NEVER".to_owned() }],
    };
    let (store, limits, spool) = (store.clone(), limits.clone(), spool.clone());
    let work = move || {
        check_room(&store.queue_usage()?, 1, mail.size, &limits)?;
        store.enqueue(mail, &mut Cursor::new(head).chain(spool.reader()))
    };
    let done = tokio::task::spawn_blocking(work).await;
    let receipt = done.unwrap_or_else(|crash| Err(StoreError::Body(std::io::Error::other(crash))));
    receipt.map(drop).map_err(SendError::Store)
}

/// The kept message, checked to its end before a byte of it is sent.
async fn original(store: &Store, entry: BackupId) -> Result<(Spool, Entry), SendError> {
    let store = store.clone();
    let read = move || -> Result<(Spool, Entry), StoreError> {
        let known = store.show(entry)?;
        Ok((unseal(store.dir(), store.open_original(entry)?)?, known))
    };
    let done = tokio::task::spawn_blocking(read).await;
    done.unwrap_or_else(|crash| Err(StoreError::Body(std::io::Error::other(crash)))).map_err(SendError::Store)
}

/// Reads a sealed message to its end, into memory or beside the sealed bytes, where nobody else looks
/// (spec D-16).
pub(crate) fn unseal(dir: &Path, mut body: Original) -> Result<Spool, StoreError> {
    let mut spooler = Spooler::new(dir, CHUNK);
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = body.read(&mut buffer).map_err(StoreError::Body)?;
        if read == 0 {
            return Ok(spooler.finish());
        }
        spooler.write(buffer.get(..read).unwrap_or(&[])).map_err(StoreError::Body)?;
    }
}

/// Sends a message, with `head` in front, in a transaction of its own.
///
/// # Errors
/// Whatever kept the next hop from taking it.
pub async fn send(
    way: Way<'_>,
    sender: Option<&Address>,
    recipient: &Address,
    head: Vec<u8>,
    spool: &Spool,
) -> Result<String, SendError> {
    let deadline = Instant::now() + SEND_LIMIT;
    let route = way.routes.find(recipient, way.to(recipient)).ok_or(SendError::NoNextHop)?;
    let mut upstream = routes::open(&route, way.metrics, deadline).await?;
    let from = sender.map_or("", Address::as_str);
    let utf8 = !from.is_ascii() || !recipient.as_str().is_ascii();
    let mut mail = format!("<{from}>");
    if utf8 && upstream.extensions().smtputf8 {
        mail.push_str(" SMTPUTF8");
    }
    let binary = is_binary(spool).map_err(|error| SendError::Store(StoreError::Body(error)))?;
    match binary {
        true => mail.push_str(" BODY=BINARYMIME"),
        false if upstream.extensions().eight_bit_mime => mail.push_str(" BODY=8BITMIME"),
        false => {}
    }
    // A next hop that does not take it is asked nothing.
    if binary && !upstream.extensions().takes_binary() {
        return Err(SendError::Refused("554 5.6.1 the next hop does not take binary content".to_owned()));
    }
    taken(upstream.mail(&mail, deadline).await?.into())?;
    taken(upstream.rcpt(&format!("<{}>", recipient.as_str()), deadline).await?.into())?;
    let go = upstream.begin(binary, deadline).await?;
    if go.code() != 354 {
        return Err(SendError::Refused(format!("{} {}", go.code(), go.text())));
    }
    upstream.content(&head, deadline).await?;
    pour(&mut upstream, spool, 0, deadline).await?;
    let reply = taken(refusal(&upstream.end(deadline).await?).into())?;
    upstream.quit().await;
    Ok(reply)
}

/// A reply as text, with whether it is a success.
struct Said {
    success: bool,
    text: String,
}

impl From<wire::smtp::reply::Reply> for Said {
    fn from(reply: wire::smtp::reply::Reply) -> Self {
        Self { success: reply.is_success(), text: format!("{} {}", reply.code(), reply.text()) }
    }
}

fn taken(said: Said) -> Result<String, SendError> {
    if said.success { Ok(said.text) } else { Err(SendError::Refused(said.text)) }
}

/// Whether content cannot go out after DATA as it is: what came as BODY=BINARYMIME.
///
/// # Errors
/// The spool cannot be read.
pub fn is_binary(spool: &Spool) -> std::io::Result<bool> {
    let mut plain = Plainness::default();
    let mut at = 0;
    while at < spool.len() {
        let piece = spool.read_at(at, CHUNK)?;
        at = at.saturating_add(piece.len() as u64);
        plain.push(&piece);
    }
    Ok(plain.is_binary())
}

/// Sends a spool's bytes from an offset on as content.
///
/// # Errors
/// When the connection, or reading the spool, fails.
pub async fn pour(upstream: &mut Upstream, spool: &Spool, from: u64, deadline: Instant) -> Result<(), UpstreamError> {
    let mut at = from;
    while at < spool.len() {
        let piece =
            spool.read_at(at, CHUNK).map_err(|e| UpstreamError::Closed(format!("the spool cannot be read: {e}")))?;
        at = at.saturating_add(piece.len() as u64);
        upstream.content(&piece, deadline).await?;
    }
    Ok(())
}

/// What the bytes below a marker are known by.
pub(crate) fn digest_of(mut bytes: impl Read) -> std::io::Result<[u8; 32]> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = bytes.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        context.update(buffer.get(..read).unwrap_or(&[]));
    }
    let mut below = [0; 32];
    below.copy_from_slice(context.finish().as_ref());
    Ok(below)
}

/// The header line that marks the bytes below it as ours for one recipient.
pub(crate) fn mark(store: &Store, to: &Address, below: &[u8; 32]) -> Vec<u8> {
    let marker = store.release_marker().make(to, id::now_ms() / 1000 + MARKER_LIFE, below);
    format!("{MARKER}: {marker}\r\n").into_bytes()
}

/// Whether a message carries a valid marker: the first one in its header, made by this installation
/// for exactly the bytes below it and every recipient of this transaction, with nothing above it but
/// what hops on the way write.
pub(crate) async fn is_released(marker: ReleaseMarker, spool: &Spool, arrival: &Arrival) -> bool {
    let Ok(head) = spool.read_at(0, HEAD_MAX) else { return false };
    let Some((value, below)) = find_marker(&head) else { return false };
    let (spool, recipients) = (spool.clone(), arrival.envelope.rcpt_to.clone());
    // Anybody can write something like a marker: hashing must not hold up others.
    let check = move || {
        let Ok(digest) = digest_of(spool.reader_from(below as u64)) else { return false };
        marker.check(&value, &recipients, &digest, id::now_ms() / 1000)
    };
    tokio::task::spawn_blocking(check).await.unwrap_or(false)
}

/// What hops write above a message they pass on. Nothing else may stand above a marker: other fields
/// could give the released bytes another meaning.
fn is_trace(line: &[u8]) -> bool {
    const NAMES: [&str; 6] =
        ["Received", "Return-Path", "Delivered-To", "Received-SPF", "Authentication-Results", "DKIM-Signature"];
    let name = line.split(|b| *b == b':').next().unwrap_or_default();
    let starts = |prefix: &[u8]| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let known = NAMES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    line.contains(&b':') && (known || starts(b"ARC-") || starts(b"X-"))
}

/// The value of the first marker, and where the bytes below it begin; `None` also where more than
/// trace fields stand above it.
fn find_marker(head: &[u8]) -> Option<(String, usize)> {
    let mut at = 0;
    let mut traced = false;
    loop {
        let line = head.get(at..)?;
        let end = line.iter().position(|b| *b == b'\n')?.saturating_add(1);
        let line = line.get(..end)?;
        if matches!(line, b"\r\n" | b"\n") {
            return None;
        }
        at = at.saturating_add(end);
        let name = line.get(..MARKER.len());
        if name.is_some_and(|n| n.eq_ignore_ascii_case(MARKER.as_bytes())) && line.get(MARKER.len()) == Some(&b':') {
            let value = line.get(MARKER.len().saturating_add(1)..)?;
            return Some((String::from_utf8_lossy(value).trim().to_owned(), at));
        }
        let continues = traced && matches!(line.first(), Some(b' ' | b'\t'));
        if !continues && !is_trace(line) {
            return None;
        }
        traced = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_goes_the_way_of_its_recipient() {
        use Direction::{Incoming, Internal, Outgoing};
        let (routes, metrics) = (Routes::new(Vec::new()), Metrics::new());
        let site = |domains: &[&str]| Site {
            authserv_id: String::new(),
            hostname: "mx.example.org".to_owned(),
            internal_domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            trusted_networks: Vec::new(),
            trusted_relays: Vec::new(),
        };
        let cases = [
            (Outgoing, "friend@example.net", Outgoing, Outgoing),
            (Outgoing, "admin@example.org", Incoming, Outgoing),
            (Incoming, "friend@example.net", Outgoing, Incoming),
            (Internal, "admin@example.org", Internal, Internal),
        ];
        for (direction, to, with, without) in cases {
            let goes = |domains| {
                let site = site(domains);
                let way = Way {
                    routes: &routes,
                    metrics: &metrics,
                    direction,
                    site: Some(&site),
                    signers: None,
                    redact: false,
                };
                way.to(&Address::parse(to).unwrap())
            };
            assert_eq!((goes(&["example.org"]), goes(&[])), (with, without), "{direction:?} {to}");
        }
    }

    #[test]
    fn the_marker_is_found_in_the_header_only() {
        let (value, below) = find_marker(b"Received: x\r\nx-mailward-release: v=1\r\nTo: a\r\n\r\nbody").unwrap();
        assert_eq!((value.as_str(), below), ("v=1", 38));
        let folded = b"Received: x\r\n\tby y\r\nARC-Seal: i=1\r\nX-Mailward-Release: v=1\r\n\r\n";
        assert_eq!(find_marker(folded).map(|(value, _)| value).as_deref(), Some("v=1"));
        for above in ["Content-Type: text/html", "From x", " x", "Received", "Receivedx: y", "Subject: x\r\n y"] {
            let head = format!("{above}\r\nX-Mailward-Release: v=1\r\n\r\n");
            assert!(find_marker(head.as_bytes()).is_none(), "{above}");
        }
        assert!(find_marker(b"To: a\r\n\r\nX-Mailward-Release: v=1\r\n").is_none());
        assert!(find_marker(b"X-Mailward-Released: v=1\r\n\r\n").is_none());
        assert!(find_marker(b"").is_none());
    }
}
