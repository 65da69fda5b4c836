//! Signs from what this installation remembers: pictures of spam (LM-06), and who wrote here before.

use mail::arrival::{Arrival, Direction};
use mail::evidence::{AuthResult, DkimCheck, Report, Sign};
use serde::{Deserialize, Serialize};

use super::{Author, sign};
use crate::policy::{FirstContact, Policy};

/// Most recipients that are looked up.
const MAX_RECIPIENTS: usize = 50;
/// Signs of a borrowed name.
const BORROWED: [&str; 3] = ["lookalike_domain", "borrowed_person", "own_domain_unproven"];
/// Families of phrases about money; `_2` and `_4` at their ends count phrases.
const PAYMENT: [&str; 5] = ["fraud", "invoice", "wallet", "finance", "lottery"];

/// A picture that is known from spam.
pub(super) fn picture(policy: &Policy, report: &Report) -> Option<Sign> {
    let known = report.memory().filter(|_| policy.spam.image_analysis)?.picture?;
    let seen = report.facts().pictures.get(known.at as usize);
    let size = seen.map_or_else(String::new, |picture| format!(" of {} by {} pixels", picture.width, picture.height));
    let (number, bits) = (known.at.saturating_add(1), known.distance);
    sign("known_spam_image", format!("picture {number}{size} is near sample {} ({bits} of 255 bits differ)", known.id))
}

/// Who writes to whom, as far as it is remembered. Addresses and domains in lower case.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Parties {
    /// The author's address.
    pub address: String,
    /// Its domain.
    pub domain: String,
    /// Whether DMARC, SPF or a signature proves that domain.
    pub proven: bool,
    /// Whether DMARC says that it is forged.
    pub forged: bool,
    /// The recipients of the envelope, the first 50.
    pub recipients: Vec<String>,
}

/// The parties of a message from outside; `None` where memory has nothing to say: mail of our own, over
/// trusted connections, without an author, or where the rules do not want it.
pub fn parties(rules: &FirstContact, arrival: &Arrival, report: &Report) -> Option<Parties> {
    let wanted = rules.enabled && arrival.direction == Direction::Incoming && !arrival.over_trusted_connection();
    let author = Author::all(report).into_iter().next().filter(|_| wanted)?.address;
    let (address, domain) = (author.as_str().to_lowercase(), author.domain().to_lowercase());
    let auth = report.auth();
    let check = auth.and_then(|auth| auth.dmarc.iter().find(|check| *check.domain.raw() == domain));
    let by_record = check.is_some_and(|it| it.result == AuthResult::Pass || it.spf_aligned || it.dkim_aligned);
    let without = auth.is_some_and(|auth| {
        let signed = |it: &DkimCheck| it.result == AuthResult::Pass && *it.domain.raw() == domain;
        let sent = auth.spf.result == AuthResult::Pass && *auth.spf.domain.raw() == domain;
        auth.one_author && (sent || auth.dkim.iter().any(signed))
    });
    let forged = auth.is_some_and(|auth| auth.dmarc() == AuthResult::Fail);
    let proven = !forged && (by_record || without);
    let to = arrival.envelope.rcpt_to.iter().take(MAX_RECIPIENTS).map(|to| to.as_str().to_lowercase());
    Some(Parties { address, domain, proven, forged, recipients: to.collect() })
}

/// An author who is new, and what that makes of the other signs. Never enough alone.
pub(super) fn first_contact(policy: &Policy, report: &Report, found: &[Sign]) -> Vec<Sign> {
    let contact = report.memory().and_then(|memory| memory.contact);
    let Some(contact) = contact.filter(|it| policy.spam.first_contact.enabled && it.is_first()) else {
        return Vec::new();
    };
    let domain = if contact.domain { "others of its domain did" } else { "nor did anybody of its domain" };
    let mut signs = vec![sign("first_contact", format!("the author never wrote here; {domain}"))];
    if let Some(other) = found.iter().find(|it| BORROWED.contains(&it.id.as_str())) {
        signs.push(sign("first_contact_borrowed", format!("with {}", other.id)));
    }
    let about_money = |it: &&Sign| {
        let name = it.id.trim_end_matches(|c: char| c.is_ascii_digit());
        name.len() < it.id.len() && PAYMENT.contains(&name.trim_end_matches('_'))
    };
    if let Some(other) = report.spam().signs().iter().find(about_money) {
        signs.push(sign("first_contact_payment", format!("with {}", other.id)));
    }
    signs.into_iter().flatten().collect()
}
