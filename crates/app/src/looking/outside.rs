//! What a gateway would know of a message, and nobody knows here: what the policy asks services outside, and when it
//! came.

use judge::origin::lists::Set;
use judge::policy::Policy;
use judge::spam::excluded;
use mail::arrival::{Arrival, Direction};

/// Something that the gateway would have asked, or known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotAsked {
    /// Who really sent it.
    Authentication,
    /// The name of the client's address.
    ReverseName,
    /// Lists in the DNS.
    Lists(Set),
    /// When it came: neither `--at` says it, nor its header.
    Time,
}

impl NotAsked {
    /// What the gateway would ask about such a message by this policy.
    pub(crate) fn of(policy: &Policy, arrival: &Arrival) -> Vec<Self> {
        if arrival.direction != Direction::Incoming {
            return Vec::new();
        }
        let mut out = Vec::new();
        if policy.authentication.enabled {
            out.push(Self::Authentication);
        }
        // Who is passed over is not asked about.
        if excluded(policy, arrival).is_none() {
            let external = &policy.spam.external;
            let address = arrival.peer.ip.is_some();
            if external.wants_reverse() && address {
                out.push(Self::ReverseName);
            }
            let asked =
                Set::ALL.into_iter().filter(|set| !set.lists(external).is_empty() && (*set != Set::Dnsbl || address));
            out.extend(asked.map(Self::Lists));
        }
        out
    }

    /// Whether it is lists.
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::Lists(_))
    }

    /// The word for it in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::ReverseName => "reverse_name",
            Self::Lists(set) => set.name(),
            Self::Time => "time",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Authentication => "who sent it (SPF, DKIM, DMARC, ARC)",
            Self::ReverseName => "the name of the client's address",
            Self::Lists(Set::Dnsbl) => "lists of clients",
            Self::Lists(Set::Surbl) => "lists of domains",
            Self::Lists(Set::Urls) => "lists of links",
            Self::Lists(Set::Emails) => "lists of mail addresses",
            Self::Lists(Set::Files) => "lists of files",
            Self::Time => "a date in the future or long past",
        }
    }

    /// All of it in lines; none if everything is known.
    pub(crate) fn told(all: &[Self]) -> Vec<String> {
        let (time, outside): (Vec<Self>, Vec<Self>) = all.iter().partition(|one| **one == Self::Time);
        let told = |what: &str, all: &[Self]| {
            let words: Vec<&str> = all.iter().map(|one| one.words()).collect();
            (!words.is_empty()).then(|| format!("{what}: {}", words.join(", ")))
        };
        let outside = told("not asked of services outside (--authenticate asks)", &outside);
        let time = told("not looked at, since nothing says when it came (--at does)", &time);
        outside.into_iter().chain(time).collect()
    }
}
