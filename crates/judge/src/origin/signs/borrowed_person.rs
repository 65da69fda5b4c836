//! The author has the name of a person that the policy names, and an address elsewhere.

use std::cell::LazyCell;

use mail::evidence::AuthResult;

use crate::origin::likeness;
use crate::origin::{Author, MAX_PROTECTED, Origin, OriginSign};
use crate::policy::Policy;

/// Most words of a name that are looked at.
const MAX_WORDS: usize = 12;

pub(super) const SIGN: OriginSign = OriginSign {
    id: "borrowed_person",
    points: 250,
    about: "The author has the name of a person that the policy names, and an address elsewhere.",
    check,
    #[cfg(test)]
    fires: &[
        |it| {
            it.policy.spam.impersonation.people = vec!["Ann Doe".to_owned()];
            it.from = "\"Doe, Ann (CEO)\" <ceo@example.com>";
        },
        |it| {
            it.policy.spam.impersonation.people = vec!["Ann Doe".to_owned()];
            it.from = "\"\u{202e}eoD nnA\u{202c}\" <ceo@example.com>";
        },
        |it| {
            it.policy.spam.impersonation.people = vec!["Ann Doe".to_owned()];
            it.from = "A\u{200b}nn \u{1d403}oe <ceo@example.com>";
        },
        |it| {
            it.policy.spam.impersonation.people = vec!["Ann Doe".to_owned()];
            it.from = "Ann Doe via Example Service Ltd <x@example.com>";
        },
    ],
    #[cfg(test)]
    quiet: &[
        |_| (),
        |it| {
            it.policy.spam.impersonation.people = vec!["Ann Doe".to_owned()];
            it.from = "Ann Doe <ann@example.org>";
        },
        |it| {
            it.policy.spam.impersonation.people = vec!["Ann Doe".to_owned()];
            it.from = "Ann Doe via Example Service Ltd <x@example.com>";
            it.author("example.com").result = AuthResult::Pass;
        },
        |it| {
            it.policy.spam.impersonation.people = vec!["Ann Doe".to_owned()];
            it.from = "Ann Other <ann@example.com>";
        },
    ],
};

fn check(origin: &Origin) -> Option<String> {
    // Most mail needs the people's names; what comes from a domain of theirs or of ours, or has no name, does not.
    let people = LazyCell::new(|| People::of(origin.policy));
    // Only who is proven is a service that writes for another; where nobody asked, the word is believed.
    let believed = origin.auth.is_none_or(|auth| auth.dmarc() == AuthResult::Pass);
    let mut authors = origin.authors.iter().filter(|author| author.may_borrow(origin.policy, origin.site));
    authors.find_map(|author| borrowed(&people, author, believed))
}

/// The words of a name as they look, without addresses that stand among them.
fn words(name: &str) -> Vec<String> {
    let seen: String = name.chars().filter(|c| !likeness::is_hidden(*c)).collect();
    let parts = seen.split_whitespace().filter(|part| !part.contains('@'));
    let words = parts.flat_map(|part| part.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>());
    words.filter(|word| !word.is_empty()).map(likeness::skeleton).take(MAX_WORDS).collect()
}

/// The people whose names are protected, each with the words of the name: made once for a message.
struct People<'a> {
    known: Vec<(&'a String, Vec<String>)>,
    /// The word by which services say that they write in somebody's name.
    via: String,
}

impl<'a> People<'a> {
    fn of(policy: &'a Policy) -> Self {
        let people = policy.spam.impersonation.people.iter().take(MAX_PROTECTED);
        let known = people.map(|person| (person, words(&person.to_lowercase())));
        Self { known: known.filter(|(_, words)| words.len() > 1).collect(), via: likeness::skeleton("via") }
    }
}

/// Whether a name is that of a person: the same words in any order, with a middle name or title more ("Doe,
/// Ann B." is "Ann Doe"), in this order with more behind or before ("Ann Doe, Chief Executive Officer"), or
/// written as one. `via`: the word that a service says which writes in somebody's name.
fn is_named(given: &[String], person: &[String], via: Option<&str>) -> bool {
    let few = given.len() <= person.len().saturating_add(1) && person.iter().all(|word| given.contains(word));
    let run = || given.windows(person.len().max(1)).any(|part| part == person);
    let joined = |words: &[String]| words.iter().map(String::len).sum::<usize>();
    let as_one = || joined(given) == joined(person) && given.concat() == person.concat();
    few || as_one() || run() && !given.iter().any(|word| Some(word.as_str()) == via)
}

/// The name of an author whose address is elsewhere is that of a person.
fn borrowed(people: &People, author: &Author, believed: bool) -> Option<String> {
    let given: Vec<Vec<String>> = author.names.iter().map(|name| words(name)).collect();
    let via = Some(people.via.as_str()).filter(|_| believed);
    let same = |wanted: &[String]| given.iter().any(|given| is_named(given, wanted, via));
    let (person, _) = people.known.iter().find(|(_, wanted)| same(wanted))?;
    Some(format!("{person}, from {}", author.address.domain()))
}
