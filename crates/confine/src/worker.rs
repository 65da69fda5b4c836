//! A worker: a forked process that takes message after message until its socket closes.
//!
//! Its descriptors are 0, the socket to the pool; 1, nothing; 2, the host's log. It never opens
//! more than its limit, never grows a file, dumps no core, gains no rights, cannot be traced by
//! others of its user, and does not outlive the host. A filter of system calls leaves it what it
//! needs to compute and to answer; beside it, where the kernel has Landlock, it opens, changes and
//! executes no file, and uses no TCP.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{DumpableBehavior, Pid, Resource, Rlimit, Signal};

use crate::failure::PANIC_EXIT;
use crate::frame::{self, BodyKind, REQUEST_HEADER, RequestHeader};
use crate::{Job, control, filter, sys};

/// What is read at once where nothing is known yet, and the room that is kept between messages.
const FIRST_READ: usize = 64 << 10;

/// A worker gives memory back when a message made its buffer larger than this.
const KEEP_BUFFER: usize = 1 << 20;

/// Largest stack, in bytes; nothing in a job recurses on what a sender wrote.
const STACK_BYTES: u64 = 8 << 20;

/// How much likelier than others a worker is chosen when the machine runs out of memory.
const OOM_SCORE: &str = "800";

/// What a worker itself needs: the standard three, its socket, a body on its way in, and room.
const MIN_OPEN_FILES: u32 = 8;

/// The exit code for a setup or socket that failed.
const BROKEN_EXIT: i32 = 70;

/// What a worker is given besides its socket.
pub(crate) struct Setup {
    /// The host, which must be our parent.
    pub(crate) host: Pid,
    /// See [`crate::Limits::memory_bytes`].
    pub(crate) memory_bytes: u64,
    /// See [`crate::Limits::open_files`].
    pub(crate) open_files: u32,
}

/// The life of a worker, from just after the fork. Never returns to the host's code.
pub(crate) fn main<J: Job>(job: &mut J, socket: &OwnedFd, setup: &Setup) -> ! {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let stop = Arc::new(AtomicBool::new(false));
        confine(socket, setup, &stop)?;
        serve(job, &stop)
    }));
    let code = match result {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            let _ = writeln!(io::stderr(), "worker: {error}");
            BROKEN_EXIT
        }
        Err(_) => PANIC_EXIT,
    };
    sys::exit_now(code)
}

/// Puts on every limit.
fn confine(socket: &OwnedFd, setup: &Setup, stop: &Arc<AtomicBool>) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The host may have gone before the line above.
    if rustix::process::getppid() != Some(setup.host) {
        return Err(io::Error::other("the host is gone"));
    }
    rustix::stdio::dup2_stdin(socket)?;
    sys::close_from(3)?;
    // A group of its own, so that the host can end what a worker might have forked.
    rustix::process::setpgid(None, None)?;
    let _ = rustix::thread::set_name(c"scan-worker");
    // Not possible everywhere (a container without /proc); the limits below do not depend on it.
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    let mapped = mapped_bytes()?;
    sys::install_worker_signals(stop)?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let limits = [
        (Resource::Core, 0),
        // No file can grow, memfds included: what a worker keeps is in its own address space.
        (Resource::Fsize, 0),
        (Resource::Nofile, u64::from(setup.open_files.max(MIN_OPEN_FILES))),
        // Not enforced for root.
        (Resource::Nproc, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        (Resource::Stack, STACK_BYTES),
        (Resource::As, mapped.saturating_add(setup.memory_bytes)),
    ];
    for (resource, value) in limits {
        limit(resource, value)?;
    }
    sys::landlock_everything()?;
    filter::install()
}

/// Sets a limit that cannot be raised again.
fn limit(resource: Resource, value: u64) -> io::Result<()> {
    let hard = rustix::process::getrlimit(resource).maximum;
    let value = hard.map_or(value, |hard| hard.min(value));
    Ok(rustix::process::setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?)
}

/// The address space in use, which is what the host loaded.
fn mapped_bytes() -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages = text.split(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    let pages = pages.ok_or_else(|| io::Error::other("/proc/self/statm is unreadable"))?;
    Ok(pages.saturating_mul(rustix::param::page_size() as u64))
}

