//! One connection to clamd, one command, one reply.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use settings::values::ClamdAddress;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use wire::clamd::{self, ClamdFault, ReplyReader};

use super::ClamdBody;
use crate::outbound::connect;

/// How much of the content goes out at once, in bytes.
const CHUNK: usize = 64 << 10;
/// How much of a reply is read at once, in bytes.
const READ: usize = 4096;

/// Why there is no usable reply.
#[derive(Debug)]
pub(super) enum Failure {
    /// No connection, or it broke.
    Unreachable(String),
    /// What came is no reply.
    BadReply(String),
    /// Our own side failed: the content could not be read.
    Ours(String),
}

/// How the content goes over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Method {
    Fildes,
    Instream,
}

fn broken(error: &io::Error) -> Failure {
    Failure::Unreachable(error.to_string())
}

/// Sends content and returns the reply, without its terminator.
pub(super) async fn scan(
    address: &ClamdAddress,
    body: &ClamdBody,
    method: Method,
    connect_limit: Duration,
) -> Result<Vec<u8>, Failure> {
    match (address, method) {
        (ClamdAddress::Unix(_), Method::Fildes) => {
            let file = descriptor(body).await.map_err(|error| Failure::Ours(error.to_string()))?;
            let mut stream = unix(address).await?;
            pass(&mut stream, &file).await.map_err(|error| broken(&error))?;
            reply(&mut stream).await
        }
        (ClamdAddress::Unix(_), Method::Instream) => {
            let (mut read, mut write) = unix(address).await?.into_split();
            converse(&mut read, stream_out(&mut write, body)).await
        }
        (ClamdAddress::Tcp(target), _) => {
            let stream = connect(target, connect_limit).await;
            let stream = stream.map_err(|error| Failure::Unreachable(error.to_string()))?;
            let (mut read, mut write) = stream.into_split();
            converse(&mut read, stream_out(&mut write, body)).await
        }
    }
}

/// Sends a command without content and returns the reply, without its terminator.
pub(super) async fn command(
    address: &ClamdAddress,
    command: &[u8],
    connect_limit: Duration,
) -> Result<Vec<u8>, Failure> {
    match address {
        ClamdAddress::Unix(_) => {
            let mut stream = unix(address).await?;
            stream.write_all(command).await.map_err(|error| broken(&error))?;
            reply(&mut stream).await
        }
        ClamdAddress::Tcp(target) => {
            let stream = connect(target, connect_limit).await;
            let mut stream = stream.map_err(|error| Failure::Unreachable(error.to_string()))?;
            stream.write_all(command).await.map_err(|error| broken(&error))?;
            reply(&mut stream).await
        }
    }
}

async fn unix(address: &ClamdAddress) -> Result<UnixStream, Failure> {
    let ClamdAddress::Unix(path) = address else {
        return Err(Failure::Unreachable("not a unix socket".to_owned()));
    };
    let stream = UnixStream::connect(path).await;
    stream.map_err(|error| Failure::Unreachable(format!("{}: {error}", path.display())))
}

/// Sends and reads at the same time: clamd may refuse in the middle of the content, and then does
/// not read the rest. A "clean" that comes before all of the content was sent is not believed.
async fn converse(
    read: &mut (impl AsyncRead + Unpin),
    sending: impl Future<Output = Result<(), Failure>>,
) -> Result<Vec<u8>, Failure> {
    tokio::pin!(sending);
    let reading = reply(read);
    tokio::pin!(reading);
    let mut sent: Option<Result<(), Failure>> = None;
    loop {
        // In this order: a reply to the last byte must not be seen before that byte is sent.
        tokio::select! {
            biased;
            result = &mut sending, if sent.is_none() => match result {
                Err(Failure::Ours(why)) => return Err(Failure::Ours(why)),
                result => sent = Some(result),
            },
            result = &mut reading => return match (result, sent) {
                (Ok(text), Some(Ok(()))) => Ok(text),
                (Ok(text), _) if text.ends_with(b" ERROR") || text.ends_with(b" FOUND") => Ok(text),
                (Ok(_), _) => Err(Failure::BadReply("it answered before it had seen everything".to_owned())),
                // Why sending failed says more than that the connection ended.
                (Err(_), Some(Err(why))) => Err(why),
                (Err(why), _) => Err(why),
            },
        }
    }
}

