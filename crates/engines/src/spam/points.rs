//! The points of the signs, in hundredths. Made by `cargo xtask evaluate spam --write`; do not edit.

/// Sorted by name.
pub(crate) const POINTS: &[(&str, i16)] = &[];
