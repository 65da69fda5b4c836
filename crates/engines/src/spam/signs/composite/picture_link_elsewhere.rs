//! Hardly a word, and a picture or link that leads elsewhere.

use mail::evidence::SignGroup;

use super::{all, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "picture_link_elsewhere",
    group: SignGroup::Composite,
    points: Points::Fitted(70),
    about: "Hardly a word, and a picture or link that leads elsewhere.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nContent-Type: text/html\n\n\
         <a href=http://b.example/><img src=http://b.example/x.jpg></a>\n"],
    #[cfg(test)]
    quiet: &["From: a@b.example\nContent-Type: text/html\n\n\
         <a href=http://b.example/><img src=http://b.example/x.jpg></a>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        at_least(f, &["picture_only", "linked_picture", "link_and_little_text"], 1)
            && all(f, &["links_to_strangers", "html_only"]),
        "a picture that leads elsewhere",
    )
}
