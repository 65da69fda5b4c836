//! Who really sent a message, as far as the DNS and signatures tell.
//!
//! The question is what the envelope claims; the answer is a fact that is recorded with the report,
//! so that a verdict can be made again from it. Whatever could not be found out is `temperror`: it
//! is never a pass, and never a reason to think worse of a message.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::MAX_EVIDENCE;
use super::finding::cut;
use crate::untrusted::Untrusted;

/// Most signatures of one message that are looked at.
pub const MAX_SIGNATURES: usize = 10;
/// Most domains of authors that are looked at.
pub const MAX_AUTHORS: usize = 8;

/// What a message claims beside its bytes: what authentication is asked about.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Claim {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// What it said in HELO or EHLO.
    pub helo: Untrusted<String>,
    /// The sender of the envelope, as written between `<` and `>`; empty for the null sender.
    pub mail_from: Untrusted<String>,
}

/// A result in the words of RFC 8601 section 2.7.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthResult {
    /// There is nothing to check: no record, no signature.
    #[default]
    None,
    /// It is proven.
    Pass,
    /// The owner of the domain says that it is not so, or a signature does not fit.
    Fail,
    /// The owner says that it is probably not so (SPF `~`).
    SoftFail,
    /// The owner says nothing either way; or a signature that cannot be read.
    Neutral,
    /// It would pass, but in a way that does not count: a weak key, SHA-1, an unsigned From, a body of
    /// which only a part is signed.
    Policy,
    /// It could not be found out now.
    TempError,
    /// What the domain publishes is wrong.
    PermError,
}

impl AuthResult {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Pass,
        Self::Fail,
        Self::SoftFail,
        Self::Neutral,
        Self::Policy,
        Self::TempError,
        Self::PermError,
    ];

    /// The word for it in headers, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::Neutral => "neutral",
            Self::Policy => "policy",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

/// One SPF check (RFC 7208).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SpfCheck {
    /// The domain that was checked, in lower case.
    pub domain: Untrusted<String>,
    /// What came out.
    pub result: AuthResult,
    /// Why, for people; empty where the result says all.
    pub why: Untrusted<String>,
}

/// One DKIM signature (RFC 6376).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DkimCheck {
    /// Who signed: `d=`, in lower case.
    pub domain: Untrusted<String>,
    /// With which key: `s=`.
    pub selector: Untrusted<String>,
    /// For whom: `i=`; empty where it is not given.
    pub identity: Untrusted<String>,
    /// `rsa-sha256`, `ed25519-sha256`, …
    pub algorithm: String,
    /// The size of the key in bits; 0 where it is not known, or means nothing.
    pub bits: u32,
    /// What came out. Only [`AuthResult::Pass`] counts.
    pub result: AuthResult,
    /// Whether the domain is the author's own, as DMARC compares them.
    pub aligned: bool,
    /// Why, for people.
    pub why: Untrusted<String>,
}

/// What the owner of a domain wants done with mail that fails DMARC.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DmarcPolicy {
    /// Nothing.
    #[default]
    None,
    /// Put it aside.
    Quarantine,
    /// Refuse it.
    Reject,
}

impl DmarcPolicy {
    /// The word for it in records, headers and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

/// DMARC for one domain of an author (RFC 9989).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DmarcCheck {
    /// The domain in From, in lower case.
    pub domain: Untrusted<String>,
    /// What came out.
    pub result: AuthResult,
    /// What its owner wants done with mail that fails; test mode is counted in.
    pub policy: DmarcPolicy,
    /// The domain whose record holds; empty if there is none.
    pub record_of: Untrusted<String>,
    /// SPF passed for a domain of the author's.
    pub spf_aligned: bool,
    /// A signature of a domain of the author's passed.
    pub dkim_aligned: bool,
    /// Why, for people.
    pub why: Untrusted<String>,
}

