//! SMTP dialogues as text files: `tests/dialogues/*.txt`, found by name. Each is run twice: every run of `C` lines fed
//! whole, and byte by byte.
//!
//! ```text
//! # comment
//! ! key value      set-up before the session: line_ends normalise, max_size N, max_errors N, max_recipients N,
//!                  max_commands N, trusted, lmtp, chunking, tls, starttls, offer EXT (a line of the next hop's EHLO), whole (not
//!                  byte by byte: the outcome depends on what arrives together), early (input before the greeting)
//! C: text          the client sends a line (CRLF added)
//! C= text          the client sends text as it stands; \r \n \0 \\ \xHH are escapes
//! S: text          the server sends exactly this line
//! E: event         the pump is handed this event
//! D: text          the content up to here was this (escapes as above); stands behind the E line of its end
//! R: 250 text      the pump's reply; several lines with ` | ` between them, several replies with ` || `
//! T:               the TLS handshake is done
//! X:               the session is closed
//! ```

use std::fs;
use std::path::Path;

use wire::dot::LineEnds;
use wire::smtp::extensions::{Extensions, Ours};
use wire::smtp::reply::{Reply, ReplyReader};
use wire::smtp::server::{Event, Server, ServerConfig, Step};

/// One dialogue being run.
struct Run<'a> {
    name: &'a str,
    line_no: usize,
    server: Server,
    offer: Extensions,
    unsent: Vec<u8>,
    piece: usize,
    content: Vec<u8>,
    output: String,
}

impl Run<'_> {
    fn at(&self) -> String {
        format!("{}:{} (pieces of {})", self.name, self.line_no, self.piece)
    }

    /// Steps until something other than content comes, feeding what the client has to say.
    fn next(&mut self) -> Step {
        loop {
            let step = self.server.step();
            self.collect();
            match step {
                Step::Event(Event::Content(piece)) => self.content.extend(piece),
                Step::Flush => {}
                Step::Need | Step::Handshake if !self.unsent.is_empty() => {
                    let n = self.piece.min(self.unsent.len());
                    let taken = self.server.feed(&self.unsent[..n]);
                    self.unsent.drain(..taken);
                }
                other => return other,
            }
        }
    }

    /// Takes the output that is there.
    fn collect(&mut self) {
        let out = self.server.output().to_vec();
        self.output.push_str(&String::from_utf8(out.clone()).expect("output is text"));
        self.server.sent(out.len());
    }

    fn client(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
    }

    /// Runs on only if no complete line of output is there yet.
    fn expect_output(&mut self, expected: &str) {
        self.collect();
        if !self.output.contains('\n') {
            let step = self.next();
            assert!(!matches!(step, Step::Event(_)), "{}: unexpected {step:?}", self.at());
        }
        let (line, rest) = self.output.split_once("\r\n").unwrap_or_else(|| panic!("{}: no output", self.at()));
        assert_eq!(line, expected, "{}", self.at());
        self.output = rest.to_owned();
    }

    fn expect_event(&mut self, expected: &str) {
        let step = self.next();
        assert_eq!(self.output, "", "{}: output before the event", self.at());
        let Step::Event(event) = step else { panic!("{}: {step:?} instead of {expected}", self.at()) };
        assert_eq!(describe(&event), expected, "{}", self.at());
    }

    fn expect_closed(&mut self) {
        let step = self.next();
        assert!(matches!(step, Step::Closed), "{}: {step:?} instead of closed", self.at());
    }

    fn reply(&mut self, text: &str) {
        let read = |text: &str| {
            let wire = format!("{}\r\n", text.replace(" | ", "\r\n"));
            ReplyReader::default().push(wire.as_bytes()).1.expect("complete").expect("a reply")
        };
        let replies: Vec<Reply> = text.split(" || ").map(read).collect();
        self.server.offer(self.offer.clone());
        let taken = match replies.as_slice() {
            [one] => self.server.reply(one),
            several => self.server.reply_each(several),
        };
        assert!(taken, "{}: nothing waits for a reply", self.at());
    }
}

