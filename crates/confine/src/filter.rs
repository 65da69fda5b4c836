//! The system calls that a worker may make (seccomp).
//!
//! Three lists. What computing and answering need is allowed, some of it only with harmless
//! arguments. What only somebody who took a worker over would want (files, programs, sockets,
//! other processes) ends the worker with SIGSYS, so that an attempt is seen, counted and logged.
//! Whatever else there is fails with EPERM: a library that asks for some nicety goes on without.
//!
//! Needs `no_new_privs`. Kernels without seccomp do not start workers: every Linux that Mailward
//! supports has it.

use std::collections::BTreeMap;
use std::io;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// Allowed with any arguments. None opens, names or creates anything outside the process; the
/// descriptors that a worker has are its socket and its log.
const ALLOWED: &[c_long] = &[
    // The socket, the log, and a body on its way in.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_shutdown,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    // Memory. Making it executable is below.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_setitimer,
    libc::SYS_getrandom,
    // The process itself: signals, waiting, the end.
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// End the worker: nobody wants these but an intruder.
const FATAL: &[c_long] = &[
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_memfd_create,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_mount,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
];

/// The older names of fatal calls, which newer architectures no longer have.
#[cfg(target_arch = "x86_64")]
const FATAL_OLD: &[c_long] = &[
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_mkdir,
    libc::SYS_mknod,
];
#[cfg(not(target_arch = "x86_64"))]
const FATAL_OLD: &[c_long] = &[];

/// Puts the filters on this process, for ever.
pub(crate) fn install() -> io::Result<()> {
    // The kernel obeys the strictest of several filters: EPERM is stricter than "allow", and ending
    // the process is stricter than EPERM.
    for program in [fatal()?, allowed()?] {
        seccompiler::apply_filter(&program).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Ends the process at the fatal calls.
fn fatal() -> io::Result<BpfProgram> {
    let calls = FATAL.iter().chain(FATAL_OLD).map(|call| (*call, Vec::new())).collect();
    compile(calls, SeccompAction::Allow, SeccompAction::KillProcess)
}

/// Lets the allowed calls pass and nothing else but the fatal ones, which the other filter has.
fn allowed() -> io::Result<BpfProgram> {
    let mut calls: BTreeMap<c_long, Vec<SeccompRule>> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    // W^X: nothing that was written ever runs.
    calls.insert(libc::SYS_mmap, vec![rule(2, without(libc::PROT_EXEC))?]);
    calls.insert(libc::SYS_mprotect, vec![rule(2, without(libc::PROT_EXEC))?]);
    // Our own limits, and ourselves as the receiver of our own abort.
    calls.insert(libc::SYS_prlimit64, vec![rule(0, equal(0))?]);
    calls.insert(libc::SYS_tgkill, vec![rule(0, equal(std::process::id()))?]);
    // Copies of a descriptor, and what one is.
    let commands = [libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_GETFL];
    let commands: Result<_, _> = commands.into_iter().map(|command| rule(1, equal(command.unsigned_abs()))).collect();
    calls.insert(libc::SYS_fcntl, commands?);
    // Whether it is still what it was made: questions only.
    let questions = [libc::PR_GET_DUMPABLE, libc::PR_GET_NO_NEW_PRIVS, libc::PR_GET_SECCOMP];
    let questions: Result<_, _> = questions.into_iter().map(|ask| rule(0, equal(ask.unsigned_abs()))).collect();
    calls.insert(libc::SYS_prctl, questions?);
    compile(calls, SeccompAction::Errno(libc::EPERM.unsigned_abs()), SeccompAction::Allow)
}

/// A comparison of an argument's lower half, and its value.
type Test = (SeccompCmpOp, u64);

/// None of these bits.
fn without(bits: i32) -> Test {
    (SeccompCmpOp::MaskedEq(u64::from(bits.unsigned_abs())), 0)
}

/// This value.
fn equal(value: u32) -> Test {
    (SeccompCmpOp::Eq, u64::from(value))
}

/// A rule about one argument, counted from 0.
fn rule(argument: u8, (operator, value): Test) -> io::Result<SeccompRule> {
    let condition =
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).map_err(io::Error::other)?;
    SeccompRule::new(vec![condition]).map_err(io::Error::other)
}

/// A filter as the kernel takes it.
fn compile(
    calls: BTreeMap<c_long, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> io::Result<BpfProgram> {
    let architecture = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter = SeccompFilter::new(calls, otherwise, matched, architecture).map_err(io::Error::other)?;
    filter.try_into().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_both_allowed_and_fatal() {
        for call in FATAL.iter().chain(FATAL_OLD) {
            assert!(!ALLOWED.contains(call), "{call}");
        }
    }

    #[test]
    fn both_filters_compile() {
        assert!(!fatal().unwrap().is_empty() && !allowed().unwrap().is_empty());
    }
}
