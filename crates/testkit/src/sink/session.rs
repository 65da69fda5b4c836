//! One session of the sink: reads lines, lets the rules act, answers.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::content::Content;
use super::{Action, Outcome, Point, Received, Shared, lock};
use crate::client::Io;

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// Longest command line kept, in bytes; a client that sends more is cut off.
const LINE_MAX: usize = 64 * 1024;

/// Takes connections until it is aborted; its sessions end with it.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = {
            let mut count = lock(&shared.connections);
            *count += 1;
            *count - 1
        };
        let shared = Arc::clone(&shared);
        sessions.spawn(async move {
            // A client that goes away is an ordinary end of a session.
            let _ = Session::run(stream, number, shared).await;
        });
        while sessions.try_join_next().is_some() {}
    }
}

/// Whether the session goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Go,
    Close,
}

struct Session {
    stream: Box<dyn Io>,
    buffer: Vec<u8>,
    shared: Arc<Shared>,
    current: Received,
    has_sender: bool,
    /// LHLO was said: each recipient has a reply of its own.
    lmtp: bool,
    /// Content that came in chunks so far.
    chunks: Vec<u8>,
}

impl Session {
    async fn run(stream: TcpStream, number: usize, shared: Arc<Shared>) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let current = Received {
            session: number,
            hello: String::new(),
            xforward: Vec::new(),
            tls: false,
            auth: Vec::new(),
            mail: String::new(),
            recipients: Vec::new(),
            content: Vec::new(),
            size: 0,
            outcome: Outcome::Cut,
        };
        let mut session = Self {
            stream: Box::new(stream),
            buffer: Vec::new(),
            shared,
            current,
            has_sender: false,
            lmtp: false,
            chunks: Vec::new(),
        };
        let (next, _) = session.answer(Point::Connect, "", "220 sink.example.net ESMTP").await?;
        if next == Next::Close {
            return Ok(());
        }
        while let Some(line) = session.line().await? {
            lock(&session.shared.lines).push(line.clone());
            if session.command(&line).await? == Next::Close {
                break;
            }
        }
        Ok(())
    }

    async fn command(&mut self, line: &str) -> io::Result<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello(line, rest, true).await,
            "HELO" => self.hello(line, rest, false).await,
            "LHLO" => {
                self.lmtp = true;
                self.hello(line, rest, true).await
            }
            "STARTTLS" if self.offers("STARTTLS") => self.start_tls(line).await,
            "AUTH" if self.offers("AUTH") => self.auth(line, rest).await,
            "XFORWARD" | "XCLIENT" => {
                self.current.xforward.push(rest.to_owned());
                self.say(Point::Xforward, line, "250 2.0.0 Ok").await
            }
            "MAIL" => self.mail(line).await,
            "RCPT" => self.rcpt(line).await,
            "DATA" => self.data(line).await,
            "BDAT" if self.offers("CHUNKING") => self.chunk(line, rest).await,
            "RSET" => {
                self.reset();
                self.say(Point::Reset, line, "250 2.0.0 Ok").await
            }
            "NOOP" => self.say(Point::Other, line, "250 2.0.0 Ok").await,
            "QUIT" => {
                self.say(Point::Quit, line, "221 2.0.0 Bye").await?;
                Ok(Next::Close)
            }
            _ => self.say(Point::Other, line, "500 5.5.2 What?").await,
        }
    }

    async fn hello(&mut self, line: &str, name: &str, extended: bool) -> io::Result<Next> {
        name.clone_into(&mut self.current.hello);
        self.reset();
        let mut lines = vec!["sink.example.net".to_owned()];
        if extended {
            let offered = lock(&self.shared.behaviour).extensions.clone();
            lines.extend(offered.into_iter().filter(|e| !(self.current.tls && e == "STARTTLS")));
        }
        let last = lines.len() - 1;
        let mark = |at: usize| if at == last { ' ' } else { '-' };
        let text: Vec<String> = lines.iter().enumerate().map(|(at, l)| format!("250{}{l}", mark(at))).collect();
        self.say(Point::Hello, line, &text.join("\n")).await
    }

    async fn start_tls(&mut self, line: &str) -> io::Result<Next> {
        let (next, positive) = self.answer(Point::StartTls, line, "220 2.0.0 Ready").await?;
        if next == Next::Close || !positive {
            return Ok(next);
        }
        let acceptor = tokio_rustls::TlsAcceptor::from(self.shared.identity.server());
        // The handshake owns the stream for a while; what stands in for it is never read.
        let plain = std::mem::replace(&mut self.stream, Box::new(tokio::io::duplex(1).0));
        self.stream = Box::new(acceptor.accept(plain).await?);
        self.buffer.clear();
        self.current.tls = true;
        Ok(Next::Go)
    }

    /// Takes any credential: `AUTH PLAIN x`, or one or two challenges.
    async fn auth(&mut self, line: &str, rest: &str) -> io::Result<Next> {
        if let Some(action) = self.shared.action(Point::Auth, line) {
            return Ok(self.act(action, "").await?.0);
        }
        self.current.auth.push(rest.to_owned());
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let wanted = if mechanism.eq_ignore_ascii_case("LOGIN") { 2 } else { 1 };
        for challenge in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"].iter().take(wanted - usize::from(!initial.is_empty()))
        {
            self.write(if wanted == 1 { "334 " } else { challenge }).await?;
            match self.line().await? {
                Some(answer) if answer == "*" => {
                    self.write("501 5.7.0 Cancelled").await?;
                    return Ok(Next::Go);
                }
                Some(answer) => self.current.auth.push(answer),
                None => return Ok(Next::Close),
            }
        }
        self.write("235 2.7.0 Welcome").await?;
        Ok(Next::Go)
    }

    async fn mail(&mut self, line: &str) -> io::Result<Next> {
        let (next, positive) = self.answer(Point::Mail, line, "250 2.1.0 Ok").await?;
        if positive {
            self.reset();
            after_colon(line).clone_into(&mut self.current.mail);
            self.has_sender = true;
        }
        Ok(next)
    }

    async fn rcpt(&mut self, line: &str) -> io::Result<Next> {
        if !self.has_sender {
            return self.say(Point::Rcpt, line, "503 5.5.1 MAIL first").await;
        }
        let (next, positive) = self.answer(Point::Rcpt, line, "250 2.1.5 Ok").await?;
        if positive {
            self.current.recipients.push(after_colon(line).to_owned());
        }
        Ok(next)
    }

    async fn data(&mut self, line: &str) -> io::Result<Next> {
        if self.current.recipients.is_empty() {
            return self.say(Point::Data, line, "503 5.5.1 RCPT first").await;
        }
        let (next, positive) = self.answer(Point::Data, line, "354 Go on").await?;
        if next == Next::Close || !positive {
            return Ok(next);
        }
        self.current.outcome = Outcome::Cut;
        let whole = self.content().await;
        if !matches!(whole, Ok(true)) {
            self.keep();
            return whole.map(|_| Next::Close);
        }
        self.finish().await
    }

    /// A chunk (RFC 3030); the last one ends the message.
    async fn chunk(&mut self, line: &str, rest: &str) -> io::Result<Next> {
        let mut words = rest.split(' ');
        let size: usize = words.next().and_then(|size| size.parse().ok()).unwrap_or(0);
        while self.buffer.len() < size {
            if self.read(CHUNK).await? == 0 {
                self.current.outcome = Outcome::Cut;
                self.keep();
                return Ok(Next::Close);
            }
        }
        self.chunks.extend(self.buffer.drain(..size));
        if self.current.recipients.is_empty() {
            return self.say(Point::Data, line, "503 5.5.1 RCPT first").await;
        }
        if words.next().is_none() {
            return self.say(Point::Data, line, "250 2.0.0 Ok").await;
        }
        self.current.content = std::mem::take(&mut self.chunks);
        self.current.size = self.current.content.len();
        self.finish().await
    }

    /// In LMTP: a reply for each recipient, by the rules that fit its line.
    async fn finish_each(&mut self) -> io::Result<Next> {
        let mut replies = Vec::new();
        let mut kept = Vec::new();
        for to in self.current.recipients.clone() {
            let reply = match self.shared.action(Point::End, &to) {
                Some(Action::Reply(text)) => text,
                Some(action) => return Ok(self.act(action, "").await?.0),
                None => "250 2.0.0 Ok: taken".to_owned(),
            };
            if reply.starts_with('2') {
                kept.push(to);
            }
            replies.push(reply);
        }
        self.current.outcome = if kept.is_empty() { Outcome::Refused } else { Outcome::Accepted };
        if !kept.is_empty() {
            self.current.recipients = kept;
        }
        self.keep();
        self.write(&replies.join("\n")).await?;
        Ok(Next::Go)
    }

    /// The content is whole.
    async fn finish(&mut self) -> io::Result<Next> {
        if self.lmtp {
            return self.finish_each().await;
        }
        const TAKEN: &str = "250 2.0.0 Ok: taken";
        match self.shared.action(Point::End, "") {
            // Kept first: a test may look before this session has ended.
            Some(action @ (Action::Hang | Action::Close)) => {
                self.current.outcome = Outcome::Refused;
                self.keep();
                Ok(self.act(action, "").await?.0)
            }
            Some(Action::Delay(pause)) => {
                tokio::time::sleep(pause).await;
                self.end(TAKEN, Next::Go).await
            }
            Some(Action::Reply(text)) => self.end(&text, Next::Go).await,
            Some(Action::ReplyAndClose(text)) => self.end(&text, Next::Close).await,
            None => self.end(TAKEN, Next::Go).await,
        }
    }

    /// Keeps the message, then answers: whoever sees a 250 finds the message recorded.
    async fn end(&mut self, reply: &str, next: Next) -> io::Result<Next> {
        self.current.outcome = if reply.starts_with('2') { Outcome::Accepted } else { Outcome::Refused };
        self.keep();
        self.write(reply).await?;
        Ok(next)
    }

    /// Reads content up to CRLF.CRLF; false if the client or a rule ended it before.
    async fn content(&mut self) -> io::Result<bool> {
        let (slow, keep) = {
            let behaviour = lock(&self.shared.behaviour);
            (behaviour.slow, behaviour.keep_content)
        };
        let mut reader = Content { keep, ..Content::default() };
        let mut begun = false;
        loop {
            if let Some(used) = reader.take(&self.buffer) {
                self.buffer.drain(..used);
                self.current.size = reader.size;
                self.current.content = reader.bytes;
                return Ok(true);
            }
            self.buffer.clear();
            let size = slow.map_or(CHUNK, |(bytes, _)| bytes);
            if self.read(size).await? == 0 {
                self.current.content = reader.bytes;
                return Ok(false);
            }
            if let Some((_, pause)) = slow {
                tokio::time::sleep(pause).await;
            }
            if !begun {
                begun = true;
                let next = match self.shared.action(Point::Content, "") {
                    None => Next::Go,
                    Some(Action::Delay(pause)) => {
                        tokio::time::sleep(pause).await;
                        Next::Go
                    }
                    Some(action) => self.act(action, "").await?.0,
                };
                if next == Next::Close {
                    return Ok(false);
                }
            }
        }
    }

    fn keep(&mut self) {
        lock(&self.shared.received).push(self.current.clone());
        self.reset();
    }

    /// Forgets the envelope and the content.
    fn reset(&mut self) {
        self.has_sender = false;
        self.current.mail.clear();
        self.current.recipients.clear();
        self.current.content = Vec::new();
        self.current.size = 0;
        self.chunks.clear();
    }

    fn offers(&self, keyword: &str) -> bool {
        lock(&self.shared.behaviour).extensions.iter().any(|e| e.split(' ').next() == Some(keyword))
    }

    /// Answers; what the rules say goes before `usual`.
    async fn say(&mut self, at: Point, line: &str, usual: &str) -> io::Result<Next> {
        Ok(self.answer(at, line, usual).await?.0)
    }

    /// The same, and whether the answer was positive.
    async fn answer(&mut self, at: Point, line: &str, usual: &str) -> io::Result<(Next, bool)> {
        let action = self.shared.action(at, line).unwrap_or(Action::Reply(usual.to_owned()));
        self.act(action, usual).await
    }

    async fn act(&mut self, action: Action, usual: &str) -> io::Result<(Next, bool)> {
        match action {
            Action::Reply(text) => {
                self.write(&text).await?;
                Ok((Next::Go, text.starts_with(['2', '3'])))
            }
            Action::ReplyAndClose(text) => {
                self.write(&text).await?;
                Ok((Next::Close, false))
            }
            Action::Close => Ok((Next::Close, false)),
            Action::Hang => std::future::pending().await,
            Action::Delay(pause) => {
                tokio::time::sleep(pause).await;
                self.write(usual).await?;
                Ok((Next::Go, true))
            }
        }
    }

    async fn write(&mut self, text: &str) -> io::Result<()> {
        let wire = format!("{}\r\n", text.replace('\n', "\r\n"));
        self.stream.write_all(wire.as_bytes()).await?;
        self.stream.flush().await
    }

    /// Reads up to `most` bytes into the buffer; 0 at the end.
    async fn read(&mut self, most: usize) -> io::Result<usize> {
        let mut chunk = vec![0u8; most];
        let read = self.stream.read(&mut chunk).await?;
        self.buffer.extend_from_slice(&chunk[..read]);
        Ok(read)
    }

    /// One line without its line end; `None` when the client has gone.
    async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let raw: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&raw).trim_end_matches(['\r', '\n']).to_owned()));
            }
            if self.buffer.len() > LINE_MAX || self.read(4096).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// All that follows `MAIL FROM:` or `RCPT TO:`.
fn after_colon(line: &str) -> &str {
    line.split_once(':').map_or("", |(_, rest)| rest.trim_start())
}
