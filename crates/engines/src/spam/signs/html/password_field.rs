//! HTML asks for a password.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "password_field",
    group: SignGroup::Html,
    points: Points::Fitted(0),
    about: "HTML asks for a password.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<form action=http://a.example/><input type=password></form>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<form><input type=text></form>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.passwords > 0, "a field for a password")
}
