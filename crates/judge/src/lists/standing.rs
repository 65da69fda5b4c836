//! What the lists mean for a message and its recipients (D-9, D-21).
//!
//! For one recipient, in this order: an entry of the organisation about the recipient spares everything; the
//! organisation's denylist; the recipient's own entries; the organisation's allowlist; an entry about the recipient
//! that spares bulk mail only. Where entries about the sender meet, the most specific one wins, and on a tie the
//! denylist. Where a message's recipients come to different results and cannot be told apart, none of them counts:
//! never the whole message because one recipient matches.

use mail::arrival::{Arrival, Direction};
use mail::evidence::{AuthResult, Authentication, Listed, ListedBy, Standing};
use mail::untrusted::Untrusted;

use super::{Best, List, Lists, Rank, Record, Scope, Subject};
use crate::policy::Policy;
use crate::site::Site;

/// Everything that is asked of the lists about a message.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The lists.
    pub lists: &'a Lists,
    /// The policy of the recipients.
    pub policy: &'a Policy,
    /// The organisation.
    pub site: &'a Site,
    /// How the message came, and to whom it goes.
    pub arrival: &'a Arrival,
    /// Every mailbox in From, as written.
    pub authors: &'a [String],
    /// Who really sent it, if that was asked.
    pub auth: Option<&'a Authentication>,
}

/// One thing about the sender that entries may name.
struct Clue {
    by: ListedBy,
    seen: String,
    /// Whether an entry of the allowlist counts for it.
    proven: bool,
    best: Best,
}

/// An entry with how specific it is and by what it fits.
type Match<'a> = (Rank, &'a Record, &'a Clue);

/// How the recipients of a message stand.
pub fn standing(asked: &Asked<'_>) -> Standing {
    let recipients = &asked.arrival.envelope.rcpt_to;
    let outgoing = asked.arrival.direction == Direction::Outgoing;
    // OUT-05. Where no domain is ours nobody is known to be internal.
    let internal = outgoing && !recipients.is_empty() && recipients.iter().all(|to| asked.site.is_internal(to));
    if asked.lists.is_empty() || !asked.policy.spam.lists.enabled {
        return Standing { internal, ..Standing::default() };
    }
    let clues = clues(asked);
    let organisation = decide(asked.lists, clues.iter());
    let mut all: Option<Option<Listed>> = None;
    for to in recipients.iter().map(Subject::of) {
        let one = of_recipient(asked, to.as_ref(), &organisation);
        match &all {
            None => all = Some(one),
            Some(first) if is_alike(first.as_ref(), one.as_ref()) => {}
            Some(_) => return Standing { internal, ..Standing::default() },
        }
    }
    // On the command line nobody may be named.
    let listed = all.unwrap_or_else(|| of_recipient(asked, None, &organisation));
    let unproven = if listed.is_some() { None } else { organisation.unproven };
    Standing { internal, listed, unproven }
}

/// What the organisation's entries about the sender come to.
struct Decision {
    listed: Option<Listed>,
    unproven: Option<Listed>,
}

fn is_alike(one: Option<&Listed>, other: Option<&Listed>) -> bool {
    let effect = |listed: &Listed| (listed.denies(), listed.mass_only);
    one.map(effect) == other.map(effect)
}

fn of_recipient(asked: &Asked<'_>, to: Option<&Subject>, organisation: &Decision) -> Option<Listed> {
    let outgoing = asked.arrival.direction == Direction::Outgoing;
    let own = to.and_then(|to| {
        let found = asked.lists.recipients.find(to).allow;
        let record = asked.lists.record(found)?;
        Some(listed(record, ListedBy::Recipient, &to.to_string()))
    });
    if own.as_ref().is_some_and(|own| !own.mass_only) {
        return own;
    }
    let denied = organisation.listed.as_ref().filter(|listed| listed.denies());
    let personal = || {
        let index = to.filter(|_| !outgoing && asked.policy.spam.lists.personal);
        let index = index.and_then(|to| asked.lists.person(to))?;
        // BL-04: matched on MAIL FROM.
        let sender = asked.arrival.envelope.mail_from.as_ref().and_then(Subject::of)?;
        let clue = envelope_clue(asked, &sender, index.find(&sender));
        decide(asked.lists, std::iter::once(&clue)).listed
    };
    denied.cloned().or_else(personal).or_else(|| organisation.listed.clone()).or(own)
}

