//! What stands behind Mailward and counts: our own sink, Postfix' black hole, or a whole Postfix.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use testkit::postfix::Options;
use testkit::{Behaviour, Postfix, Sink, peers};

use crate::support::PAYLOAD;

/// Which of them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Our own.
    Ours,
    /// `smtp-sink`, which writes each message into a file.
    SmtpSink,
    /// A Postfix that delivers into a Maildir.
    Postfix,
}

/// One of them at work.
pub(crate) enum Behind {
    Ours(Sink),
    SmtpSink(SmtpSink),
    Postfix(Box<Postfix>),
}

impl Behind {
    /// `None` where the program is not installed.
    pub(crate) async fn start(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Ours => Some(Self::Ours(Sink::start(Behaviour::accept()).await)),
            Kind::SmtpSink => SmtpSink::start().await.map(Self::SmtpSink),
            Kind::Postfix => Postfix::start(&Options::default()).await.map(Box::new).map(Self::Postfix),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Ours(sink) => sink.address(),
            Self::SmtpSink(sink) => sink.address,
            Self::Postfix(postfix) => postfix.outside(),
        }
    }

    /// How many messages it has, roughly: some of them may not be whole yet.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Ours(sink) => sink.count(),
            Self::SmtpSink(sink) => sink.files().len(),
            Self::Postfix(postfix) => postfix.count_delivered(),
        }
    }

    /// The messages that it has taken, with CRLF as line ends.
    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Ours(sink) => sink.messages().into_iter().map(|m| m.content).collect(),
            Self::SmtpSink(sink) => sink.files().iter().filter_map(|f| fs::read(f).ok()).map(|m| crlf(&m)).collect(),
            Self::Postfix(postfix) => postfix.delivered().iter().map(|m| crlf(m)).collect(),
        }
    }
}

fn crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    for line in text.split_inclusive(|b| *b == b'\n') {
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        out.extend_from_slice(bare.strip_suffix(b"\r").unwrap_or(bare));
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// A running `smtp-sink`. It is ended when dropped.
pub(crate) struct SmtpSink {
    child: Child,
    pub(crate) address: SocketAddr,
    dir: TempDir,
}

impl SmtpSink {
    pub(crate) async fn start() -> Option<Self> {
        let program = peers::smtp_sink()?;
        let dir = tempfile::Builder::new().prefix("smtp-sink-").tempdir().expect("a directory");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(dir.path(), mode).expect("permissions");
        let port = testkit::free_port();
        let mut command = Command::new(program);
        // As root it wants to be somebody else.
        if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
            command.args(["-u", "postfix"]);
        }
        command.arg("-d").arg(dir.path().join("%H%M.")).arg(format!("127.0.0.1:{port}")).arg("256");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let sink = Self { child, address, dir };
        testkit::wait_until("smtp-sink to listen", testkit::PATIENCE, || std::net::TcpStream::connect(address).is_ok())
            .await;
        Some(sink)
    }

    fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(self.dir.path()).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }

    /// It does nothing any more, but is still there: its system goes on taking connections for it.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands behind the header.
pub(crate) fn body(message: &[u8]) -> &[u8] {
    let at = message.windows(4).position(|w| w == b"\r\n\r\n").map_or(message.len(), |at| at + 4);
    &message[at..]
}

/// The messages of the load generator among these, whole ones only: what the end of a connection cut is no message.
/// Their bodies are all the same.
pub(crate) fn of_the_load(messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let ours = |m: &Vec<u8>| !m.windows(12).any(|w| w == b"infected no ") && body(m).len() >= PAYLOAD;
    let all: Vec<Vec<u8>> = messages.into_iter().filter(ours).collect();
    let bodies: BTreeSet<&[u8]> = all.iter().map(|m| body(m).trim_ascii_end()).collect();
    assert!(bodies.len() < 2, "the same mail arrived in {} forms", bodies.len());
    all
}

/// A clamd with one signature of our own, and its socket. It is ended when dropped.
pub(crate) struct Clamd {
    child: Child,
    pub(crate) socket: PathBuf,
}

impl Clamd {
    pub(crate) async fn start(dir: &Path) -> Option<Self> {
        let program = peers::clamd()?;
        fs::create_dir(dir.join("db")).expect("a directory");
        fs::write(dir.join("db/test.ndb"), "Mailward.Never:0:*:6e657665722d73656e742d627925616e79626f6479\n")
            .expect("written");
        let socket = dir.join("clamd.ctl");
        let config = format!(
            "DatabaseDirectory {dir}/db\nLocalSocket {dir}/clamd.ctl\nTemporaryDirectory {dir}\nForeground yes\nMaxThreads 2\n",
            dir = dir.display()
        );
        fs::write(dir.join("clamd.conf"), config).expect("written");
        let mut command = Command::new(program);
        command.arg("-c").arg(dir.join("clamd.conf")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let clamd = Self { child: command.spawn().expect("clamd runs"), socket };
        testkit::wait_until("clamd's socket", testkit::PATIENCE, || {
            std::os::unix::net::UnixStream::connect(&clamd.socket).is_ok()
        })
        .await;
        Some(clamd)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
