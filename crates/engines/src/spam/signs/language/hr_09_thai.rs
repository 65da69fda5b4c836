//! The text is Thai (HR-09). Counts only where the policy says so.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hr_09_thai",
    group: SignGroup::Language,
    points: Points::Fixed(150),
    about: "The text is Thai (HR-09). Counts only where the policy says so.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain; charset=utf-8\n\nสวัสดีครับ นี่คืออีเมลภาษาไทย\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain English text\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.scripts.is_thai(), format!("{} of {} letters", f.scripts.thai, f.scripts.letters()))
}
