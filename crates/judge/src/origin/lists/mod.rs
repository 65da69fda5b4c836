//! DNS lists: which are asked, and what their answers come to (EX-01 to EX-07, EX-12; D-1).

mod dnsbl_listed;
mod dnsbl_reached;
mod email_listed;
mod email_reached;
mod file_listed;
mod file_reached;
mod surbl_listed;
mod surbl_reached;
mod url_listed;
mod url_reached;

use std::net::IpAddr;

use mail::arrival::Arrival;
use mail::evidence::{Origin, Report, Sign, SignGroup};

use crate::policy::{DnsList, External, Policy};

/// The sum of weights from which on a set of lists acts (D-1).
pub const REACHED: u32 = 100;
/// The points of a sign that says so, in hundredths.
const REACHED_POINTS: i16 = 1000;
/// How much of what was looked up is shown, in bytes.
const MAX_SHOWN: usize = 100;
/// Most lists of one set.
pub const MAX_LISTS: usize = 50;
/// Most files of a message that lists are asked about.
pub const MAX_FILES: usize = 20;

/// One sign of a set of lists; each set has two.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListSign {
    /// Its stable name.
    pub(super) id: &'static str,
    set: Set,
    /// It says that the weights reach the limit, which acts by itself.
    acts: bool,
    /// Its points in hundredths.
    pub(super) points: i16,
    /// What it means, in a sentence.
    pub(super) about: &'static str,
    /// What was seen, if it was.
    check: fn(&Listings) -> Option<String>,
    /// What the lists said where it is there: what was looked up, the list's zone, its weight.
    #[cfg(test)]
    fires: &'static [&'static [(&'static str, &'static str, u8)]],
    /// And where it is not.
    #[cfg(test)]
    quiet: &'static [&'static [(&'static str, &'static str, u8)]],
}

/// The signs of all sets, in the order of the documentation.
pub(super) const ALL: [ListSign; 10] = [
    dnsbl_listed::SIGN,
    dnsbl_reached::SIGN,
    surbl_listed::SIGN,
    surbl_reached::SIGN,
    url_listed::SIGN,
    url_reached::SIGN,
    email_listed::SIGN,
    email_reached::SIGN,
    file_listed::SIGN,
    file_reached::SIGN,
];

/// What the lists of one set said about one message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listings {
    /// The lists that have it: what was looked up, the list's zone, its weight.
    pub listed: Vec<(String, String, u8)>,
}

/// Which set of lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Set {
    /// Addresses of clients (EX-02).
    Dnsbl,
    /// Domains of links (EX-03).
    Surbl,
    /// Addresses of links, by hash.
    Urls,
    /// Mail addresses, by hash.
    Emails,
    /// Attachments, by hash.
    Files,
}

impl Set {
    /// Every set.
    pub const ALL: [Self; 5] = [Self::Dnsbl, Self::Surbl, Self::Urls, Self::Emails, Self::Files];

    /// The word for it in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dnsbl => "dnsbl",
            Self::Surbl => "surbl",
            Self::Urls => "urls",
            Self::Emails => "emails",
            Self::Files => "files",
        }
    }

    /// Whether it is switched on.
    pub fn is_on(self, external: &External) -> bool {
        let on = match self {
            Self::Dnsbl => external.dnsbl,
            Self::Surbl => external.surbl,
            Self::Urls => external.urls,
            Self::Emails => external.emails,
            Self::Files => external.files,
        };
        external.enabled && on
    }

    /// The set that a sign is of, and whether it says that the weights reach the limit.
    pub fn of_sign(id: &str) -> Option<(Self, bool)> {
        ALL.into_iter().find(|row| row.id == id).map(|row| (row.set, row.acts))
    }

    /// The lists that are asked, none while they are switched off.
    pub fn lists(self, external: &External) -> &[DnsList] {
        let lists = match self {
            Self::Dnsbl => &external.dnsbl_lists,
            Self::Surbl => &external.surbl_lists,
            Self::Urls => &external.url_lists,
            Self::Emails => &external.email_lists,
            Self::Files => &external.file_lists,
        };
        let lists = lists.get(..lists.len().min(MAX_LISTS)).unwrap_or_default();
        if self.is_on(external) { lists } else { &[] }
    }
}

