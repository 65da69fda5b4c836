//! A message has more addresses or files than lists in the DNS are asked about.

use mail::evidence::{MAX_ADDRESSES, MAX_URLS};

use crate::origin::lists::{MAX_FILES, Set, files};
use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "not_all_asked",
    points: 0,
    about: "A message has more addresses or files than lists in the DNS are asked about.",
    check,
    #[cfg(test)]
    fires: &[|it| it.asks(Set::Urls, MAX_URLS + 1)],
    #[cfg(test)]
    quiet: &[|it| it.asks(Set::Urls, MAX_URLS), |it| it.asks(Set::Emails, MAX_URLS + 1)],
};

fn check(origin: &Origin) -> Option<String> {
    let external = &origin.policy.spam.external;
    let facts = origin.report.facts();
    let is_over = |set: Set, there: &dyn Fn() -> usize, most: usize| {
        (!set.lists(external).is_empty() && there() > most).then(|| format!("{most} {}", set.name()))
    };
    let over = [
        is_over(Set::Urls, &|| facts.urls.len(), MAX_URLS),
        is_over(Set::Emails, &|| facts.addresses.len(), MAX_ADDRESSES),
        is_over(Set::Files, &|| files(origin.report).len(), MAX_FILES),
    ];
    let said: Vec<String> = over.into_iter().flatten().collect();
    (!said.is_empty()).then(|| format!("only {} are asked about", said.join(", ")))
}
