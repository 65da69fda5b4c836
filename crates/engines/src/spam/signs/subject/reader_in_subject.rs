//! The subject speaks to the reader.

use mail::evidence::SignGroup;

use super::speaks_to_reader;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "reader_in_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(75),
    about: "The subject speaks to the reader (you, your), and nothing shows who does.",
    check,
    #[cfg(test)]
    fires: &["Subject: Your chance", "Subject: Is this what YOU want"],
    #[cfg(test)]
    quiet: &[
        "Subject: Re: your chance\nIn-Reply-To: <a@example.org>",
        "Subject: youth club",
        "From: a@example.org\nSubject: Your order\n\nhttp://shop.example.org/\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    speaks_to_reader(f)
}
