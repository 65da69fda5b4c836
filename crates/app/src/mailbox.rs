//! The mailbox behind `mailward demo`: an SMTP server that keeps every message in a Maildir, so that
//! a newcomer sees delivered mail without setting up a server. On loopback only, and for nothing
//! else.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::dot::LineEnds;
use wire::smtp::extensions::Extensions;
use wire::smtp::reply::Reply;
use wire::smtp::server::{Event, Server, ServerConfig, Step};

/// Largest message that is taken, in bytes.
const MAX_SIZE: u64 = 100_000_000;
/// How long a silent session lasts.
const TIMEOUT: Duration = Duration::from_secs(300);

/// A mailbox that is listening.
#[derive(Debug)]
pub struct Mailbox {
    listener: TcpListener,
    dir: Arc<PathBuf>,
}

static COUNT: AtomicU64 = AtomicU64::new(0);

impl Mailbox {
    /// Listens on a free port of the loopback interface; mail goes to a Maildir at `dir`.
    ///
    /// # Errors
    /// What the system says.
    pub async fn open(dir: &Path) -> std::io::Result<Self> {
        for sub in ["tmp", "new", "cur"] {
            std::fs::create_dir_all(dir.join(sub))?;
        }
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self { listener, dir: Arc::new(dir.to_owned()) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Takes mail for ever.
    pub async fn run(self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(session(stream, Arc::clone(&self.dir)));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

async fn session(mut stream: TcpStream, dir: Arc<PathBuf>) {
    let mut server = Server::new(ServerConfig {
        hostname: "mailbox".to_owned(),
        max_size: MAX_SIZE,
        line_ends: LineEnds::Reject,
        ..ServerConfig::default()
    });
    server.greet(&Reply::say(220, "mailbox ESMTP"));
    let mut message = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match server.step() {
            Step::Event(event) => answer(&mut server, event, &mut message, &dir),
            Step::Need | Step::Flush => {
                if send(&mut stream, &mut server).await.is_err() {
                    return;
                }
                let Ok(Ok(read)) = tokio::time::timeout(TIMEOUT, stream.read(&mut buffer)).await else { return };
                let mut rest = buffer.get(..read).unwrap_or(&[]);
                if rest.is_empty() {
                    return;
                }
                while !rest.is_empty() {
                    let taken = server.feed(rest);
                    if taken == 0 {
                        return;
                    }
                    rest = rest.get(taken..).unwrap_or(&[]);
                }
            }
            Step::Closed | Step::Handshake | Step::Waiting => {
                let _ = send(&mut stream, &mut server).await;
                return;
            }
        }
    }
}

fn answer(server: &mut Server, event: Event, message: &mut Vec<u8>, dir: &Path) {
    let ok = || Reply::say(250, "2.0.0 Ok");
    let reply = match event {
        Event::Hello { .. } => {
            server.offer(Extensions {
                pipelining: true,
                size: Some(MAX_SIZE),
                eight_bit_mime: true,
                smtputf8: true,
                dsn: true,
                enhanced_status_codes: true,
                ..Extensions::default()
            });
            Reply::say(250, "mailbox")
        }
        Event::Mail(_) | Event::Rcpt(_) | Event::Reset | Event::Xforward(_) => ok(),
        Event::Data => {
            message.clear();
            Reply::say(354, "End data with <CR><LF>.<CR><LF>")
        }
        Event::Content(bytes) => return message.extend_from_slice(&bytes),
        Event::ContentEnd(Err(fault)) => fault.reply(),
        Event::ContentEnd(Ok(_)) => match keep(dir, message) {
            Ok(name) => Reply::say(250, &format!("2.0.0 Ok: {name}")),
            Err(error) => Reply::say(452, &format!("4.3.1 Cannot keep the message: {error}")),
        },
        Event::Quit => Reply::say(221, "2.0.0 Bye"),
        Event::StartTls | Event::Auth(_) | Event::AuthResponse(_) | Event::Xclient(_) => {
            Reply::say(502, "5.5.1 Not available")
        }
    };
    server.reply(&reply);
}

/// Written, made durable, and only then given its name.
fn keep(dir: &Path, message: &[u8]) -> std::io::Result<String> {
    let name = format!("{}.{}", service::id::message_id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let tmp = dir.join("tmp").join(&name);
    let mut file = std::fs::File::create(&tmp)?;
    file.write_all(message)?;
    file.sync_all()?;
    std::fs::rename(&tmp, dir.join("new").join(&name))?;
    Ok(name)
}

async fn send(stream: &mut TcpStream, server: &mut Server) -> std::io::Result<()> {
    let bytes = server.output().to_vec();
    stream.write_all(&bytes).await?;
    server.sent(bytes.len());
    Ok(())
}
