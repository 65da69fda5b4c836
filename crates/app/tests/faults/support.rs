//! A daemon with its ports, and senders that survive its end.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use testkit::Daemon;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, MutexGuard};

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_mailward");

/// Bytes of a message of the load generator, its header not counted.
pub(crate) const PAYLOAD: usize = 4096;

/// A line of the table that `cargo xtask campaign` shows at its end.
pub(crate) fn row(what: &str, result: &str) {
    println!("| {what} | {result} |");
}

static TURN: Mutex<()> = Mutex::const_new(());

/// One at a time: these tests take all of a small machine, and some measure time.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// A running program and where it listens.
pub(crate) struct Mailward {
    pub(crate) daemon: Daemon,
    pub(crate) port: u16,
}

/// A configuration for these ports; `more` is put behind it, `@dir@` is the daemon's directory.
pub(crate) fn config(port: u16, next: SocketAddr, more: &str) -> String {
    format!(
        "hostname = \"mx.example.com\"\ndata_dir = \"@dir@/data\"\n[[smtp]]\nlisten = \"127.0.0.1:{port}\"\n\
         [next_hop]\naddress = \"{next}\"\ntls = \"none\"\n[trust]\ninternal_domains = [\"example.com\"]\n\
         [http]\nlisten = \"\"\n[log]\nformat = \"json\"\n{more}"
    )
}

impl Mailward {
    /// Starts one in front of this next hop and waits until it greets.
    pub(crate) async fn start(next: SocketAddr, more: &str) -> Self {
        Self::start_at(testkit::free_port(), next, more).await
    }

    pub(crate) async fn start_at(port: u16, next: SocketAddr, more: &str) -> Self {
        let mut daemon = Daemon::start(PROGRAM, &config(port, next, more));
        daemon.wait_banner(port).await;
        Self { daemon, port }
    }

    /// Starts one with this configuration, which names `127.0.0.1:PORT` as the first address.
    pub(crate) async fn of(config: &str) -> Self {
        let port = config.split("127.0.0.1:").nth(1).and_then(|rest| rest.split('"').next()?.parse().ok());
        let port = port.expect("a port");
        let mut daemon = Daemon::start(PROGRAM, config);
        daemon.wait_banner(port).await;
        Self { daemon, port }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Sends one message from outside to us; code and text of the last reply's last line.
    pub(crate) async fn send(&self, mail: &[u8]) -> (u16, String) {
        try_send(self.address(), mail).await.unwrap_or_else(|e| panic!("{e}\n{}", self.daemon.log().join("\n")))
    }

    /// Whether the program still runs.
    pub(crate) fn runs(&self) -> bool {
        Path::new(&format!("/proc/{}/exe", self.daemon.pid())).read_link().is_ok()
    }

    /// What `mailward backup list` says, a JSON object a line.
    pub(crate) async fn backup(&self) -> Vec<String> {
        let out = self.command(&["list", "--limit", "100000", "--format", "json"]).await;
        assert!(out.status.success(), "{out:?}");
        String::from_utf8(out.stdout).expect("text").lines().map(str::to_owned).collect()
    }

    /// `mailward backup …`, with this daemon's configuration.
    pub(crate) async fn command(&self, args: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(["backup", "--config"]).arg(self.daemon.config()).args(args);
        run(command).await
    }
}

/// Runs a program to its end without blocking anybody.
pub(crate) async fn run(mut command: Command) -> Output {
    command.stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ends")
}

/// Sends one message, with errors for everything that may happen to a server meanwhile.
///
/// # Errors
/// The connection is refused or breaks, or a command before the end of the content is.
pub(crate) async fn try_send(to: SocketAddr, mail: &[u8]) -> io::Result<(u16, String)> {
    let work = async {
        let mut stream = TcpStream::connect(to).await?;
        let mut last = reply(&mut stream).await?;
        for line in ["EHLO client.example.org", "MAIL FROM:<alice@example.org>", "RCPT TO:<bob@example.com>", "DATA"] {
            if last.0 >= 400 {
                return Ok(last);
            }
            stream.write_all(format!("{line}\r\n").as_bytes()).await?;
            last = reply(&mut stream).await?;
        }
        if last.0 == 354 {
            stream.write_all(&testkit::client::stuff(mail)).await?;
            last = reply(&mut stream).await?;
            stream.write_all(b"QUIT\r\n").await?;
        }
        Ok(last)
    };
    tokio::time::timeout(Duration::from_secs(60), work).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// One whole reply: its code and its last line's text.
pub(crate) async fn reply(stream: &mut TcpStream) -> io::Result<(u16, String)> {
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(stream.read_u8().await?);
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let code = line.get(..3).and_then(|code| code.parse().ok()).ok_or_else(|| io::Error::other(line.clone()))?;
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok((code, line.get(4..).unwrap_or_default().to_owned()));
        }
    }
}

