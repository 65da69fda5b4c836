//! Scripts without running them: their constants put together, and the files that those hold.
//!
//! [`fold`] reads a script once and gives what it makes of constants; scripts that it executes are
//! read in turn, at most [`MAX_LAYERS`] deep.

pub(crate) mod blobs;
mod calls;
mod fold;
mod lex;
mod operand;
#[cfg(test)]
mod tests;
mod value;

pub use blobs::data_url;
pub(crate) use blobs::{Blob, undone};
pub(crate) use lex::Dialect;

use fold::Folder;

/// How deep scripts that scripts execute are followed.
const MAX_LAYERS: u32 = 8;
/// Scripts longer than this are not put together, in bytes; what stands in them is looked at as text.
pub(crate) const MAX_SCRIPT: usize = 48 * 1024 * 1024;

/// What scripts came to.
#[derive(Default, Debug)]
pub(crate) struct Outcome {
    /// The scripts with their constants put together, and those that they execute; empty if there is
    /// nothing that the scripts themselves do not show.
    pub(crate) view: String,
    /// Files that the constants hold.
    pub(crate) blobs: Vec<Blob>,
    /// HTML that they write.
    pub(crate) pages: Vec<String>,
    /// The name that they offer a file under.
    pub(crate) name: Option<String>,
    /// Whether it was too much work.
    pub(crate) over: bool,
    /// Work, in bytes looked at.
    pub(crate) work: u64,
}

/// Puts together the constants of scripts, which share their variables.
pub(crate) fn fold(scripts: &[(Dialect, &[u8])]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut layer: Vec<(Dialect, Vec<u8>)> =
        scripts.iter().filter(|(_, script)| script.len() <= MAX_SCRIPT).map(|(d, s)| (*d, s.to_vec())).collect();
    for _ in 0..MAX_LAYERS {
        if layer.is_empty() {
            return outcome;
        }
        let bytes: usize = layer.iter().map(|(_, script)| script.len()).sum();
        let deflated = layer.iter().any(|(_, script)| {
            memchr::memmem::find(script, b"Deflate").or_else(|| memchr::memmem::find(script, b"deflate")).is_some()
        });
        let mut folder = Folder::new(bytes, deflated);
        for (dialect, script) in &layer {
            folder.run(script, *dialect);
        }
        let found = folder.finish();
        outcome.work = outcome.work.saturating_add(bytes as u64);
        outcome.over |= found.over;
        outcome.blobs.extend(found.blobs);
        outcome.pages.extend(found.pages.iter().map(|page| String::from_utf16_lossy(page)));
        outcome.name = outcome.name.or_else(|| found.names.first().map(|name| String::from_utf16_lossy(name)));
        if !found.view.is_empty() {
            outcome.view.push_str(&found.view);
            outcome.view.push('\n');
        }
        let dialect = layer.first().map_or(Dialect::Js, |(dialect, _)| *dialect);
        layer = found.evals.iter().map(|script| (dialect, String::from_utf16_lossy(script).into_bytes())).collect();
        for (_, script) in &layer {
            outcome.view.push_str(&String::from_utf8_lossy(script));
            outcome.view.push('\n');
        }
    }
    outcome.over |= !layer.is_empty();
    outcome
}
