//! Subject or text is written in mathematical, circled or full-width letters.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "styled_letters",
    group: SignGroup::Disguise,
    points: Points::Fitted(0),
    about: "Subject or text is written in mathematical, circled or full-width letters.",
    check,
    #[cfg(test)]
    fires: &["Subject: =?utf-8?B?8J2Xqu+8pu+8p/Cdl6rwnZeq8J2Xqg==?="],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    let count = f.subject_folding.styled.saturating_add(f.folding.styled);
    when(count >= 4 && f.scripts.han == 0 && f.scripts.kana == 0, format!("{count} letters"))
}