/// Postfix' load generator at work: this many messages in ten sessions.
pub(crate) async fn smtp_source(program: PathBuf, to: SocketAddr, messages: usize) {
    let mut command = Command::new(program);
    command.args(["-s", "10", "-m", &messages.to_string(), "-l", &PAYLOAD.to_string()]);
    command.args(["-f", "alice@example.org", "-t", "bob@example.com"]).arg(to.to_string());
    let out = run(command).await;
    assert!(out.status.success(), "{out:?}");
}

/// How often each message of the load generator came, by its Message-Id.
pub(crate) fn tally<'a>(messages: impl Iterator<Item = &'a [u8]>) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    for message in messages {
        let text = String::from_utf8_lossy(message);
        let id = text.lines().find(|line| line.to_ascii_lowercase().starts_with("message-id:")).expect("a Message-Id");
        *seen.entry(id.to_owned()).or_default() += 1;
    }
    seen
}

/// Writes a file by putting it in the place of the old one.
pub(crate) fn replace(path: &Path, content: &str) {
    let new = path.with_extension("new");
    let mut file = std::fs::File::create(&new).expect("a file");
    file.write_all(content.as_bytes()).expect("written");
    std::fs::rename(&new, path).expect("renamed");
}

/// The commands of a chapter of the manual: the lines of its blocks of shell.
pub(crate) fn commands(chapter: &str) -> Vec<String> {
    let blocks = chapter.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    blocks.flat_map(str::lines).filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

/// The only block of settings in a chapter with this text in it.
pub(crate) fn block(chapter: &str, text: &str) -> String {
    let blocks = chapter.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("toml\n"));
    let found: Vec<&str> = blocks.filter(|block| block.contains(text)).collect();
    assert_eq!(found.len(), 1, "the manual has changed: {text}");
    found[0].to_owned()
}

/// Runs a command as it stands in the manual, without a shell.
pub(crate) async fn run_line(line: &str) -> Output {
    let mut words = line.split_whitespace();
    assert_eq!(words.next(), Some("mailward"), "{line}");
    let mut command = Command::new(PROGRAM);
    command.args(words);
    run(command).await
}

/// Verifies what is signed in a message; the DNS is a JSON object of the environment.
const DKIMPY: &str = r#"
import json, os, sys
import dkim
zone = json.loads(os.environ["ZONE"])
raw = sys.stdin.buffer.read()
answer = lambda name, timeout=5: zone.get((name.decode() if isinstance(name, bytes) else name).rstrip("."), "").encode() or None
"#;

/// What dkimpy says of each DKIM signature; `None` if it is not installed.
pub(crate) async fn dkimpy(zone: &BTreeMap<String, String>, message: &[u8]) -> Option<Vec<bool>> {
    let code = "
def verify(index):
    try:
        return dkim.DKIM(raw).verify(idx=index, dnsfunc=answer)
    except dkim.DKIMException:
        return False
count = sum(1 for name, _ in dkim.DKIM(raw).headers if name.lower() == b'dkim-signature')
for index in range(count):
    print(verify(index))
";
    let said = python(code, zone, message).await?;
    Some(said.lines().map(|line| line == "True").collect())
}

/// What dkimpy says of an ARC chain; `None` if it is not installed.
pub(crate) async fn dkimpy_arc(zone: &BTreeMap<String, String>, message: &[u8]) -> Option<String> {
    let code =
        "cv, _, why = dkim.arc_verify(raw, dnsfunc=answer)\nprint(cv.decode() if cv == b'pass' else (cv, why))\n";
    Some(python(code, zone, message).await?.trim().to_owned())
}

async fn python(code: &str, zone: &BTreeMap<String, String>, message: &[u8]) -> Option<String> {
    if !Path::new("/usr/lib/python3/dist-packages/dkim/__init__.py").exists() {
        testkit::peers::skipped("python3-dkim");
        return None;
    }
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", &format!("{DKIMPY}{code}")]);
    command.env("ZONE", serde_json::to_string(zone).expect("JSON"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let message = message.to_vec();
    let work = move || {
        let mut child = command.spawn().expect("it runs");
        child.stdin.take().expect("a pipe").write_all(&message).expect("it reads");
        child.wait_with_output().expect("it ends")
    };
    let done = tokio::task::spawn_blocking(work).await.expect("it ends");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8(done.stdout).expect("text"))
}
