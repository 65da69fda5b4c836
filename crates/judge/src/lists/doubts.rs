//! Entries that probably do something else than whoever wrote them wanted, for `mailward doctor`.
//!
//! Nothing here changes what an entry does. Limits: [`MAX_DOUBTS`].

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Identity, List, Lists, Purpose, Record, Subject, Value};
use crate::policy::Spam;
use crate::site::Site;

/// Most entries that are told.
pub const MAX_DOUBTS: usize = 200;
/// Networks that are larger than this are told: bits of the prefix, of IPv4 and IPv6.
const LARGE: (u8, u8) = (8, 16);

/// An entry, and what is odd about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Doubt {
    /// The entry's own name.
    pub id: String,
    /// `allow` or `deny`, what it names and whose it is, for people.
    pub entry: String,
    /// What is odd.
    pub why: String,
}

/// The entries that are odd, in the order of the lists, [`MAX_DOUBTS`] at most.
pub fn doubts(lists: &Lists, spam: &Spam, site: &Site) -> Vec<Doubt> {
    let denied: HashSet<Identity> =
        lists.records().iter().filter(|record| record.list == List::Deny).map(Record::identity).collect();
    let beaten = |record: &Record| {
        let denial = || (List::Deny, record.owner.clone(), record.purpose, record.value.clone());
        record.list == List::Allow && denied.contains(&denial())
    };
    let odd = |record: &Record| match beaten(record) {
        true => Some("the denylist has the same, and wins: it never counts".to_owned()),
        false => why(record, spam, site),
    };
    let told = lists.records().iter().filter_map(|record| {
        let owner = record.owner.as_ref().map_or(String::new(), |owner| format!(" of {owner}"));
        let entry = format!("{} {}{owner}", record.list.name(), record.value);
        odd(record).map(|why| Doubt { id: record.id.clone(), entry, why })
    });
    told.take(MAX_DOUBTS).collect()
}

/// What is odd about an entry.
fn why(record: &Record, spam: &Spam, site: &Site) -> Option<String> {
    let ours = |domain: &str| site.owns(domain);
    // Where no domain is said to be ours nobody is known to be somebody else's.
    let known = !site.internal_domains.is_empty();
    if let Some(owner) = record.owner.as_deref().and_then(Subject::parse)
        && known
        && !ours(owner.domain())
    {
        return Some("its owner is of no domain in trust.internal_domains: no mail comes for it".to_owned());
    }
    match &record.value {
        Value::Network(network) => {
            let large = if network.addr().is_ipv4() { LARGE.0 } else { LARGE.1 };
            let few = network.prefix_len() < large;
            few.then(|| format!("a network of /{} is a large part of the Internet", network.prefix_len()))
        }
        Value::Exact { domain, .. } | Value::Mask { domain, .. } if record.purpose == Purpose::Recipient => {
            let outside = known && !spam.outgoing && !domain.contains(['*', '?']) && !ours(domain);
            outside.then(|| "mail to it is not examined for spam anyway: spam.outgoing is off".to_owned())
        }
        Value::Exact { domain, .. } | Value::Mask { domain, .. } if record.list == List::Allow => {
            let open = known && ours(domain);
            let top = matches!(&record.value, Value::Mask { .. }) && !domain.trim_start_matches("*.").contains('.');
            match (open, top) {
                (true, _) => Some("it spares strangers who write your own domain into the envelope".to_owned()),
                (_, true) => Some("it spares a whole top-level domain".to_owned()),
                _ => None,
            }
        }
        Value::Exact { .. } | Value::Mask { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::Scope;

    fn record(list: List, value: &str, owner: Option<&str>, purpose: Purpose) -> Record {
        Record {
            id: format!("{}-{value}-{}", list.name(), owner.unwrap_or_default()),
            list,
            value: Value::parse(value).unwrap(),
            purpose,
            scope: Scope::All,
            owner: owner.map(str::to_owned),
            comment: String::new(),
            modified_by: String::new(),
            modified_ms: 0,
        }
    }

    #[test]
    fn what_never_counts_or_counts_for_too_many_is_told() {
        use List::{Allow, Deny};
        use Purpose::{Recipient, Sender};
        let site = Site { internal_domains: vec!["example.org".to_owned()], ..Site::default() };
        let all = [
            (Allow, "128.0.0.0/1", None, Sender, "/1 is a large part"),
            (Deny, "2000::/3", None, Sender, "a large part"),
            (Deny, "10.0.0.0/7", None, Sender, "a large part"),
            (Deny, "192.0.0.0/8", None, Sender, ""),
            (Allow, "friend@example.net", Some("ann@example.org"), Sender, ""),
            (Allow, "friend@example.net", Some("ann@example.net"), Sender, "no mail comes for it"),
            (Allow, "both@example.net", None, Sender, "the denylist has the same"),
            (Deny, "both@example.net", None, Sender, ""),
            (Allow, "partner@example.net", None, Recipient, "not examined for spam anyway"),
            (Allow, "abuse@example.org", None, Recipient, ""),
            (Allow, "*@example.org", None, Sender, "your own domain"),
            (Allow, "*@mail.example.org", None, Sender, "your own domain"),
            (Allow, "*@badexample.org", None, Sender, ""),
            (Allow, "*@*.example", None, Sender, "top-level"),
            (Deny, "*@*.net", None, Sender, ""),
        ];
        let records = all.iter().map(|(list, value, owner, purpose, _)| record(*list, value, *owner, *purpose));
        let lists = Lists::new(records.clone().collect()).unwrap();
        let told = doubts(&lists, &Spam::default(), &site);
        for (record, (_, value, .., expected)) in records.zip(all) {
            let found = told.iter().find(|doubt| doubt.id == record.id).map_or("", |doubt| doubt.why.as_str());
            assert_eq!(found.is_empty(), expected.is_empty(), "{value}: {found}");
            assert!(found.contains(expected), "{value}: {found}");
        }
        let outgoing = Spam { outgoing: true, ..Spam::default() };
        assert!(!doubts(&lists, &outgoing, &site).iter().any(|doubt| doubt.entry.contains("partner")));
        let nobody = doubts(&lists, &Spam::default(), &Site::default());
        assert_eq!(nobody.len(), 5, "without domains of ours nothing is said about them: {nobody:?}");
    }
}
