//! The author's name is written in mathematical, circled or full-width letters.

use mail::evidence::SignGroup;

use super::MAX_AUTHORS;
use crate::spam::facts::{Scripts, fold};
use crate::spam::signs::some;
use crate::spam::{Facts, Points, Row};

/// Fewest of such letters: one is an ornament.
const FEWEST: u32 = 3;

pub(super) const SIGN: Row = Row {
    id: "styled_letters_in_name",
    group: SignGroup::Disguise,
    points: Points::AtLeast { least: 150, fitted: 150 },
    about: "The author's name is written in mathematical, circled or full-width letters.",
    check,
    #[cfg(test)]
    fires: &[
        "From: =?utf-8?B?8J2QkvCdkJ7wnZCr8J2Qr/CdkKLwnZCc8J2QniDwnZCT8J2QnvCdkJrwnZCm?= <a@example.org>",
        "From: =?utf-8?B?77yw772B772Z77yw772B772M?= <a@example.org>",
    ],
    #[cfg(test)]
    quiet: &[
        "From: =?utf-8?B?QW5uIERvZQ==?= <a@example.org>",
        "From: =?utf-8?B?77yh77yi77yj5qCq5byP5Lya56S+?= <a@example.org>",
        "Subject: =?utf-8?B?5bGx55Sw?=\nFrom: =?utf-8?B?77yu77y077y0?= <a@example.org>",
        "From: =?utf-8?B?8J+FsCBUZWFt?= <a@example.org>",
    ],
};

fn check(f: &Facts) -> Option<String> {
    // Where Chinese characters are written, full-width letters are as well.
    let east = |scripts: &Scripts| scripts.han.saturating_add(scripts.kana).saturating_add(scripts.hangul) > 0;
    let honest = |name: &str| east(&f.scripts) || east(&Scripts::of(name));
    let mut authors = f.from.iter().take(MAX_AUTHORS);
    let author = authors.find(|author| fold(&author.name).styled >= FEWEST && !honest(&author.name))?;
    some(&author.name)
}
