//! The configuration in effect, with where each value comes from.
//!
//! No setting holds a secret: keys and certificates are named by their files.

use crate::config::Config;
use crate::fields::{fields, one_line};
use crate::read::{Loaded, Source};

/// What to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Every setting.
    All,
    /// What is written, and what differs from the default.
    Changed,
}

/// One line a setting: `limits.connections = 500   # default`.
pub fn show(loaded: &Loaded, what: What) -> String {
    let defaults = fields(&Config::default());
    let mut lines = Vec::new();
    for field in fields(&loaded.config) {
        let source = loaded.source(&field.key());
        if what == What::Changed && source == Source::Default && defaults.contains(&field) {
            continue;
        }
        lines.push((format!("{} = {}", field.key(), one_line(&field.value)), source));
    }
    lines.iter().map(|(line, source)| format!("{line}   # {}\n", source.name())).collect()
}
