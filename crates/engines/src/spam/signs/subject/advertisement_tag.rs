//! The subject says that it is an advertisement.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "advertisement_tag",
    group: SignGroup::Subject,
    points: Points::Fitted(120),
    about: "The subject says that it is an advertisement.",
    check,
    #[cfg(test)]
    fires: &["Subject: ADV: cheap ink"],
    #[cfg(test)]
    quiet: &["Subject: advice"],
};

fn check(f: &Facts) -> Option<String> {
    let lower = f.subject.to_lowercase();
    ["adv:", "adv ", "(adv)", "[adv]", "adv-", "publi:", "(ad)", "광고", "[ad]", "広告"]
        .iter()
        .find(|w| lower.trim_start().starts_with(*w) || w.len() > 4 && lower.contains(*w))
        .map(|w| (*w).to_owned())
}
