//! A picture has places to click on.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "image_map",
    group: SignGroup::Html,
    points: Points::Fitted(0),
    about: "A picture has places to click on.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<map name=a><area href=http://a.example/></map>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.maps > 0, format!("{} places", f.html.maps))
}
