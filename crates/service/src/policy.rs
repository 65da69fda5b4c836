//! Where the policy in force comes from: its newest revision in the store, or a file that is then
//! the only source.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use judge::policy::Policy;
use settings::LoadedPolicy;
use store::{Store, StoreError};

use crate::id;

/// The policy in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The policy.
    pub policy: Arc<Policy>,
    /// Where it comes from, in words.
    pub origin: Origin,
}

impl InForce {
    /// Whether this is a later revision of the store than `other`.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        match (&self.origin, &other.origin) {
            (Origin::Revision(mine), Origin::Revision(its)) => mine > its,
            (Origin::Revision(_), Origin::Defaults) => true,
            _ => false,
        }
    }
}

/// Where a policy comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Nobody set one yet: the defaults.
    Defaults,
    /// A revision in the store.
    Revision(u64),
    /// A file.
    File(PathBuf),
}

impl Origin {
    /// Of a revision; 0 is what is in force before the first.
    pub fn of(number: u64) -> Self {
        if number == 0 { Self::Defaults } else { Self::Revision(number) }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Defaults => f.write_str("defaults"),
            Self::Revision(number) => write!(f, "revision {number}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

/// Why there is no policy, or a new one is refused.
#[derive(Debug)]
pub enum PolicyError {
    /// The text is wrong; all problems, a line each.
    Text(String),
    /// The store.
    Store(StoreError),
    /// The file.
    File(PathBuf, std::io::Error),
    /// The policy is kept in a file; that is where it is edited.
    KeptInFile(PathBuf),
    /// There is no revision with this number.
    NoRevision(u64),
}

impl std::fmt::Display for PolicyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(problems) => f.write_str(problems),
            Self::Store(error) => write!(f, "{error}"),
            Self::File(path, error) => write!(f, "{}: cannot be read: {error}", path.display()),
            Self::KeptInFile(path) => write!(
                f,
                "the policy is kept in the file {} (policy.file): edit the file, then reload with SIGHUP",
                path.display()
            ),
            Self::NoRevision(number) => {
                write!(f, "there is no revision {number}: `mailward policy history` lists them")
            }
        }
    }
}

impl std::error::Error for PolicyError {}

impl From<StoreError> for PolicyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The name of every sign of spam that there is.
pub fn signs() -> Vec<&'static str> {
    let origin = judge::origin::catalogue().map(|(name, ..)| name);
    scan::spam_signs().map(|row| row.id).chain(origin).collect()
}

/// Reads a policy and refuses one with errors; warnings are logged.
///
/// # Errors
/// [`PolicyError::Text`] with every problem.
pub fn parse(text: &str, origin: &str) -> Result<Policy, PolicyError> {
    let loaded =
        LoadedPolicy::parse(text, origin, &signs()).map_err(|problems| PolicyError::Text(problems.to_string()))?;
    for warning in &loaded.warnings.0 {
        tracing::warn!(target: "policy", "{warning}");
    }
    Ok(loaded.policy)
}

/// The policy in force at a start or reload.
///
/// # Errors
/// When it cannot be read or is wrong.
pub fn load(store: &Store, file: Option<&Path>) -> Result<InForce, PolicyError> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|e| PolicyError::File(path.to_owned(), e))?;
        let policy = parse(&text, &path.display().to_string())?;
        return Ok(InForce { policy: Arc::new(policy), origin: Origin::File(path.to_owned()) });
    }
    Ok(match store.current_policy()? {
        None => InForce { policy: Arc::new(Policy::default()), origin: Origin::Defaults },
        Some(revision) => {
            let name = format!("policy revision {}", revision.head.number);
            InForce { policy: Arc::new(parse(&revision.text, &name)?), origin: Origin::Revision(revision.head.number) }
        }
    })
}

/// A policy that was in force, as a value and as it was written.
#[derive(Clone, PartialEq, Debug)]
pub struct Past {
    /// The policy.
    pub policy: Policy,
    /// Its text.
    pub text: String,
}

/// A policy by its number; 0 is what is in force before the first.
///
/// # Errors
/// There is none, or it says what this version does not know.
pub fn revision(store: &Store, number: u64) -> Result<Past, PolicyError> {
    if number == 0 {
        return Ok(Past { policy: Policy::default(), text: String::new() });
    }
    let revision = store.policy(number)?.ok_or(PolicyError::NoRevision(number))?;
    let policy = parse(&revision.text, &format!("policy revision {number}"))?;
    Ok(Past { policy, text: revision.text })
}

/// Saves a new revision.
///
/// # Errors
/// When the text is wrong or the policy is kept in a file; nothing is saved then.
pub fn apply(
    store: &Store,
    file: Option<&Path>,
    text: &str,
    author: &str,
    comment: &str,
) -> Result<InForce, PolicyError> {
    if let Some(path) = file {
        return Err(PolicyError::KeptInFile(path.to_owned()));
    }
    let policy = parse(text, "policy")?;
    let number = store.save_policy(text, author, comment, id::now_ms())?;
    Ok(InForce { policy: Arc::new(policy), origin: Origin::Revision(number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_later_revision_is_newer() {
        let of = |origin: &Origin| InForce { policy: Arc::new(Policy::default()), origin: origin.clone() };
        let in_order = [Origin::Defaults, Origin::Revision(1), Origin::Revision(2)];
        for (older, a) in in_order.iter().enumerate() {
            for (newer, b) in in_order.iter().enumerate() {
                assert_eq!(of(b).is_newer_than(&of(a)), newer > older, "{b} after {a}");
            }
            let file = Origin::File(PathBuf::from("policy.toml"));
            assert!(!of(a).is_newer_than(&of(&file)) && !of(&file).is_newer_than(&of(a)));
        }
    }
}