/// The ARC chain (RFC 8617).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ArcCheck {
    /// What came out; `none` if there is no chain.
    pub result: AuthResult,
    /// How many hops sealed the message.
    pub instances: u32,
    /// The domain of the last one, in lower case.
    pub sealer: Untrusted<String>,
    /// Why, for people.
    pub why: Untrusted<String>,
    /// What each hop found, the first one first; empty unless the chain passed.
    pub hops: Vec<ArcHop>,
}

/// What one hop of a chain that passed says about the message as it came there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ArcHop {
    /// The domain that sealed it, in lower case.
    pub sealer: Untrusted<String>,
    /// The authors' domains, in lower case, whose DMARC passed there; [`MAX_AUTHORS`] at most.
    pub passed: Vec<Untrusted<String>>,
}

/// The name of the client's address (spec EX-08; RFC 8601 section 2.7.3, iprev).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ReverseCheck {
    /// `pass`: it has a name, and the name has the address. `fail`: it has none, or one that leads
    /// elsewhere.
    pub result: AuthResult,
    /// The name that was confirmed, or else the first one; in lower case.
    pub name: Untrusted<String>,
    /// Why, for people.
    pub why: Untrusted<String>,
}

/// The answer: everything that was found out about where a message comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Authentication {
    /// The address that it was checked for.
    pub ip: Option<IpAddr>,
    /// SPF of the name in HELO.
    pub helo: SpfCheck,
    /// SPF of the envelope's sender; of the name in HELO where the sender is null (RFC 7208 section 2.4).
    pub spf: SpfCheck,
    /// The signatures in the order of the header, [`MAX_SIGNATURES`] at most.
    pub dkim: Vec<DkimCheck>,
    /// How many signatures were not looked at because there were too many.
    pub dkim_left: u32,
    /// DMARC of every domain in From, [`MAX_AUTHORS`] at most. Empty if its one author has an address without a
    /// domain; `permerror` of no domain if nobody can tell who it is.
    pub dmarc: Vec<DmarcCheck>,
    /// There is exactly one From field with exactly one mailbox. If not, DMARC never passes.
    pub one_author: bool,
    /// The ARC chain.
    pub arc: ArcCheck,
    /// The name of the address; `none` where nobody asked for it.
    pub reverse: ReverseCheck,
    /// Nothing but the name of the address was asked for; all else is empty, and says nothing.
    pub reverse_only: bool,
}

impl Authentication {
    /// DMARC as a whole: the worst of all authors' domains, and never a pass where there is not
    /// exactly one author.
    pub fn dmarc(&self) -> AuthResult {
        let rank = |result: AuthResult| match result {
            AuthResult::Fail => 0,
            AuthResult::PermError => 1,
            AuthResult::TempError => 2,
            AuthResult::Pass => 4,
            _ => 3,
        };
        let worst = self.dmarc.iter().map(|check| check.result).min_by_key(|result| rank(*result));
        match worst.unwrap_or_default() {
            AuthResult::Pass if !self.one_author => AuthResult::PermError,
            result => result,
        }
    }

    /// What the owners of the authors' domains want done: the strictest wish among the domains that
    /// failed.
    pub fn wish(&self) -> DmarcPolicy {
        self.wish_without(&[])
    }

    /// The same without those for which one of these sealers vouches ([`Authentication::vouched`]).
    pub fn wish_without(&self, trusted: &[String]) -> DmarcPolicy {
        let failed = self.dmarc.iter().filter(|check| check.result == AuthResult::Fail);
        let alone = failed.filter(|check| self.vouched(&check.domain, trusted).is_none());
        alone.map(|check| check.policy).max().unwrap_or_default()
    }

    /// Which of these sealers says that the author's domain passed DMARC before the message was changed.
    /// Those behind it have to be among them too: each could have made up all that came before.
    pub fn vouched(&self, author: &Untrusted<String>, trusted: &[String]) -> Option<&Untrusted<String>> {
        let is_trusted = |hop: &&ArcHop| trusted.iter().any(|domain| domain.eq_ignore_ascii_case(hop.sealer.raw()));
        let passed = self.arc.result == AuthResult::Pass;
        let hops = self.arc.hops.iter().rev().take_while(is_trusted).filter(|_| passed);
        hops.filter(|hop| hop.passed.contains(author)).map(|hop| &hop.sealer).next()
    }

