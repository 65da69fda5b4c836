//! The text is Chinese (HR-07). Counts only where the policy says so.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hr_07_chinese",
    group: SignGroup::Language,
    points: Points::Fixed(150),
    about: "The text is Chinese (HR-07). Counts only where the policy says so.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain; charset=utf-8\n\n你好，这是一封中文邮件，请查收。\n"],
    #[cfg(test)]
    quiet: &[
        "Content-Type: text/plain; charset=gb2312\n\nplain English text\n",
        "Content-Type: text/plain; charset=utf-8\n\nこれは日本語のメールです\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(f.scripts.is_chinese(), format!("{} of {} letters", f.scripts.han, f.scripts.letters()))
}
