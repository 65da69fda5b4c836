//! A mail server as a milter sees it: it tells a filter of a message, does what the filter says, and gives the message
//! that it would take then. Written from the protocol, not from our own machine.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// All actions of version 6.
pub const ALL_ACTIONS: u32 = 0x1ff;
/// All protocol bits of version 6.
pub const ALL_PROTOCOL: u32 = 0x1f_ffff;
/// Bytes of the body in one packet.
const CHUNK: usize = 65_535;
/// How long a filter may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// Both directions of a connection.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Header fields: names and values.
type Head = Vec<(Vec<u8>, Vec<u8>)>;

/// What a filter decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The letter of its answer: `c` continue, `a` accept, `r` reject, `t` tempfail, `d` discard, `y` a reply, `s` skip.
    pub answer: char,
    /// The text of a reply.
    pub text: String,
    /// The message with all changes.
    pub content: Vec<u8>,
    /// The letters of the changes, in order.
    pub changes: String,
    /// How often it said that it is still at it.
    pub progress: usize,
    /// Why it wants the message held.
    pub quarantine: Option<String>,
    /// The recipients that it takes out, in angle brackets.
    pub removed: Vec<String>,
}

/// One connection to a filter.
pub struct Mta {
    stream: Box<dyn Stream>,
    /// The actions that the filter may use.
    pub actions: u32,
    /// The protocol bits in force.
    pub protocol: u32,
    /// The macros that it asked for, by stage.
    pub wanted: Vec<(u32, String)>,
    /// Macros that are told with each command: a letter, a name, a value.
    pub macros: Vec<(char, String, String)>,
}

impl std::fmt::Debug for Mta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mta").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

impl Mta {
    /// Connects over TCP and offers everything.
    pub async fn open(address: SocketAddr) -> Self {
        Self::offer(Box::new(TcpStream::connect(address).await.expect("a connection")), 6, ALL_ACTIONS, ALL_PROTOCOL)
            .await
            .expect("an agreement")
    }

    /// Connects over TCP and offers this; `None` when the filter hangs up.
    pub async fn open_with(address: SocketAddr, version: u32, actions: u32, protocol: u32) -> Option<Self> {
        Self::offer(Box::new(TcpStream::connect(address).await.expect("a connection")), version, actions, protocol)
            .await
    }

    /// Connects to a socket in the file system and offers everything.
    pub async fn open_unix(path: &Path) -> Self {
        Self::offer(Box::new(UnixStream::connect(path).await.expect("a connection")), 6, ALL_ACTIONS, ALL_PROTOCOL)
            .await
            .expect("an agreement")
    }

    async fn offer(stream: Box<dyn Stream>, version: u32, actions: u32, protocol: u32) -> Option<Self> {
        let mut mta = Self { stream, actions: 0, protocol: 0, wanted: Vec::new(), macros: Vec::new() };
        let words = [version, actions, protocol].map(u32::to_be_bytes).concat();
        mta.send('O', &words).await;
        let (letter, answer) = mta.read().await?;
        assert_eq!(letter, 'O', "options first");
        let word = |at: usize| u32::from_be_bytes(answer[at..at + 4].try_into().expect("four bytes"));
        assert!(word(0) <= version && word(4) & !actions == 0 && word(8) & !protocol == 0, "no more than offered");
        (mta.actions, mta.protocol) = (word(4), word(8));
        let mut rest = &answer[12..];
        while !rest.is_empty() {
            let stage = u32::from_be_bytes(rest[..4].try_into().expect("a stage"));
            let end = rest[4..].iter().position(|b| *b == 0).expect("a text") + 4;
            mta.wanted.push((stage, String::from_utf8(rest[4..end].to_vec()).expect("text")));
            rest = &rest[end + 1..];
        }
        Some(mta)
    }

    /// Tells a macro with each command of this letter.
    pub fn tell(&mut self, command: char, name: &str, value: &str) {
        self.macros.push((command, name.to_owned(), value.to_owned()));
    }

    /// A client connected from this address, and greeted.
    pub async fn client(&mut self, name: &str, address: &str) -> Option<Verdict> {
        let family = if address.contains(':') { '6' } else { '4' };
        let told = [name.as_bytes(), b"\0", &[family as u8], &25u16.to_be_bytes(), address.as_bytes(), b"\0"].concat();
        if let Some(no) = self.step('C', &told, 0x1000).await {
            return Some(no);
        }
        self.step('H', b"client.example.org\0", 0x2000).await
    }

