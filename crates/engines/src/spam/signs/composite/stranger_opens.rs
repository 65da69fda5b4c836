//! A short letter without a link, a quotation or a business: a stranger wants an answer.

use mail::evidence::SignGroup;

use super::{SHORT, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "stranger_opens",
    group: SignGroup::Composite,
    points: Points::Fitted(120),
    about: "A short letter without a link, a quotation or a business: a stranger wants an answer.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nSubject: Hello\n\nHello dear, did you receive my last email? Please reply.\n"],
    #[cfg(test)]
    quiet: &[
        "From: a@example.org\nSubject: Re: Hello\nIn-Reply-To: <1@example.org>\n\n\
         Hello dear, did you receive my last email? Please reply.\n",
        "From: a@example.org\nSubject: Hello\n\nHello dear, see https://a.example/ and please reply.\n",
        "From: a@example.org\nSubject: lunch\n\nsee you\n",
    ],
};

/// A short letter in which a stranger wants an answer, and says nothing of a thread or a place.
fn check(f: &Facts) -> Option<String> {
    let short = (1..SHORT).contains(&f.shown().trim().len()) && f.clicks().next().is_none();
    let threaded = f.has("in-reply-to") || f.has("references") || f.has_message;
    let opens = at_least(f, &["opener_2"], 1)
        || at_least(f, &["opener"], 1) && at_least(f, &["dear", "suitor", "donor", "insider", "payout", "stranger"], 2);
    when(short && !threaded && opens, "asks a stranger")
}
