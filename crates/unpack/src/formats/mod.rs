//! One file or folder for each format that is opened.

pub(crate) mod gzip;
pub(crate) mod message;
pub mod zip;
