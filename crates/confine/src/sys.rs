//! The system calls that have no safe wrapper elsewhere: fork, signals, timer, mapping, Landlock.
//!
//! This is the only file of the program with unsafe code. Each block says why it is sound.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libc::c_int;
use rustix::process::Pid;

use crate::failure::MEMORY_EXIT;

/// The flag that the alarm sets; one for each worker process.
static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Which side of a fork this is.
pub(crate) enum Forked {
    /// The old process, with the new one's id.
    Parent(Pid),
    /// The new process.
    Child,
}

/// Forks. Refused when the process has more than one thread.
pub(crate) fn fork() -> io::Result<Forked> {
    let threads = std::fs::read_dir("/proc/self/task")?.take(2).count();
    if threads != 1 {
        return Err(io::Error::other("the job left threads behind; a process with threads cannot fork"));
    }
    // SAFETY: there is no other thread that could hold a lock or be in the middle of a change, so
    // the child may run any code; nothing is shared with the parent but descriptors.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Pid::from_raw(pid).map(Forked::Parent).ok_or_else(|| io::Error::other("fork gave no process id")),
    }
}

/// Ends the process at once: no destructor, no exit handler, which belong to the host.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` takes any value, touches no memory of ours and does not return.
    unsafe { libc::_exit(code) }
}

/// Closes every descriptor from `first` on. Only for a process that holds no owned descriptor
/// there which it would use or close later.
pub(crate) fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: the call touches no memory. Its callers are the start of the host, where nothing of
    // ours is open yet, and a fresh worker, which never returns to code that owns a descriptor.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Installs a handler or disposition.
fn set_signal(signal: c_int, action: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: an all-zero `sigaction` is a valid value of this plain C struct.
    let mut new: libc::sigaction = unsafe { std::mem::zeroed() };
    new.sa_sigaction = action;
    new.sa_flags = libc::SA_RESTART;
    // SAFETY: `new` is initialised and lives through the call; the old action is not asked for.
    // Handlers passed here (`on_alarm`, `on_abort`) do only what is allowed in a handler.
    let result = unsafe { libc::sigaction(signal, &raw const new, std::ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Ignores the signals that end a service. They are sent to every process of it, but workers
/// must last until the daemon has finished its messages; it ends them itself.
pub(crate) fn ignore_end_signals() -> io::Result<()> {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGPIPE] {
        set_signal(signal, libc::SIG_IGN)?;
    }
    Ok(())
}

/// Sets up a worker's signals: the alarm sets `stop`, an abort for lack of memory becomes
/// [`MEMORY_EXIT`], and memory faults end the process at once.
pub(crate) fn install_worker_signals(stop: &Arc<AtomicBool>) -> io::Result<()> {
    STOP.set(Arc::clone(stop)).map_err(|_| io::Error::other("worker signals are installed already"))?;
    let alarm: extern "C" fn(c_int) = on_alarm;
    let abort: extern "C" fn(c_int) = on_abort;
    set_signal(libc::SIGALRM, alarm as libc::sighandler_t)?;
    set_signal(libc::SIGABRT, abort as libc::sighandler_t)?;
    for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGXCPU] {
        set_signal(signal, libc::SIG_DFL)?;
    }
    Ok(())
}

/// Handler of `SIGALRM`. Only atomic operations: allowed in a handler.
extern "C" fn on_alarm(_: c_int) {
    if let Some(stop) = STOP.get() {
        stop.store(true, Ordering::Relaxed);
    }
}

/// Handler of `SIGABRT`. Rust aborts when an allocation fails, and the allocator has then left
/// `ENOMEM`; nothing that succeeds after that changes it. Otherwise `abort` goes on to end us.
extern "C" fn on_abort(_: c_int) {
    // SAFETY: the pointer is this thread's `errno`, always valid; `_exit` is allowed in a handler.
    unsafe {
        if *libc::__errno_location() == libc::ENOMEM {
            libc::_exit(MEMORY_EXIT);
        }
    }
}

/// Sends `SIGALRM` once after this time; zero takes back what was set.
pub(crate) fn set_alarm(after: Duration) {
    let zero = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let value = libc::timeval {
        tv_sec: libc::time_t::try_from(after.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_usec: libc::suseconds_t::from(after.subsec_micros()),
    };
    let timer = libc::itimerval { it_interval: zero, it_value: value };
    // SAFETY: `timer` is initialised and lives through the call; the old value is not asked for.
    // It can fail only for values out of range, which these are not.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
}

/// Processor time that this process has used, in whole seconds.
pub(crate) fn cpu_seconds_used() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid place for the result.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut now) };
    u64::try_from(now.tv_sec).unwrap_or(0)
}

