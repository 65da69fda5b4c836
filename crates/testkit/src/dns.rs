//! A DNS server with zones as text, for names that misbehave as well.
//!
//! It answers what its text says, over UDP and TCP on a port of its own, as a recursive server would.
//! A line is `name TYPE data`; TYPE is A, AAAA, MX, TXT, PTR, CNAME or TLSA, or TXTHEX for texts that
//! fit on no line: the strings of one in hexadecimal (`-` for none), with commas between. A name that is a parent
//! of another exists without data; every other name does not exist. `*.` answers for all below it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, PTR, TLSA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::AbortHandle;

/// The time that answers hold, in seconds.
const TTL: u32 = 300;
/// How often free ports are looked for that are free for both protocols.
const TRIES: usize = 50;

/// How a name misbehaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DnsTrick {
    /// Answers after this time.
    Slow(Duration),
    /// Never answers.
    Silent,
    /// REFUSED.
    Refuse,
    /// SERVFAIL.
    Fail,
    /// SERVFAIL for every type of which it has no record.
    FailOthers,
    /// Packets with a wrong number and a wrong question, and never the right one.
    Lie,
    /// The same packets, and then the right one.
    LieFirst,
    /// Over UDP only the sign that the answer was cut.
    Cut,
}

#[derive(Default)]
struct State {
    records: Vec<(Name, RData)>,
    tricks: HashMap<Name, DnsTrick>,
    asked: Vec<String>,
    authenticated: bool,
}

/// The server. It ends when it is dropped.
pub struct DnsServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    tasks: Vec<AbortHandle>,
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl DnsServer {
    /// Starts a server with these records.
    pub async fn start(zone: &str) -> Self {
        let (udp, tcp) = sockets().await;
        let address = udp.local_addr().expect("the socket has an address");
        let state = Arc::new(Mutex::new(State { records: read(zone), ..State::default() }));
        let tasks = vec![
            tokio::spawn(serve_udp(Arc::new(udp), Arc::clone(&state))).abort_handle(),
            tokio::spawn(serve_tcp(tcp, Arc::clone(&state))).abort_handle(),
        ];
        Self { address, state, tasks }
    }

    /// Where it listens, for both protocols.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts these records in the place of what it had.
    pub fn set(&self, zone: &str) {
        self.state.lock().unwrap().records = read(zone);
    }

    /// Makes a name misbehave.
    pub fn trick(&self, name: &str, trick: DnsTrick) {
        self.state.lock().unwrap().tricks.insert(self::name(name), trick);
    }

    /// Whether it says, to who asks for it, that its answers are signed and checked (the AD bit).
    pub fn authenticated(&self, yes: bool) {
        self.state.lock().unwrap().authenticated = yes;
    }

    /// What it was asked so far: `example.org. MX`, in lower case, in order.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }
}

async fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..TRIES {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free UDP port");
        let address = udp.local_addr().expect("the socket has an address");
        if let Ok(tcp) = TcpListener::bind(address).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for UDP and TCP");
}

fn name(text: &str) -> Name {
    // A space cannot stand in a line.
    let text = text.replace("\\032", " ");
    let labels: Vec<&[u8]> = text.trim_end_matches('.').split('.').map(str::as_bytes).collect();
    let mut name = Name::from_labels(labels).unwrap_or_else(|e| panic!("{text}: {e}")).to_lowercase();
    name.set_fqdn(true);
    name
}

fn read(zone: &str) -> Vec<(Name, RData)> {
    zone.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(';')).map(read_line).collect()
}

fn read_line(line: &str) -> (Name, RData) {
    let wrong = || -> ! { panic!("not a record: {line}") };
    let mut words = line.splitn(3, char::is_whitespace);
    let (Some(owner), Some(kind), Some(data)) = (words.next(), words.next(), words.next()) else { wrong() };
    let data = data.trim();
    let data = match kind {
        "A" => RData::A(A(data.parse().unwrap_or_else(|_| wrong()))),
        "AAAA" => RData::AAAA(AAAA(data.parse().unwrap_or_else(|_| wrong()))),
        "PTR" => RData::PTR(PTR(name(data))),
        "CNAME" => RData::CNAME(CNAME(name(data))),
        "MX" => {
            let (preference, host) = data.split_once(' ').unwrap_or_else(|| wrong());
            let preference = u16::from_str(preference).unwrap_or_else(|_| wrong());
            RData::MX(MX::new(preference, if host == "." { Name::root() } else { name(host) }))
        }
        "TXT" => RData::TXT(TXT::from_bytes(strings(data).iter().map(Vec::as_slice).collect())),
        "TXTHEX" => {
            let strings: Vec<Vec<u8>> =
                data.split(',').map(|part| if part == "-" { Vec::new() } else { unhex(part) }).collect();
            RData::TXT(TXT::from_bytes(strings.iter().map(Vec::as_slice).collect()))
        }
        "TLSA" => {
            let words: Vec<&str> = data.split(' ').collect();
            let number = |at: usize| words[at].parse::<u8>().unwrap_or_else(|_| wrong());
            RData::TLSA(TLSA::new(number(0).into(), number(1).into(), number(2).into(), unhex(words[3])))
        }
        _ => wrong(),
    };
    (name(owner), data)
}

