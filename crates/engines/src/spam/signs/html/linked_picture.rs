//! A picture is a link, and there is little text.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "linked_picture",
    group: SignGroup::Html,
    points: Points::Fitted(150),
    about: "A picture is a link, and there is little text.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<a href=http://a.example/><img src=http://a.example/x.jpg></a>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<img src=http://a.example/x.jpg>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.linked_images > 0 && f.html.text.trim().len() < 300, format!("{} pictures", f.html.linked_images))
}
