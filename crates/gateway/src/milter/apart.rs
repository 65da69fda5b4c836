//! Recipients of one message to whom different things are done (spec D-11, `milter.split_recipients`).
//!
//! A mail server has one message for all of them. It keeps it for one part of the recipients, with the changes of that
//! part; the others are taken from it, and get theirs through our outbox, or do not get it at all. In order: the mail
//! server is told all changes, then everything is made durable that it does not have any more, and only then it hears
//! *continue*: when a step fails before, it forgets the changes and its client brings the message again.
//! Limit: [`MAX_APART`] recipients; beyond it the strictest decision holds for all.

use std::sync::Arc;

use judge::plan::{Action, Fate, ReplyText};
use service::outbox::Asked;
use service::spool::Spool;
use service::{Part, Service};
use settings::config::MilterHold;
use wire::milter::Change;
use wire::milter::options::actions;
use wire::smtp::reply::Reply;

use super::changes::told;
use super::message::Complete;
use super::pump::Pump;
use super::verdict::Verdict;
use crate::responsibility::{Responsibility, Share};

/// Most recipients of a message that is split: each of those taken out is a file of its own.
pub(super) const MAX_APART: usize = 100;

/// What became of a part that the mail server does not keep.
pub(super) type Said = String;

impl Pump<'_> {
    /// Whether recipients of this message may be told apart.
    pub(super) fn may_split(&self, complete: &Complete) -> bool {
        let recipients = complete.envelope.rcpt_to.len();
        self.settings.split_recipients
            && (2..=MAX_APART).contains(&recipients)
            && self.server.allows(actions::DELETE_RECIPIENTS)
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
        for to in others.flat_map(|part| &part.arrival.envelope.rcpt_to) {
            let as_told = complete.as_told.iter().filter(|(address, _)| address == to);
            told.header.extend(as_told.map(|(_, path)| Change::DeleteRecipient(path.clone())));
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

    /// Makes everything somebody's that the mail server is about to lose: the parts but the one that it keeps. What was
    /// said about each, or `None` when one of them could not be made safe.
    pub(super) async fn share_out(
        &mut self,
        parts: &mut [Part],
        kept: Option<usize>,
        spool: &Spool,
    ) -> Option<Vec<Said>> {
        let service = Arc::clone(&self.gateway.service);
        let mut all = Vec::new();
        for (at, part) in parts.iter_mut().enumerate() {
            if Some(at) == kept {
                all.push(String::new());
                continue;
            }
            let mut shares = Vec::new();
            let (wanted, said) = match part.decided.plan.fate.clone() {
                Fate::Deliver => {
                    let mut queued = Vec::new();
                    for to in &part.arrival.envelope.rcpt_to {
                        match service.enqueue_apart(spool, part, to).await {
                            Ok(receipt) => {
                                queued.push(receipt.id().to_string());
                                shares.push(Share::Queued(receipt));
                            }
                            Err(error) => {
                                tracing::error!(id = %part.arrival.id, %error, "what recipients of another group are to get cannot be kept in the outbox; the message is deferred");
                                return None;
                            }
                        }
                    }
                    (part.arrival.envelope.rcpt_to.len(), format!("outbox {}", queued.join(" ")))
                }
                Fate::Refuse(text) => {
                    refuse_part(&service, part, spool, &text).await?;
                    shares.extend(Share::of(&part.decided.keeping));
                    (1, format!("taken out; {} {}", text.code, text.text))
                }
                Fate::Discard | Fate::Tempfail(_) => {
                    shares.extend(Share::of(&part.decided.keeping));
                    (1, "discard".to_owned())
                }
            };
            if Responsibility::several(shares, wanted).is_none() {
                tracing::error!(id = %part.arrival.id, "a message was to be discarded without a copy or the policy's wish; it is deferred");
                return None;
            }
            all.push(said);
        }
        Some(all)
    }
}

/// Refused for these recipients while others have it: the copy is ours to keep, and a sender of our own is told.
async fn refuse_part(service: &Service, part: &mut Part, spool: &Spool, text: &ReplyText) -> Option<()> {
    if let Err(error) = service.keep_refused(spool, &part.arrival, &part.policy, &mut part.decided).await {
        tracing::error!(id = %part.arrival.id, %error, "a message that is refused for some of its recipients could not be kept; it is deferred");
        return None;
    }
    if let Err(error) = service.tell_refused(spool, &part.arrival, &Asked::default(), text).await {
        tracing::error!(id = %part.arrival.id, %error, "its sender could not be told that a message was refused for some recipients");
    }
    Some(())
}

fn said(text: &ReplyText) -> Reply {
    Reply::say(text.code, &text.text)
}
