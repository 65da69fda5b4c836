//! DNS lists: which are asked, and what their answers come to (EX-01 to EX-07, EX-12; D-1).

use std::net::IpAddr;

use mail::arrival::Arrival;
use mail::evidence::{Sign, SignGroup};

use crate::policy::{DnsList, External, Policy};

/// The sum of weights from which on a set of lists acts (D-1).
pub const REACHED: u32 = 100;
/// The points of a sign that says so, in hundredths.
pub(super) const REACHED_POINTS: i16 = 1000;
/// Most lists of one set.
pub const MAX_LISTS: usize = 50;

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
    /// Mail addresses, by hash.
    Emails,
    /// Attachments, by hash.
    Files,
}

impl Set {
    /// Every set.
    pub const ALL: [Self; 4] = [Self::Dnsbl, Self::Surbl, Self::Emails, Self::Files];

    /// The word for it in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dnsbl => "dnsbl",
            Self::Surbl => "surbl",
            Self::Emails => "emails",
            Self::Files => "files",
        }
    }

    /// Whether it is switched on.
    pub fn is_on(self, external: &External) -> bool {
        let on = match self {
            Self::Dnsbl => external.dnsbl,
            Self::Surbl => external.surbl,
            Self::Emails => external.emails,
            Self::Files => external.files,
        };
        external.enabled && on
    }

    /// The set that a sign is of, and whether it says that the weights reach the limit.
    pub fn of_sign(id: &str) -> Option<(Self, bool)> {
        let is = |set: &Self| set.signs().0 == id || set.signs().1 == id;
        Self::ALL.into_iter().find(is).map(|set| (set, set.signs().1 == id))
    }

    /// The lists that are asked, none while they are switched off.
    pub fn lists(self, external: &External) -> &[DnsList] {
        let lists = match self {
            Self::Dnsbl => &external.dnsbl_lists,
            Self::Surbl => &external.surbl_lists,
            Self::Emails => &external.email_lists,
            Self::Files => &external.file_lists,
        };
        let lists = lists.get(..lists.len().min(MAX_LISTS)).unwrap_or_default();
        if self.is_on(external) { lists } else { &[] }
    }

    /// The names of its two signs: that a list has it, and that the weights reach the limit.
    pub fn signs(self) -> (&'static str, &'static str) {
        match self {
            Self::Dnsbl => ("dnsbl_listed", "dnsbl_reached"),
            Self::Surbl => ("surbl_listed", "surbl_reached"),
            Self::Emails => ("email_listed", "email_reached"),
            Self::Files => ("file_listed", "file_reached"),
        }
    }

    /// What its two signs mean, in a sentence each.
    pub fn about(self) -> (&'static str, &'static str) {
        let listed = match self {
            Self::Dnsbl => "Lists in the DNS have the client's address (EX-02).",
            Self::Surbl => "Lists in the DNS have the domain of a link (EX-03).",
            Self::Emails => "Lists in the DNS have a mail address of the message, by its hash.",
            Self::Files => "Lists in the DNS have an attachment, by its hash.",
        };
        (listed, "Their weights come to 100: the rating is 100, or the address blacklisted (D-1).")
    }
}

/// The address that is looked up for a message; `None` where there is none that a list could know.
pub fn client(policy: &Policy, arrival: &Arrival) -> Option<IpAddr> {
    let ip = arrival.peer.ip?.to_canonical();
    let strange = !arrival.over_trusted_connection() && crate::auth::is_public(ip);
    (strange && crate::spam::excluded(policy, arrival).is_none()).then_some(ip)
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

/// The signs that follow. Each list counts once, whatever number of links it has. Weights alone have no
/// points: below the limit nothing is raised (D-1).
pub fn signs(set: Set, listings: &Listings) -> Vec<Sign> {
    let mut zones: Vec<(&str, u8)> = listings.listed.iter().map(|(_, zone, weight)| (zone.as_str(), *weight)).collect();
    zones.sort_unstable();
    zones.dedup();
    let sum: u32 = zones.iter().map(|(_, weight)| u32::from(*weight)).sum();
    let (listed, reached) = set.signs();
    let shown: Vec<String> =
        listings.listed.iter().take(5).map(|(what, zone, weight)| format!("{what} in {zone} ({weight})")).collect();
    let mut found = Vec::new();
    if !zones.is_empty() {
        found.push(Sign::new(listed, SignGroup::Network, 0, shown.join(", ")));
    }
    if sum >= REACHED {
        found.push(Sign::new(reached, SignGroup::Network, REACHED_POINTS, format!("weights of {sum}")));
    }
    found
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

    #[test]
    fn ex_06_ex_07_d1_weights_add_up_list_by_list_and_act_from_100_on() {
        let listed = |list: &[(&str, &str, u8)]| Listings {
            listed: list.iter().map(|(what, zone, weight)| ((*what).to_owned(), (*zone).to_owned(), *weight)).collect(),
        };
        let cases: [(Listings, &[&str]); 5] = [
            (listed(&[]), &[]),
            (listed(&[("a", "one.example", 99)]), &["dnsbl_listed"]),
            (listed(&[("a", "one.example", 100)]), &["dnsbl_listed", "dnsbl_reached"]),
            (listed(&[("a", "one.example", 60), ("a", "two.example", 40)]), &["dnsbl_listed", "dnsbl_reached"]),
            (listed(&[("a", "one.example", 60), ("b", "one.example", 60)]), &["dnsbl_listed"]),
        ];
        for (listings, expected) in cases {
            let found = signs(Set::Dnsbl, &listings);
            assert_eq!(found.iter().map(|sign| sign.id.as_str()).collect::<Vec<_>>(), expected, "{listings:?}");
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
    fn ex_04_addresses_and_files_have_sets_of_their_own_with_signs_of_their_own() {
        let list = DnsList { zone: "list.example".to_owned(), weight: 100 };
        let external =
            External { emails: true, email_lists: vec![list.clone()], file_lists: vec![list], ..External::default() };
        assert_eq!((Set::Emails.lists(&external).len(), Set::Files.lists(&external).len()), (1, 0));
        for set in Set::ALL {
            let (listed, reached) = set.signs();
            assert_eq!((Set::of_sign(listed), Set::of_sign(reached)), (Some((set, false)), Some((set, true))));
        }
        assert_eq!(Set::of_sign("spf_fail"), None);
    }
}
