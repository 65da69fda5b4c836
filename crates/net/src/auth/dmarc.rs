//! DMARC: does the author's domain stand behind the message, and what does it want done if not?
//! (RFC 9989)
//!
//! The domain that speaks for an author is found by walking up the tree of names (section 4.10),
//! never by a list of public suffixes. Not handled here: reports.

use mail::address::below;
use mail::evidence::{AuthResult, DkimCheck, DmarcCheck, DmarcPolicy, SpfCheck, short};
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::dmarc::{Alignment, Dmarc, Policy, Psd};
use tokio::time::Instant;

use super::tag;
use crate::dns::{DnsError, Resolver};

/// Most names that one walk asks about (section 4.10: a longer name is cut to seven labels).
const MAX_LABELS: usize = 7;
/// Most bytes of a record that are read.
const MAX_RECORD: usize = 4096;

/// The records on the way up from a domain, the longest name first.
type Walk = Vec<(String, Dmarc)>;

/// An author's domain with what was found out so far.
pub(super) struct Author<'a> {
    pub(super) domain: &'a str,
    /// What [`walk`] found from there.
    pub(super) walk: Result<Walk, DnsError>,
    pub(super) spf: &'a SpfCheck,
    pub(super) dkim: &'a [DkimCheck],
}

/// Checks one author's domain. Gives the signatures as well that are its own, by their place.
pub(super) async fn check(resolver: &Resolver, of: Author<'_>, deadline: Instant) -> (DmarcCheck, Vec<usize>) {
    let Author { domain: author, walk: walked, spf, dkim } = of;
    let mut check = DmarcCheck { domain: short(author), ..DmarcCheck::default() };
    let walked = match walked {
        Ok(walked) => walked,
        Err(error) => {
            (check.result, check.why) = (AuthResult::TempError, short(error.to_string()));
            return (check, Vec::new());
        }
    };
    let org = organisation(&walked, author);
    let own = walked.iter().find(|(name, _)| name == author);
    let Some((name, record)) = own.or_else(|| walked.iter().find(|(name, _)| *name == org)).or(walked.last()) else {
        return (check, own_without_record(author, dkim));
    };
    check.record_of = short(name.as_str());
    let aligned = Aligned { resolver, author, org: &org, deadline };
    let mut unknown = None;
    if matches!(spf.result, AuthResult::Pass | AuthResult::TempError) {
        match aligned.with(spf.domain.raw(), record.aspf).await {
            Ok(true) if spf.result == AuthResult::Pass => check.spf_aligned = true,
            Ok(true) => unknown = Some("SPF could not be checked".to_owned()),
            Ok(false) => {}
            Err(error) => unknown = Some(error.to_string()),
        }
    }
    let mut own_signatures = Vec::new();
    for (at, signature) in dkim.iter().enumerate() {
        if !matches!(signature.result, AuthResult::Pass | AuthResult::TempError) {
            continue;
        }
        match aligned.with(signature.domain.raw(), record.adkim).await {
            Ok(true) => {
                own_signatures.push(at);
                check.dkim_aligned |= signature.result == AuthResult::Pass;
                if signature.result == AuthResult::TempError {
                    unknown = Some("a signature could not be checked".to_owned());
                }
            }
            Ok(false) => {}
            Err(error) => unknown = Some(error.to_string()),
        }
    }
    let Some(policy) = policy(resolver, author, own.is_some(), record, deadline).await else {
        check.why = short("the record has neither a policy nor an address for reports");
        return (check, own_signatures);
    };
    check.policy = policy;
    (check.result, check.why) = match unknown {
        _ if check.spf_aligned || check.dkim_aligned => (AuthResult::Pass, short("")),
        Some(why) => (AuthResult::TempError, short(why)),
        None => (AuthResult::Fail, short("neither SPF nor a signature passes for a domain of the author")),
    };
    (check, own_signatures)
}

