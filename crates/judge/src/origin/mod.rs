//! Signs of spam from who really sent a message, and from the names that it borrows (EX-08 to EX-10).
//!
//! Made from the recorded report and the policy, so that a verdict can be made again. What could not be
//! found out (`temperror`, `permerror`) makes no sign. Their points are set here: the corpora cannot tell.
//!
//! A sign is one file, `signs/NAME.rs`, those of lists `lists/NAME.rs`: name, points, documentation, check, and
//! recorded answers on which it is there and on which it is not. To add one, write the file and name it in the
//! `mod.rs` beside it: as a module, and in the list. All are of the group [`SignGroup::Network`].

mod likeness;
pub mod lists;
mod memory;
#[cfg(test)]
pub(crate) mod recorded;
mod signs;

use std::borrow::Cow;
use std::net::IpAddr;

use mail::address::{Address, canonical};
use mail::arrival::Arrival;
use mail::evidence::{Authentication, DmarcCheck, Report, ReverseCheck, Sign, SignGroup};

use crate::policy::Policy;
use crate::site::Site;

pub use memory::{Parties, parties};

/// Most protected domains and people that are compared with one message.
pub const MAX_PROTECTED: usize = 1000;

/// One sign of the catalogue.
#[derive(Clone, Copy, Debug)]
struct OriginSign {
    /// Its stable name.
    id: &'static str,
    /// Its points in hundredths.
    points: i16,
    /// What it means, in a sentence.
    about: &'static str,
    /// What was seen, if it was.
    check: fn(&Origin) -> Option<String>,
    /// What has to be recorded for it to be there.
    #[cfg(test)]
    fires: &'static [fn(&mut recorded::Recorded)],
    /// And for it not to be.
    #[cfg(test)]
    quiet: &'static [fn(&mut recorded::Recorded)],
}

/// What the signs look at.
struct Origin<'a> {
    policy: &'a Policy,
    site: &'a Site,
    report: &'a Report,
    /// What is known of the sender; nothing where that is switched off, or over a trusted connection, which proves
    /// nothing by its address, and need not.
    auth: Option<&'a Authentication>,
    /// The client's address and what is known of its name; nothing over a trusted connection.
    reverse: Option<(IpAddr, &'a ReverseCheck)>,
    authors: Vec<Author>,
    /// The signs that stand before, and are there.
    found: Vec<Sign>,
}

impl<'a> Origin<'a> {
    /// The domains that nobody else may look like: ours, and those that the policy names; the first [`MAX_PROTECTED`].
    fn protected(&self) -> Vec<Cow<'a, str>> {
        let named = &self.policy.spam.impersonation.domains;
        self.site.internal_domains.iter().chain(named).take(MAX_PROTECTED).map(|domain| canonical(domain)).collect()
    }

    /// Whether a sealer whom the policy believes says that the author's domain was proven before.
    fn is_vouched(&self, check: &DmarcCheck) -> bool {
        let sealers = &self.policy.authentication.trusted_sealers;
        self.auth.is_some_and(|auth| auth.vouched(&check.domain, sealers).is_some())
    }
}

/// Every sign of the group, those of lists included: name, points in hundredths, what it means.
pub fn catalogue() -> impl Iterator<Item = (&'static str, i16, &'static str)> {
    let own = signs::ALL.into_iter().map(|row| (row.id, row.points, row.about));
    own.chain(lists::ALL.into_iter().map(|row| (row.id, row.points, row.about)))
}

/// The name of the sign as the catalogue has it; `None` for what is no sign of this group.
pub fn sign_name(id: &str) -> Option<&'static str> {
    catalogue().map(|(known, ..)| known).find(|known| *known == id)
}

/// The signs of a message that comes from outside.
pub fn signs(policy: &Policy, site: &Site, arrival: &Arrival, report: &Report) -> Vec<Sign> {
    let stranger = !arrival.over_trusted_connection();
    let auth = report.auth().filter(|_| stranger && policy.authentication.enabled);
    let reverse = report.reverse().filter(|_| stranger);
    let mut origin = Origin { policy, site, report, auth, reverse, authors: Author::all(report), found: Vec::new() };
    for row in signs::ALL {
        if let Some(seen) = (row.check)(&origin) {
            origin.found.push(Sign::new(row.id, SignGroup::Network, row.points, seen));
        }
    }
    origin.found
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
            // Not every program obeys what turns the direction of writing.
            let names = names.into_iter().flat_map(|name| [name.to_owned(), mail::letters::as_shown(name)]);
            let names = names.map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty());
            let mut names: Vec<String> = names.collect();
            names.dedup();
            found.push(Self { names, address });
        }
        found
    }

    /// Whether a service says that it writes in somebody's name.
    fn writes_for_another(name: &str) -> bool {
        name.split(|c: char| !c.is_alphanumeric()).any(|word| word == "via")
    }

    /// Whether the author has a name, and an address that is neither ours nor of a domain that the policy names.
    fn may_borrow(&self, policy: &Policy, site: &Site) -> bool {
        let known = policy.spam.impersonation.domains.iter().any(|own| self.address.is_in(&canonical(own)));
        !self.names.is_empty() && !known && !site.is_internal(&self.address)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
