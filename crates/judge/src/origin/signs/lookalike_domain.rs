//! The author's domain looks like one of ours, or like one that the policy names.

use mail::address::below;

use crate::origin::likeness::{Protected, Seen};
use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "lookalike_domain",
    points: 250,
    about: "The author's domain looks like one of ours, or like one that the policy names.",
    check,
    #[cfg(test)]
    fires: &[
        |it| it.from = "A <a@examp1e.org>",
        |it| {
            it.policy.spam.impersonation.domains = vec!["partner.example".to_owned()];
            it.from = "a@partner-example.com";
        },
        |it| {
            it.policy.spam.impersonation.domains = vec!["bücher.example".to_owned()];
            it.from = "a@bucher.example";
        },
    ],
    #[cfg(test)]
    quiet: &[
        |_| (),
        |it| it.from = "a@mail.example.org",
        // Letters, and what the DNS makes of them, are one domain.
        |it| {
            it.policy.spam.impersonation.domains = vec!["bücher.example".to_owned()];
            it.from = "a@xn--bcher-kva.example";
        },
        |it| {
            it.policy.spam.impersonation.domains = vec!["xn--bcher-kva.example".to_owned()];
            it.from = "a@Bücher.example";
        },
    ],
};

fn check(origin: &Origin) -> Option<String> {
    let protected = origin.protected();
    // DMARC mostly asked about the domain that From shows.
    let asked = origin.report.auth().into_iter().flat_map(|auth| &auth.dmarc).map(|check| check.domain.raw().as_str());
    let asked = asked.filter(|domain| !domain.is_empty());
    let mut domains: Vec<&str> = Vec::new();
    for domain in origin.authors.iter().map(|author| author.address.domain()).chain(asked) {
        if !domains.contains(&domain) && !protected.iter().any(|own| below(domain, own)) {
            domains.push(domain);
        }
    }
    if domains.is_empty() {
        return None;
    }
    let ready: Vec<Protected> = protected.iter().map(|own| Protected::new(own)).collect();
    let pair = domains.iter().find_map(|domain| {
        let seen = Seen::new(domain);
        let own = ready.iter().zip(&protected).find(|(own, _)| seen.looks_like(own));
        own.map(|(_, own)| (domain, own))
    });
    pair.map(|(domain, own)| format!("{domain} looks like {own}"))
}
