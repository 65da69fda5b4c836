//! A Mailward of one's own: the program, a configuration in a temporary directory, its log.
//!
//! The program runs in a process group of its own, which is ended whole when the [`Daemon`] is
//! dropped, so that no worker outlives its test.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{PATIENCE, wait_until};

/// How often something is looked at again while waiting.
const POLL: Duration = Duration::from_millis(10);

/// The program with its directory. Killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    binary: PathBuf,
    dir: TempDir,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Daemon {
    /// Runs `BINARY serve --config FILE`. Callers pass `env!("CARGO_BIN_EXE_mailward")`. In the
    /// configuration `@dir@` stands for the daemon's own directory.
    pub fn start(binary: impl Into<PathBuf>, config: &str) -> Self {
        let binary = binary.into();
        let dir = tempfile::Builder::new().prefix("mailward-").tempdir().expect("a temporary directory");
        let text = config.replace("@dir@", &dir.path().display().to_string());
        std::fs::write(dir.path().join("mailward.toml"), text).expect("the configuration is written");
        let log = Arc::default();
        let child = spawn(&binary, dir.path(), &log);
        Self { binary, dir, child, log }
    }

    /// Starts the program again in the same directory, after it has ended or been killed.
    pub fn restart(&mut self) {
        self.kill();
        self.child = spawn(&self.binary, self.dir.path(), &self.log);
    }

    /// The directory that `@dir@` stands for.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("mailward.toml")
    }

    /// The process id of the program.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a connection to this port is greeted with 220; panics with the log after
    /// `PATIENCE`, or at once if the program ends.
    pub async fn wait_banner(&mut self, port: u16) {
        self.wait_ready("an SMTP banner", port, b"", b"220").await;
    }

    /// Waits until `GET /healthz` on this port is answered with status 200.
    pub async fn wait_healthy(&mut self, port: u16) {
        let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        self.wait_ready("a healthy answer", port, request, b"HTTP/1.1 200").await;
    }

    /// The lines it has written to standard error so far, over all its runs.
    pub fn log(&self) -> Vec<String> {
        lock(&self.log).clone()
    }

    /// Waits for a log line that contains `text` and returns the first one.
    pub async fn wait_log(&self, text: &str) -> String {
        wait_until(&format!("a log line with {text:?}"), PATIENCE, || self.logged(text).is_some()).await;
        self.logged(text).expect("just seen")
    }

    /// The first log line that contains `text`.
    pub fn logged(&self, text: &str) -> Option<String> {
        lock(&self.log).iter().find(|l| l.contains(text)).cloned()
    }

    /// SIGKILL to the program alone, as when it crashes; waits for its end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.own_pid(), signal).unwrap_or_else(|e| panic!("signal {signal:?}: {e}"));
    }

    /// SIGTERM, and waits up to `limit` for the end; panics with the log if it goes on.
    pub async fn terminate(&mut self, limit: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(start.elapsed() < limit, "still running {limit:?} after SIGTERM\n{}", self.log().join("\n"));
            tokio::time::sleep(POLL).await;
        }
    }

    fn own_pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Connects, says something, and hopes for an answer that begins so.
    async fn wait_ready(&mut self, what: &str, port: u16, say: &[u8], begins: &[u8]) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let start = Instant::now();
        loop {
            if let Ok(Ok(true)) = tokio::time::timeout(Duration::from_secs(2), answers(address, say, begins)).await {
                return;
            }
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                panic!("ended with {status} before {what}\n{}", self.log().join("\n"));
            }
            assert!(start.elapsed() < PATIENCE, "no sign of {what} on port {port}\n{}", self.log().join("\n"));
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The group first, while its leader's number cannot be anyone else's yet.
        let _ = kill_process_group(self.own_pid(), Signal::KILL);
        self.kill();
    }
}

fn spawn(binary: &Path, dir: &Path, log: &Arc<Mutex<Vec<String>>>) -> Child {
    let mut child = Command::new(binary)
        .args(["serve", "--config"])
        .arg(dir.join("mailward.toml"))
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}", binary.display()));
    let errors = child.stderr.take().expect("standard error is a pipe");
    let log = Arc::clone(log);
    std::thread::spawn(move || collect(errors, &log));
    child
}

/// Copies lines until the pipe is closed.
fn collect(errors: impl Read, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(errors);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        lock(log).push(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
}

async fn answers(address: SocketAddr, say: &[u8], begins: &[u8]) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(say).await?;
    let mut answer = vec![0; begins.len()];
    stream.read_exact(&mut answer).await?;
    Ok(answer == begins)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
