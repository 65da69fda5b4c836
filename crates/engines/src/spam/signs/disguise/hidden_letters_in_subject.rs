//! The subject has characters that turn writing round, or show nothing inside of words.

use mail::evidence::SignGroup;

use super::hidden;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hidden_letters_in_subject",
    group: SignGroup::Disguise,
    points: Points::AtLeast { least: 150, fitted: 150 },
    about: "The subject has characters that turn writing round, or show nothing inside of words.",
    check,
    #[cfg(test)]
    fires: &["Subject: =?utf-8?B?aW52b2ljZSDigK5mZHAuZXhl?=", "Subject: =?utf-8?B?WeKAi291ciBhY+KAi2NvdW50?="],
    #[cfg(test)]
    quiet: &[
        "Subject: =?utf-8?B?QW5uIERvZQ==?=",
        "Subject: =?utf-8?B?0JDQvdC90LAg0JrQsNGA0LXQvdC40L3QsA==?=",
        "Subject: =?utf-8?B?0JjQstCw0L3QvtCyLVNQYg==?=",
        "Subject: =?utf-8?B?zpPOuc+Oz4HOs86/z4IgzqDOsc+AzrHOtM+Mz4DOv8+FzrvOv8+C?=",
        "Subject: =?utf-8?B?5bGx55Sw5aSq6YOO?=",
        "Subject: =?utf-8?B?6rmA7LKg7IiY?=",
        "Subject: =?utf-8?B?2LnZhNuM4oCM2LHYttin?=",
        "Subject: =?utf-8?B?15PXldeTINeb15TXnw==?=",
        "Subject: =?utf-8?B?4oCr15PXldeTINeb15TXn+KArA==?=",
        "Subject: =?utf-8?B?4KSw4KS+4KSuIOCkleCljeKAjeCktw==?=",
        "Subject: =?utf-8?B?ScWfxLFrIFnEsWxkxLF6?=",
        "Subject: =?utf-8?B?QW5uIPCfkanigI3wn5K7?=",
        "Subject: =?utf-8?B?4p2k77iPIFpvw6sgTcO8bGxlcg==?=",
        "Subject: =?utf-8?B?4Liq4Lih4LiK4Liy4Lii?=",
        "Subject: =?utf-8?B?8KCut+mHjuWutg==?=",
        "Subject: =?utf-8?B?4oGoQW5u4oGp?=",
        "Subject: Minutes",
    ],
};

fn check(f: &Facts) -> Option<String> {
    hidden(&f.subject)
}
