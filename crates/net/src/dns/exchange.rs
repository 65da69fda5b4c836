//! Question and answer on the wire: UDP first, TCP for what was cut.
//!
//! Each packet has a number of its own from the system's random source, and goes out from a port
//! that the system chose for it (RFC 5452). Whatever comes back and does not fit is passed over; it
//! does not end the wait, so nobody can answer for the server by being first with nonsense.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

use super::answer::{DnsError, Outcome, read};
use super::cache::Key;
use super::rests::Rests;
use super::{Figures, add};

/// How often each server is asked for one thing.
const ROUNDS: u32 = 2;
/// The least time that one attempt gets.
const MIN_ATTEMPT: Duration = Duration::from_millis(250);
/// What a packet over UDP may be at most, as we tell the server: it crosses every network whole.
const UDP_PAYLOAD: u16 = 1232;
/// The buffer for a packet; a server may send more than we asked for.
const UDP_BUFFER: usize = 4096;
/// Most packets that are read in one attempt.
const MAX_PACKETS: usize = 64;

/// The servers, which of them answered last, and which do not answer.
#[derive(Debug)]
pub(super) struct Servers {
    addresses: Vec<SocketAddr>,
    rests: Rests,
    attempt: Duration,
    preferred: AtomicUsize,
}

impl Servers {
    /// `limit` is for one question; the attempts share it.
    pub(super) fn new(addresses: Vec<SocketAddr>, limit: Duration) -> Self {
        let attempts = ROUNDS.saturating_mul(u32::try_from(addresses.len()).unwrap_or(u32::MAX)).max(1);
        let rests = Rests::new(addresses.len());
        Self { addresses, rests, attempt: (limit / attempts).max(MIN_ATTEMPT), preferred: AtomicUsize::new(0) }
    }

    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Asks one server after another until one knows; `None` if none says anything. Ends by `until` at
    /// the latest.
    pub(super) async fn ask(&self, key: &Key, trust_ad: bool, until: Instant, figures: &Figures) -> Option<Outcome> {
        if self.addresses.is_empty() {
            return Some(Outcome::failed(DnsError::Temporary("no DNS server is known".to_owned())));
        }
        let first = self.preferred.load(Ordering::Relaxed);
        let mut last = None;
        let count = self.addresses.len();
        // Who does not answer is asked after the others.
        let order = (0..count).map(|at| (first + at) % count);
        let (resting, mut order): (Vec<usize>, Vec<usize>) =
            order.partition(|at| self.rests.rests(*at, Instant::now()));
        order.extend(resting);
        for at in order.repeat(ROUNDS as usize) {
            let server = self.addresses[at];
            let end = until.min(Instant::now() + self.attempt);
            let asked = timeout_at(end, once(server, key, trust_ad, figures)).await;
            // Who was cut short by the caller's deadline may have been about to answer.
            if matches!(asked, Ok(Ok(_))) || end < until {
                self.rests.note(at, server, matches!(asked, Ok(Ok(_))), Instant::now(), figures);
            }
            match asked {
                Ok(Ok(outcome)) => {
                    if !matches!(outcome.result, Err(DnsError::Temporary(_) | DnsError::Refused(_))) {
                        self.preferred.store(at, Ordering::Relaxed);
                        return Some(outcome);
                    }
                    last = Some(outcome);
                }
                Ok(Err(error)) => {
                    last = Some(Outcome::failed(DnsError::Temporary(format!("{server}: {error}"))));
                }
                Err(_) if Instant::now() >= until => break,
                Err(_) => {}
            }
        }
        last
    }
}

/// One attempt at one server.
async fn once(server: SocketAddr, key: &Key, trust_ad: bool, figures: &Figures) -> std::io::Result<Outcome> {
    let (message, size) = udp(server, key, trust_ad, figures).await?;
    if !message.metadata.truncation {
        return Ok(read(&message, key, size, trust_ad));
    }
    let (message, size) = tcp(server, key, trust_ad, figures).await?;
    Ok(read(&message, key, size, trust_ad))
}

async fn udp(server: SocketAddr, key: &Key, ad: bool, figures: &Figures) -> std::io::Result<(Message, usize)> {
    let local: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(local).await?;
    // From here on the system passes on only what comes from this address and port.
    socket.connect(server).await?;
    let question = question(key, ad)?;
    add(&figures.sent);
    socket.send(&question.bytes).await?;
    let mut buffer = vec![0; UDP_BUFFER];
    for _ in 0..MAX_PACKETS {
        let len = socket.recv(&mut buffer).await?;
        match question.answer(buffer.get(..len).unwrap_or_default()) {
            Some(message) => return Ok((message, len)),
            None => add(&figures.odd),
        }
    }
    Err(std::io::Error::other("nothing but packets that answer something else"))
}

async fn tcp(server: SocketAddr, key: &Key, ad: bool, figures: &Figures) -> std::io::Result<(Message, usize)> {
    let mut stream = TcpStream::connect(server).await?;
    let question = question(key, ad)?;
    let len = u16::try_from(question.bytes.len()).map_err(std::io::Error::other)?;
    add(&figures.sent);
    stream.write_all(&[&len.to_be_bytes()[..], &question.bytes].concat()).await?;
    let len = usize::from(stream.read_u16().await?);
    // A packet is 64 KiB at most; it is read as it comes.
    let mut bytes = Vec::new();
    stream.take(len as u64).read_to_end(&mut bytes).await?;
    match question.answer(&bytes) {
        Some(message) if bytes.len() == len && !message.metadata.truncation => Ok((message, len)),
        _ => {
            add(&figures.odd);
            Err(std::io::Error::other("it answered something else over TCP"))
        }
    }
}

/// A question as it goes out.
struct Question {
    id: u16,
    query: Query,
    bytes: Vec<u8>,
}

fn question(key: &Key, ad: bool) -> std::io::Result<Question> {
    let mut id = [0; 2];
    rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty())?;
    let id = u16::from_ne_bytes(id);
    let query = Query::query(key.name().clone(), key.kind());
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    // "I understand the AD bit" (RFC 6840 section 5.7).
    message.metadata.authentic_data = ad;
    message.add_query(query.clone());
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD).set_version(0);
    message.set_edns(edns);
    let bytes = message.to_vec().map_err(std::io::Error::other)?;
    Ok(Question { id, query, bytes })
}

impl Question {
    /// The message in these bytes, if it is a response to this question.
    fn answer(&self, bytes: &[u8]) -> Option<Message> {
        let message = Message::from_vec(bytes).ok()?;
        let meta = &message.metadata;
        let fits = meta.id == self.id
            && meta.message_type == MessageType::Response
            && meta.op_code == OpCode::Query
            && message.queries.len() == 1
            && message.queries.first().is_some_and(|query| same(query, &self.query));
        fits.then_some(message)
    }
}

fn same(one: &Query, other: &Query) -> bool {
    one.query_type == other.query_type
        && one.query_class == other.query_class
        && one.name.to_lowercase() == other.name.to_lowercase()
}