/// Without a record the same domain, and what is below it, still is the author's own.
fn own_without_record(author: &str, dkim: &[DkimCheck]) -> Vec<usize> {
    let own = |domain: &str| below(domain, author);
    let passed = dkim.iter().enumerate().filter(|(_, signature)| signature.result == AuthResult::Pass);
    passed.filter(|(_, signature)| own(signature.domain.raw())).map(|(at, _)| at).collect()
}

struct Aligned<'a> {
    resolver: &'a Resolver,
    author: &'a str,
    org: &'a str,
    deadline: Instant,
}

impl Aligned<'_> {
    /// Whether a domain that passed is the author's own (section 4.10.2).
    async fn with(&self, domain: &str, alignment: Alignment) -> Result<bool, DnsError> {
        if domain == self.author {
            return Ok(true);
        }
        if alignment == Alignment::Strict || !below(domain, self.org) {
            return Ok(false);
        }
        let walked = walk(self.resolver, domain, self.deadline).await?;
        Ok(organisation(&walked, domain) == self.org)
    }
}

/// What the owner wants; `None` where the record is no use (section 4.7).
async fn policy(
    resolver: &Resolver,
    author: &str,
    own: bool,
    record: &Dmarc,
    deadline: Instant,
) -> Option<DmarcPolicy> {
    if record.p == Policy::Unspecified {
        return (!record.rua.is_empty()).then_some(DmarcPolicy::None);
    }
    let wish = if own {
        record.p
    } else if record.np != record.sp && resolver.a(author, deadline).await == Err(DnsError::NoName) {
        record.np
    } else {
        record.sp
    };
    // In test mode each wish is one less strict.
    Some(match (wish, record.t) {
        (Policy::Reject, false) => DmarcPolicy::Reject,
        (Policy::Reject, true) | (Policy::Quarantine, false) => DmarcPolicy::Quarantine,
        _ => DmarcPolicy::None,
    })
}

/// The records from a domain up to its top-level domain.
pub(super) async fn walk(resolver: &Resolver, domain: &str, deadline: Instant) -> Result<Walk, DnsError> {
    let labels: Vec<&str> = domain.split('.').collect();
    let mut found = Walk::new();
    if labels.len() < 2 || labels.iter().any(|label| label.is_empty()) {
        return Ok(found);
    }
    let mut from = 0;
    while from < labels.len() {
        let name = labels.get(from..).unwrap_or_default().join(".");
        if let Some(record) = record(resolver, &name, deadline).await? {
            let last = matches!(record.psd, Psd::Yes | Psd::No);
            found.push((name, record));
            if last {
                break;
            }
        }
        from = (from + 1).max(labels.len().saturating_sub(MAX_LABELS));
    }
    Ok(found)
}

