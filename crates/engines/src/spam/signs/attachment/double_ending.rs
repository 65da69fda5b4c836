//! An attachment's name has a harmless ending in front of a dangerous one.

use mail::evidence::SignGroup;

use super::{RUNS, find};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "double_ending",
    group: SignGroup::Attachment,
    points: Points::Fixed(150),
    about: "An attachment's name has a harmless ending in front of a dangerous one.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: application/octet-stream; name=\"invoice.pdf.exe\"\n\nx\n"],
    #[cfg(test)]
    quiet: &["Content-Type: application/pdf; name=a.b.pdf\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |a| {
        let lower = a.name.to_lowercase();
        let mut parts = lower.rsplit('.');
        let (last, before) = (parts.next().unwrap_or(""), parts.next().unwrap_or("").trim());
        (RUNS.contains(&last) || matches!(last, "htm" | "html" | "zip" | "rar"))
            && matches!(before, "pdf" | "doc" | "docx" | "xls" | "xlsx" | "jpg" | "png" | "txt" | "gif" | "mp3" | "mp4")
    })
}
