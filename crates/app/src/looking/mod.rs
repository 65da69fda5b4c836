//! Looking at files and messages from the command line: what `scan` and `explain` share.

pub(crate) mod bench;
pub(crate) mod circumstances;
pub(crate) mod content;
pub(crate) mod mbox;
pub(crate) mod outside;
pub(crate) mod paths;
pub(crate) mod spam;

use mail::evidence::{Object, ObjectId, Report};

/// One thing to look at.
#[derive(Debug)]
pub(crate) struct Item {
    /// The path it was found under, as given or walked to; `-` is standard input.
    pub(crate) path: String,
    /// Its number in an mbox, from 1.
    pub(crate) index: Option<u64>,
    /// Its bytes, or why there are none.
    pub(crate) content: Result<content::Content, String>,
}

/// Takes items one by one; `false` means that nobody wants more.
pub(crate) type Give<'a> = dyn FnMut(Item) -> bool + 'a;

/// All objects of a report with their ids.
pub(crate) fn objects(report: &Report) -> impl Iterator<Item = (ObjectId, &Object)> {
    report.objects().iter().enumerate().map(|(at, object)| (ObjectId(u32::try_from(at).unwrap_or(u32::MAX)), object))
}
