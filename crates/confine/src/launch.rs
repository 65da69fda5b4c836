//! The pool's side of one host process: starting it, asking it for workers, learning of ends.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use std::os::unix::process::CommandExt;

use rustix::fs::MemfdFlags;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::control::{self, FromHost, ToHost};
use crate::exchange::Worker;
use crate::{PoolConfig, StartError, WorkerExit, log};

/// How long a fork may take before the host counts as hung and is killed.
const SPAWN_TIMEOUT: Duration = Duration::from_secs(10);

/// A host process and the workers nobody uses. Dropping it kills all of them.
pub(crate) struct Host {
    /// Counts the loads of a pool, from 1.
    pub(crate) generation: u64,
    /// Which bytes it was loaded from: counts them, from 1. A restart loads the same.
    pub(crate) load: u64,
    link: Arc<Link>,
    /// `None` once a newer generation has taken over: workers do not come back then.
    idle: Mutex<Option<Vec<Worker>>>,
}

/// What the task that listens to the host shares with it.
struct Link {
    control: UnixStream,
    pidfd: OwnedFd,
    state: Mutex<State>,
    dead: watch::Sender<bool>,
}

/// Who waits for what. Bounded by the number of workers.
#[derive(Default)]
struct State {
    next_id: u64,
    spawning: HashMap<u64, oneshot::Sender<Result<Worker, String>>>,
    exits: HashMap<u64, oneshot::Sender<WorkerExit>>,
}

impl Host {
    /// Executes a host, lets it load, and forks all workers.
    pub(crate) async fn start(
        config: &PoolConfig,
        init: &[u8],
        generation: u64,
        load: u64,
    ) -> Result<Arc<Self>, StartError> {
        let execute = |error: io::Error| StartError::Execute(error.to_string());
        let (ours, theirs) = control_pair().map_err(execute)?;
        let pidfd = execute_host(config, theirs).await?;
        let start = ToHost::Start { memory_bytes: config.limits.memory_bytes, open_files: config.limits.open_files };
        // Sentences, not a stream; but this type waits for a socket of either kind.
        let control = UnixStream::from_std(ours.into()).map_err(execute)?;
        let link = Arc::new(Link { control, pidfd, state: Mutex::default(), dead: watch::Sender::new(false) });
        let host = Arc::new(Self { generation, load, link, idle: Mutex::new(Some(Vec::new())) });
        let file = init_file(init).map_err(execute)?;
        let loading = async {
            host.link.say(&start, Some(&file)).await.map_err(|_| StartError::Died)?;
            match host.link.listen().await {
                Ok(Some((FromHost::Loaded, _))) => Ok(()),
                Ok(Some((FromHost::LoadFailed(text), _))) => Err(StartError::Load(text)),
                _ => Err(StartError::Died),
            }
        };
        timeout(config.start_timeout, loading).await.unwrap_or(Err(StartError::Timeout))?;
        tokio::spawn(listen(Arc::clone(&host.link)));
        for _ in 0..config.workers {
            let worker = host.spawn().await.map_err(StartError::Fork)?;
            host.give_back(worker);
        }
        Ok(host)
    }

    /// Whether the process is gone. Its workers are then gone or dying.
    pub(crate) fn is_dead(&self) -> bool {
        *self.link.dead.borrow()
    }

    /// To wait for its end.
    pub(crate) fn death(&self) -> watch::Receiver<bool> {
        self.link.dead.subscribe()
    }

    /// A worker that nobody uses and that has not ended.
    pub(crate) fn take_idle(&self) -> Option<Worker> {
        let mut idle = lock(&self.idle);
        let idle = idle.as_mut()?;
        while let Some(mut worker) = idle.pop() {
            if !worker.has_ended() {
                return Some(worker);
            }
        }
        None
    }

    /// Keeps a worker for the next message, unless this generation is over.
    pub(crate) fn give_back(&self, worker: Worker) {
        if let Some(idle) = lock(&self.idle).as_mut() {
            idle.push(worker);
        }
    }

    /// Ends idle workers and takes none back. The host goes with the last message it works on.
    pub(crate) fn retire(&self) {
        lock(&self.idle).take();
    }

    /// Kills it and all its workers.
    pub(crate) fn end(&self) {
        self.retire();
        self.link.kill();
    }