/// An event as the files write it.
fn describe(event: &Event) -> String {
    match event {
        Event::Hello { esmtp, name } => format!("Hello {} {name}", if *esmtp { "esmtp" } else { "smtp" }),
        Event::Auth(command) => {
            format!("Auth {}", String::from_utf8_lossy(command.to_line().expose()).strip_prefix("AUTH ").unwrap())
        }
        Event::AuthResponse(line) => format!("AuthResponse {}", String::from_utf8_lossy(line.0.expose())),
        Event::Xforward(list) => {
            let words: Vec<String> = list.iter().map(|(n, v)| format!("{}={v}", n.as_str())).collect();
            format!("Xforward {}", words.join(" "))
        }
        Event::Xclient(list) => {
            let words: Vec<String> = list.iter().map(|(n, v)| format!("{}={v}", n.as_str())).collect();
            format!("Xclient {}", words.join(" "))
        }
        Event::Mail(command) => format!("Mail {}", command.argument),
        Event::Rcpt(command) => format!("Rcpt {}", command.argument),
        Event::ContentEnd(Ok(size)) => format!("ContentEnd {size}"),
        Event::ContentEnd(Err(fault)) => format!("ContentEnd {fault:?}"),
        other => format!("{other:?}"),
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b != b'\\' {
            out.push(b);
            continue;
        }
        match bytes.next().expect("an escape") {
            b'r' => out.push(b'\r'),
            b'n' => out.push(b'\n'),
            b'0' => out.push(0),
            b'\\' => out.push(b'\\'),
            b'x' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                out.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            other => panic!("unknown escape {other}"),
        }
    }
    out
}

/// The set-up lines of a file: configuration, what is offered, whether TLS is active, whether only whole, early input.
struct Setup {
    config: ServerConfig,
    offer: Extensions,
    tls: bool,
    whole: bool,
    early: bool,
}

fn setup(text: &str) -> Setup {
    let mut config = ServerConfig { hostname: "gw.example.net".into(), ..ServerConfig::default() };
    let (mut tls, mut whole, mut early, mut starttls, mut chunking) = (false, false, false, false, false);
    let mut next_hop = "250-mx.example.org\r\n".to_owned();
    for line in text.lines().filter_map(|l| l.strip_prefix("! ")) {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "line_ends" => config.line_ends = if value == "normalise" { LineEnds::Normalise } else { LineEnds::Reject },
            "max_size" => config.max_size = value.parse().unwrap(),
            "max_errors" => config.max_errors = value.parse().unwrap(),
            "max_recipients" => config.max_recipients = value.parse().unwrap(),
            "max_commands" => config.max_commands = value.parse().unwrap(),
            "trusted" => config.trusted = true,
            "lmtp" => config.lmtp = true,
            "chunking" => chunking = true,
            "tls" => tls = true,
            "starttls" => starttls = true,
            "whole" => whole = true,
            "early" => early = true,
            "offer" => next_hop.push_str(&format!("250-{value}\r\n")),
            other => panic!("unknown set-up {other}"),
        }
    }
    next_hop.push_str("250 HELP\r\n");
    let reply = ReplyReader::default().push(next_hop.as_bytes()).1.unwrap().unwrap();
    // Trust is left to the machine: it must take XFORWARD out by itself.
    let ours = Ours { max_size: config.max_size, starttls, trusted: true, chunking, binary: true };
    let offer = Extensions::offer(&Extensions::parse(&reply), &ours);
    Setup { config, offer, tls, whole, early }
}

fn run(name: &str, text: &str, piece: usize) {
    let Setup { config, offer, tls, early, .. } = setup(text);
    let mut server = Server::new(config);
    if tls {
        server.set_tls_active();
    }
    if early {
        server.feed(b"E");
    }
    server.greet(&Reply::say(220, "gw.example.net ESMTP"));
    assert_eq!(server.early_talker(), early);
    let (unsent, content, output) = (Vec::new(), Vec::new(), String::new());
    let mut run = Run { name, line_no: 0, server, offer, unsent, piece, content, output };
    for (at, line) in text.lines().enumerate() {
        run.line_no = at + 1;
        let (mark, rest) = line.split_at_checked(2).unwrap_or((line, ""));
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match mark {
            "C:" => run.client(format!("{rest}\r\n").as_bytes()),
            "C=" => run.client(&unescape(rest)),
            "S:" => run.expect_output(rest),
            "E:" => run.expect_event(rest),
            "R:" => run.reply(rest),
            "X:" => run.expect_closed(),
            "D:" => {
                let content = String::from_utf8_lossy(&run.content).into_owned();
                assert_eq!(content, String::from_utf8_lossy(&unescape(rest)), "{}", run.at());
                run.content.clear();
            }
            "T:" => {
                assert!(matches!(run.next(), Step::Handshake), "{}: no handshake", run.at());
                run.server.start_tls_done();
            }
            _ if line.is_empty() || line.starts_with('#') || line.starts_with("! ") => {}
            _ => panic!("{name}:{}: what is {line:?}?", at + 1),
        }
    }
    let step = run.next();
    assert!(matches!(step, Step::Need | Step::Closed), "{}: ends with {step:?}", run.at());
    assert_eq!(run.output, "", "{}: output at the end", run.at());
    if matches!(step, Step::Need) {
        assert!(run.unsent.is_empty(), "{}: input left", run.at());
    }
}

#[test]
fn every_dialogue_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        run(&name, &text, usize::MAX);
        if !setup(&text).whole {
            run(&name, &text, 1);
        }
        count += 1;
    }
    assert!(count >= 25, "{count} dialogues");
}
