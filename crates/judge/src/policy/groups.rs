//! Groups of recipients with settings of their own (spec D-11, D-21).
//!
//! A recipient belongs to the first group in the policy's order that names it; one that no group names
//! has the policy itself. A group has every section that concerns one recipient's copy of a message;
//! what a group does not write is what the policy says. Examination, limits, Backup and log are the
//! same for all: a message is examined once.

use std::borrow::Cow;

use mail::address::{Address, canonical};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Ambiguous, Disarm, Headers, Malware, Policy, Refusal, Spam, Unscannable};

/// A recipient, all recipients of a domain, or all of the domains below one. Compared without case; a domain may be
/// written with its letters or as the DNS has it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RecipientMask {
    /// `None`: anybody there.
    local: Option<String>,
    domain: String,
    below: bool,
}

impl RecipientMask {
    /// Reads `user@example.org`, `example.org` or `*.example.org`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let (local, domain) = match lower.rsplit_once('@') {
            Some((local, domain)) => (Some(local.to_owned()).filter(|local| !local.is_empty()), domain),
            None => (None, lower.as_str()),
        };
        let (domain, below) = domain.strip_prefix("*.").map_or((domain, false), |rest| (rest, true));
        let domain = domain.trim_end_matches('.');
        let label =
            |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
        let local_is_fine =
            local.as_ref().is_none_or(|l| !below && !l.chars().any(|c| c.is_control() || " <>,;*".contains(c)));
        (local_is_fine && domain.split('.').all(label)).then(|| Self {
            local,
            domain: canonical(domain).into_owned(),
            below,
        })
    }

    /// Whether it names this recipient.
    pub fn fits(&self, address: &Address) -> bool {
        let domain = match self.below {
            false => address.domain() == self.domain,
            true => address.domain() != self.domain && address.is_in(&self.domain),
        };
        domain && self.local.as_ref().is_none_or(|local| address.local().to_lowercase() == *local)
    }
}

impl std::fmt::Display for RecipientMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(local) = &self.local {
            write!(f, "{local}@")?;
        }
        write!(f, "{}{}", if self.below { "*." } else { "" }, self.domain)
    }
}

impl Serialize for RecipientMask {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecipientMask {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl de::Visitor<'_> for Reader {
            type Value = RecipientMask;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RecipientMask, E> {
                RecipientMask::parse(text).ok_or_else(|| {
                    E::custom(format!(
                        "{text:?} names no recipients; write \"user@example.org\", \"example.org\" or \"*.example.org\""
                    ))
                })
            }
        }
        from.deserialize_str(Reader)
    }
}

impl JsonSchema for RecipientMask {
    fn schema_name() -> Cow<'static, str> {
        "RecipientMask".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["user@example.org"], "format": "a recipient or a domain" })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// A group of recipients with settings of its own. The first group that names a recipient counts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name in the log.
    pub name: String,
    /// Whom it is for: `user@example.org`, `example.org` for a whole domain, `*.example.org` for all
    /// below it.
    pub recipients: Vec<RecipientMask>,
    /// Malware, where it differs.
    pub malware: Malware,
    /// What could not be looked at, where it differs.
    pub unscannable: Unscannable,
    /// Spam, where it differs: how far and how long is looked as well.
    pub spam: Spam,
    /// Messages that clients may read in different ways, where it differs.
    pub ambiguous: Ambiguous,
    /// Taking active content out of documents, where it differs.
    pub disarm: Disarm,
    /// Headers, where it differs.
    pub headers: Headers,
    /// How a message is refused, where it differs.
    pub refusal: Refusal,
}

impl Group {
    /// A group with what the policy says.
    pub fn of(policy: &Policy, name: &str, recipients: Vec<RecipientMask>) -> Self {
        Self {
            name: name.to_owned(),
            recipients,
            malware: policy.malware.clone(),
            unscannable: policy.unscannable.clone(),
            spam: policy.spam.clone(),
            ambiguous: policy.ambiguous.clone(),
            disarm: policy.disarm.clone(),
            headers: policy.headers.clone(),
            refusal: policy.refusal.clone(),
        }
    }
}

/// Which settings a recipient has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum GroupId {
    /// The policy's own.
    #[default]
    Everybody,
    /// Those of a group, by its place.
    Group(usize),
}

