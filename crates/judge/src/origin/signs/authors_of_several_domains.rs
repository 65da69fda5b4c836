//! From names authors of several domains, of whom programs show one or another.

#[cfg(test)]
use mail::evidence::AuthResult;

use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "authors_of_several_domains",
    points: 200,
    about: "From names authors of several domains, of whom programs show one or another.",
    check,
    #[cfg(test)]
    fires: &[|it| {
        it.author("a.example").result = AuthResult::None;
        it.author("b.example").result = AuthResult::None;
        it.auth.one_author = false;
    }],
    #[cfg(test)]
    quiet: &[
        |_| (),
        |it| {
            it.author("a.example").result = AuthResult::None;
            it.auth.one_author = false;
        },
    ],
};

/// In one field or in several: a program shows one of them, and nobody knows which.
fn check(origin: &Origin) -> Option<String> {
    let auth = origin.auth?;
    let mut domains: Vec<String> = auth.dmarc.iter().map(|check| check.domain.escaped(40)).collect();
    domains.dedup();
    let several = !auth.one_author && domains.len() > 1;
    several.then(|| domains.join(", "))
}
