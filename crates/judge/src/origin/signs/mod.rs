//! The signs from answers, a file a sign, and what several of them ask.

mod authors_of_several_domains;
mod borrowed_domain;
mod borrowed_person;
mod dmarc_fail;
mod dmarc_fail_strict;
mod dynamic_client;
mod first_contact;
mod first_contact_borrowed;
mod first_contact_payment;
mod known_spam_image;
mod lookalike_domain;
mod not_all_asked;
mod own_domain_unproven;
mod reverse_elsewhere;
mod reverse_missing;
mod spf_fail;
mod spf_softfail;

use mail::evidence::{AuthResult, Contact, DmarcCheck, DmarcPolicy, SpfCheck};

use super::{Origin, OriginSign};

/// The signs, in the order of the documentation. They are looked for in this order.
pub(super) const ALL: [OriginSign; 17] = [
    spf_fail::SIGN,
    spf_softfail::SIGN,
    dmarc_fail::SIGN,
    dmarc_fail_strict::SIGN,
    reverse_missing::SIGN,
    reverse_elsewhere::SIGN,
    dynamic_client::SIGN,
    own_domain_unproven::SIGN,
    authors_of_several_domains::SIGN,
    lookalike_domain::SIGN,
    borrowed_person::SIGN,
    borrowed_domain::SIGN,
    known_spam_image::SIGN,
    first_contact::SIGN,
    first_contact_borrowed::SIGN,
    first_contact_payment::SIGN,
    not_all_asked::SIGN,
];

/// What SPF says. Where the author is proven, or a sealer whom the policy believes says that it was fine when it
/// came there, a failing path of the envelope says nothing more.
fn spf<'a>(origin: &Origin<'a>) -> Option<&'a SpfCheck> {
    let auth = origin.auth?;
    let vouched = !auth.dmarc.is_empty() && auth.dmarc.iter().all(|check| origin.is_vouched(check));
    (auth.dmarc() != AuthResult::Pass && !vouched).then_some(&auth.spf)
}

/// The first author's domain of which DMARC fails, and no sealer whom the policy believes says otherwise.
fn failed_dmarc<'a>(origin: &Origin<'a>) -> Option<&'a DmarcCheck> {
    let mut checks = origin.auth?.dmarc.iter();
    checks.find(|check| check.result == AuthResult::Fail && !origin.is_vouched(check))
}

/// What the owners of such domains want.
fn wish(origin: &Origin) -> DmarcPolicy {
    origin.auth.map(|auth| auth.wish_without(&origin.policy.authentication.trusted_sealers)).unwrap_or_default()
}

/// What is remembered of an author who is new, where that is to count.
fn new_author(origin: &Origin) -> Option<Contact> {
    let contact = origin.report.memory().and_then(|memory| memory.contact);
    contact.filter(|it| origin.policy.spam.first_contact.enabled && it.is_first())
}
