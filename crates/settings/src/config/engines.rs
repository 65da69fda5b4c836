//! Engines, the HTTP interface and the log.

use std::path::PathBuf;

use judge::units::{Bytes, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::{ClamdAddress, Listen, optional};

/// Engines that run in the workers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Engines {
    /// Files with hashes of known malware: a hash and a name a line.
    pub hash_lists: Vec<PathBuf>,
    /// YARA rules: files, or directories with `*.yar` and `*.yara` files.
    pub yara: Vec<PathBuf>,
    /// Files with passwords that are tried on encrypted archives and documents, one a line; at most 64 in
    /// all. What a message itself tells is tried first.
    pub password_files: Vec<PathBuf>,
    /// Use the rules that come with the program.
    pub builtin_rules: bool,
}

impl Default for Engines {
    fn default() -> Self {
        Self { hash_lists: Vec::new(), yara: Vec::new(), password_files: Vec::new(), builtin_rules: true }
    }
}

/// How content is handed to clamd.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClamdMethod {
    /// As an open file over a unix socket, as a stream over TCP.
    #[default]
    Auto,
    /// As an open file; needs a unix socket.
    Fildes,
    /// As a stream.
    Instream,
}

/// clamd.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Clamd {
    /// Where it listens: `unix:/run/clamav/clamd.ctl` or `127.0.0.1:3310`. Empty: it is not used.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub address: Option<ClamdAddress>,
    /// How content is handed over.
    pub method: ClamdMethod,
    /// How long one scan may take, from connecting to its answer; the deadline of the message
    /// counts if it comes first (D-23).
    pub timeout: Time,
    /// Most scans at once.
    pub connections: u32,
    /// The largest content that is handed over; what is larger counts as "could not look" (D-19).
    /// Keep it at or below clamd's own `StreamMaxLength` and `MaxFileSize`.
    pub max_size: Bytes,
}

impl Default for Clamd {
    fn default() -> Self {
        Self {
            address: None,
            method: ClamdMethod::default(),
            timeout: Time(30_000),
            connections: 8,
            max_size: Bytes(100_000_000),
        }
    }
}

impl Clamd {
    /// Whether content goes over as an open file.
    pub fn passes_files(&self) -> bool {
        match self.method {
            ClamdMethod::Fildes => true,
            ClamdMethod::Instream => false,
            ClamdMethod::Auto => matches!(self.address, Some(ClamdAddress::Unix(_))),
        }
    }
}

/// The HTTP interface.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// The address to listen on. Empty: there is no HTTP interface.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub listen: Option<Listen>,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: Some(Listen(([127, 0, 0, 1], 8025).into())) }
    }
}

/// The form of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
    /// To the systemd journal, each value a field of its own (`journalctl -o verbose`).
    Journal,
}

/// How much is logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// What does not work.
    Error,
    /// And what may soon not work.
    Warn,
    /// And one line a message.
    #[default]
    Info,
    /// And the steps of every session.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// The word for it in the configuration and the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The form of the log.
    pub format: LogFormat,
    /// How much is logged.
    pub level: LogLevel,
    /// Leave addresses, subjects and file names out of the log.
    pub redact: bool,
}
