//! The verbs, a file each.

pub(crate) mod backup;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod dkim;
pub(crate) mod dmarc;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod greylist;
pub(crate) mod lists;
pub(crate) mod log;
pub(crate) mod manual;
pub(crate) mod policy;
pub(crate) mod queue;
pub(crate) mod scan;
pub(crate) mod serve;
pub(crate) mod spam;
pub(crate) mod try_mail;
