//! HTML has frames or embedded objects.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "frames",
    group: SignGroup::Html,
    points: Points::Fitted(0),
    about: "HTML has frames or embedded objects.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<iframe src=http://a.example/></iframe>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.frames > 0, format!("{} frames", f.html.frames))
}
