//! Other MIME parsers: each is given messages and says which leaves it sees.
//!
//! A *stream* peer is a script that takes many messages; one that crashes or hangs over a message is
//! given ever fewer at once, until that message is known and passed over. A *folder* peer is a program
//! that writes the parts of one message as files.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mail_parser::{MessageParser, PartType};

/// Seconds for a batch of messages, for one given to a script, and for one.
const BATCH_SECONDS: u32 = 120;
const SCRIPT_SECONDS: u32 = 60;
const ONE_SECONDS: u32 = 10;
/// Most files of one message that are taken.
const MAX_FILES: usize = 200;

/// A leaf that a parser gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// Whether it is a text that was decoded by its charset.
    pub(crate) text: bool,
}

/// How a peer is asked.
enum How {
    /// In this process.
    Inside(fn(&[u8]) -> Vec<Found>),
    /// A program with a script, for many messages.
    Stream(&'static str, &'static [&'static str], &'static str),
    /// For one message: its file, a folder to write to.
    Folder(fn(&Path, &Path)),
}

/// A parser to compare with.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    how: How,
    /// What must be installed: a program to be found in `PATH`, or a file.
    needs: &'static [&'static str],
    /// Of the messages of an ordinary test, it gets each so-manieth: some take long.
    pub(crate) step: usize,
}

/// All of them.
pub(crate) const PEERS: &[Peer] = &[
    Peer { name: "mailparse", how: How::Inside(by_mailparse), needs: &[], step: 1 },
    Peer { name: "mail-parser", how: How::Inside(by_mail_parser), needs: &[], step: 1 },
    Peer {
        name: "python",
        how: How::Stream("python3", &["-c"], include_str!("../../peers/python.py")),
        needs: &["python3"],
        step: 1,
    },
    Peer {
        name: "gmime",
        how: How::Stream("/usr/bin/python3", &["-c"], include_str!("../../peers/gmime.py")),
        needs: &[
            "/usr/bin/python3",
            "/usr/lib/python3/dist-packages/gi",
            "/usr/lib/x86_64-linux-gnu/girepository-1.0/GMime-3.0.typelib",
        ],
        step: 1,
    },
    Peer {
        name: "mimetools",
        how: How::Stream("perl", &["-e"], include_str!("../../peers/mimetools.pl")),
        needs: &["perl", "/usr/share/perl5/MIME/Parser.pm"],
        step: 1,
    },
    Peer {
        name: "thunderbird",
        how: How::Stream("python3", &["-c"], include_str!("../../peers/thunderbird.py")),
        needs: &["python3", "thunderbird"],
        step: 4,
    },
    Peer { name: "munpack", how: How::Folder(munpack), needs: &["munpack"], step: 4 },
    Peer { name: "ripmime", how: How::Folder(ripmime), needs: &["ripmime"], step: 4 },
    Peer { name: "reformime", how: How::Folder(reformime), needs: &["reformime"], step: 16 },
    Peer { name: "mutt", how: How::Folder(mutt), needs: &["mutt", "script"], step: 40 },
];

/// The two of npm together; they are compared with where `MAILWARD_NPM` names their folder.
pub(crate) const NPM: Peer = Peer {
    name: "npm",
    how: How::Stream("node", &["--input-type=module", "-e"], include_str!("../../peers/node.mjs")),
    needs: &["node"],
    step: 1,
};

impl Peer {
    /// What is missing of what it needs.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        let there = |what: &&&str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            Path::new(what).exists() || std::env::split_paths(&path).any(|dir| dir.join(what).is_file())
        };
        self.needs.iter().find(|what| !there(what)).copied()
    }

    /// The leaves of each message; `None` for one that it does not survive.
    pub(crate) fn leaves(&self, messages: &[&[u8]]) -> Vec<Option<Vec<Found>>> {
        match self.how {
            How::Inside(run) => messages.iter().map(|raw| Some(run(raw))).collect(),
            How::Folder(run) => messages.iter().map(|raw| Some(in_folder(run, raw))).collect(),
            How::Stream(program, args, script) => {
                let mut out = Vec::new();
                let mut todo = vec![messages];
                while let Some(batch) = todo.pop() {
                    match (stream(program, args, script, batch), batch.len()) {
                        (Some(found), _) => out.extend(found.into_iter().map(Some)),
                        (None, 1) => out.push(None),
                        (None, length) => {
                            let (first, second) = batch.split_at(length / 2);
                            todo.extend([second, first]);
                        }
                    }
                }
                out
            }
        }
    }
}