/// The text of the one record of a name; none if it has several, or only one longer than [`MAX_RECORD`].
///
/// # Errors
/// The DNS does not answer.
pub async fn record_text(resolver: &Resolver, name: &str, deadline: Instant) -> Result<Option<Vec<u8>>, DnsError> {
    let texts = match resolver.txt(&format!("_dmarc.{name}"), deadline).await {
        Ok(answer) => answer.records,
        Err(error) if error.is_absent() => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut records = texts.iter().filter(|text| is_record(text) && text.len() <= MAX_RECORD);
    let (Some(text), None) = (records.next(), records.next()) else { return Ok(None) };
    Ok(Some(text.clone()))
}

/// The one record of a name; none if it has several.
async fn record(resolver: &Resolver, name: &str, deadline: Instant) -> Result<Option<Dmarc>, DnsError> {
    let Some(text) = record_text(resolver, name, deadline).await? else { return Ok(None) };
    // A parser of foreign text that is not ours: addresses that it cannot read are none.
    let read = |rua| std::panic::catch_unwind(|| Dmarc::parse(&cleaned(&text, rua))).ok().and_then(Result::ok);
    Ok(read(true).or_else(|| read(false)))
}

/// Whether a text is a record: its first tag is the version, whose name may be written large and whose value may not
/// (section 4.8).
fn is_record(text: &[u8]) -> bool {
    let first = text.split(|byte| *byte == b';').next().and_then(tag);
    first.is_some_and(|(name, value)| name.trim_ascii_end().eq_ignore_ascii_case(b"v") && value == b"DMARC1")
}

/// The tags of a record that say something: what is no value of theirs is as if it were not there (section 4.8). If
/// a wish is none, all wishes are as if they were not there (section 4.10.1).
fn cleaned(record: &[u8], rua: bool) -> Vec<u8> {
    let tags = record.split(|byte| *byte == b';').skip(1).filter_map(tag);
    let tags: Vec<(Vec<u8>, &[u8])> =
        tags.map(|(name, value)| (name.trim_ascii().to_ascii_lowercase(), value)).collect();
    let one_of = |value: &[u8], known: &[&str]| known.iter().any(|it| value.eq_ignore_ascii_case(it.as_bytes()));
    let is_wish = |name: &[u8]| matches!(name, b"p" | b"sp" | b"np");
    let wishes = ["none", "quarantine", "reject"];
    let all_known = tags.iter().filter(|(name, _)| is_wish(name)).all(|(_, value)| one_of(value, &wishes));
    let mut out = b"v=DMARC1".to_vec();
    for (name, value) in &tags {
        let says = match name.as_slice() {
            name if is_wish(name) => all_known,
            b"adkim" | b"aspf" => one_of(value, &["r", "s"]),
            b"psd" => one_of(value, &["y", "n", "u"]),
            b"t" => one_of(value, &["y", "n"]),
            b"rua" => rua,
            _ => false,
        };
        if says {
            out.extend_from_slice(&[b"; ", name.as_slice(), b"=", value].concat());
        }
    }
    out
}

/// The domain that speaks for all that are below it (section 4.10.2).
fn organisation(walked: &Walk, start: &str) -> String {
    for (name, record) in walked {
        match record.psd {
            Psd::No => return name.clone(),
            Psd::Yes if name != start => {
                let rest = start.strip_suffix(name.as_str()).unwrap_or_default().trim_end_matches('.');
                let label = rest.rsplit('.').next().unwrap_or_default();
                return format!("{label}.{name}");
            }
            _ => {}
        }
    }
    walked.last().map_or_else(|| start.to_owned(), |(name, _)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::{cleaned, is_record};

    #[test]
    fn a_record_begins_with_its_version() {
        for (text, is) in [
            ("v=DMARC1", true),
            ("v=DMARC1; p=none", true),
            ("v = DMARC1 ; p = reject", true),
            ("V=DMARC1; P=Reject", true),
            ("v=dmarc1; p=none", false),
            (" v=DMARC1; p=none", false),
            ("v=DMARC12; p=none", false),
            ("p=none; v=DMARC1", false),
            ("v=DMARC1 p=none", false),
            ("", false),
        ] {
            assert_eq!(is_record(text.as_bytes()), is, "{text}");
        }
    }

    #[test]
    fn what_is_no_value_of_a_tag_is_not_there() {
        for (text, said) in [
            ("v = DMARC1 ; p = reject ;", "v=DMARC1; p=reject"),
            ("V=DMARC1; P=Reject; ADKIM=S", "v=DMARC1; p=Reject; adkim=S"),
            ("v=DMARC1; p=foo; rua=mailto:a@example.org", "v=DMARC1; rua=mailto:a@example.org"),
            ("v=DMARC1; p=reject; sp=quarantin; rua=mailto:a@example.org", "v=DMARC1; rua=mailto:a@example.org"),
            ("v=DMARC1; p=reject; np=", "v=DMARC1"),
            ("v=DMARC1; p=reject; adkim=x; aspf=; t=maybe; psd=7; fo=9; pct=0; =; x", "v=DMARC1; p=reject"),
        ] {
            assert_eq!(String::from_utf8_lossy(&cleaned(text.as_bytes(), true)), said, "{text}");
        }
        assert_eq!(cleaned(b"v=DMARC1; p=none; rua=?", false), b"v=DMARC1; p=none");
    }
}