fn unhex(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap_or_else(|_| panic!("not hexadecimal: {hex}"));
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// The strings of a TXT record: each in quotes, or the whole as one. What is longer than 255 bytes is
/// split, as an administrator would.
fn strings(data: &str) -> Vec<Vec<u8>> {
    let parts: Vec<&str> =
        if data.starts_with('"') { data.split('"').skip(1).step_by(2).collect() } else { vec![data] };
    let split = |part: &str| -> Vec<Vec<u8>> {
        if part.is_empty() { vec![Vec::new()] } else { part.as_bytes().chunks(255).map(<[u8]>::to_vec).collect() }
    };
    parts.into_iter().flat_map(split).collect()
}

/// The packets that answer a question, and how long to wait before the first.
fn answer(state: &Mutex<State>, packet: &[u8], udp: bool) -> (Duration, Vec<Vec<u8>>) {
    let mut state = state.lock().unwrap();
    let Some(asked) = Message::from_vec(packet).ok().filter(|m| !m.queries.is_empty()) else {
        return (Duration::ZERO, Vec::new());
    };
    let query = asked.queries[0].clone();
    let owner = query.name.to_lowercase();
    state.asked.push(format!("{owner} {}", query.query_type));
    let mut right = Message::new(asked.metadata.id, MessageType::Response, asked.metadata.op_code);
    right.add_query(query.clone());
    right.metadata.recursion_available = true;
    right.metadata.authentic_data = state.authenticated && asked.metadata.authentic_data;
    fill(&mut right, &state.records, &owner, query.query_type);
    let bytes = |message: &Message| message.to_vec().expect("our own message");
    let mut wrong_number = right.clone();
    wrong_number.metadata.id = asked.metadata.id.wrapping_add(1);
    let mut wrong_question = right.clone();
    wrong_question.queries[0].name = name("liar.example.net");
    let lies = vec![bytes(&wrong_number), bytes(&wrong_question), b"no packet".to_vec()];
    let code = |code| {
        let mut message = right.clone();
        message.metadata.response_code = code;
        message.answers.clear();
        vec![bytes(&message)]
    };
    let packets = match state.tricks.get(&owner) {
        Some(DnsTrick::Slow(time)) => return (*time, vec![bytes(&right)]),
        Some(DnsTrick::Silent) => Vec::new(),
        Some(DnsTrick::Refuse) => code(ResponseCode::Refused),
        Some(DnsTrick::Fail) => code(ResponseCode::ServFail),
        Some(DnsTrick::Lie) => lies,
        Some(DnsTrick::LieFirst) => lies.into_iter().chain([bytes(&right)]).collect(),
        Some(DnsTrick::Cut) if udp => {
            right.answers.clear();
            right.metadata.truncation = true;
            vec![bytes(&right)]
        }
        Some(DnsTrick::FailOthers) if right.answers.is_empty() => code(ResponseCode::ServFail),
        Some(DnsTrick::Cut | DnsTrick::FailOthers) | None => vec![bytes(&right)],
    };
    (Duration::ZERO, packets)
}

/// Puts the records of a name, and of what it is an alias of, into a message.
fn fill(message: &mut Message, records: &[(Name, RData)], owner: &Name, kind: RecordType) {
    let mut at = owner.clone();
    for _ in 0..8 {
        let wildcard = Name::from_ascii("*").expect("a name").append_domain(&at.base_name()).expect("a name");
        let exact = records.iter().any(|(name, _)| *name == at);
        let source = if exact { &at } else { &wildcard };
        let of_owner: Vec<&RData> = records.iter().filter(|(name, _)| name == source).map(|(_, data)| data).collect();
        let alias =
            of_owner.iter().find_map(|data| if let RData::CNAME(to) = data { Some(to.0.clone()) } else { None });
        let fits = of_owner.iter().filter(|data| data.record_type() == kind || data.record_type() == RecordType::CNAME);
        message.add_answers(fits.map(|data| Record::from_rdata(at.clone(), TTL, (*data).clone())));
        let exists = !of_owner.is_empty() || records.iter().any(|(name, _)| at.zone_of(name));
        if !exists {
            message.metadata.response_code = ResponseCode::NXDomain;
        }
        match alias {
            Some(to) if kind != RecordType::CNAME => at = to,
            _ => return,
        }
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, state: Arc<Mutex<State>>) {
    let mut buffer = vec![0; 4096];
    while let Ok((len, peer)) = socket.recv_from(&mut buffer).await {
        let (delay, packets) = answer(&state, &buffer[..len], true);
        let socket = Arc::clone(&socket);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            for packet in packets {
                let _ = socket.send_to(&packet, peer).await;
            }
        });
    }
}

async fn serve_tcp(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let _ = serve_stream(stream, &state).await;
        });
    }
}

async fn serve_stream(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut packet = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut packet).await?;
    let (delay, packets) = answer(state, &packet, false);
    tokio::time::sleep(delay).await;
    for packet in packets {
        let len = u16::try_from(packet.len()).expect("our own message");
        stream.write_all(&[&len.to_be_bytes()[..], &packet].concat()).await?;
    }
    Ok(())
}