/// The address that is looked up for a message; `None` where there is none that a list could know.
pub fn client(policy: &Policy, arrival: &Arrival) -> Option<IpAddr> {
    let ip = arrival.peer.ip?.to_canonical();
    let strange = !arrival.over_trusted_connection() && crate::auth::is_public(ip);
    (strange && crate::spam::excluded(policy, arrival).is_none()).then_some(ip)
}

/// The SHA-256 of what is attached, and of what lies in it; each once: [`MAX_FILES`], and
/// one more where there are more.
pub fn files(report: &Report) -> Vec<[u8; 32]> {
    let mut found: Vec<[u8; 32]> = Vec::new();
    let objects = report.evidence().objects.iter().skip(1);
    let attached = objects.filter(|object| object.attachment || matches!(object.origin, Origin::Member(_)));
    for object in attached.filter(|object| object.size > 0 && object.sha256 != [0; 32]) {
        if found.len() > MAX_FILES {
            break;
        }
        if !found.contains(&object.sha256) {
            found.push(object.sha256);
        }
    }
    found
}

impl Listings {
    /// What these lists say of it, each with the weight that it has there: another group of recipients may
    /// ask others.
    pub fn of(&self, lists: &[DnsList]) -> Self {
        let weigh = |(what, zone, _): &(String, String, u8)| {
            let list = lists.iter().find(|list| list.zone == *zone)?;
            Some((what.clone(), zone.clone(), list.weight))
        };
        Self { listed: self.listed.iter().filter_map(weigh).collect() }
    }
}

/// What an answer of a list means. Only addresses in 127.0.0.0/8 say that something is listed; those in
/// 127.255.255.0/24 and all others are errors of the list (D-1, EX-12).
pub fn means_listed(answer: std::net::Ipv4Addr) -> bool {
    let [first, second, third, _] = answer.octets();
    first == 127 && (second, third) != (255, 255)
}

/// The signs that follow.
pub fn signs(set: Set, listings: &Listings) -> Vec<Sign> {
    let rows = ALL.into_iter().filter(|row| row.set == set);
    rows.filter_map(|row| Some(Sign::new(row.id, SignGroup::Network, row.points, (row.check)(listings)?))).collect()
}

/// What the lists have, each with its weight. Weights alone have no points: below the limit nothing is raised (D-1).
fn listed(listings: &Listings) -> Option<String> {
    let shown: Vec<String> = listings
        .listed
        .iter()
        .take(5)
        .map(|(what, zone, weight)| format!("{} in {zone} ({weight})", short(what)))
        .collect();
    (!shown.is_empty()).then(|| shown.join(", "))
}

/// As much of an address of a link as is shown.
fn short(what: &str) -> &str {
    what.get(..what.floor_char_boundary(MAX_SHOWN)).unwrap_or(what)
}

