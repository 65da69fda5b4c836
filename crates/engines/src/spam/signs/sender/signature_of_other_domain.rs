//! No DKIM signature is of the sender's domain.

use mail::evidence::SignGroup;

use crate::spam::facts::registered;
use crate::spam::signs::{signer, when};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "signature_of_other_domain",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "No DKIM signature is of the sender's domain.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nDKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=x"],
    #[cfg(test)]
    quiet: &["From: a@example.org\nDKIM-Signature: v=1; d = mail.example.org; s=x", "From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.from_domain();
    let mut domains = f
        .fields
        .iter()
        .filter(|field| field.lower == "dkim-signature")
        .filter_map(|field| signer(&field.value))
        .peekable();
    domains.peek()?;
    let all: Vec<String> = domains.collect();
    when(!from.is_empty() && !all.iter().any(|d| registered(d) == from), all.join(", "))
}