impl Policy {
    /// The settings of a recipient.
    pub fn group_of(&self, address: &Address) -> GroupId {
        let named = |group: &Group| group.recipients.iter().any(|mask| mask.fits(address));
        self.group.iter().position(named).map_or(GroupId::Everybody, GroupId::Group)
    }

    /// What the policy says about malware for a group.
    pub fn malware_of(&self, id: GroupId) -> &Malware {
        self.group(id).map_or(&self.malware, |group| &group.malware)
    }

    /// What the policy says about spam for a group.
    pub fn spam_of(&self, id: GroupId) -> &Spam {
        self.group(id).map_or(&self.spam, |group| &group.spam)
    }

    /// The policy as it holds for a group; without groups of its own.
    pub fn for_group(&self, id: GroupId) -> Self {
        let group = self.group(id);
        Self {
            profile: self.profile,
            monitor: self.monitor.clone(),
            before: self.before.clone(),
            authentication: self.authentication.clone(),
            malware: self.malware_of(id).clone(),
            unscannable: group.map_or(&self.unscannable, |group| &group.unscannable).clone(),
            spam: self.spam_of(id).clone(),
            ambiguous: group.map_or(&self.ambiguous, |group| &group.ambiguous).clone(),
            disarm: group.map_or(&self.disarm, |group| &group.disarm).clone(),
            archives: self.archives.clone(),
            limits: self.limits.clone(),
            headers: group.map_or(&self.headers, |group| &group.headers).clone(),
            refusal: group.map_or(&self.refusal, |group| &group.refusal).clone(),
            backup: self.backup.clone(),
            message_log: self.message_log.clone(),
            group: Vec::new(),
        }
    }

    /// The name of a group; empty for everybody.
    pub fn group_name(&self, id: GroupId) -> &str {
        self.group(id).map_or("", |group| &group.name)
    }

    /// The group's own settings; `None` where those of the policy itself hold.
    fn group(&self, id: GroupId) -> Option<&Group> {
        match id {
            GroupId::Everybody => None,
            GroupId::Group(at) => self.group.get(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::MalwareAction;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn masks_name_a_recipient_a_domain_or_what_is_below() {
        let cases = [
            ("User@Example.org", "user@example.org", true),
            ("user@example.org", "USER@EXAMPLE.ORG", true),
            ("user@example.org", "user@mail.example.org", false),
            ("user@example.org", "other@example.org", false),
            ("example.org", "any@example.org", true),
            ("@example.org", "any@example.org", true),
            ("example.org", "any@mail.example.org", false),
            ("*.example.org", "any@mail.example.org", true),
            ("*.example.org", "any@example.org", false),
            ("*.example.org", "any@badexample.org", false),
        ];
        for (mask, to, fits) in cases {
            assert_eq!(RecipientMask::parse(mask).unwrap().fits(&address(to)), fits, "{mask} {to}");
        }
        for bad in ["", "@", "a@", "*", "a b@example.org", "*@example.org", "user@*.example.org", "a..b", "a@b@"] {
            assert!(RecipientMask::parse(bad).is_none(), "{bad}");
        }
        for text in ["user@example.org", "example.org", "*.example.org"] {
            assert_eq!(RecipientMask::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_first_group_that_names_a_recipient_counts() {
        let mut policy = Policy::default();
        let masks = |list: &[&str]| list.iter().map(|m| RecipientMask::parse(m).unwrap()).collect();
        policy.group = vec![
            Group::of(&policy, "board", masks(&["chair@example.org"])),
            Group::of(&policy, "all", masks(&["example.org"])),
        ];
        policy.group[0].malware.action = MalwareAction::Block;
        assert_eq!(policy.group_of(&address("chair@example.org")), GroupId::Group(0));
        assert_eq!(policy.group_of(&address("bob@example.org")), GroupId::Group(1));
        assert_eq!(policy.group_of(&address("bob@example.com")), GroupId::Everybody);
        assert_eq!(policy.for_group(GroupId::Group(0)).malware.action, MalwareAction::Block);
        assert_eq!(policy.for_group(GroupId::Group(1)), policy.for_group(GroupId::Everybody));
        assert_eq!(policy.group_name(GroupId::Group(0)), "board");
    }
}
