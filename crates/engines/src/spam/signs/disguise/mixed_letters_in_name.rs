//! The sender's display name mixes Latin letters with look-alikes of another script.

use mail::evidence::SignGroup;

use super::MAX_AUTHORS;
use crate::spam::facts::fold;
use crate::spam::signs::some;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "mixed_letters_in_name",
    group: SignGroup::Disguise,
    points: Points::AtLeast { least: 200, fitted: 200 },
    about: "The sender's display name mixes Latin letters with look-alikes of another script.",
    check,
    #[cfg(test)]
    fires: &["From: =?utf-8?Q?N=D0=B5tflix?= <a@example.org>"],
    #[cfg(test)]
    quiet: &[
        "From: Netflix <a@example.org>",
        "From: =?utf-8?B?QW5uIERvZQ==?= <a@example.org>",
        "From: =?utf-8?B?0JDQvdC90LAg0JrQsNGA0LXQvdC40L3QsA==?= <a@example.org>",
        "From: =?utf-8?B?0JjQstCw0L3QvtCyLVNQYg==?= <a@example.org>",
        "From: =?utf-8?B?zpPOuc+Oz4HOs86/z4IgzqDOsc+AzrHOtM+Mz4DOv8+FzrvOv8+C?= <a@example.org>",
        "From: =?utf-8?B?5bGx55Sw5aSq6YOO?= <a@example.org>",
        "From: =?utf-8?B?6rmA7LKg7IiY?= <a@example.org>",
        "From: =?utf-8?B?2LnZhNuM4oCM2LHYttin?= <a@example.org>",
        "From: =?utf-8?B?15PXldeTINeb15TXnw==?= <a@example.org>",
        "From: =?utf-8?B?4oCr15PXldeTINeb15TXn+KArA==?= <a@example.org>",
        "From: =?utf-8?B?4KSw4KS+4KSuIOCkleCljeKAjeCktw==?= <a@example.org>",
        "From: =?utf-8?B?ScWfxLFrIFnEsWxkxLF6?= <a@example.org>",
        "From: =?utf-8?B?QW5uIPCfkanigI3wn5K7?= <a@example.org>",
        "From: =?utf-8?B?4p2k77iPIFpvw6sgTcO8bGxlcg==?= <a@example.org>",
        "From: =?utf-8?B?4Liq4Lih4LiK4Liy4Lii?= <a@example.org>",
        "From: =?utf-8?B?8KCut+mHjuWutg==?= <a@example.org>",
        "From: =?utf-8?B?4oGoQW5u4oGp?= <a@example.org>",
    ],
};

fn check(f: &Facts) -> Option<String> {
    f.from.iter().take(MAX_AUTHORS).find_map(|author| some(&fold(&author.name).mixed_word))
}
