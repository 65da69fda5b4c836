//! HTML alone, without a program's name, whose way hides where it was written.

use mail::evidence::SignGroup;

use super::{WAYS, all, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "html_on_a_false_way",
    group: SignGroup::Composite,
    points: Points::Fitted(88),
    about: "HTML alone, without a program's name, whose way hides where it was written.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\nReceived: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x\n\
         Content-Type: text/html\n\n<p>x</p>\n"],
    #[cfg(test)]
    quiet: &[
        "Subject: x\nContent-Type: text/html\n\n<p>x</p>\n",
        "Subject: x\nReceived: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x\n\nx\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(all(f, &["html_only", "no_program"]) && at_least(f, WAYS, 1), "HTML on a false way")
}