/// A program that ends in time.
fn command(program: &str, seconds: u32) -> Command {
    let mut command = Command::new("timeout");
    command.args(["-k", "1", &seconds.to_string(), program]).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// What a script says of a batch; `None` if it fails, or not all is there.
fn stream(program: &str, args: &[&str], script: &str, batch: &[&[u8]]) -> Option<Vec<Vec<Found>>> {
    let seconds = if batch.len() == 1 { SCRIPT_SECONDS } else { BATCH_SECONDS };
    let mut child =
        command(program, seconds).args(args).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut input = Vec::new();
    for raw in batch {
        writeln!(input, "{}", raw.len()).unwrap();
        input.extend_from_slice(raw);
    }
    let mut stdin = child.stdin.take()?;
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().ok()?;
    writer.join().unwrap();
    let (mut all, mut one) = (Vec::new(), Vec::new());
    for line in String::from_utf8(output.stdout).ok()?.lines() {
        match line.split_at_checked(1) {
            None => all.push(std::mem::take(&mut one)),
            Some((kind, encoded)) => {
                let bytes = base64_simd::STANDARD.decode_to_vec(encoded).ok()?;
                one.push(Found { bytes, text: kind == "T" });
            }
        }
    }
    (all.len() == batch.len()).then_some(all)
}

/// What a program writes of one message.
fn in_folder(run: fn(&Path, &Path), raw: &[u8]) -> Vec<Found> {
    let folder = tempfile::tempdir().unwrap();
    let (mail, out) = (folder.path().join("mail"), folder.path().join("out"));
    std::fs::create_dir(&out).unwrap();
    std::fs::write(&mail, raw).unwrap();
    run(&mail, &out);
    let mut found = Vec::new();
    let mut folders = vec![out];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten().take(MAX_FILES) {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => {
                    let one = Found { bytes: std::fs::read(entry.path()).unwrap_or_default(), text: false };
                    if !one.bytes.is_empty() && !found.contains(&one) {
                        found.push(one);
                    }
                }
                _ => {}
            }
        }
    }
    found
}

fn munpack(mail: &Path, out: &Path) {
    let raw = std::fs::read(mail).unwrap();
    let message = mail::graph::parse(&raw, &mail::graph::Limits::default());
    let mut defects = message.leaves().flat_map(|id| message.content(id, 1 << 22).defects);
    let blanks = raw.windows(2).any(|two| matches!(two, b"= " | b"=\t"));
    if blanks || defects.any(|defect| defect.code == mail::defect::DefectCode::QuotedPrintableDamage) {
        return;
    }
    // It reads files as systems have them that end lines with LF.
    let _ = std::fs::write(mail, lf_only(&raw));
    let _ = command("munpack", ONE_SECONDS).args(["-q", "-f", "-t", "-C"]).arg(out).arg(mail).output();
    for entry in std::fs::read_dir(out).unwrap().flatten() {
        let bytes = without_end_mark(std::fs::read(entry.path()).unwrap_or_default());
        let _ = std::fs::write(entry.path(), bytes);
    }
}

/// It takes whatever stands in an escape for digits, which nobody else does; damaged quoted-printable is
/// not compared. Where it ends in an escape it writes what its end of file is (-1).
fn without_end_mark(mut bytes: Vec<u8>) -> Vec<u8> {
    while bytes.last() == Some(&0xff) {
        bytes.pop();
    }
    bytes
}

fn lf_only(raw: &[u8]) -> Vec<u8> {
    let ends = |at: usize| raw.get(at..at + 2) == Some(b"\r\n");
    raw.iter().enumerate().filter(|(at, _)| !ends(*at)).map(|(_, byte)| *byte).collect()
}

