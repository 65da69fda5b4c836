//! Signs of spam from who really sent a message, and from the names that it borrows (EX-08 to EX-10).
//!
//! Made from the recorded report and the policy, so that a verdict can be made again. What could not be
//! found out (`temperror`, `permerror`) makes no sign. Their points are set here: the corpora cannot tell.

mod likeness;
pub mod lists;
mod memory;

use std::cell::LazyCell;

use mail::address::Address;
use mail::arrival::Arrival;
use mail::evidence::{AuthResult, Authentication, DmarcCheck, DmarcPolicy, Report, Sign, SignGroup};

use crate::policy::Policy;
use crate::site::{Site, below};
use likeness::{Protected, Seen};
use lists::Set;

pub use memory::{Parties, parties};

/// Most protected domains and people that are compared with one message.
pub const MAX_PROTECTED: usize = 1000;
/// Most words of a name that are looked at.
const MAX_WORDS: usize = 12;

/// One sign of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct OriginSign {
    /// Its stable name.
    pub id: &'static str,
    /// Its points in hundredths.
    pub points: i16,
    /// What it means, in a sentence.
    pub about: &'static str,
}

/// Every sign of this module, for the documentation.
pub const ALL: [OriginSign; 15] = [
    OriginSign { id: "spf_fail", points: 150, about: "SPF says that the sender's domain does not send from there." },
    OriginSign {
        id: "spf_softfail",
        points: 60,
        about: "SPF says that the sender's domain probably does not send from there.",
    },
    OriginSign {
        id: "dmarc_fail",
        points: 100,
        about: "DMARC of the author's domain fails; its owner asks for nothing.",
    },
    OriginSign {
        id: "dmarc_fail_strict",
        points: 200,
        about: "DMARC of the author's domain fails; its owner wants such mail put aside or refused.",
    },
    OriginSign { id: "reverse_missing", points: 80, about: "The client's address has no name (EX-08)." },
    OriginSign {
        id: "reverse_elsewhere",
        points: 40,
        about: "The name of the client's address does not lead back to it (EX-08).",
    },
    OriginSign {
        id: "dynamic_client",
        points: 200,
        about: "The name of the client's address is that of a home or dial-up line (EX-10; off by default).",
    },
    OriginSign {
        id: "own_domain_unproven",
        points: 200,
        about: "It comes from outside, says that it is from a domain of ours, and nothing proves it.",
    },
    OriginSign {
        id: "authors_of_several_domains",
        points: 200,
        about: "From names authors of several domains, of whom programs show one or another.",
    },
    OriginSign {
        id: "lookalike_domain",
        points: 250,
        about: "The author's domain looks like one of ours, or like one that the policy names.",
    },
    OriginSign {
        id: "borrowed_person",
        points: 250,
        about: "The author has the name of a person that the policy names, and an address elsewhere.",
    },
    OriginSign { id: "known_spam_image", points: 400, about: "A picture in it looks like one of known spam (LM-06)." },
    OriginSign {
        id: "first_contact",
        points: 30,
        about: "The author never wrote here before, and nobody here wrote to it.",
    },
    OriginSign {
        id: "first_contact_borrowed",
        points: 150,
        about: "The author is new, and has a name or domain that looks like one we know.",
    },
    OriginSign {
        id: "first_contact_payment",
        points: 100,
        about: "The author is new, and wants money: an invoice, a bank, a wallet, a prize.",
    },
];

/// Every sign of the group, those of lists included: name, points in hundredths, what it means.
pub fn catalogue() -> impl Iterator<Item = (&'static str, i16, &'static str)> {
    let own = ALL.iter().map(|row| (row.id, row.points, row.about));
    own.chain(Set::ALL.into_iter().flat_map(|set| {
        let ((listed, reached), (has, comes)) = (set.signs(), set.about());
        [(listed, 0, has), (reached, lists::REACHED_POINTS, comes)]
    }))
}

/// The name of the sign as the catalogue has it; `None` for what is no sign of this group.
pub fn sign_name(id: &str) -> Option<&'static str> {
    catalogue().map(|(known, ..)| known).find(|known| *known == id)
}

fn sign(id: &str, evidence: impl Into<String>) -> Option<Sign> {
    let row = ALL.iter().find(|row| row.id == id)?;
    Some(Sign::new(row.id, SignGroup::Network, row.points, evidence))
}

