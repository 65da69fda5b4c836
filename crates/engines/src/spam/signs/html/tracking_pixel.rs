//! A picture of one pixel tells its owner who reads.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "tracking_pixel",
    group: SignGroup::Html,
    points: Points::Fitted(0),
    about: "A picture of one pixel tells its owner who reads.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<p>x<img src=http://a.example/x.gif width=1 height=1>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x<img src=http://a.example/x.gif width=100 height=100>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.pixels > 0, format!("{} pictures", f.html.pixels))
}