    /// Tells of one message to its end. Behind an address may stand parameters, as in SMTP.
    pub async fn message(&mut self, from: &str, to: &[&str], content: &[u8]) -> Verdict {
        let (head, body) = split(content);
        if let Some(no) = self.begin(from, to, &head).await {
            return no;
        }
        for piece in body.chunks(CHUNK) {
            match self.step('B', piece, 0x8_0000).await {
                Some(verdict) if verdict.answer == 's' => break,
                Some(verdict) => return verdict,
                None => {}
            }
        }
        self.tell_macros('E').await;
        self.send('E', b"").await;
        self.end(head, body.to_vec()).await
    }

    /// Tells of a message as far as the end of its header.
    async fn begin(&mut self, from: &str, to: &[&str], head: &[(Vec<u8>, Vec<u8>)]) -> Option<Verdict> {
        let mut steps = vec![('M', arguments(from), 0x4000)];
        steps.extend(to.iter().map(|to| ('R', arguments(to), 0x8000)));
        if self.protocol & 0x200 == 0 {
            steps.push(('T', Vec::new(), 0x1_0000));
        }
        for (name, value) in head {
            let value = self.value(value);
            steps.push(('L', [name, b"\0".as_slice(), &value, b"\0"].concat(), 0x80));
        }
        steps.push(('N', Vec::new(), 0x4_0000));
        for (letter, payload, bit) in steps {
            if let Some(no) = self.step(letter, &payload, bit).await {
                return Some(no);
            }
        }
        None
    }

    /// Begins a message and gives it up in the middle of its body.
    pub async fn abort(&mut self, from: &str, to: &[&str], content: &[u8]) {
        let (head, body) = split(content);
        assert_eq!(self.begin(from, to, &head).await, None);
        assert_eq!(self.step('B', &body[..body.len() / 2], 0x8_0000).await, None);
        self.send('A', b"").await;
    }

    /// The client is gone, another one follows.
    pub async fn next_client(&mut self) {
        self.send('K', b"").await;
    }

    /// Says goodbye; whether the filter hangs up then.
    pub async fn quit(mut self) -> bool {
        self.send('Q', b"").await;
        self.read().await.is_none()
    }

    /// Whether the filter hangs up by itself.
    pub async fn is_closed(&mut self) -> bool {
        self.read().await.is_none()
    }

    /// Changes and the answer, at the end of a message.
    async fn end(&mut self, mut head: Head, mut body: Vec<u8>) -> Verdict {
        let (mut verdict, mut new_body) = (Verdict::default(), None::<Vec<u8>>);
        loop {
            let (letter, payload) = self.read().await.expect("an answer");
            match letter {
                'p' => verdict.progress += 1,
                'b' => new_body.get_or_insert_default().extend_from_slice(&payload),
                'q' => verdict.quarantine = Some(one(&payload)),
                '-' => verdict.removed.push(one(&payload)),
                'h' | 'i' | 'm' => self.change_header(letter, &payload, &mut head),
                _ => {
                    verdict.answer = letter;
                    verdict.text = if letter == 'y' { one(&payload) } else { String::new() };
                    break;
                }
            }
            if letter != 'p' {
                verdict.changes.push(letter);
            }
        }
        for (name, value) in head {
            let value = String::from_utf8_lossy(&value).into_owned();
            verdict
                .content
                .extend_from_slice(&[&name, b":".as_slice(), value.replace('\n', "\r\n").as_bytes(), b"\r\n"].concat());
        }
        body = new_body.unwrap_or(body);
        verdict.content.extend_from_slice(&[b"\r\n", body.as_slice()].concat());
        verdict
    }

