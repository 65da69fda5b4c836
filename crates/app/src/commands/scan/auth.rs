//! Who really sent a message, as `--format json` says it.

use mail::evidence::Authentication;
use mail::untrusted::Untrusted;
use schemars::JsonSchema;
use serde::Serialize;

/// Who really sent a message. Results are the words of RFC 8601: `none`, `pass`, `fail`, `softfail`,
/// `neutral`, `policy`, `temperror`, `permerror`. Domains are as somebody else wrote them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(super) struct Auth {
    /// SPF of the envelope's sender.
    pub(super) spf: Check,
    /// SPF of the name in HELO.
    pub(super) helo: Check,
    /// The signatures.
    pub(super) dkim: Vec<Check>,
    /// DMARC in one word: of several authors the worst, and no pass where there is not exactly one.
    pub(super) dmarc: &'static str,
    /// DMARC of each domain in From.
    pub(super) authors: Vec<Author>,
    /// The ARC chain; the domain is the last sealer's.
    pub(super) arc: Check,
    /// The name of the client's address; the domain is that name.
    pub(super) iprev: Check,
}

/// One check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(super) struct Check {
    /// What came out.
    pub(super) result: &'static str,
    /// The domain it is about.
    pub(super) domain: String,
    /// Why, for people; empty where the result says all.
    pub(super) why: String,
}

/// DMARC of one domain in From.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(super) struct Author {
    /// What came out.
    pub(super) result: &'static str,
    /// The domain.
    pub(super) domain: String,
    /// What its owner wants done with mail that fails: `none`, `quarantine` or `reject`.
    pub(super) policy: &'static str,
    /// Why, for people; empty where the result says all.
    pub(super) why: String,
}

impl Auth {
    /// What was found out.
    pub(super) fn of(auth: &Authentication) -> Self {
        let check = |result: mail::evidence::AuthResult, domain: &Untrusted<String>, why: &Untrusted<String>| Check {
            result: result.name(),
            domain: domain.raw().clone(),
            why: why.raw().clone(),
        };
        let author = |it: &mail::evidence::DmarcCheck| Author {
            result: it.result.name(),
            domain: it.domain.raw().clone(),
            policy: it.policy.name(),
            why: it.why.raw().clone(),
        };
        Self {
            spf: check(auth.spf.result, &auth.spf.domain, &auth.spf.why),
            helo: check(auth.helo.result, &auth.helo.domain, &auth.helo.why),
            dkim: auth.dkim.iter().map(|it| check(it.result, &it.domain, &it.why)).collect(),
            dmarc: auth.dmarc().name(),
            authors: auth.dmarc.iter().map(author).collect(),
            arc: check(auth.arc.result, &auth.arc.sealer, &auth.arc.why),
            iprev: check(auth.reverse.result, &auth.reverse.name, &auth.reverse.why),
        }
    }
}