    /// Has a worker forked.
    pub(crate) async fn spawn(&self) -> Result<Worker, String> {
        let (tell, told) = oneshot::channel();
        let id = {
            let mut state = lock(&self.link.state);
            if self.is_dead() {
                return Err("the worker host ended".into());
            }
            let id = state.next_id;
            state.next_id += 1;
            state.spawning.insert(id, tell);
            id
        };
        let asked = async {
            self.link.say(&ToHost::Spawn { id }, None).await.map_err(|error| error.to_string())?;
            told.await.unwrap_or_else(|_| Err("the worker host ended".into()))
        };
        match timeout(SPAWN_TIMEOUT, asked).await {
            Ok(result) => result,
            Err(_) => {
                self.link.kill();
                Err("the worker host hangs".into())
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.link.kill();
    }
}

impl Link {
    fn kill(&self) {
        // Fails only if the process is gone. Its workers die with it.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Says something, with perhaps a file beside it.
    async fn say(&self, packet: &ToHost, beside: Option<&File>) -> io::Result<()> {
        let beside = beside.map(AsFd::as_fd);
        let send = || control::send(self.control.as_fd(), packet, beside.as_slice());
        self.control.async_io(Interest::WRITABLE, send).await
    }

    /// The next packet; `None` when the host is gone.
    async fn listen(&self) -> io::Result<Option<(FromHost, Vec<OwnedFd>)>> {
        self.control.async_io(Interest::READABLE, || control::receive(self.control.as_fd())).await
    }

    /// Acts on a packet. An error means that the host is not to be trusted any more.
    fn heard(&self, packet: FromHost, beside: Vec<OwnedFd>) -> Result<(), &'static str> {
        match packet {
            FromHost::Spawned { id } => {
                let mut state = lock(&self.state);
                let waiting = state.spawning.remove(&id).ok_or("a worker nobody asked for")?;
                let Ok([socket, pidfd]) = <[OwnedFd; 2]>::try_from(beside) else {
                    return Err("a worker without its descriptors");
                };
                let (ended, exit) = oneshot::channel();
                state.exits.insert(id, ended);
                drop(state);
                // If nobody waits any more, the worker is dropped, and so killed.
                let _ = waiting.send(Worker::new(socket, pidfd, exit).map_err(|error| error.to_string()));
                Ok(())
            }
            FromHost::SpawnFailed { id, why } => {
                let waiting = lock(&self.state).spawning.remove(&id).ok_or("a failure nobody asked for")?;
                let _ = waiting.send(Err(why));
                Ok(())
            }
            FromHost::Exited { id, exit } => {
                let ended = lock(&self.state).exits.remove(&id).ok_or("the end of an unknown worker")?;
                let _ = ended.send(exit);
                Ok(())
            }
            FromHost::Loaded | FromHost::LoadFailed(_) => Err("loaded twice"),
        }
    }
}

/// Listens until the host is gone, then tells everybody who waits.
async fn listen(link: Arc<Link>) {
    while let Ok(Some((packet, beside))) = link.listen().await {
        if let Err(text) = link.heard(packet, beside) {
            tracing::error!("worker host: {text}");
            break;
        }
    }
    link.kill();
    let mut state = lock(&link.state);
    link.dead.send_replace(true);
    state.spawning.clear();
    state.exits.clear();
}

/// The control sockets; ours does not block.
fn control_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    Ok((ours, theirs))
}

/// The bytes for [`crate::Job::load`] as a file in memory.
fn init_file(init: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("worker-init", MemfdFlags::CLOEXEC)?);
    file.write_all(init)?;
    file.rewind()?;
    Ok(file)
}

/// Executes the program on a thread of its own, which then forwards the log and reaps the host.
/// It must be that thread: a process's death signal comes when the thread that started it ends,
/// and the runtime's threads come and go.
async fn execute_host(config: &PoolConfig, control: OwnedFd) -> Result<OwnedFd, StartError> {
    let mut command = Command::new(&config.program);
    command.args(&config.args).env_clear().current_dir("/").process_group(0);
    command.stdin(Stdio::from(control)).stdout(Stdio::null()).stderr(Stdio::piped());
    let (tell, told) = oneshot::channel();
    let run = move || {
        let started = command.spawn();
        // It holds our copy of the host's end: while it is open, the host's end is not seen.
        drop(command);
        let mut child = match started {
            Ok(child) => child,
            Err(error) => return drop(tell.send(Err(error.to_string()))),
        };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pidfd = pid.ok_or(rustix::io::Errno::SRCH).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()));
        if pidfd.is_err() {
            let _ = child.kill();
        }
        let _ = tell.send(pidfd.map_err(|error| error.to_string()));
        if let Some(stderr) = child.stderr.take() {
            log::forward(stderr, |line| tracing::warn!(line, "scan worker"));
        }
        let _ = child.wait();
    };
    let thread = std::thread::Builder::new().name("scan-host".into()).spawn(run);
    thread.map_err(|error| StartError::Execute(error.to_string()))?;
    told.await.unwrap_or_else(|_| Err("its thread ended".into())).map_err(StartError::Execute)
}

/// Locks; what a panic left half done is still consistent here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
