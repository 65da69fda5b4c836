//! Nobody of the envelope's recipients stands in To or Cc.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "envelope_not_in_header",
    group: SignGroup::Recipient,
    points: Points::Fitted(0),
    about: "Nobody of the envelope's recipients stands in To or Cc.",
    check,
    #[cfg(test)]
    // The envelope is no part of a case; `tests` below has one.
    fires: &[],
    #[cfg(test)]
    quiet: &["To: b@example.net"],
};

fn check(f: &Facts) -> Option<String> {
    let header: Vec<String> = f.to.iter().chain(&f.cc).map(|m| m.address.to_lowercase()).collect();
    let known = f.session.recipients.iter().any(|r| header.contains(&r.to_lowercase()));
    when(
        !f.session.recipients.is_empty() && !known && !f.has("list-id"),
        f.session.recipients.first().cloned().unwrap_or_default(),
    )
}
