//! One arrangement to measure: a sink, what stands before it, and how to end all of it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path as FilePath, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{nameless, procs};
use crate::cargo;

/// How long a part may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often memory is looked at while a load runs.
const LOOK: Duration = Duration::from_millis(200);

/// Which way the mail takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Path {
    /// From the source to the sink.
    Direct,
    /// Through a process that only copies bytes.
    Splice,
    /// Through Mailward that looks into nothing: neither for malware nor for spam, nor who sent it.
    Off,
    /// Through Mailward that looks for spam by the message alone, and changes nothing.
    Spam,
    /// Through Mailward as it comes.
    Default,
}

impl Path {
    pub(crate) const ALL: [Self; 5] = [Self::Direct, Self::Splice, Self::Off, Self::Spam, Self::Default];

    /// How tables and the command line call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Splice => "splice",
            Self::Off => "off",
            Self::Spam => "spam",
            Self::Default => "default",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    pub(crate) fn is_mailward(self) -> bool {
        matches!(self, Self::Off | Self::Spam | Self::Default)
    }

    /// The policy that Mailward has there.
    fn policy(self) -> &'static str {
        match self {
            Self::Off => "[malware]\nenabled = false\n[spam]\nenabled = false\n[authentication]\nenabled = false\n",
            Self::Spam => {
                "[malware]\nenabled = false\n[authentication]\nenabled = false\n[monitor]\nenabled = true\n\
                [spam.external]\nenabled = false\n"
            }
            Self::Direct | Self::Splice | Self::Default => "",
        }
    }
}

/// Builds the program as it is shipped; gives its path.
pub(crate) fn build() -> Result<PathBuf, String> {
    cargo::run(cargo::cargo().args(["build", "--release", "--locked", "--package", "mailward"]))?;
    Ok(cargo::target().join("release/mailward"))
}

/// A running part. Closing its standard input ends it.
struct Part {
    child: Child,
    port: u16,
    pid: u32,
}

impl Part {
    fn start(args: &[&str]) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|e| e.to_string())?;
        let mut command = Command::new(program);
        command.arg("bench-part").args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|e| format!("{command:?}: {e}"))?;
        let output = child.stdout.take();
        let mut part = Self { child, port: 0, pid: 0 };
        (part.port, part.pid) = ready(output).ok_or_else(|| format!("{args:?} is not ready"))?;
        Ok(part)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(3) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        procs::kill(&procs::tree(self.child.id()));
        let _ = self.child.wait();
    }
}

/// Port and process id from the line `ready PORT PID`.
fn ready(output: Option<ChildStdout>) -> Option<(u16, u32)> {
    let mut line = String::new();
    BufReader::new(output?).read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    (words.next() == Some("ready")).then_some(())?;
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// A directory that goes with its owner.
struct Place(PathBuf);

impl Place {
    fn new() -> Result<Self, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("mailward-bench-{}-{number}", std::process::id()));
        fs::create_dir_all(path.join("data")).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Everything that one measurement needs. Fields end in this order: Mailward before its directory.
pub(crate) struct Stand {
    middle: Option<Part>,
    sink: Part,
    port: u16,
    ready_after: Duration,
    _place: Option<Place>,
}

impl Stand {
    /// Starts sink and middle and waits until a session is greeted.
    pub(crate) fn start(path: Path, binary: &FilePath) -> Result<Self, String> {
        let sink = Part::start(&["sink"])?;
        let begin = Instant::now();
        let (middle, port, place) = match path {
            Path::Direct => (None, sink.port, None),
            Path::Splice => {
                let part = Part::start(&["splice", &sink.port.to_string()])?;
                let port = part.port;
                (Some(part), port, None)
            }
            Path::Off | Path::Spam | Path::Default => {
                let (place, port) = (Place::new()?, free_port()?);
                let names = nameless::start().map_err(|e| format!("DNS: {e}"))?;
                configure(&place.0, [port, sink.port, names], path)?;
                let [config, log] = ["mailward.toml", "log"].map(|f| place.0.join(f).display().to_string());
                let program = binary.display().to_string();
                let part = Part::start(&["guard", &log, &program, "serve", "--config", &config])?;
                (Some(part), port, Some(place))
            }
        };
        let mut stand = Self { middle, sink, port, ready_after: Duration::ZERO, _place: place };
        stand.wait_for_banner()?;
        stand.ready_after = begin.elapsed();
        Ok(stand)
    }

    /// Where mail goes in.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From starting what stands in the middle to its first banner. The guard around it is
    /// included, which is a few milliseconds.
    pub(crate) fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// CPU time so far of what stands in the middle.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        self.middle.as_ref().map(|m| procs::cpu(m.pid))
    }

    /// Memory now of what stands in the middle, in KiB.
    pub(crate) fn pss(&self) -> u64 {
        self.middle.as_ref().map_or(0, |m| procs::pss(m.pid))
    }

    /// The most that the main process in the middle ever had resident, in KiB.
    pub(crate) fn peak_main(&self) -> Option<u64> {
        self.middle.as_ref().map(|m| procs::peak(m.pid))
    }

    /// Watches the memory of all processes in the middle until told to finish.
    pub(crate) fn watch_memory(&self) -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = self.middle.as_ref().map(|m| {
            let (pid, stop) = (m.pid, Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut most = 0;
                while !stop.load(Ordering::Relaxed) {
                    most = most.max(procs::pss(pid));
                    std::thread::sleep(LOOK);
                }
                most
            })
        });
        Watch { stop, thread }
    }

    fn wait_for_banner(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while !greets(self.port) {
            let ended = self.middle.as_mut().is_some_and(|m| !matches!(m.child.try_wait(), Ok(None)));
            if ended || start.elapsed() > PATIENCE {
                return Err(format!("no banner on port {} (sink on {})\n{}", self.port, self.sink.port, self.log()));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// What Mailward has logged so far.
    pub(crate) fn log(&self) -> String {
        self._place.as_ref().and_then(|p| fs::read_to_string(p.0.join("log")).ok()).unwrap_or_default()
    }
}

/// A look at memory that goes on.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl Watch {
    /// The most that was seen, in KiB.
    pub(crate) fn finish(mut self) -> Option<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take()?.join().ok()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    let mut code = [0u8; 3];
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    stream.read_exact(&mut code).is_ok() && code == *b"220"
}

fn free_port() -> Result<u16, String> {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
    Ok(socket.local_addr().map_err(|e| e.to_string())?.port())
}

/// Writes the node's configuration and its policy. The ports: its own, the next hop's, and the DNS server's.
fn configure(place: &FilePath, [port, next, names]: [u16; 3], path: Path) -> Result<(), String> {
    let (dir, engines) = (place.display(), path == Path::Default);
    let config = format!(
        "hostname = \"mx.example.org\"\ndata_dir = \"{dir}/data\"\n\
        [policy]\nfile = \"{dir}/policy.toml\"\n\
        [[smtp]]\nlisten = \"127.0.0.1:{port}\"\n\
        [next_hop]\naddress = \"127.0.0.1:{next}\"\ntls = \"none\"\n\
        [limits]\nmax_message_size = \"50 MB\"\nconnections_per_peer = 100\ncommands = 10000000\n\
        [engines]\nbuiltin_rules = {engines}\n\
        [dns]\nservers = [\"127.0.0.1:{names}\"]\n\
        [http]\nlisten = \"\"\n"
    );
    for (name, text) in [("mailward.toml", config.as_str()), ("policy.toml", path.policy())] {
        fs::write(place.join(name), text).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}
