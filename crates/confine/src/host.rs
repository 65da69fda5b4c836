//! The host: a single-threaded process that loads once and forks workers when told to.
//!
//! It polls its control socket and the process descriptors of its workers, and reports how each
//! ended. It never sees a message. It ends when the daemon closes the control socket or dies.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::catch_unwind;
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair, sockopt};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions, kill_process_group, pidfd_open, waitpid,
};

use crate::control::{self, FromHost, ToHost};
use crate::{Job, WorkerExit, sys, worker};

/// The exit code when somebody else than a pool starts us.
const USAGE_EXIT: u8 = 2;

/// The whole life of a host process, for `main` when the program was started as one. Standard
/// input must be the control socket that a [`crate::Pool`] makes; started by hand it says so and
/// fails. Nothing may have started a thread before.
pub fn host_main<J: Job>() -> ExitCode {
    if !started_by_pool() {
        eprintln!("this is started by the daemon, with its control socket as standard input");
        return ExitCode::from(USAGE_EXIT);
    }
    match serve::<J>() {
        // Rules and signatures are not taken apart piece by piece; the system frees them at once.
        Ok(()) => std::process::exit(0),
        Err(error) => {
            eprintln!("worker host: {error}");
            std::process::exit(1)
        }
    }
}

/// Whether standard input looks like a control socket.
fn started_by_pool() -> bool {
    let stdin = io::stdin();
    sockopt::socket_type(&stdin).is_ok_and(|kind| kind == SocketType::SEQPACKET)
        && sockopt::socket_domain(&stdin).is_ok_and(|domain| domain == AddressFamily::UNIX)
}

/// Loads, then forks and reaps until the pool is gone.
fn serve<J: Job>() -> io::Result<()> {
    // The thread that started us lives as long as we do, so its death is the daemon's.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    sys::close_from(3)?;
    sys::ignore_end_signals()?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    let _ = rustix::thread::set_name(c"scan-host");
    if sys::landlock_version() == 0 {
        eprintln!("this kernel has no Landlock: a worker that is taken over can open its user's files");
    }

    let control = io::stdin().as_fd().try_clone_to_owned()?;
    let Some((ToHost::Start { memory_bytes, open_files }, beside)) = control::receive(control.as_fd())? else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let mut init = Vec::new();
    for file in beside {
        std::fs::File::from(file).read_to_end(&mut init)?;
    }
    let job = match catch_unwind(|| J::load(&init)) {
        Ok(Ok(job)) => job,
        Ok(Err(text)) => return tell(&control, &FromHost::LoadFailed(control::fit(text))),
        Err(_) => return tell(&control, &FromHost::LoadFailed("the job panicked while loading".into())),
    };
    drop(init);
    tell(&control, &FromHost::Loaded)?;
    let setup = worker::Setup { host: rustix::process::getpid(), memory_bytes, open_files };
    Host { control, job, setup, workers: BTreeMap::new() }.run()
}

/// Says something without a descriptor.
fn tell(control: &OwnedFd, packet: &FromHost) -> io::Result<()> {
    control::send(control.as_fd(), packet, &[])
}

/// A forked worker.
struct Child {
    pid: Pid,
    pidfd: OwnedFd,
}

/// The host once it has loaded.
struct Host<J> {
    control: OwnedFd,
    job: J,
    setup: worker::Setup,
    workers: BTreeMap<u64, Child>,
}

impl<J: Job> Host<J> {
    fn run(&mut self) -> io::Result<()> {
        loop {
            let ended = self.wait()?;
            for id in ended.workers {
                self.reap(id)?;
            }
            if ended.control {
                match control::receive(self.control.as_fd())? {
                    Some((ToHost::Spawn { id }, _)) => self.spawn(id)?,
                    Some((ToHost::Start { .. }, _)) => return Err(io::ErrorKind::InvalidData.into()),
                    None => return Ok(()),
                }
            }
        }
    }

    /// Waits until the pool says something or a worker ends.
    fn wait(&self) -> io::Result<Events> {
        let wanted = |descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN);
        let mut polled: Vec<PollFd<'_>> = vec![wanted(self.control.as_fd())];
        polled.extend(self.workers.values().map(|child| wanted(child.pidfd.as_fd())));
        rustix::io::retry_on_intr(|| poll(&mut polled, None))?;
        let mut ready = polled.iter().map(|entry| !entry.revents().is_empty());
        let control = ready.next().unwrap_or(false);
        let workers = self.workers.keys().zip(ready).filter(|(_, ready)| *ready).map(|(id, _)| *id).collect();
        Ok(Events { control, workers })
    }

    /// Forks a worker and hands its descriptors to the pool.
    fn spawn(&mut self, id: u64) -> io::Result<()> {
        match self.fork() {
            Ok((ours, child)) => {
                let beside: [BorrowedFd<'_>; 2] = [ours.as_fd(), child.pidfd.as_fd()];
                control::send(self.control.as_fd(), &FromHost::Spawned { id }, &beside)?;
                self.workers.insert(id, child);
                Ok(())
            }
            Err(error) => tell(&self.control, &FromHost::SpawnFailed { id, why: control::fit(error.to_string()) }),
        }
    }

    fn fork(&mut self) -> io::Result<(OwnedFd, Child)> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        match sys::fork()? {
            sys::Forked::Child => worker::main(&mut self.job, &theirs, &self.setup),
            sys::Forked::Parent(pid) => {
                // Not reaped yet, so the id is still this child's.
                match pidfd_open(pid, PidfdFlags::empty()) {
                    Ok(pidfd) => Ok((ours, Child { pid, pidfd })),
                    Err(error) => {
                        let _ = rustix::process::kill_process(pid, Signal::KILL);
                        let _ = waitpid(Some(pid), WaitOptions::empty());
                        Err(error.into())
                    }
                }
            }
        }
    }

    /// Takes leave of a worker that ended, and of whatever it forked.
    fn reap(&mut self, id: u64) -> io::Result<()> {
        let Some(child) = self.workers.remove(&id) else { return Ok(()) };
        // The id is taken until `waitpid` below, so the group cannot be somebody else's.
        let _ = kill_process_group(child.pid, Signal::KILL);
        let exit = match waitpid(Some(child.pid), WaitOptions::empty())? {
            Some((_, status)) => match (status.terminating_signal(), status.exit_status()) {
                (Some(signal), _) => WorkerExit::Signal(signal),
                (None, Some(code)) => WorkerExit::Code(code),
                (None, None) => WorkerExit::Unknown,
            },
            None => WorkerExit::Unknown,
        };
        tell(&self.control, &FromHost::Exited { id, exit })
    }
}

/// What a wait gave.
struct Events {
    control: bool,
    workers: Vec<u64>,
}
