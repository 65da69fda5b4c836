//! It says Eudora, Foxmail or another program that is claimed more than used, and is HTML only.

use mail::evidence::SignGroup;

use super::mailer;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "eudora_or_foxmail",
    group: SignGroup::Program,
    points: Points::Fitted(15),
    about: "It says Eudora, Foxmail or another program that is claimed more than used, and is HTML only.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: QUALCOMM Windows Eudora\nContent-Type: text/html\n\n<p>x</p>\n"],
    #[cfg(test)]
    quiet: &["X-Mailer: QUALCOMM Windows Eudora\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    let named = mailer(f);
    let claimed = ["eudora", "foxmail", "incredimail", "becky", "pegasus", "opera", "aol for windows", "qualcomm"]
        .iter()
        .any(|p| named.contains(p));
    when(claimed && f.html.parts > 0 && f.plain.trim().is_empty(), named)
}
