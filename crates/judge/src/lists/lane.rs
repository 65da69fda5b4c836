//! Which recipients of one message are passed over (for spam, or for malware), so that the others are not (D-21).
//!
//! A lane is known at RCPT: it depends on the recipient, the envelope's sender and the client, and on nothing that
//! the message says. Recipients of one lane stand alike when the message is judged.

use mail::address::Address;

use super::{List, Lists, Record, Scope, Subject, is_postmaster};
use crate::policy::{Malware, Spam};
use crate::site::Site;

/// Why nothing about spam is done for a recipient.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Skip {
    /// There is no reason.
    #[default]
    No,
    /// It is a postmaster (PM-01).
    Postmaster,
    /// It is one of ours, of a message that may also go outside (OUT-05).
    Internal,
    /// The allowlist has it.
    Listed,
}

/// What a recipient's own entry would do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Personal {
    /// Spare the message.
    Allow,
    /// Spare it from being called bulk mail.
    AllowMass,
    /// Blacklist it.
    Deny,
}

/// What sets recipients apart who have the same settings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Lane {
    /// It is not scanned for malware (WL-13).
    pub trusted: bool,
    /// Why nothing is done about spam.
    pub skip: Skip,
    /// The allowlist spares the recipient from bulk mail only.
    pub mass: bool,
    /// Its own entry that names the sender.
    pub personal: Option<Personal>,
}

/// What is known of a message at RCPT.
#[derive(Clone, Copy, Debug)]
pub struct Coming<'a> {
    /// The envelope's sender.
    pub sender: Option<&'a Address>,
    /// The message may be outgoing (D-20).
    pub may_leave: bool,
    /// It comes over a trusted connection, or cannot be incoming.
    pub trusted: bool,
}

/// The lane of a recipient under what its policy says about malware and spam.
pub fn lane(lists: &Lists, (malware, spam): (&Malware, &Spam), site: &Site, coming: &Coming<'_>, to: &Address) -> Lane {
    let trusted = malware.enabled && malware.trusts(to);
    Lane { trusted, ..about_spam(lists, spam, site, coming, to) }
}

fn about_spam(lists: &Lists, spam: &Spam, site: &Site, coming: &Coming<'_>, to: &Address) -> Lane {
    let leaving = coming.may_leave && spam.outgoing;
    let arriving = spam.enabled && (!coming.trusted || spam.trusted_connections);
    if !leaving && !arriving {
        return Lane::default();
    }
    // PM-01 is about our own postmaster: what leaves for another is examined (OUT-05).
    if spam.skip_postmaster && is_postmaster(to) && (!leaving || site.is_internal(to)) {
        return Lane { skip: Skip::Postmaster, ..Lane::default() };
    }
    if leaving && site.is_internal(to) {
        return Lane { skip: Skip::Internal, ..Lane::default() };
    }
    if lists.is_empty() || !spam.lists.enabled {
        return Lane::default();
    }
    let Some(subject) = Subject::of(to) else { return Lane::default() };
    let own = lists.record(lists.recipients.find(&subject).allow).map(|record| record.scope);
    if own == Some(Scope::All) {
        return Lane { skip: Skip::Listed, ..Lane::default() };
    }
    let personal = || {
        let index = lists.person(&subject).filter(|_| spam.lists.personal)?;
        let best = index.find(&coming.sender.and_then(Subject::of)?);
        let effect = |record: &Record| match (record.list, record.scope) {
            (List::Deny, _) => Personal::Deny,
            (List::Allow, Scope::All) => Personal::Allow,
            (List::Allow, Scope::Mass) => Personal::AllowMass,
        };
        // Which of two counts may depend on a proof that nobody has yet; then they make a lane as if it were there.
        let stronger = if best.deny.map(|d| d.0) >= best.allow.map(|a| a.0) { best.deny } else { best.allow };
        lists.record(stronger).map(effect)
    };
    Lane { mass: own == Some(Scope::Mass), personal: personal(), ..Lane::default() }
}
