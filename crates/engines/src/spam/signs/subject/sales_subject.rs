//! The subject has a word that advertisements are made of.

use mail::evidence::SignGroup;

use super::sales;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "sales_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(65),
    about: "The subject has a word that advertisements are made of, and nothing shows who says so.",
    check,
    #[cfg(test)]
    fires: &["Subject: Cheap software for all"],
    #[cfg(test)]
    quiet: &[
        "Subject: lunch on Monday",
        "Subject: Re: the cheap one\nIn-Reply-To: <a@example.org>",
        "From: a@example.org\nSubject: Cheap software\n\nhttp://shop.example.org/\n",
        "List-Unsubscribe: <mailto:a@example.org>\nSubject: Cheap software",
    ],
};

fn check(f: &Facts) -> Option<String> {
    sales(f, 1)
}