    /// DKIM in one word: a pass if any signature counts, else what the first says.
    pub fn dkim(&self) -> AuthResult {
        let passes = self.dkim.iter().any(|check| check.result == AuthResult::Pass);
        let first = self.dkim.first().map(|check| check.result).unwrap_or_default();
        if passes { AuthResult::Pass } else { first }
    }
}

/// A short foreign text: at most [`MAX_EVIDENCE`] bytes.
pub fn short(text: impl Into<String>) -> Untrusted<String> {
    let mut text = text.into();
    cut(&mut text, MAX_EVIDENCE);
    Untrusted::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(results: &[(AuthResult, DmarcPolicy)], one_author: bool) -> Authentication {
        let check = |(result, policy): &(AuthResult, DmarcPolicy)| DmarcCheck {
            result: *result,
            policy: *policy,
            ..DmarcCheck::default()
        };
        Authentication { dmarc: results.iter().map(check).collect(), one_author, ..Authentication::default() }
    }

    #[test]
    fn the_worst_author_decides() {
        use AuthResult::{Fail, None, Pass, PermError, TempError};
        let p = DmarcPolicy::None;
        let cases: [(&[AuthResult], bool, AuthResult); 8] = [
            (&[], true, None),
            (&[Pass], true, Pass),
            (&[Pass], false, PermError),
            (&[Pass, None], false, None),
            (&[Pass, Fail], false, Fail),
            (&[TempError, Pass], false, TempError),
            (&[Fail, TempError], false, Fail),
            (&[None, PermError], true, PermError),
        ];
        for (results, one, expected) in cases {
            let list: Vec<_> = results.iter().map(|result| (*result, p)).collect();
            assert_eq!(with(&list, one).dmarc(), expected, "{results:?} {one}");
        }
    }

    #[test]
    fn only_an_unbroken_run_of_trusted_sealers_vouches() {
        let hop = |sealer: &str, passed: &[&str]| ArcHop {
            sealer: short(sealer),
            passed: passed.iter().map(|domain| short(*domain)).collect(),
        };
        let (list, other) = (hop("list.example", &["a.example"]), hop("other.example", &["a.example"]));
        let silent = hop("list.example", &[]);
        let cases: [(&[&ArcHop], AuthResult, Option<&str>); 7] = [
            (&[&list], AuthResult::Pass, Some("list.example")),
            (&[&list], AuthResult::Fail, None),
            (&[&silent], AuthResult::Pass, None),
            (&[&list, &silent], AuthResult::Pass, Some("list.example")),
            (&[&list, &other], AuthResult::Pass, None),
            (&[&other, &silent], AuthResult::Pass, None),
            (&[], AuthResult::Pass, None),
        ];
        for (hops, result, expected) in cases {
            let hops: Vec<ArcHop> = hops.iter().map(|hop| (*hop).clone()).collect();
            let arc = ArcCheck { result, hops, ..ArcCheck::default() };
            let auth = Authentication { arc, ..Authentication::default() };
            let trusted = ["List.example".to_owned()];
            let found = auth.vouched(&short("a.example"), &trusted).map(|sealer| sealer.raw().as_str());
            assert_eq!(found, expected, "{:?}", auth.arc);
            assert_eq!(auth.vouched(&short("b.example"), &trusted), None);
            assert_eq!(auth.vouched(&short("a.example"), &[]), None);
        }
    }

    #[test]
    fn only_the_wishes_of_domains_that_failed_count() {
        use AuthResult::{Fail, Pass};
        let list = [(Pass, DmarcPolicy::Reject), (Fail, DmarcPolicy::Quarantine), (Fail, DmarcPolicy::None)];
        assert_eq!(with(&list, true).wish(), DmarcPolicy::Quarantine);
        assert_eq!(with(&[], true).wish(), DmarcPolicy::None);
    }
}