/// The sum of the weights, if it reaches the limit. Each list counts once, whatever number of links it has.
fn reached(listings: &Listings) -> Option<String> {
    let mut zones: Vec<(&str, u8)> = listings.listed.iter().map(|(_, zone, weight)| (zone.as_str(), *weight)).collect();
    zones.sort_unstable();
    zones.dedup();
    let sum: u32 = zones.iter().map(|(_, weight)| u32::from(*weight)).sum();
    (sum >= REACHED).then(|| format!("weights of {sum}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ex_12_d1_only_answers_of_the_loopback_net_are_listings() {
        let cases = [
            ([127, 0, 0, 2], true),
            ([127, 0, 1, 255], true),
            ([127, 255, 254, 1], true),
            ([127, 255, 255, 254], false),
            ([127, 255, 255, 1], false),
            ([192, 0, 2, 1], false),
            ([0, 0, 0, 0], false),
        ];
        for (answer, expected) in cases {
            assert_eq!(means_listed(answer.into()), expected, "{answer:?}");
        }
    }

    fn listings(list: &[(&str, &str, u8)]) -> Listings {
        let listed = list.iter().map(|(what, zone, weight)| ((*what).to_owned(), (*zone).to_owned(), *weight));
        Listings { listed: listed.collect() }
    }

    #[test]
    fn every_sign_is_there_where_it_should_be_and_nowhere_else() {
        for row in ALL {
            assert!(!row.fires.is_empty() && !row.quiet.is_empty(), "{}: has no cases", row.id);
            let is_there = |case: &[_]| signs(row.set, &listings(case)).iter().any(|sign| sign.id == row.id);
            assert!(row.fires.iter().all(|case| is_there(case)), "{}", row.id);
            assert!(!row.quiet.iter().any(|case| is_there(case)), "{}", row.id);
        }
    }

    #[test]
    fn ex_06_ex_07_d1_weights_add_up_list_by_list_and_act_from_100_on() {
        let cases: [(Listings, &[&str]); 5] = [
            (listings(&[]), &[]),
            (listings(&[("a", "one.example", 99)]), &["dnsbl_listed"]),
            (listings(&[("a", "one.example", 100)]), &["dnsbl_listed", "dnsbl_reached"]),
            (listings(&[("a", "one.example", 60), ("a", "two.example", 40)]), &["dnsbl_listed", "dnsbl_reached"]),
            (listings(&[("a", "one.example", 60), ("b", "one.example", 60)]), &["dnsbl_listed"]),
        ];
        for (said, expected) in cases {
            let found = signs(Set::Dnsbl, &said);
            assert_eq!(found.iter().map(|sign| sign.id.as_str()).collect::<Vec<_>>(), expected, "{said:?}");
        }
    }

    #[test]
    fn ex_01_ex_14_lists_are_asked_only_while_both_switches_are_on() {
        let list = DnsList { zone: "list.example".to_owned(), weight: 50 };
        let mut external = External { dnsbl_lists: vec![list.clone()], surbl_lists: vec![list], ..External::default() };
        assert!(external.enabled, "EX-01");
        assert!(!external.dnsbl && !external.surbl, "EX-02, EX-03");
        assert!(Set::Dnsbl.lists(&external).is_empty() && Set::Surbl.lists(&external).is_empty());
        external.dnsbl = true;
        assert_eq!((Set::Dnsbl.lists(&external).len(), Set::Surbl.lists(&external).len()), (1, 0));
        external.surbl = true;
        assert_eq!(Set::Surbl.lists(&external).len(), 1);
        external.enabled = false;
        assert!(Set::Dnsbl.lists(&external).is_empty() && Set::Surbl.lists(&external).is_empty());
    }

    #[test]
    fn ex_04_addresses_links_and_files_have_sets_of_their_own_with_signs_of_their_own() {
        let list = DnsList { zone: "list.example".to_owned(), weight: 100 };
        let (email_lists, url_lists, file_lists) = (vec![list.clone()], vec![list.clone()], vec![list]);
        let some = External { email_lists, url_lists, file_lists, ..External::default() };
        let asked = |external: &External| [Set::Emails, Set::Urls, Set::Files].map(|set| set.lists(external).len());
        assert_eq!(asked(&External { emails: true, ..some.clone() }), [1, 0, 0]);
        assert_eq!(asked(&External { urls: true, ..some }), [0, 1, 0]);
        for set in Set::ALL {
            let own: Vec<bool> = ALL.into_iter().filter(|row| row.set == set).map(|row| row.acts).collect();
            assert_eq!(own, [false, true], "{set:?}");
        }
        for row in ALL {
            assert_eq!(Set::of_sign(row.id), Some((row.set, row.acts)));
        }
        assert_eq!(Set::of_sign("spf_fail"), None);
    }
}
