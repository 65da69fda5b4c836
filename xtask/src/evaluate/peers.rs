//! Other filters on the same messages: SpamAssassin and rspamd, from their packages, in one run.
//!
//! Both without network, without training, with their own rules, a directory of their own and ports of the
//! loopback that are free; they are ended by the processes that were started. What is not installed is skipped,
//! and that is said. rspamd's points leave out what only replaying creates: see [`REPLAYED`].

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::envelope::Envelope;
use crate::bench::{nameless, procs};

/// How long a peer may take to start, and for one message. Long, since no figure may hang on what else the machine does.
const START: Duration = Duration::from_secs(900);
const ONE: Duration = Duration::from_secs(900);
/// How many messages one worker of rspamd gets at a time: it waits for names, whoever answers.
const RSPAMD_IN_FLIGHT: usize = 8;
/// Symbols of rspamd that say nothing about a message, but that it is old, or that names could not be looked up.
const REPLAYED: [&str; 6] = [
    "DATE_IN_PAST",
    "HFILTER_HOSTNAME_UNKNOWN",
    "RDNS_NONE",
    "HFILTER_FROMHOST_NORES",
    "NORES_A_OR_MX",
    "HFILTER_HELO_IP_A",
];
/// Modules of rspamd that ask the network or remember.
const OFF: [&str; 21] = [
    "rbl",
    "surbl",
    "fuzzy_check",
    "spf",
    "dkim",
    "dmarc",
    "arc",
    "asn",
    "mx_check",
    "rspamd_update",
    "greylist",
    "ratelimit",
    "history_redis",
    "neural",
    "replies",
    "reputation",
    "dkim_signing",
    "antivirus",
    "url_redirector",
    "bimi",
    "whitelist",
];
/// rspamd's configuration: its own rules and weights, one worker, a DNS server that knows nothing.
const RSPAMD: &str = r#".include "$CONFDIR/metrics.conf"
.include "$CONFDIR/actions.conf"
.include "$CONFDIR/groups.conf"
.include "$CONFDIR/composites.conf"
lua = "$RULESDIR/rspamd.lua"
.include "$CONFDIR/modules.conf"
.include "$CONFDIR/settings.conf"
modules { path = "${PLUGINSDIR}"; fallback_path = "${SHAREDIR}/lua"; }
options {
  pidfile = "$RUNDIR/rspamd.pid";
  .include "$CONFDIR/options.inc"
  .include(priority=1; duplicate=merge) "$LOCAL_CONFDIR/local.d/options.inc"
  control_socket = "$RUNDIR/control.sock mode=0600";
}
logging { type = "file"; filename = "$LOGDIR/rspamd.log"; level = "error"; }
worker "normal" { bind_socket = "127.0.0.1:PORT"; count = 1; }
"#;
/// The DNS server it asks, and time enough for each message. In a file of its own, merged by its priority: a section
/// `dns` beside that of `options.inc` would be ignored.
const RSPAMD_OPTIONS: &str =
    "dns { nameserver = [\"127.0.0.1:NAMES\"]; timeout = 1s; retransmits = 1; }\ntask_timeout = 600s;\n";
/// SpamAssassin's: nothing of the network, nothing learnt, its own threshold.
const SPAMASSASSIN: &str = "required_score 5\nuse_bayes 0\nuse_auto_welcomelist 0\nskip_rbl_checks 1\ndns_available no\nuse_razor2 0\nuse_pyzor 0\nuse_dcc 0\n";

/// Which peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    SpamAssassin,
    Rspamd,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SpamAssassin => "spamassassin",
            Self::Rspamd => "rspamd",
        }
    }

    /// How many messages it is asked about at a time. SpamAssassin computes all the time, one message a child.
    pub(crate) fn in_flight(self) -> usize {
        match self {
            Self::SpamAssassin => std::thread::available_parallelism().map_or(1, usize::from),
            Self::Rspamd => RSPAMD_IN_FLIGHT,
        }
    }

    /// Points from which on it calls a message spam.
    pub(crate) fn threshold(self) -> f64 {
        match self {
            Self::SpamAssassin => 5.0,
            Self::Rspamd => 6.0,
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::SpamAssassin => "spamd",
            Self::Rspamd => "rspamd",
        }
    }
}

/// A peer that runs.
pub(crate) struct Peer {
    kind: Kind,
    child: Child,
    port: u16,
}