/// The version of Landlock that the kernel has; 0 if it has none.
pub(crate) fn landlock_version() -> u32 {
    const ASK_VERSION: libc::c_long = 1;
    let nothing = std::ptr::null::<libc::c_void>();
    // SAFETY: with this flag the call takes no ruleset and only gives a number.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0usize, ASK_VERSION) };
    u32::try_from(version).unwrap_or(0)
}

/// What a Landlock ruleset governs (linux/landlock.h). Older kernels know only the first fields.
#[repr(C)]
struct LandlockRuleset {
    files: u64,
    network: u64,
    scoped: u64,
}

/// Takes from this process, for ever, whatever the kernel's Landlock can: opening, making,
/// executing and changing files, TCP, and, in newer versions, abstract sockets of and signals to
/// other processes. What is open stays open. Needs `no_new_privs`. Does nothing on a kernel
/// without Landlock.
pub(crate) fn landlock_everything() -> io::Result<()> {
    let version = landlock_version();
    let (file_rights, length) = match version {
        0 => return Ok(()),
        1 => (13, 8),
        2 => (14, 8),
        3 => (15, 8),
        4 => (15, 16),
        5 => (16, 16),
        _ => (16, 24),
    };
    let all = |rights: u32| (1u64 << rights) - 1;
    let ruleset = LandlockRuleset { files: all(file_rights), network: all(2), scoped: all(2) };
    // SAFETY: `ruleset` is readable for `length` bytes, at most its own size, and lives through
    // the call.
    let rules = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const ruleset, length as usize, 0) };
    let rules = c_int::try_from(rules).ok().filter(|&rules| rules >= 0).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    let rules = unsafe { OwnedFd::from_raw_fd(rules) };
    // SAFETY: the call takes numbers only.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The start of a file in memory, read-only and private.
pub(crate) struct Mapping {
    address: *mut libc::c_void,
    length: usize,
}

impl Mapping {
    /// Maps the first `length` bytes. Whoever owns the file must not shorten it meanwhile.
    pub(crate) fn new(file: BorrowedFd<'_>, length: usize) -> io::Result<Self> {
        if length == 0 {
            return Ok(Self { address: std::ptr::null_mut(), length });
        }
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        // SAFETY: the kernel chooses a free address, so no existing memory is replaced.
        let address = unsafe { mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, file, 0)? };
        Ok(Self { address, length })
    }

    /// The bytes. A page that the file lost meanwhile would end the process (SIGBUS), not give
    /// other memory.
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: `address` is the start of `length` readable bytes that stay mapped as long as
        // `self` lives. Nobody writes them: the daemon finished the file before it sent it.
        unsafe { std::slice::from_raw_parts(self.address.cast::<u8>(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.length != 0 {
            // SAFETY: exactly the range that `new` mapped; `bytes` borrows from `self`, so no
            // reference into it is left. A failure would only leave it mapped.
            let _ = unsafe { rustix::mm::munmap(self.address, self.length) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_mapping_shows_the_stated_part_of_a_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        assert_eq!(Mapping::new(file.as_fd(), 4).unwrap().bytes(), b"0123");
        assert_eq!(Mapping::new(file.as_fd(), 0).unwrap().bytes(), b"");
    }

    #[test]
    fn a_process_with_threads_does_not_fork() {
        let (send, receive) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || receive.recv().is_err());
        assert!(fork().is_err());
        drop(send);
        assert!(thread.join().unwrap());
    }

    /// The second line behind the filter of system calls, shown without the first.
    #[test]
    fn landlock_takes_files_and_tcp_from_a_process() {
        if landlock_version() == 0 {
            eprintln!("this kernel has no Landlock; nothing to test");
            return;
        }
        // SAFETY: between fork and `_exit` the child makes system calls only; it allocates nothing.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let denied =
                |result: c_int| result == -1 && io::Error::last_os_error().raw_os_error() == Some(libc::EACCES);
            let ready = rustix::thread::set_no_new_privs(true).is_ok() && landlock_everything().is_ok();
            // SAFETY: the path is a constant that ends in NUL.
            let file = unsafe { libc::open(c"/etc/passwd".as_ptr(), libc::O_RDONLY) };
            let no_file = denied(file);
            // SAFETY: as above.
            let no_folder = denied(unsafe { libc::open(c"/".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY) });
            exit_now(c_int::from(ready) + 2 * c_int::from(no_file) + 4 * c_int::from(no_folder));
        }
        let child = Pid::from_raw(child).expect("a child");
        let status = rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty());
        let code = status.expect("a status").and_then(|(_, status)| status.exit_status());
        assert_eq!(code, Some(7));
    }
}
