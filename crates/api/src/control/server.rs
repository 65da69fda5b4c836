//! The daemon's side of the control socket.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use service::Service;
use service::admin::{Admin, Answer, Request, Response};
use store::Original;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::nobody;
use super::{BEAT, CHUNK, ControlError, MAX_REQUEST, MAX_RESPONSE, SILENCE, parse_request};

/// Most connections at once; further ones wait.
const MAX_CONNECTIONS: usize = 32;
/// How much of a request is read at once, in bytes.
const READ: usize = 16 << 10;
/// Chunks of a message that are read ahead of their sending.
const AHEAD: usize = 2;
/// How long requests in work may take to end after the stop.
const STOP_WAIT: Duration = Duration::from_secs(10);
/// How long to wait after the system could not give a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A bound control socket; its name goes when this goes.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode, by which we know our own file.
    file: (u64, u64),
}

impl Drop for Socket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds the control socket at `path` with mode 0600, in place of one that nobody listens at any
/// more. Needs a tokio runtime.
///
/// # Errors
/// When another daemon answers there, when something else has the name, or what the system says.
pub fn bind(path: &Path) -> Result<Socket, ControlError> {
    let io = |doing| move |source| ControlError::Io { doing, path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(ControlError::NotASocket(path.to_owned())),
        Ok(_) => match StdStream::connect(path) {
            Ok(_) => return Err(ControlError::InUse(path.to_owned())),
            Err(error) if nobody(&error) => {}
            Err(error) => return Err(io("see who listens")(error)),
        },
        Err(_) => {}
    }
    // Under another name until its mode is right; the new one then takes the old one's place.
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io("remove a leftover")(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&new).map_err(io("listen"))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).map_err(io("set the mode"))?;
    fs::rename(&new, path).map_err(io("name the socket"))?;
    let found = fs::symlink_metadata(path).map_err(io("look at the socket"))?;
    Ok(Socket { listener, path: path.to_owned(), file: (found.dev(), found.ino()) })
}

/// Binds the control socket at `path` (see [`super::socket_path`]) and answers until `stop` becomes
/// true or its sender is gone.
///
/// # Errors
/// See [`bind`].
pub async fn serve(path: &Path, service: Arc<Service>, stop: watch::Receiver<bool>) -> Result<(), ControlError> {
    bind(path)?.run(service, stop).await;
    Ok(())
}

/// What all connections share.
struct Desk {
    service: Arc<Service>,
    /// New policies and lists come into force in the order in which they were made.
    applying: Mutex<()>,
}

