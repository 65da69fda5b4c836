//! The author's name has a domain of ours in it, or an address there, and the address is elsewhere.
//!
//! Many programs show only the name. Not taken for it: what a service writes that says "via", and the name of a
//! person that is borrowed anyhow.

use std::cell::LazyCell;

use mail::address::below;

use crate::origin::likeness::{domain_skeleton, is_hidden};
use crate::origin::{Author, Origin, OriginSign};

/// Most words of a name that are looked at.
const MAX_WORDS: usize = 30;

pub(super) const SIGN: OriginSign = OriginSign {
    id: "borrowed_domain",
    points: 250,
    about: "The author's name has one of our domains in it, or one that the policy names; the address is elsewhere.",
    check,
    #[cfg(test)]
    fires: &[
        |it| it.from = "\"boss@example.org\" <x@evil.example>",
        |it| it.from = "\"Helpdesk example.org\" <x@evil.example>",
        |it| it.from = "\"Helpdesk (mail.EXAMPLE.org)\" <x@evil.example>",
        |it| it.from = "\"boss@ex\u{200b}аmple.org\" <x@evil.example>",
        |it| it.from = "\"\u{202e}gro.elpmaxe@ssob\u{202c}\" <x@evil.example>",
        |it| it.from = "x@evil.example (boss@example.org)",
        |it| it.from = "\"boss@example\u{ff0e}org\" <x@evil.example>",
        |it| it.from = "\"boss@example\u{2024}org\" <x@evil.example>",
        |it| {
            it.policy.spam.impersonation.domains = vec!["bücher.example".to_owned()];
            it.from = "\"Bücher.example\" <x@evil.example>";
        },
        |it| {
            it.policy.spam.impersonation.domains = vec!["partner.example".to_owned()];
            it.from = "\"Ann, partner.example\" <x@evil.example>";
        },
    ],
    #[cfg(test)]
    quiet: &[
        |_| (),
        |it| it.from = "\"boss@example.org\" <boss@example.org>",
        |it| it.from = "\"ann@example.com\" <x@evil.example>",
        |it| it.from = "\"ann@example.org via Lists\" <list@lists.example.com>",
        |it| it.from = "\"example\" <x@evil.example>",
        |it| it.from = "\"notexample.org\" <x@evil.example>",
        |it| {
            it.policy.spam.impersonation.domains = vec!["partner.example".to_owned()];
            it.from = "\"Ann of example.org\" <ann@partner.example>";
        },
        |it| {
            it.policy.spam.impersonation.domains = vec!["bücher.example".to_owned()];
            it.from = "\"Shop bücher.example\" <info@xn--bcher-kva.example>";
        },
    ],
};

fn check(origin: &Origin) -> Option<String> {
    // Who has the name of a person of ours, and the address beside it, borrows once.
    if origin.found.iter().any(|sign| sign.id == "borrowed_person") {
        return None;
    }
    let mut authors = origin.authors.iter().filter(|author| author.may_borrow(origin.policy, origin.site));
    let protected = origin.protected();
    // Few names have a word that may be a domain.
    let looks = LazyCell::new(|| protected.iter().map(|own| domain_skeleton(own)).collect::<Vec<String>>());
    authors.find_map(|author| {
        let names = author.names.iter().filter(|name| !Author::writes_for_another(name));
        let words = names.flat_map(|name| domains(name));
        let found =
            words.map(|word| domain_skeleton(&word)).find_map(|word| looks.iter().position(|own| below(&word, own)));
        let own = found.and_then(|at| protected.get(at))?;
        Some(format!("{own} in the name, from {}", author.address.domain()))
    })
}

/// The words of a name that may be domains, and the domains of addresses in it.
fn domains(name: &str) -> Vec<String> {
    // Dots of other scripts look like one, and browsers take most of them for one (UTS 46).
    let dot = |c: char| if matches!(c, '\u{2024}' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}') { '.' } else { c };
    let seen: String = name.chars().filter(|c| !is_hidden(*c)).map(dot).collect();
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '|');
    let words = seen.split(|c: char| !inside(c)).map(|word| word.trim_matches(['.', '-']));
    words.filter(|word| word.contains('.')).take(MAX_WORDS).map(str::to_owned).collect()
}
