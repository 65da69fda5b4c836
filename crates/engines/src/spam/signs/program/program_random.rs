//! The program's name looks made up, or is a bare word or number.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::signs::words::is_random;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "program_random",
    group: SignGroup::Program,
    points: Points::Fitted(60),
    about: "The program's name looks made up, or is a bare word or number.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: JxmVz", "X-Mailer: xkqjzvbwpt"],
    #[cfg(test)]
    quiet: &["X-Mailer: Microsoft Outlook Express 6.00", "X-Mailer: Evolution 3.4"],
};

fn check(f: &Facts) -> Option<String> {
    let named = f.field("x-mailer")?;
    let word = !named.contains([' ', '/', '.', '-', '(', '!']);
    when(
        !named.is_empty()
            && word
            && (is_random(named) || named.len() <= 6 || named.bytes().all(|b| b.is_ascii_digit())),
        named,
    )
}
