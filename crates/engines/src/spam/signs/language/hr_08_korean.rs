//! The text is Korean (HR-08). Counts only where the policy says so.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hr_08_korean",
    group: SignGroup::Language,
    points: Points::Fixed(150),
    about: "The text is Korean (HR-08). Counts only where the policy says so.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain; charset=utf-8\n\n안녕하세요 이것은 한국어 메일입니다\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain; charset=euc-kr\n\nplain English text\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.scripts.is_korean(), format!("{} of {} letters", f.scripts.hangul, f.scripts.letters()))
}