/// The signs of a message that comes from outside. Who is trusted as a connection proves nothing by its
/// address, and need not.
pub fn signs(policy: &Policy, site: &Site, arrival: &Arrival, report: &Report) -> Vec<Sign> {
    let authors = Author::all(report);
    // Most mail needs the people's names; what comes from a domain of theirs or of ours, or has no name, does not.
    let people = LazyCell::new(|| People::of(policy));
    let mut found: Vec<Option<Sign>> = Vec::new();
    let proves = policy.authentication.enabled && !arrival.over_trusted_connection();
    if let Some(auth) = report.auth().filter(|_| proves) {
        let sealers = &policy.authentication.trusted_sealers;
        found.extend(of_sender(auth, sealers));
        found.extend(of_client(auth));
        found.push(unproven(auth, site, sealers));
        found.push(unclear(auth));
    }
    found.push(lookalike(policy, site, report.auth(), &authors));
    found.push(
        authors.iter().filter(|author| author.may_borrow(policy, site)).find_map(|author| borrowed(&people, author)),
    );
    found.push(memory::picture(policy, report));
    let mut found: Vec<Sign> = found.into_iter().flatten().collect();
    found.extend(memory::first_contact(policy, report, &found));
    found
}

/// SPF and DMARC. Where the author is proven, or a sealer whom the policy believes says that it was fine when it
/// came there, a failing path of the envelope says nothing more.
fn of_sender(auth: &Authentication, sealers: &[String]) -> [Option<Sign>; 2] {
    let domain = || auth.spf.domain.escaped(80);
    let is_vouched = |check: &&DmarcCheck| auth.vouched(&check.domain, sealers).is_some();
    let vouched = !auth.dmarc.is_empty() && auth.dmarc.iter().all(|check| is_vouched(&check));
    let spf = match (auth.dmarc(), auth.spf.result) {
        (AuthResult::Pass, _) => None,
        _ if vouched => None,
        (_, AuthResult::Fail) => sign("spf_fail", domain()),
        (_, AuthResult::SoftFail) => sign("spf_softfail", domain()),
        _ => None,
    };
    let failed = auth.dmarc.iter().find(|check| check.result == AuthResult::Fail && !is_vouched(check));
    let dmarc = failed.and_then(|check| {
        let strict = auth.wish_without(sealers) != DmarcPolicy::None;
        sign(if strict { "dmarc_fail_strict" } else { "dmarc_fail" }, check.domain.escaped(80))
    });
    [spf, dmarc]
}

/// Authors of several domains, in one field or in several: a program shows one of them, and nobody knows which.
fn unclear(auth: &Authentication) -> Option<Sign> {
    let mut domains: Vec<String> = auth.dmarc.iter().map(|check| check.domain.escaped(40)).collect();
    domains.dedup();
    let several = !auth.one_author && domains.len() > 1;
    several.then(|| sign("authors_of_several_domains", domains.join(", "))).flatten()
}

fn of_client(auth: &Authentication) -> [Option<Sign>; 2] {
    let name = auth.reverse.name.raw();
    let shown = || auth.ip.map_or_else(String::new, |ip| ip.to_string());
    let reverse = match auth.reverse.result {
        AuthResult::Fail if name.is_empty() => sign("reverse_missing", shown()),
        AuthResult::Fail => sign("reverse_elsewhere", auth.reverse.name.escaped(80)),
        _ => None,
    };
    let dynamic = auth.ip.filter(|ip| is_dynamic(name, *ip)).and_then(|_| {
        let evidence = auth.reverse.name.escaped(80);
        sign("dynamic_client", evidence)
    });
    [reverse, dynamic]
}

/// Whether the name of an address is made from the address, or says that addresses are handed out there.
fn is_dynamic(name: &str, ip: std::net::IpAddr) -> bool {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let fixed = ["static", "mail", "smtp", "mx", "mta", "relay", "out", "outbound"];
    if words.iter().any(|word| fixed.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit()))) {
        return false;
    }
    let handed = ["dyn", "dynamic", "dial", "dialup", "dsl", "adsl", "dhcp", "ppp", "pppoe", "pool", "cable", "cust"];
    let says = words.iter().any(|word| handed.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit())));
    let numbers = match ip.to_canonical() {
        std::net::IpAddr::V4(ip) => {
            let octets = ip.octets();
            let as_words = octets.iter().filter(|octet| words.iter().any(|word| *word == octet.to_string())).count();
            let [a, b, c, d] = octets;
            let joined = [format!("{a:03}{b:03}{c:03}{d:03}"), format!("{a:02x}{b:02x}{c:02x}{d:02x}")];
            as_words >= 3 || joined.iter().any(|text| lower.contains(text.as_str()))
        }
        std::net::IpAddr::V6(_) => false,
    };
    numbers || says && lower.bytes().any(|byte| byte.is_ascii_digit())
}