/// The most specific entry that counts; on a tie that of the denylist (BL-05).
fn decide<'a>(lists: &Lists, clues: impl Iterator<Item = &'a Clue>) -> Decision {
    let (mut allow, mut deny, mut unproven): (Option<Match<'_>>, Option<Match<'_>>, Option<Match<'_>>) =
        (None, None, None);
    for clue in clues {
        let of = |found| -> Option<Match<'_>> {
            let (rank, _) = found?;
            Some((rank, lists.record(found)?, clue))
        };
        take(&mut deny, of(clue.best.deny));
        take(if clue.proven { &mut allow } else { &mut unproven }, of(clue.best.allow));
    }
    let shown = |(_, record, clue): Match<'_>| listed(record, clue.by, &clue.seen);
    let winner = match (allow, deny) {
        (Some(allow), Some(deny)) if allow.0 > deny.0 => Some(allow),
        (_, Some(deny)) => Some(deny),
        (allow, None) => allow,
    };
    let would = unproven.filter(|would| winner.is_none_or(|winner| would.0 > winner.0));
    Decision { listed: winner.map(shown), unproven: would.map(shown) }
}

fn take<'a>(held: &mut Option<Match<'a>>, new: Option<Match<'a>>) {
    if let Some(new) = new
        && held.is_none_or(|held| new.0 > held.0)
    {
        *held = Some(new);
    }
}

fn listed(record: &Record, by: ListedBy, seen: &str) -> Listed {
    Listed {
        list: record.list.name().to_owned(),
        mass_only: record.list == List::Allow && record.scope == Scope::Mass,
        id: record.id.clone(),
        entry: record.value.to_string(),
        owner: record.owner.clone(),
        by,
        seen: Untrusted::new(seen.to_owned()),
    }
}

/// What the organisation's entries name of the sender. Of mail that our own clients send nothing counts: the denylist
/// is ignored (OUT-07), and only recipients are spared (OUT-05). Whoever sends spam from an infected machine of ours
/// writes what he likes into MAIL FROM, and the machine's address is one of ours.
fn clues(asked: &Asked<'_>) -> Vec<Clue> {
    if asked.arrival.direction == Direction::Outgoing {
        return Vec::new();
    }
    let senders = &asked.lists.senders;
    let mut clues = Vec::new();
    if let Some(sender) = asked.arrival.envelope.mail_from.as_ref().and_then(Subject::of) {
        clues.push(envelope_clue(asked, &sender, senders.find(&sender)));
    }
    for author in asked.authors.iter().filter_map(|text| Subject::parse(text)) {
        let proven = !asked.policy.spam.lists.prove_from || is_aligned(asked.auth, author.domain());
        let best = senders.find(&author);
        clues.push(Clue { by: ListedBy::HeaderFrom, seen: author.to_string(), proven, best });
    }
    if let Some(ip) = asked.arrival.peer.ip {
        let ip = ip.to_canonical();
        let proven = !asked.arrival.peer.from_received;
        clues.push(Clue { by: ListedBy::Client, seen: ip.to_string(), proven, best: senders.find_ip(ip) });
    }
    clues
}

/// The envelope's sender, who is whom the client says unless SPF says that it lies.
fn envelope_clue(asked: &Asked<'_>, sender: &Subject, best: Best) -> Clue {
    let refuted = asked.auth.is_some_and(|auth| {
        let about_sender = auth.spf.domain.raw().eq_ignore_ascii_case(sender.domain());
        about_sender && matches!(auth.spf.result, AuthResult::Fail | AuthResult::SoftFail)
    });
    let proven = !asked.policy.spam.lists.prove_envelope || !refuted || is_aligned(asked.auth, sender.domain());
    Clue { by: ListedBy::MailFrom, seen: sender.to_string(), proven, best }
}

/// Whether SPF, DKIM or DMARC proves that a message is of this author's domain (D-9).
fn is_aligned(auth: Option<&Authentication>, domain: &str) -> bool {
    let checks = auth.into_iter().flat_map(|auth| &auth.dmarc);
    let mut of_domain = checks.filter(|check| check.domain.raw().eq_ignore_ascii_case(domain));
    of_domain.any(|check| check.result == AuthResult::Pass || check.spf_aligned || check.dkim_aligned)
}