/// Reads one reply.
async fn reply(read: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, Failure> {
    let mut reader = ReplyReader::default();
    let mut buffer = [0u8; READ];
    loop {
        let count = read.read(&mut buffer).await.map_err(|error| broken(&error))?;
        if count == 0 {
            return Err(Failure::Unreachable("the connection ended without a reply".to_owned()));
        }
        let bytes = buffer.get(..count).unwrap_or_default();
        if reader.push(bytes).map_err(fault)? {
            return reader.reply().map(<[u8]>::to_vec).map_err(fault);
        }
    }
}

/// A fault in words.
pub(super) fn fault(fault: ClamdFault) -> Failure {
    Failure::BadReply(
        match fault {
            ClamdFault::TooLong => "its reply is too long",
            ClamdFault::Truncated => "its reply breaks off",
            ClamdFault::Trailing => "its reply goes on after the end",
            ClamdFault::Malformed => "its reply has an unknown form",
        }
        .to_owned(),
    )
}

/// INSTREAM: the content in chunks.
async fn stream_out(write: &mut (impl AsyncWrite + Unpin), body: &ClamdBody) -> Result<(), Failure> {
    let mut frame = Vec::with_capacity(CHUNK + 64);
    frame.extend_from_slice(clamd::INSTREAM);
    let mut at = 0;
    loop {
        let chunk = chunk(body, at).await.map_err(|error| Failure::Ours(format!("content: {error}")))?;
        if chunk.is_empty() {
            break;
        }
        at += chunk.len() as u64;
        clamd::chunks(&chunk, &mut frame);
        write.write_all(&frame).await.map_err(|error| broken(&error))?;
        frame.clear();
    }
    if at < body.size() {
        return Err(Failure::Ours(format!("content: {at} of {} bytes", body.size())));
    }
    frame.extend_from_slice(clamd::STREAM_END);
    write.write_all(&frame).await.map_err(|error| broken(&error))
}

/// The next bytes of the content; none at its end.
async fn chunk(body: &ClamdBody, at: u64) -> io::Result<Vec<u8>> {
    let count = body.size().saturating_sub(at).min(CHUNK as u64) as usize;
    match body {
        ClamdBody::Bytes(bytes) => {
            let start = usize::try_from(at).unwrap_or(usize::MAX);
            Ok(bytes.get(start..start.saturating_add(count)).unwrap_or_default().to_vec())
        }
        ClamdBody::File(..) if count == 0 => Ok(Vec::new()),
        ClamdBody::File(file, _) => {
            let file = Arc::clone(file);
            blocking(move || {
                let mut buffer = vec![0; count];
                // At a place of its own: the file's position belongs to its owner.
                let read = rustix::io::pread(&*file, &mut buffer, at)?;
                buffer.truncate(read);
                Ok(buffer)
            })
            .await
        }
    }
}

/// The content as an open file of clamd's own. A file is opened anew: to read only, because what was
/// scanned is delivered later, and at its start, wherever its owner's position is.
async fn descriptor(body: &ClamdBody) -> io::Result<Arc<OwnedFd>> {
    let bytes = match body {
        ClamdBody::File(file, size) => {
            if u64::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(0) < *size {
                return Err(io::Error::other("the content is shorter than it should be"));
            }
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            return Ok(Arc::new(rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?));
        }
        ClamdBody::Bytes(bytes) => Arc::clone(bytes),
    };
    blocking(move || {
        let file = memfd_create(c"mailward-clamd", MemfdFlags::CLOEXEC)?;
        let mut left: &[u8] = &bytes;
        while !left.is_empty() {
            let count = rustix::io::write(&file, left)?;
            left = left.get(count..).unwrap_or_default();
        }
        rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
        Ok(Arc::new(file))
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// FILDES: the command, then one byte that carries the open file (SCM_RIGHTS).
async fn pass(stream: &mut UnixStream, file: &OwnedFd) -> io::Result<()> {
    stream.write_all(clamd::FILDES).await?;
    let files = [file.as_fd()];
    stream
        .async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            control.push(SendAncillaryMessage::ScmRights(&files));
            sendmsg(&*stream, &[IoSlice::new(&[0])], &mut control, SendFlags::NOSIGNAL)?;
            Ok(())
        })
        .await
}
