//! Shortcuts: files that open or start something else when they are opened.

pub(crate) mod ini;
pub(crate) mod lnk;
pub(crate) mod xml;
