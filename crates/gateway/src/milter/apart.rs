//! Recipients of one message to whom different things are done (spec D-11, `milter.split_recipients`).
//!
//! A mail server has one message for all of them. It keeps it for one part of the recipients, with the changes of that
//! part; the others are taken from it, and get theirs through our outbox, or do not get it at all. In order: the mail
//! server is told all changes; everything is made durable that it will not have any more; all that leaves through the
//! outbox is promised, in one transaction; and at once after it the mail server hears *continue*. When a step fails
//! before, or the mail server is gone, nothing is promised: it forgets the changes, and its client brings the message
//! again. What is left is the moment between the transaction and *continue*: a connection that breaks there doubles.
//! Limit: [`MAX_APART`] recipients; beyond it, and where our outbox has no way to one of them, the strictest decision
//! holds for all.

use judge::plan::{Action, Fate, ReplyText};
use mail::arrival::Arrival;
use service::apart::distinct;
use service::outbox::Asked;
use service::spool::Spool;
use service::{Part, Service};
use settings::config::MilterHold;
use store::{StagedMail, StoreError};
use wire::milter::Change;
use wire::milter::options::actions;

use super::changes::told;
use super::message::Complete;
use super::pump::Pump;
use super::verdict::Verdict;
use crate::responsibility::{Responsibility, Share};
use crate::transaction::said;

/// Most recipients of a message that is split: each of those taken out is a file of its own.
pub(super) const MAX_APART: usize = 100;

/// What became of a part that the mail server does not keep.
pub(super) type Said = String;

impl Pump<'_> {
    /// Whether recipients of this message may be told apart.
    pub(super) fn may_split(&self, complete: &Complete, arrival: &Arrival) -> bool {
        let recipients = complete.envelope.rcpt_to.len();
        let may = self.settings.split_recipients
            && (2..=MAX_APART).contains(&recipients)
            && self.server.allows(actions::DELETE_RECIPIENTS);
        let reaches = !may || self.gateway.service.reaches_all(arrival);
        if !reaches {
            tracing::warn!(id = %arrival.id, "the recipients of a message are not told apart: there is no route for one of them (next_hop, [[route]])");
        }
        may && reaches
    }

    /// What the mail server is told of a message of several parts, and which of them it keeps.
    pub(super) fn verdict_of_parts(&self, parts: &[Part], complete: &Complete) -> (Verdict, Option<usize>) {
        let later = parts.iter().find_map(|part| match &part.decided.plan.fate {
            Fate::Tempfail(text) => Some(text),
            _ => None,
        });
        if let Some(text) = later {
            return (Verdict::refuse(said(text)), None);
        }
        let Some(kept) = parts.iter().position(|part| part.decided.plan.fate == Fate::Deliver) else {
            return (self.verdict_without_delivery(parts), None);
        };
        let (others, output) = match parts.split_at_checked(kept) {
            Some((before, [part, after @ ..])) => (before.iter().chain(after), &part.decided.output),
            _ => return (Verdict::fail(), None),
        };
        let told = told(output, &complete.spool, complete.head, self.server.has_leading_blanks());
        let mut told = match told {
            Ok(told) => told,
            Err(error) => {
                tracing::error!(id = %complete.id, %error, "a message could not be changed as planned; it is deferred");
                return (Verdict::fail(), None);
            }
        };
        for to in others.flat_map(|part| distinct(&part.arrival.envelope.rcpt_to)) {
            let as_told = complete.as_told.iter().filter(|(address, _)| address == to);
            told.header.extend(as_told.map(|(_, told)| Change::DeleteRecipient(told.path.clone())));
        }
        (self.go_on("continue", told), Some(kept))
    }

    /// Nobody gets it. Where it is refused for all of them the client hears that; else it is thrown away, and what is
    /// refused is kept.
    fn verdict_without_delivery(&self, parts: &[Part]) -> Verdict {
        let refusals: Vec<&ReplyText> = parts
            .iter()
            .filter_map(|part| match &part.decided.plan.fate {
                Fate::Refuse(text) => Some(text),
                _ => None,
            })
            .collect();
        if let Some(text) = refusals.first().filter(|_| refusals.len() == parts.len()) {
            return Verdict::refuse(said(text));
        }
        let held = parts.iter().all(|part| part.decided.plan.action == Action::Held);
        if held && self.settings.hold == MilterHold::Quarantine && self.server.allows(actions::QUARANTINE) {
            return self.quarantine(parts.iter().map(|part| part.arrival.id.to_string()).collect());
        }
        Verdict::discard()
    }
}

