//! A script of a web site wrote the message, and says which.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "php_script",
    group: SignGroup::Header,
    points: Points::Fitted(49),
    about: "A script of a web site wrote the message, and says which.",
    check,
    #[cfg(test)]
    fires: &["X-PHP-Originating-Script: 1000:mail.php"],
    #[cfg(test)]
    quiet: &["X-Mailer: x"],
};

fn check(f: &Facts) -> Option<String> {
    f.fields
        .iter()
        .find(|field| field.lower.starts_with("x-php-") || field.lower == "x-source-args")
        .map(|field| field.name.clone())
}
