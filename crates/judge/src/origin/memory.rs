//! Who writes to whom: what this installation remembers of a message, and asks about it.

use mail::address::Address;
use mail::arrival::{Arrival, Direction};
use mail::evidence::{AuthResult, DkimCheck, Report};
use serde::{Deserialize, Serialize};

use super::Author;
use crate::policy::FirstContact;

/// Most recipients that are looked up.
const MAX_RECIPIENTS: usize = 50;

/// Who writes to whom, as far as it is remembered. Addresses as `Address::folded` writes them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Parties {
    /// The author's address.
    pub address: String,
    /// Its domain, as `mail::address::canonical` writes it.
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
    let (address, domain) = (author.folded(), author.domain().to_owned());
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
    let to = arrival.envelope.rcpt_to.iter().take(MAX_RECIPIENTS).map(Address::folded);
    Some(Parties { address, domain, proven, forged, recipients: to.collect() })
}
