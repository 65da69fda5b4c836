//! Node configuration and policy files: one definition a setting.
//!
//! The structs in [`config`] and `judge::policy` are the only definition of each setting: name,
//! type, default and description. Reading, "did you mean", the JSON schemas, the reference pages,
//! the commented default file and `config show` all come from them.
#![forbid(unsafe_code)]

pub mod config;
#[doc(hidden)]
pub mod fuzzing;
pub mod values;

mod check;
mod client_check;
mod dkim_check;
mod environment;
mod explain;
mod external_check;
mod fields;
mod fragments;
mod policy;
mod policy_check;
mod problem;
mod read;
mod reference;
mod route_check;
mod schema;
mod secret;
mod show;
mod spam_check;
mod suggest;
mod tls_check;
mod tree;

pub use check::{MAX_LISTENERS, MAX_WORKERS};
pub use config::Config;
pub use environment::check_environment;
pub use explain::{Explained, explain_policy, explain_rule};
pub use policy::{Change, LoadedPolicy, diff, parse_policy, policy_to_toml};
pub use policy_check::check_policy;
pub use problem::{MAX_PROBLEMS, Problem, Problems, Severity};
pub use read::{Loaded, Source, read_file};
pub use reference::{config_with_docs, reference_config, reference_policy};
pub use route_check::{MAX_HOPS, MAX_ROUTES, NEXT_HOP};
pub use schema::{schema_config, schema_policy};
pub use secret::{is_seen, secret_file};
pub use show::{What, show};
pub use spam_check::check_signs;
pub use tree::MAX_FILE;
