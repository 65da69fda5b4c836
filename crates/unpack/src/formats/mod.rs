//! One file or folder for each format that is opened.

pub(crate) mod ar;
pub(crate) mod arj;
pub(crate) mod cab;
pub(crate) mod cms;
pub(crate) mod compressed;
pub(crate) mod cpio;
pub(crate) mod gzip;
pub(crate) mod html;
pub(crate) mod iso;
pub(crate) mod lha;
pub(crate) mod message;
pub(crate) mod odf;
pub(crate) mod ole2;
pub(crate) mod onenote;
pub(crate) mod ooxml;
pub(crate) mod parts;
pub(crate) mod pdf;
pub(crate) mod pe;
pub(crate) mod rar;
pub(crate) mod rtf;
pub(crate) mod sevenz;
pub(crate) mod several;
pub(crate) mod shared;
pub(crate) mod tar;
pub(crate) mod tnef;
pub mod zip;
