//! The author's name has characters that turn writing round, or show nothing inside of words.

use mail::evidence::SignGroup;

use super::{MAX_AUTHORS, hidden};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hidden_letters_in_name",
    group: SignGroup::Disguise,
    points: Points::AtLeast { least: 200, fitted: 200 },
    about: "The author's name has characters that turn writing round, or show nothing inside of words.",
    check,
    #[cfg(test)]
    fires: &[
        "From: =?utf-8?B?4oCua25hQiBydW9Z?= <a@example.org>",
        "From: =?utf-8?B?UGF54oCLUGFsIFNlcuKAi3ZpY2U=?= <a@example.org>",
        "From: =?utf-8?B?UGF5wq1QYWw=?= <a@example.org>",
        "From: =?utf-8?B?QeKBoG5u?= <a@example.org>",
    ],
    #[cfg(test)]
    quiet: &[
        "From: =?utf-8?B?QW5uIERvZQ==?= <a@example.org>",
        "From: =?utf-8?B?QW5u4oCLIERvZQ==?= <a@example.org>",
        "From: =?utf-8?B?QW5uIERvZeKAiw==?= <a@example.org>",
        "From: =?utf-8?B?4oCtKzQ5IDMwIDEyMzTigKw=?= <a@example.org>",
    ],
};

fn check(f: &Facts) -> Option<String> {
    f.from.iter().take(MAX_AUTHORS).find_map(|author| hidden(&author.name))
}
