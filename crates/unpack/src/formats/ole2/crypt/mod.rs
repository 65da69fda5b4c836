//! Encryption of office documents (MS-OFFCRYPTO): what the old formats do inside their streams, and
//! the encrypted package that the new formats become.
//!
//! Passwords are tried in order; each try is counted as work. Before them come those that the programs
//! themselves use when nobody gave one. Limits: [`MAX_SPIN`], and the budget.

mod package;
mod rc4;
mod xor;

use mail::evidence::PasswordSource;

use crate::budget::{Budget, Limit};
pub(crate) use package::encrypted_package;
pub(crate) use rc4::Legacy;
pub(crate) use xor::Xor;

/// How often a password may be hashed over before it is compared. Office writes 100,000; the format
/// allows five times this, and such a file stays closed.
const MAX_SPIN: u32 = 2_000_000;
/// The passwords with which Excel and PowerPoint open what was encrypted without one.
const BUILT_IN: [&str; 2] = ["VelvetSweatshop", "/01Hannes Ruescher/01"];

/// Why something stays closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Closed {
    /// No password fits, or the way is not known here.
    Encrypted,
    /// What says how it is encrypted makes no sense.
    Damaged,
    /// A limit was reached.
    Limit(Limit),
}

impl From<Limit> for Closed {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

impl From<Closed> for mail::evidence::UnscannedReason {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Encrypted => Self::Encrypted,
            Closed::Damaged => Self::Damaged,
            Closed::Limit(limit) => limit.into(),
        }
    }
}

/// Tries passwords, each of which costs `fuel`, until `fits` gives something.
pub(crate) fn attempt<T>(
    budget: &mut Budget,
    fuel: u64,
    fits: impl Fn(&str) -> Option<T>,
) -> Result<(T, PasswordSource), Closed> {
    let passwords = budget.passwords();
    let built_in = BUILT_IN.into_iter().map(|password| (password, PasswordSource::Empty));
    for (password, source) in built_in.chain(passwords.iter()) {
        if !budget.may_try(fuel) {
            break;
        }
        if let Some(found) = fits(password) {
            return Ok((found, source));
        }
    }
    Err(Closed::Encrypted)
}

/// A password as the hashes want it.
fn wide(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
