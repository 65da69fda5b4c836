//! The pool's side of one worker: a message out, a reply in.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Signal, pidfd_send_signal};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::frame::{BodyKind, ReplyReader, RequestHeader};
use crate::{Body, Failure, Limits, Reply, WorkerExit, control};

/// How much of the time until the deadline a job gets before it is asked to stop, in percent.
const SOFT_PERCENT: u32 = 80;

/// How long the host may take to say how a worker ended.
const EXIT_NOTICE: Duration = Duration::from_secs(2);

/// A worker process. Dropping it kills it.
pub(crate) struct Worker {
    stream: UnixStream,
    pidfd: OwnedFd,
    exit: oneshot::Receiver<WorkerExit>,
    served: u32,
}

/// Why an exchange has no reply, before the exit is known.
enum Broken {
    /// The socket closed or failed.
    Socket,
    /// What came is not a reply.
    Nonsense(String),
}

impl Worker {
    /// A worker from its descriptors. Needs a tokio runtime.
    pub(crate) fn new(socket: OwnedFd, pidfd: OwnedFd, exit: oneshot::Receiver<WorkerExit>) -> io::Result<Self> {
        let stream = std::os::unix::net::UnixStream::from(socket);
        stream.set_nonblocking(true)?;
        Ok(Self { stream: UnixStream::from_std(stream)?, pidfd, exit, served: 0 })
    }

    /// How many messages it has answered.
    pub(crate) fn served(&self) -> u32 {
        self.served
    }

    /// Whether it ended while nobody used it.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.exit.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }

    /// One message. After any failure, or when the future is dropped before its end, the worker
    /// must not be used again. The caller enforces the deadline.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        body: &Body,
        deadline: Instant,
        limits: &Limits,
    ) -> Result<Reply, Failure> {
        let prepared = prepare(body).map_err(|error| Failure::Unavailable(format!("the spool file: {error}")))?;
        let left = deadline.saturating_duration_since(Instant::now());
        let header = RequestHeader {
            kind: if prepared.descriptor().is_some() { BodyKind::Descriptor } else { BodyKind::Inline },
            sequence: u64::from(self.served),
            request_len: request.len() as u64,
            body_len: body.len(),
            soft_ms: u32::try_from((left * SOFT_PERCENT / 100).as_millis()).unwrap_or(u32::MAX),
            cpu_seconds: limits.cpu_seconds,
        };
        let reader = ReplyReader::new(header.sequence, *limits);
        let header = header.encode();
        let result = tokio::select! {
            biased;
            result = talk(&self.stream, &header, request, &prepared, reader) => result,
            // A worker that is gone but left its socket to somebody else.
            exit = &mut self.exit => return Err(ended(exit.ok())),
        };
        match result {
            Ok(reply) => {
                self.served = self.served.saturating_add(1);
                Ok(reply)
            }
            Err(Broken::Nonsense(text)) => Err(Failure::Protocol(text)),
            Err(Broken::Socket) => match timeout(EXIT_NOTICE, &mut self.exit).await {
                Ok(exit) => Err(ended(exit.ok())),
                Err(_) => Err(Failure::Crashed(WorkerExit::Unknown)),
            },
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Through the process descriptor: it can never hit another process. It fails only if the
        // process is gone already.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }
}

/// What the end of a worker means; `None` when the host is gone, and took its workers with it.
fn ended(exit: Option<WorkerExit>) -> Failure {
    match exit {
        Some(exit) => Failure::from_exit(exit),
        None => Failure::Unavailable("the worker host ended".into()),
    }
}

/// Sends the message and takes the reply.
async fn talk(
    stream: &UnixStream,
    header: &[u8],
    request: &[u8],
    body: &Prepared<'_>,
    mut reader: ReplyReader,
) -> Result<Reply, Broken> {
    send(stream, [header, request, body.inline()], body.descriptor()).await.map_err(|_| Broken::Socket)?;
    loop {
        stream.readable().await.map_err(|_| Broken::Socket)?;
        match stream.try_read_buf(reader.room()) {
            Ok(0) => return Err(Broken::Socket),
            Ok(_) if reader.check().map_err(Broken::Nonsense)? => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return Err(Broken::Socket),
        }
    }
    reader.finish().ok_or_else(|| Broken::Nonsense("an incomplete reply".into()))
}

/// Sends all parts; the descriptor goes beside the first byte.
async fn send(stream: &UnixStream, parts: [&[u8]; 3], beside: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut slices = parts.map(IoSlice::new);
    let mut left: &mut [IoSlice<'_>] = &mut slices;
    let mut beside = beside.as_slice();
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        stream.writable().await?;
        match stream.try_io(Interest::WRITABLE, || control::send_with(stream.as_fd(), left, beside)) {
            Ok(length) => {
                IoSlice::advance_slices(&mut left, length);
                beside = &[];
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A body in the form in which it goes out.
enum Prepared<'a> {
    Inline(&'a [u8]),
    /// The caller's descriptor, which is read-only.
    Borrowed(BorrowedFd<'a>),
    /// A read-only descriptor of the caller's file.
    Reopened(OwnedFd),
}

impl Prepared<'_> {
    fn inline(&self) -> &[u8] {
        match self {
            Self::Inline(bytes) => bytes,
            _ => &[],
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Inline(_) => None,
            Self::Borrowed(file) => Some(*file),
            Self::Reopened(file) => Some(file.as_fd()),
        }
    }
}

/// A worker gets a file to read only: what is scanned is also what is delivered later, and a
/// worker that was taken over must not be able to change or cut it.
fn prepare(body: &Body) -> io::Result<Prepared<'_>> {
    let (file, length) = match body {
        Body::Memory(bytes) => return Ok(Prepared::Inline(bytes)),
        Body::File(file, length) => (file, *length),
    };
    let size = u64::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(0);
    if size < length {
        return Err(io::Error::other(format!("it has {size} bytes, not {length}")));
    }
    if rustix::fs::fcntl_getfl(file)?.intersection(OFlags::RWMODE) == OFlags::RDONLY {
        return Ok(Prepared::Borrowed(file.as_fd()));
    }
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let reopened = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(Prepared::Reopened(reopened))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_writable_file_goes_out_read_only() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"message").unwrap();
        let body = Body::File(Arc::new(file.into()), 7);
        let Prepared::Reopened(descriptor) = prepare(&body).unwrap() else { panic!("not reopened") };
        let mut reopened = std::fs::File::from(descriptor);
        let mut text = String::new();
        reopened.read_to_string(&mut text).unwrap();
        assert_eq!(text, "message");
        reopened.rewind().unwrap();
        assert!(reopened.write_all(b"x").is_err() && reopened.set_len(0).is_err());
    }

    #[test]
    fn a_file_shorter_than_stated_is_refused() {
        let file = tempfile::tempfile().unwrap();
        assert!(prepare(&Body::File(Arc::new(file.into()), 1)).is_err());
    }
}
