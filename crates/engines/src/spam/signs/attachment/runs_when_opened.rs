//! An attachment, or a file in one, is a program, a script, a shortcut or a disk image by its name.

use mail::evidence::SignGroup;

use super::{RUNS, ending, find};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "runs_when_opened",
    group: SignGroup::Attachment,
    points: Points::Fixed(100),
    about: "An attachment, or a file in one, is a program, a script, a shortcut or a disk image by its name.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: application/octet-stream; name=invoice.exe\n\nx\n"],
    #[cfg(test)]
    quiet: &["Content-Type: application/pdf; name=a.pdf\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |a| RUNS.contains(&ending(&a.name).as_str()))
}