impl Drop for Peer {
    /// Ends the process that was started; what it started ends with it.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    /// Starts one; `None` if it is not installed.
    pub(crate) fn start(kind: Kind, folder: &Path) -> Result<Option<Self>, String> {
        let Some(program) = find(kind.program()) else { return Ok(None) };
        let folder = folder.join(kind.name());
        let told = |e: std::io::Error| format!("{}: {e}", folder.display());
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("local.d")).map_err(told)?;
        let port = TcpListener::bind("127.0.0.1:0").and_then(|at| at.local_addr()).map_err(told)?.port();
        let log = std::fs::File::create(folder.join("output")).map_err(told)?;
        let mut command = Command::new(program);
        let path = folder.display();
        match kind {
            Kind::SpamAssassin => {
                std::fs::write(folder.join("local.cf"), SPAMASSASSIN).map_err(told)?;
                for name in [
                    "init.pre", "v310.pre", "v312.pre", "v320.pre", "v330.pre", "v340.pre", "v341.pre", "v342.pre",
                    "v343.pre", "v400.pre",
                ] {
                    let _ = std::fs::copy(Path::new("/etc/spamassassin").join(name), folder.join(name));
                }
                let children = kind.in_flight();
                command.args(["-L", "-x", "--listen=127.0.0.1", "-s", "null"]);
                command.arg(format!("--max-children={children}")).arg(format!("--min-children={children}"));
                command.arg(format!("--siteconfigpath={path}")).arg(format!("--port={port}"));
            }
            Kind::Rspamd => {
                let names = nameless::start().map_err(told)?.to_string();
                std::fs::write(folder.join("main.conf"), RSPAMD.replace("PORT", &port.to_string())).map_err(told)?;
                std::fs::write(folder.join("local.d/options.inc"), RSPAMD_OPTIONS.replace("NAMES", &names))
                    .map_err(told)?;
                for module in OFF {
                    let file = folder.join("local.d").join(format!("{module}.conf"));
                    std::fs::write(file, "enabled = false;\n").map_err(told)?;
                }
                command.arg("-i").arg("-f").arg("-c").arg(folder.join("main.conf"));
                for name in ["LOCAL_CONFDIR", "DBDIR", "RUNDIR", "LOGDIR"] {
                    command.arg(format!("--var={name}={path}"));
                }
            }
        }
        let errors = log.try_clone().map_err(told)?;
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().map_err(told)?;
        let peer = Self { kind, child, port };
        peer.wait()?;
        Ok(Some(peer))
    }

    /// Waits until it answers about a message.
    fn wait(&self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let outcome = self.points(b"From: a@example.org\nSubject: x\n\nhello\n");
            match outcome {
                Ok(_) => return Ok(()),
                Err(error) if begun.elapsed() > START => return Err(format!("{}: {error}", self.kind.name())),
                Err(_) => std::thread::sleep(Duration::from_millis(300)),
            }
        }
    }

    /// The points of a message.
    pub(crate) fn points(&self, raw: &[u8]) -> Result<f64, String> {
        let text = |e: std::io::Error| e.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(text)?;
        stream.set_read_timeout(Some(ONE)).map_err(text)?;
        let head = match self.kind {
            Kind::SpamAssassin => format!("CHECK SPAMC/1.5\r\nContent-length: {}\r\n\r\n", raw.len()),
            Kind::Rspamd => {
                let told = told_to_rspamd(Envelope::of(raw));
                format!("POST /checkv2 HTTP/1.0\r\n{told}Content-Length: {}\r\n\r\n", raw.len())
            }
        };
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(raw)).map_err(text)?;
        if self.kind == Kind::SpamAssassin {
            stream.shutdown(std::net::Shutdown::Write).map_err(text)?;
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(text)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let read = match self.kind {
            Kind::SpamAssassin => of_spamd(&answer),
            Kind::Rspamd => of_rspamd(&answer),
        };
        read.ok_or_else(|| format!("not an answer: {:?}", answer.chars().take(200).collect::<String>()))
    }

    /// How many messages it is asked about at a time.
    pub(crate) fn in_flight(&self) -> usize {
        self.kind.in_flight()
    }

    /// CPU seconds until now, and the memory that is used now in bytes, of it and all that it started. Pages that its
    /// processes share are counted once.
    pub(crate) fn used(&self) -> (f64, u64) {
        (procs::cpu(self.child.id()).as_secs_f64(), procs::pss(self.child.id()) * 1024)
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/bin"]).map(Path::new);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The envelope in the fields of rspamd's protocol.
fn told_to_rspamd(envelope: Option<Envelope>) -> String {
    let told = |e: Envelope| format!("IP: {}\r\nHelo: {}\r\nFrom: {}\r\n", e.client, e.greeting, e.sender);
    envelope.map_or_else(String::new, told)
}

/// `Spam: True ; 15.3 / 5.0`
fn of_spamd(answer: &str) -> Option<f64> {
    let line = answer.lines().find_map(|line| line.strip_prefix("Spam:"))?;
    line.split(';').nth(1)?.split('/').next()?.trim().parse().ok()
}

/// The points of all symbols but those of [`REPLAYED`].
fn of_rspamd(answer: &str) -> Option<f64> {
    let body = answer.split_once("\r\n\r\n")?.1;
    let value: Value = serde_json::from_str(body).ok()?;
    let symbols = value.get("symbols")?.as_object()?;
    let counted = symbols.iter().filter(|(name, _)| !REPLAYED.iter().any(|replayed| name.contains(replayed)));
    Some(counted.filter_map(|(_, symbol)| symbol.get("score")?.as_f64()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_peers_are_read() {
        assert_eq!(of_spamd("SPAMD/1.1 0 EX_OK\r\nSpam: True ; 15.3 / 5.0\r\n\r\n"), Some(15.3));
        assert_eq!(of_spamd("SPAMD/1.1 0 EX_OK\r\nSpam: False ; -0.1 / 5.0\r\n\r\n"), Some(-0.1));
        assert_eq!(of_spamd("SPAMD/1.0 76 Bad header line"), None);
        let answer = "HTTP/1.1 200 OK\r\n\r\n{\"score\":9.5,\"symbols\":{\"A\":{\"score\":2.5},\"DATE_IN_PAST\":{\"score\":1.0},\
                      \"HFILTER_FROMHOST_NORES_A_OR_MX\":{\"score\":1.5},\"B\":{\"score\":-0.5}}}";
        assert_eq!(of_rspamd(answer), Some(2.0));
        assert_eq!(of_rspamd("HTTP/1.1 500 no\r\n\r\n"), None);
        let raw =
            b"Received: from a.example (b [192.0.2.1]) by c.example\nReturn-Path: <x@example.org>\nSubject: y\n\n";
        let told = told_to_rspamd(Envelope::of(raw));
        assert_eq!(told, "IP: 192.0.2.1\r\nHelo: a.example\r\nFrom: x@example.org\r\n");
        assert_eq!(told_to_rspamd(Envelope::of(b"Subject: y\n\n")), "");
    }
}
