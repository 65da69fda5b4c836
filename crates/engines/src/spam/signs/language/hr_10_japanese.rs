//! The text is Japanese (HR-10). Counts only where the policy says so.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hr_10_japanese",
    group: SignGroup::Language,
    points: Points::Fixed(150),
    about: "The text is Japanese (HR-10). Counts only where the policy says so.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain; charset=utf-8\n\nこれは日本語のメールです\n"],
    #[cfg(test)]
    quiet: &[
        "Subject: x\n\nplain English text\n",
        "Content-Type: text/plain; charset=utf-8\n\n你好，这是一封中文邮件，请查收。\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(f.scripts.is_japanese(), format!("{} of {} letters", f.scripts.kana, f.scripts.letters()))
}
