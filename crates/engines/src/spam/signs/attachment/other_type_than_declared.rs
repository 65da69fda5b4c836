//! An attachment says that it is a picture or a text, and its name says otherwise.

use mail::evidence::SignGroup;

use super::{RUNS, ending, find};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "other_type_than_declared",
    group: SignGroup::Attachment,
    points: Points::Fitted(0),
    about: "An attachment says that it is a picture or a text, and its name says otherwise.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: image/gif; name=a.exe\n\nx\n"],
    #[cfg(test)]
    quiet: &["Content-Type: image/gif; name=a.gif\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |a| {
        a.attachment
            && !a.inside
            && (a.declared.starts_with("image/") || a.declared.starts_with("audio/"))
            && RUNS.contains(&ending(&a.name).as_str())
    })
}