impl Socket {
    /// Answers until `stop` becomes true or its sender is gone; then waits a little for requests
    /// in work. One that takes longer (a release) goes on as long as the process lives.
    pub async fn run(self, service: Arc<Service>, mut stop: watch::Receiver<bool>) {
        let desk = Arc::new(Desk { service, applying: Mutex::new(()) });
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        let mut end = stop.clone();
        loop {
            let next = tokio::select! {
                next = self.accept(&slots) => next,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            while connections.try_join_next().is_some() {}
            let (desk, mut stop) = (Arc::clone(&desk), end.clone());
            connections.spawn(async move {
                let (mut stream, _slot) = next;
                if let Err(error) = desk.converse(&mut stream, &mut stop).await {
                    tracing::debug!(%error, "a control connection ended early");
                }
            });
        }
        drop(self);
        let _ = end.wait_for(|stop| *stop).await;
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(STOP_WAIT, all).await;
        connections.detach_all();
    }

    /// The next connection, when there is room for it.
    async fn accept(&self, slots: &Arc<Semaphore>) -> (UnixStream, Option<OwnedSemaphorePermit>) {
        loop {
            // The semaphore is never closed.
            let slot = Arc::clone(slots).acquire_owned().await.ok();
            match self.listener.accept().await {
                Ok((stream, _)) => return (stream, slot),
                Err(error) => {
                    tracing::warn!(%error, "a control connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Root and our own user may ask.
fn may_ask(peer: u32, own: u32) -> bool {
    peer == 0 || peer == own
}

impl Desk {
    /// One request and its answer.
    async fn converse(&self, stream: &mut UnixStream, stop: &mut watch::Receiver<bool>) -> io::Result<()> {
        let peer = stream.peer_cred()?.uid();
        if !may_ask(peer, rustix::process::geteuid().as_raw()) {
            tracing::warn!(uid = peer, "another user tried to use the control socket");
            return respond(stream, &error("only root and the user that the daemon runs as may ask it")).await;
        }
        let read = timeout(SILENCE, read_line(stream));
        let line = tokio::select! {
            line = read => line.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??,
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
        let request = match line {
            // Somebody who only looked whether we are here.
            Some(line) if line.is_empty() => return Ok(()),
            Some(line) => parse_request(&line),
            None => Err(format!("the request is longer than {MAX_REQUEST} bytes")),
        };
        let answer = match request {
            Ok(request) => {
                note(&request, peer);
                while_beating(stream, self.handle(request)).await
            }
            Err(message) => error(&message).into(),
        };
        respond(stream, &answer.response).await?;
        if let (Response::Body { size, .. }, Some(body)) = (&answer.response, answer.body) {
            send_body(stream, body, *size).await?;
        }
        stream.shutdown().await
    }

    async fn handle(&self, request: Request) -> Answer {
        let current = self.service.current();
        let _turn = if changes_policy(&request) { Some(self.applying.lock().await) } else { None };
        let admin = Admin {
            store: self.service.store().clone(),
            routes: current.routes.load_full(),
            site: current.site.load_full(),
            signers: current.signers.load_full(),
            redact: current.redact.load(Ordering::Relaxed),
            metrics: Arc::clone(self.service.metrics()),
            outbox: current.outbox.load_full(),
            policy_file: self.service.policy_file().cloned(),
            in_force: current.policy.load_full(),
            lists: current.lists.load_full(),
        };
        let mut answer = admin.handle(request).await;
        // It may have brought mail to the outbox, or freed some.
        self.service.wake_outbox();
        if let Some(policy) = answer.policy.take() {
            current.policy.store(Arc::new(policy));
        }
        if let Some(lists) = answer.lists.take() {
            self.service.set_lists(lists);
        }
        answer
    }
}

/// Whether it may bring another policy or other lists into force.
fn changes_policy(request: &Request) -> bool {
    use Request::{ListsAdd, ListsChange, ListsImport, ListsRemove, PolicyApply, PolicyRollback};
    matches!(
        request,
        PolicyApply { .. }
            | PolicyRollback { .. }
            | ListsAdd { .. }
            | ListsChange { .. }
            | ListsRemove { .. }
            | ListsImport { .. }
    )
}

/// The log says which user changed something, or took mail or the key away.
fn note(request: &Request, uid: u32) {
    let what = match request {
        Request::BackupExport { .. } => "export a message from Backup",
        Request::BackupRelease { .. } => "release a message from Backup",
        Request::BackupDelete { .. } => "delete a message from Backup",
        Request::QueueRetry { .. } => "retry mail in the outbox",
        Request::QueueHold { .. } => "hold mail in the outbox",
        Request::QueueDelete { .. } => "delete mail from the outbox",
        Request::KeyExport => "export the installation key",
        Request::PolicyApply { .. } => "apply a policy",
        Request::PicturesLearn { .. } => "learn pictures of spam",
        Request::PicturesRemove { .. } => "remove pictures by number",
        Request::PicturesForget { .. } => "forget pictures of spam",
        Request::GreylistForget => "make greylisting forget",
        Request::PolicyRollback { .. } => "put an earlier policy in force",
        Request::ListsAdd { .. } => "put entries into a list",
        Request::ListsChange { .. } => "change an entry of a list",
        Request::ListsRemove { .. } => "take entries out of a list",
        Request::ListsImport { preview: false, .. } => "import a list",
        Request::ListsShow { .. }
        | Request::ListsFind { .. }
        | Request::ListsTrail { .. }
        | Request::ListsDoubts
        | Request::ListsImport { .. }
        | Request::BackupList { .. }
        | Request::BackupShow { .. }
        | Request::BackupVerify
        | Request::QueueList { .. }
        | Request::QueueShow { .. }
        | Request::PolicyShow
        | Request::PolicyHistory { .. }
        | Request::PolicyRevision { .. }
        | Request::GreylistShow
        | Request::Recall { .. }
        | Request::PicturesShow
        | Request::DmarcWaiting { .. }
        | Request::DmarcReceived { .. }
        | Request::DmarcReport { .. }
        | Request::MessageLog { .. } => return,
    };
    tracing::info!(uid, what, "asked over the control socket");
}

fn error(message: &str) -> Response {
    Response::Error { message: message.to_owned() }
}

/// Reads one line, without its end; nothing if the peer closes at once, `None` if it is too long.
/// A line without an end is no request: it may be half of one.
async fn read_line(stream: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut buffer = vec![0; READ];
    loop {
        let count = stream.read(&mut buffer).await?;
        let new = buffer.get(..count).unwrap_or_default();
        if new.is_empty() {
            return if line.is_empty() { Ok(Some(line)) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        // What comes after the line belongs to nobody; the parser sees it and refuses.
        let ends = new.contains(&b'\n');
        line.extend_from_slice(new);
        if line.len() > MAX_REQUEST {
            return Ok(None);
        }
        if ends {
            return Ok(Some(line));
        }
    }
}

/// Works, and lets the client know every few seconds; it may be gone, the work goes on.
async fn while_beating(stream: &UnixStream, work: impl Future<Output = Answer>) -> Answer {
    tokio::pin!(work);
    loop {
        match timeout(BEAT, &mut work).await {
            Ok(answer) => return answer,
            Err(_) => {
                let _ = stream.try_write(b" ");
            }
        }
    }
}

/// Writes within the time limit.
async fn write(stream: &mut UnixStream, bytes: &[u8]) -> io::Result<()> {
    for piece in bytes.chunks(CHUNK) {
        timeout(SILENCE, stream.write_all(piece)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    }
    Ok(())
}

async fn respond(stream: &mut UnixStream, response: &Response) -> io::Result<()> {
    let mut line = serde_json::to_vec(response)?;
    if line.len() >= MAX_RESPONSE {
        let message = format!("the answer has {} bytes, more than {MAX_RESPONSE}: ask for fewer entries", line.len());
        line = serde_json::to_vec(&error(&message))?;
    }
    line.push(b'\n');
    write(stream, &line).await
}

/// Sends a message. After an error the connection is closed with fewer bytes than announced.
async fn send_body(stream: &mut UnixStream, body: Original, size: u64) -> io::Result<()> {
    let (to, mut chunks) = mpsc::channel(AHEAD);
    let reading = tokio::task::spawn_blocking(move || read_body(body, size, &to));
    while let Some(chunk) = chunks.recv().await {
        write(stream, &chunk).await?;
    }
    let read = reading.await.unwrap_or_else(|crash| Err(io::Error::other(crash)));
    if let Err(error) = &read {
        tracing::error!(%error, "a message could not be read from Backup to its end");
    }
    read
}

/// Reads all of a message, and gives the last chunk away only when the whole is known to be good.
fn read_body(mut body: impl Read, size: u64, to: &mpsc::Sender<Vec<u8>>) -> io::Result<()> {
    let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    let mut held = Vec::new();
    let mut total: u64 = 0;
    loop {
        let mut chunk = Vec::new();
        let limit = u64::try_from(CHUNK).unwrap_or(u64::MAX);
        let count = body.by_ref().take(limit).read_to_end(&mut chunk)?;
        if count == 0 {
            break;
        }
        total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if !held.is_empty() {
            to.blocking_send(held).map_err(gone)?;
        }
        held = chunk;
    }
    if total != size {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{total} bytes instead of {size}")));
    }
    to.blocking_send(held).map_err(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_and_our_own_user_may_ask() {
        assert!(may_ask(0, 1000) && may_ask(1000, 1000) && may_ask(0, 0));
        assert!(!may_ask(1001, 1000) && !may_ask(1000, 0));
    }

    #[test]
    fn what_changes_the_policy_waits_its_turn() {
        let (author, comment) = (String::new(), String::new());
        let rollback = Request::PolicyRollback { number: 1, author: author.clone(), comment: comment.clone() };
        assert!(changes_policy(&rollback));
        assert!(changes_policy(&Request::PolicyApply { text: String::new(), author, comment }));
        assert!(!changes_policy(&Request::PolicyShow));
    }

    #[tokio::test(start_paused = true)]
    async fn long_work_shows_signs_of_life_and_goes_on_without_its_client() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let work = async {
            tokio::time::sleep(BEAT * 3 + BEAT / 2).await;
            Answer::from(Response::Deleted)
        };
        assert_eq!(while_beating(&ours, work).await.response, Response::Deleted);
        drop(ours);
        let mut signs = Vec::new();
        theirs.read_to_end(&mut signs).await.unwrap();
        assert_eq!(signs, b"   ");

        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        let work = async {
            tokio::time::sleep(BEAT * 2).await;
            Answer::from(Response::Deleted)
        };
        assert_eq!(while_beating(&ours, work).await.response, Response::Deleted);
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_becomes_an_error() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let long = Response::Key { text: "x".repeat(MAX_RESPONSE) };
        respond(&mut ours, &long).await.unwrap();
        drop(ours);
        let mut line = String::new();
        theirs.read_to_string(&mut line).await.unwrap();
        assert!(line.contains("ask for fewer entries") && line.ends_with("}\n"), "{line}");
    }

    /// What is sent of a message, and how its reading ends.
    fn sent(body: impl Read, size: u64) -> (Vec<u8>, io::Result<()>) {
        let (to, mut from) = mpsc::channel(100);
        let result = read_body(body, size, &to);
        drop(to);
        let mut out = Vec::new();
        while let Ok(chunk) = from.try_recv() {
            out.extend(chunk);
        }
        (out, result)
    }

    /// Fails after its bytes.
    struct Breaks<'a>(&'a [u8]);

    impl Read for Breaks<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            match Read::read(&mut self.0, out)? {
                0 => Err(io::ErrorKind::InvalidData.into()),
                count => Ok(count),
            }
        }
    }

    #[test]
    fn a_message_is_sent_whole_or_visibly_short() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let data: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let (out, result) = sent(data.as_slice(), length as u64);
            assert!(result.is_ok() && out == data, "{length}");
            for (body, announced) in [(data.as_slice(), length as u64 + 1), (data.as_slice(), length as u64 / 2)] {
                let (out, result) = sent(body, announced);
                assert_eq!(result.is_err(), announced != length as u64, "{length} {announced}");
                assert!(out.len() < length.max(1) || result.is_ok(), "{length} {announced}");
            }
            let (out, result) = sent(Breaks(&data), length as u64);
            assert!(result.is_err() && out.len() < length.max(1), "{length}");
        }
    }
}