/// Takes messages until the socket closes.
fn serve<J: Job>(job: &mut J, stop: &Arc<AtomicBool>) -> io::Result<()> {
    let stdin = io::stdin();
    let socket = UnixStream::from(stdin.as_fd().try_clone_to_owned()?);
    let mut buffer = Vec::new();
    let mut cpu_limit = 0;
    while let Some(message) = receive(socket.as_fd(), &mut buffer)? {
        let header = message.header;
        let rest = buffer.get(REQUEST_HEADER..message.total).unwrap_or_default();
        let (request, inline) = rest.split_at_checked(message.request_len).ok_or(io::ErrorKind::InvalidData)?;
        let body = match &message.mapping {
            Some(mapping) => mapping.bytes(),
            None => inline,
        };
        limit_cpu(header.cpu_seconds, &mut cpu_limit)?;
        stop.store(false, Ordering::Relaxed);
        sys::set_alarm(Duration::from_millis(u64::from(header.soft_ms.max(1))));
        let reply = catch_unwind(AssertUnwindSafe(|| job.run(request, body, stop)));
        sys::set_alarm(Duration::ZERO);
        // A job that panicked may be half changed; the next message gets a fresh worker.
        let Ok(reply) = reply else { sys::exit_now(PANIC_EXIT) };
        drop(message);
        let mut socket = &socket;
        socket.write_all(&frame::encode_reply(header.sequence, &reply))?;
        for blob in &reply.blobs {
            socket.write_all(blob)?;
        }
        if buffer.capacity() > KEEP_BUFFER {
            buffer = Vec::new();
        }
    }
    Ok(())
}

/// One message: its header, the length of its request, and the body if it is a file. The request
/// and an inline body stand in the buffer after the header.
struct Message {
    header: RequestHeader,
    request_len: usize,
    /// Where the message ends in the buffer.
    total: usize,
    mapping: Option<sys::Mapping>,
}

/// Waits for the next message; `None` when the pool closed the socket.
fn receive(socket: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> io::Result<Option<Message>> {
    grow(buffer, FIRST_READ);
    let (mut got, mut beside) = control::receive_with(socket, buffer)?;
    if got == 0 {
        return Ok(None);
    }
    while got < REQUEST_HEADER {
        got += read_some(socket, buffer, got)?;
    }
    let header = buffer.first_chunk().and_then(RequestHeader::decode).ok_or(io::ErrorKind::InvalidData)?;
    let inline = if header.kind == BodyKind::Inline { header.body_len } else { 0 };
    let total = (REQUEST_HEADER as u64).saturating_add(header.request_len).saturating_add(inline);
    let total = usize::try_from(total).map_err(io::Error::other)?;
    // The pool states these lengths, not a sender; the memory limit holds anyway.
    grow(buffer, total);
    while got < total {
        got += read_some(socket, buffer.get_mut(..total).unwrap_or_default(), got)?;
    }
    let mapping = match header.kind {
        BodyKind::Inline => None,
        BodyKind::Descriptor => {
            let file = beside.pop().ok_or(io::ErrorKind::InvalidData)?;
            Some(sys::Mapping::new(file.as_fd(), usize::try_from(header.body_len).map_err(io::Error::other)?)?)
        }
    };
    let request_len = usize::try_from(header.request_len).map_err(io::Error::other)?;
    Ok(Some(Message { header, request_len, total, mapping }))
}

/// Makes the buffer at least this long. It never shrinks here: filling it with zeros for each
/// message would cost more than the message.
fn grow(buffer: &mut Vec<u8>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
}

/// Reads into the buffer from `at` on; the end of the stream is an error here.
fn read_some(socket: BorrowedFd<'_>, buffer: &mut [u8], at: usize) -> io::Result<usize> {
    let room = buffer.get_mut(at..).unwrap_or_default();
    match rustix::io::retry_on_intr(|| rustix::io::read(socket, &mut *room))? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        length => Ok(length),
    }
}

/// Lets this message use so many seconds more than was used so far. Reaching it ends the process.
fn limit_cpu(seconds: u32, set: &mut u64) -> io::Result<()> {
    let wanted = sys::cpu_seconds_used().saturating_add(u64::from(seconds)).saturating_add(1);
    if wanted != *set {
        // The hard limit stays: a lower one could not be raised for the next message.
        let maximum = rustix::process::getrlimit(Resource::Cpu).maximum;
        let current = Some(maximum.map_or(wanted, |maximum| maximum.min(wanted)));
        rustix::process::setrlimit(Resource::Cpu, Rlimit { current, maximum })?;
        *set = wanted;
    }
    Ok(())
}