/// Where CRs stand alone it loses its place and decodes lines of headers; that is not compared.
fn ripmime(mail: &Path, out: &Path) {
    let raw = std::fs::read(mail).unwrap();
    if raw.windows(2).any(|two| two[0] == b'\r' && two[1] != b'\n') {
        return;
    }
    let _ = command("ripmime", ONE_SECONDS).arg("-i").arg(mail).arg("-d").arg(out).output();
}

/// Its own way to write all files crashes, so each section is asked for.
fn reformime(mail: &Path, out: &Path) {
    let ask = |args: &[&str]| {
        let mut program = command("reformime", ONE_SECONDS);
        program.args(args).stdin(std::fs::File::open(mail).unwrap()).output().map(|output| output.stdout)
    };
    let info = ask(&["-i"]).unwrap_or_default();
    let info = String::from_utf8_lossy(&info);
    let sections: Vec<&str> = info.lines().filter_map(|line| line.strip_prefix("section: ")).collect();
    let holds = |section: &&str| sections.iter().any(|other| other.starts_with(&format!("{section}.")));
    for (at, section) in sections.iter().filter(|section| !holds(section)).take(MAX_FILES).enumerate() {
        std::fs::write(out.join(at.to_string()), ask(&["-s", section, "-e"]).unwrap_or_default()).unwrap();
    }
}

/// Opens the list of parts, and pipes each of the first sixteen into a file. Of a message without parts
/// that is all of it; only the body counts.
fn mutt(mail: &Path, out: &Path) {
    let home = mail.parent().unwrap();
    for folder in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(home.join("box").join(folder)).unwrap();
    }
    std::fs::copy(mail, home.join("box/cur/1:2,S")).unwrap();
    let rules = "set wait_key=no\nset quit=yes\nset delete=no\nset mark_old=no\nset pipe_decode=no\nset charset=utf-8\nunset mark_old\nunset mime_forward_decode\n";
    std::fs::write(home.join("rc"), rules).unwrap();
    let pipes: String = (0..16)
        .map(|at| format!("<pipe-entry>cat > {}<enter><next-entry>", out.join(at.to_string()).display()))
        .collect();
    let push = format!("push '<view-attachments>{pipes}<exit><exit>'");
    std::fs::write(home.join("push"), push).unwrap();
    let path = |name: &str| -> PathBuf { home.join(name) };
    let line = format!(
        "mutt -n -F {} -R -f {} -e 'source {}'",
        path("rc").display(),
        path("box").display(),
        path("push").display()
    );
    let mut program = command("script", ONE_SECONDS);
    let _ = program.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("HOME", home).output();
    let raw = std::fs::read(mail).unwrap();
    for entry in std::fs::read_dir(out).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap();
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or(&[]).trim_ascii_end();
        if !first.is_empty() && raw.starts_with(first) {
            let end = bytes
                .windows(2)
                .position(|two| two == b"\n\n")
                .or_else(|| bytes.windows(3).position(|three| three == b"\n\r\n"));
            std::fs::write(entry.path(), end.map_or(&[][..], |end| &bytes[end + 1..])).unwrap();
        }
    }
}

fn by_mailparse(raw: &[u8]) -> Vec<Found> {
    let mut out = Vec::new();
    let Ok(mail) = mailparse::parse_mail(raw) else { return out };
    let mut stack = vec![&mail];
    while let Some(mail) = stack.pop() {
        stack.extend(&mail.subparts);
        if mail.subparts.is_empty() {
            out.extend(mail.get_body_raw().ok().map(|bytes| Found { bytes, text: false }));
        }
    }
    out
}

fn by_mail_parser(raw: &[u8]) -> Vec<Found> {
    let mut out = Vec::new();
    let Some(mail) = MessageParser::default().parse(raw) else { return out };
    let mut stack = vec![&mail];
    while let Some(mail) = stack.pop() {
        for part in &mail.parts {
            let (bytes, text) = match &part.body {
                // Text is decoded by its charset; ASCII stays as it was.
                PartType::Text(text) | PartType::Html(text) => (text.as_bytes(), !text.is_ascii()),
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => (&**bytes, false),
                PartType::Message(inner) => {
                    stack.push(inner);
                    continue;
                }
                _ => continue,
            };
            out.push(Found { bytes: bytes.to_vec(), text });
        }
    }
    out
}
