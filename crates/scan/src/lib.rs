//! One message's examination: walk, unpack, run every engine, report.
//!
//! [`start`] walks everything that is in the message and gives its [`Evidence`], or, when engines
//! outside are to be asked, their questions and what is needed to go on; [`resume`] folds their
//! answers in. [`rebuild`] makes archives anew without some of their members and examines what it
//! made.
//!
//! Pure: the same bytes, engines, context and answers give the same evidence, or a time limit among
//! its findings. Nothing here ends the process: what an engine or a decoder panics about becomes
//! `Unable(crashed)`.
//!
//! What is looked at by whom: every engine sees every leaf. A message or multipart has no content of
//! its own beside its parts: its header, and what stands around its parts, is shown to no engine but
//! the lists of hashes, which look at whole messages too; it counts as examined. What merely looks
//! like a message (a file, a member of an archive, a root without a proper header) is shown to all.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]
#![forbid(unsafe_code)]

mod blob;
mod context;
mod engines;
mod exam;
#[doc(hidden)]
pub mod fuzzing;
mod gallery;
mod look;
pub mod protocol;
mod rebuild;
mod spam;
mod table;
mod walk;

pub use ::engines::spam::{Row as SpamSign, all as spam_signs};
pub use ::engines::{Detection, LoadProblem, ObjectEngine, ObjectView};
pub use context::{Context, Input};
pub use engines::{EngineSpec, Engines, Secrets};
pub use exam::{Step, Suspended, opening_questions, resume, start};
pub use mail::evidence::Evidence;
pub use rebuild::{RebuildRequest, Rebuilt, Removal, rebuild};
pub use spam::{Pictures, SpamContext, sign_name};
pub use unpack::{Limits, StopFlag};
