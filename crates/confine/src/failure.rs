//! What can go wrong: at the start of a pool, and with one message.

use std::fmt;

use mail::evidence::{EngineId, Unable, UnableWhy};
use serde::{Deserialize, Serialize};

/// The exit code of a worker that reached its memory limit.
pub(crate) const MEMORY_EXIT: i32 = 86;

/// The exit code of a worker whose job panicked, as for any Rust program.
pub(crate) const PANIC_EXIT: i32 = 101;

/// How a worker's process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum WorkerExit {
    /// It was ended by this signal.
    Signal(i32),
    /// It ended by itself with this code; 101 is a panic.
    Code(i32),
    /// It closed its socket and nobody could say more.
    Unknown,
}

impl fmt::Display for WorkerExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(libc::SIGSYS) => f.write_str("a system call that no scan worker makes (signal SIGSYS)"),
            Self::Signal(number) => write!(f, "signal {number}"),
            Self::Code(PANIC_EXIT) => f.write_str("panic"),
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Unknown => f.write_str("closed its socket"),
        }
    }
}

/// Why there is no reply for a message. It says nothing about the message being clean.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The deadline, or the limit on processor time, was reached; the worker was killed.
    Deadline,
    /// The worker ended unexpectedly.
    Crashed(WorkerExit),
    /// The worker reached its memory limit.
    Memory,
    /// The worker answered something that is not a reply, or too much. The text is ours.
    Protocol(String),
    /// No worker became free before the deadline, or so late that there was too little time; or too many wait
    /// already.
    Overloaded,
    /// There are no workers to be had, for this reason; it is not the message's fault.
    Unavailable(String),
}

impl Failure {
    /// What happened to the process, from how it ended.
    pub(crate) fn from_exit(exit: WorkerExit) -> Self {
        match exit {
            WorkerExit::Code(MEMORY_EXIT) => Self::Memory,
            WorkerExit::Signal(libc::SIGXCPU) => Self::Deadline,
            other => Self::Crashed(other),
        }
    }

    /// Whether the message itself may be the cause: what the crash count by message hash counts.
    pub fn is_message_suspect(&self) -> bool {
        !matches!(self, Self::Overloaded | Self::Unavailable(_))
    }

    /// The same as evidence, for the engine that should have run.
    pub fn unable(&self, engine: EngineId) -> Unable {
        let why = match self {
            Self::Deadline => UnableWhy::Time,
            Self::Crashed(_) => UnableWhy::Crashed,
            Self::Memory => UnableWhy::Memory,
            Self::Protocol(_) => UnableWhy::BadAnswer,
            Self::Overloaded | Self::Unavailable(_) => UnableWhy::Unavailable,
        };
        Unable::new(engine, why, self.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("the scan worker reached its time limit"),
            Self::Crashed(exit) => write!(f, "the scan worker ended unexpectedly: {exit}"),
            Self::Memory => f.write_str("the scan worker reached its memory limit"),
            Self::Protocol(text) => write!(f, "the scan worker answered nonsense: {text}"),
            Self::Overloaded => f.write_str("no scan worker became free in time"),
            Self::Unavailable(text) => write!(f, "no scan worker: {text}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Why a pool, or a new generation of it, did not start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StartError {
    /// The program could not be executed, or a resource for it was missing.
    Execute(String),
    /// [`crate::Job::load`] failed with this text.
    Load(String),
    /// The host ended, or said nonsense, before it was ready; its log lines tell more.
    Died,
    /// The host was not ready in time.
    Timeout,
    /// The host was ready but could not fork.
    Fork(String),
    /// The pool is shutting down.
    Closed,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Execute(text) => write!(f, "cannot start the worker host: {text}"),
            Self::Load(text) => write!(f, "the worker host cannot load: {text}"),
            Self::Died => f.write_str("the worker host ended before it was ready"),
            Self::Timeout => f.write_str("the worker host was not ready in time"),
            Self::Fork(text) => write!(f, "the worker host cannot start a worker: {text}"),
            Self::Closed => f.write_str("the worker pool is shutting down"),
        }
    }
}

impl std::error::Error for StartError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_evidence_that_names_its_cause() {
        let cases = [
            (Failure::Deadline, UnableWhy::Time, true),
            (Failure::Crashed(WorkerExit::Signal(11)), UnableWhy::Crashed, true),
            (Failure::Memory, UnableWhy::Memory, true),
            (Failure::Protocol("x".into()), UnableWhy::BadAnswer, true),
            (Failure::Overloaded, UnableWhy::Unavailable, false),
            (Failure::Unavailable("x".into()), UnableWhy::Unavailable, false),
        ];
        for (failure, why, suspect) in cases {
            let unable = failure.unable(EngineId::Unpack);
            assert_eq!((unable.why, failure.is_message_suspect()), (why, suspect), "{failure}");
            assert!(!unable.detail.raw().is_empty());
        }
    }

    #[test]
    fn an_exit_is_sorted_by_its_cause() {
        assert_eq!(Failure::from_exit(WorkerExit::Code(MEMORY_EXIT)), Failure::Memory);
        assert_eq!(Failure::from_exit(WorkerExit::Signal(libc::SIGXCPU)), Failure::Deadline);
        let exit = WorkerExit::Signal(11);
        assert_eq!(Failure::from_exit(exit), Failure::Crashed(exit));
    }
}
