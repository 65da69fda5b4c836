//! What the pool and the host say to each other: one packet a sentence, on a `SOCK_SEQPACKET`
//! pair, with descriptors beside it. The host never touches a message, so both sides are ours.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::WorkerExit;

/// Longest packet, in bytes.
const MAX_PACKET: usize = 4096;

/// Longest text in a packet, in bytes.
const MAX_TEXT: usize = 2048;

/// Most descriptors beside a packet.
const MAX_DESCRIPTORS: usize = 2;

/// What the pool says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum ToHost {
    /// The first packet. Beside it: a file with the bytes for [`crate::Job::load`].
    Start {
        /// See [`crate::Limits::memory_bytes`].
        memory_bytes: u64,
        /// See [`crate::Limits::open_files`].
        open_files: u32,
    },
    /// Fork a worker.
    Spawn {
        /// Its number, given by the pool, never used twice.
        id: u64,
    },
}

/// What the host says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum FromHost {
    /// Loaded, and ready to fork.
    Loaded,
    /// The job did not load; the text is the job's.
    LoadFailed(String),
    /// A new worker. Beside it: its socket and its process descriptor.
    Spawned {
        /// Its number.
        id: u64,
    },
    /// There is no new worker.
    SpawnFailed {
        /// Its number.
        id: u64,
        /// Why.
        why: String,
    },
    /// A worker's process ended.
    Exited {
        /// Its number.
        id: u64,
        /// How.
        exit: WorkerExit,
    },
}

/// Cuts a text to what fits into a packet.
pub(crate) fn fit(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

/// Sends bytes and up to two descriptors; gives how many bytes went.
pub(crate) fn send_with(socket: BorrowedFd<'_>, parts: &[IoSlice<'_>], beside: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !beside.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(beside)) {
        return Err(io::Error::other("too many descriptors for one packet"));
    }
    Ok(rustix::net::sendmsg(socket, parts, &mut ancillary, SendFlags::NOSIGNAL)?)
}

/// Receives bytes and up to two descriptors; gives how many bytes came, 0 at the end.
pub(crate) fn receive_with(socket: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let parts = &mut [IoSliceMut::new(into)];
    let got =
        rustix::io::retry_on_intr(|| rustix::net::recvmsg(socket, parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC))?;
    let mut beside = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            beside.extend(descriptors);
        }
    }
    Ok((got.bytes, beside))
}

/// Sends one packet.
pub(crate) fn send<T: Serialize>(socket: BorrowedFd<'_>, packet: &T, beside: &[BorrowedFd<'_>]) -> io::Result<()> {
    let bytes = postcard::to_stdvec(packet).map_err(io::Error::other)?;
    let sent = send_with(socket, &[IoSlice::new(&bytes)], beside)?;
    if sent == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Receives one packet; `None` when the other side is gone.
pub(crate) fn receive<T: DeserializeOwned>(socket: BorrowedFd<'_>) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut bytes = [0; MAX_PACKET];
    let (length, beside) = match receive_with(socket, &mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
        other => other?,
    };
    if length == 0 {
        return Ok(None);
    }
    let bytes = bytes.get(..length).unwrap_or_default();
    let packet = postcard::from_bytes(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Some((packet, beside)))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::*;

    #[test]
    fn packets_and_descriptors_arrive_together_and_the_end_is_seen() {
        let (a, b) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let file = tempfile::tempfile().unwrap();
        let long = FromHost::LoadFailed(fit("é".repeat(MAX_TEXT)));
        send(a.as_fd(), &long, &[file.as_fd()]).unwrap();
        send(a.as_fd(), &FromHost::Spawned { id: u64::MAX }, &[]).unwrap();
        drop(a);
        let (packet, beside) = receive::<FromHost>(b.as_fd()).unwrap().unwrap();
        assert_eq!((packet, beside.len()), (long, 1));
        let (packet, beside) = receive::<FromHost>(b.as_fd()).unwrap().unwrap();
        assert_eq!((packet, beside.len()), (FromHost::Spawned { id: u64::MAX }, 0));
        assert!(receive::<FromHost>(b.as_fd()).unwrap().is_none());
    }
}
