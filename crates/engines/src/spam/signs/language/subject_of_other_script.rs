//! Subject and text are in different scripts.

use mail::evidence::SignGroup;

use crate::spam::facts::Scripts;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "subject_of_other_script",
    group: SignGroup::Language,
    points: Points::Fitted(23),
    about: "Subject and text are in different scripts.",
    check,
    #[cfg(test)]
    fires: &["Subject: Hello\nContent-Type: text/plain; charset=utf-8\n\n你好，这是一封中文邮件，请查收。\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain English text\n"],
};

fn check(f: &Facts) -> Option<String> {
    let subject = Scripts::of(&f.subject);
    let text = Scripts::of(f.shown());
    let latin = |s: &Scripts| s.letters() > 0 && s.latin.saturating_mul(10) > s.letters().saturating_mul(9);
    let none = |s: &Scripts| s.letters() >= 8 && s.latin.saturating_mul(10) < s.letters();
    when(latin(&subject) && none(&text) || none(&subject) && latin(&text) && text.letters() > 40, "two scripts")
}