/// What the mail server is about to lose, durable with us and not promised yet.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// What was said about each part.
    said: Vec<Said>,
    staged: Vec<StagedMail>,
}

/// Makes everything durable that the mail server is about to lose: the parts but the one that it keeps. `None` when one
/// of them could not be made safe; nothing was promised then.
pub(super) async fn prepare(
    service: &Service,
    parts: &mut [Part],
    kept: Option<usize>,
    spool: &Spool,
    asked: &Asked,
) -> Option<Prepared> {
    let leaves = |(at, part): &(usize, &Part)| Some(*at) != kept && part.decided.plan.fate == Fate::Deliver;
    let copies = |(_, part): (usize, &Part)| {
        let count = distinct(&part.arrival.envelope.rcpt_to).len() as u64;
        (count, part.decided.output.len(spool).saturating_mul(count))
    };
    let all = parts.iter().enumerate().filter(leaves).map(copies);
    let (mails, size) =
        all.fold((0u64, 0u64), |(m, s), (more, bytes)| (m.saturating_add(more), s.saturating_add(bytes)));
    // Nothing is written for a message that cannot be written whole.
    if mails > 0
        && let Err(error) = service.has_room(mails, size).await
    {
        return cannot_wait(parts, &error);
    }
    let mut prepared = Prepared::default();
    for (at, part) in parts.iter_mut().enumerate() {
        if Some(at) == kept {
            prepared.said.push(String::new());
            continue;
        }
        let said = match part.decided.plan.fate.clone() {
            Fate::Deliver => match service.stage_apart(spool, part, asked).await {
                Ok(staged) => {
                    let names: Vec<String> = staged.iter().map(|mail| mail.id().to_string()).collect();
                    prepared.staged.extend(staged);
                    prepared.said.push(format!("outbox {}", names.join(" ")));
                    continue;
                }
                Err(error) => return cannot_wait(parts, &error),
            },
            Fate::Refuse(text) => {
                service.keep_refused(spool, &part.arrival, &part.policy, &mut part.decided).await?;
                format!("taken out; {} {}", text.code, text.text)
            }
            Fate::Discard | Fate::Tempfail(_) => "discard".to_owned(),
        };
        Share::of_discarded(part.arrival.id, &part.decided.keeping)?;
        prepared.said.push(said);
    }
    Some(prepared)
}

/// Promises all of it or nothing: what was said about each part, or `None`.
pub(super) async fn promise(
    service: &Service,
    prepared: Prepared,
    parts: &[Part],
    kept: Option<usize>,
) -> Option<Vec<Said>> {
    let Prepared { said, staged } = prepared;
    let elsewhere = |(at, part): &(usize, &Part)| Some(*at) != kept && part.decided.plan.fate != Fate::Deliver;
    let others: Vec<&Part> = parts.iter().enumerate().filter(elsewhere).map(|(_, part)| part).collect();
    let wanted = staged.len().saturating_add(others.len());
    let queued = match service.commit_staged(staged).await {
        Ok(queued) => queued,
        Err(error) => return cannot_wait(parts, &error),
    };
    let mut shares = Vec::new();
    for part in others {
        shares.push(Share::of_discarded(part.arrival.id, &part.decided.keeping)?);
    }
    shares.extend(queued.into_iter().map(Share::Queued));
    Responsibility::several(shares, wanted).map(|_| said)
}

/// Tells senders of our own for whom their message was refused, after the others have it.
pub(super) async fn tell_refused(service: &Service, parts: &[Part], kept: Option<usize>, spool: &Spool, asked: &Asked) {
    for (at, part) in parts.iter().enumerate() {
        if let Fate::Refuse(text) = &part.decided.plan.fate
            && Some(at) != kept
        {
            service.tell_refused(spool, &part.arrival, asked, text).await;
        }
    }
}

fn cannot_wait<T>(parts: &[Part], error: &StoreError) -> Option<T> {
    let id = parts.first().map(|part| part.arrival.id.to_string()).unwrap_or_default();
    tracing::error!(%id, %error, "what recipients of another group are to get cannot be kept in the outbox; the message is deferred");
    None
}