    fn change_header(&self, letter: char, payload: &[u8], head: &mut Head) {
        let (number, texts) = if letter == 'h' { (0, payload) } else { (word(payload), &payload[4..]) };
        let mut texts = texts.split(|b| *b == 0).map(<[u8]>::to_vec);
        let (name, value) = (texts.next().expect("a name"), texts.next().expect("a value"));
        assert!(!value.contains(&b'\r'), "line feeds only");
        let blank = if self.protocol & 0x10_0000 == 0 && !value.is_empty() { " " } else { "" };
        let value = [blank.as_bytes(), &value].concat();
        match letter {
            'h' => head.push((name, value)),
            // Our own `Received` stands above all and is not shown to a filter, but counts.
            'i' => {
                assert!(number > 0, "nothing belongs above our own Received");
                head.insert((number - 1).min(head.len()), (name, value));
            }
            _ => {
                let mut named = (0..head.len()).filter(|at| head[*at].0.eq_ignore_ascii_case(&name));
                let at = named.nth(number - 1).unwrap_or_else(|| panic!("field {number} {name:?}"));
                if value.is_empty() {
                    head.remove(at);
                } else {
                    head[at] = (name, value);
                }
            }
        }
    }

    /// A value as it is told: without its leading blanks where they were not agreed.
    fn value(&self, value: &[u8]) -> Vec<u8> {
        if self.protocol & 0x10_0000 != 0 { value.to_vec() } else { value.trim_ascii_start().to_vec() }
    }

    /// Tells a step; what is answered, unless it is to go on. Nothing is answered where that was agreed.
    async fn step(&mut self, letter: char, payload: &[u8], no_reply: u32) -> Option<Verdict> {
        self.tell_macros(letter).await;
        self.send(letter, payload).await;
        if self.protocol & no_reply != 0 {
            return None;
        }
        let (answer, text) = self.read().await.expect("an answer");
        let text = if answer == 'y' { one(&text) } else { String::new() };
        (answer != 'c').then(|| Verdict { answer, text, ..Verdict::default() })
    }

    async fn tell_macros(&mut self, letter: char) {
        let told = self.macros.iter().filter(|(command, ..)| *command == letter);
        let texts: String = told.map(|(_, name, value)| format!("{name}\0{value}\0")).collect();
        if !texts.is_empty() {
            self.send('D', &[&[letter as u8], texts.as_bytes()].concat()).await;
        }
    }

    /// Sends a packet.
    pub async fn send(&mut self, letter: char, payload: &[u8]) {
        let size = u32::try_from(payload.len() + 1).expect("a small packet");
        let packet = [&size.to_be_bytes(), &[letter as u8][..], payload].concat();
        // A filter that hung up is noticed when it is read from.
        let _ = self.stream.write_all(&packet).await;
    }

    /// The next packet; `None` when the filter hung up.
    async fn read(&mut self) -> Option<(char, Vec<u8>)> {
        let read = async {
            let size = self.stream.read_u32().await.ok()?;
            let mut packet = vec![0; size as usize];
            self.stream.read_exact(&mut packet).await.ok()?;
            Some((char::from(packet[0]), packet.split_off(1)))
        };
        tokio::time::timeout(SILENCE, read).await.expect("the filter is not silent")
    }
}

fn word(payload: &[u8]) -> usize {
    u32::from_be_bytes(payload[..4].try_into().expect("a number")) as usize
}

/// An address, and behind a blank each what the client wrote beside it.
fn arguments(text: &str) -> Vec<u8> {
    let (address, parameters) = text.split_once(' ').unwrap_or((text, ""));
    let parameters: String = parameters.split_terminator(' ').map(|word| format!("{word}\0")).collect();
    format!("<{address}>\0{parameters}").into_bytes()
}

fn one(payload: &[u8]) -> String {
    String::from_utf8(payload.strip_suffix(b"\0").expect("a text").to_vec()).expect("text")
}

/// Header fields with LF as line ends, and the body.
fn split(content: &[u8]) -> (Head, Vec<u8>) {
    let at = content.windows(4).position(|w| w == b"\r\n\r\n").expect("a header and a body");
    let mut head: Head = Vec::new();
    for line in String::from_utf8_lossy(&content[..at]).split("\r\n") {
        match head.last_mut() {
            Some((_, value)) if line.starts_with([' ', '\t']) => {
                value.extend_from_slice(format!("\n{line}").as_bytes())
            }
            _ => {
                let (name, value) = line.split_once(':').expect("a field");
                head.push((name.into(), value.into()));
            }
        }
    }
    (head, content[at + 4..].to_vec())
}
