//! The subject has two words that advertisements are made of.

use mail::evidence::SignGroup;

use super::sales;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "sales_subject_2",
    group: SignGroup::Subject,
    points: Points::Fitted(8),
    about: "The subject has two words that advertisements are made of, and nothing shows who says so.",
    check,
    #[cfg(test)]
    fires: &["Subject: Cheap loans for all", "Subject: Re: cheap loans"],
    #[cfg(test)]
    quiet: &[
        "Subject: a cheap one",
        "Subject: Re: cheap loans\nReferences: <a@example.org>",
        "Subject: Cheap loans\n\n> Cheap loans\nNo.\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    sales(f, 2)
}