fn unproven(auth: &Authentication, site: &Site, sealers: &[String]) -> Option<Sign> {
    let claimed = auth.dmarc.iter().find(|check| site.owns(check.domain.raw()))?;
    let unknown = matches!(claimed.result, AuthResult::Pass | AuthResult::TempError | AuthResult::PermError);
    // Anybody can seal: only those count whom the policy believes.
    let vouched = auth.vouched(&claimed.domain, sealers).is_some();
    let otherwise = claimed.spf_aligned || claimed.dkim_aligned || vouched;
    if unknown || otherwise { None } else { sign("own_domain_unproven", claimed.domain.escaped(80)) }
}

/// Somebody whom From names: the names that programs may show, and the address.
#[derive(Debug)]
struct Author {
    names: Vec<String>,
    address: Address,
}

impl Author {
    /// All of them: any may be the one that is shown.
    fn all(report: &Report) -> Vec<Self> {
        let mut found = Vec::new();
        // Words in front of a comma that is not quoted: "Doe, Ann <ann@example.org>".
        let mut loose = String::new();
        for named in &report.facts().authors {
            let address = Address::parse(named.address.raw()).filter(|address| !address.domain().is_empty());
            let Some(address) = address else {
                loose = [loose.as_str(), " ", named.address.raw(), " ", named.name.raw()].concat();
                continue;
            };
            let name = named.name.raw();
            let whole = [std::mem::take(&mut loose).as_str(), " ", name].concat();
            let names = [name.as_str(), whole.as_str(), named.comment.raw().as_str()];
            let names = names.into_iter().map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty());
            found.push(Self { names: names.collect(), address });
        }
        found
    }

    /// Whether the author has a name, and an address that is neither ours nor of a domain that the policy names.
    fn may_borrow(&self, policy: &Policy, site: &Site) -> bool {
        let known = policy.spam.impersonation.domains.iter().any(|own| self.address.is_in(own));
        !self.names.is_empty() && !known && !site.is_internal(&self.address)
    }
}

fn lookalike(policy: &Policy, site: &Site, auth: Option<&Authentication>, authors: &[Author]) -> Option<Sign> {
    let named = policy.spam.impersonation.domains.iter();
    let protected: Vec<&String> = site.internal_domains.iter().chain(named).take(MAX_PROTECTED).collect();
    // DMARC mostly asked about the domain that From shows.
    let asked = auth.iter().flat_map(|auth| &auth.dmarc).map(|check| check.domain.raw().as_str());
    let mut domains: Vec<&str> = Vec::new();
    for domain in authors.iter().map(|author| author.address.domain()).chain(asked) {
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
    pair.and_then(|(domain, own)| sign("lookalike_domain", format!("{domain} looks like {own}")))
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
/// written as one. A service that writes in somebody's name says "via".
fn is_named(given: &[String], person: &[String], via: &str) -> bool {
    let few = given.len() <= person.len().saturating_add(1) && person.iter().all(|word| given.contains(word));
    let run = || given.windows(person.len().max(1)).any(|part| part == person);
    let joined = |words: &[String]| words.iter().map(String::len).sum::<usize>();
    let as_one = || joined(given) == joined(person) && given.concat() == person.concat();
    few || as_one() || run() && !given.iter().any(|word| word == via)
}

/// The name of an author whose address is elsewhere is that of a person.
fn borrowed(people: &People, author: &Author) -> Option<Sign> {
    let given: Vec<Vec<String>> = author.names.iter().map(|name| words(name)).collect();
    let same = |wanted: &[String]| given.iter().any(|given| is_named(given, wanted, &people.via));
    let (person, _) = people.known.iter().find(|(_, wanted)| same(wanted))?;
    sign("borrowed_person", format!("{person}, from {}", author.address.domain()))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
