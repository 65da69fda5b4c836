//! The end of a message with several next-hop transactions, or several groups of recipients (spec D-11).
//!
//! In order: every group is decided about, from one examination. If one of them asks the sender to try
//! again, all of it does. Then the legs are delivered; the first that is taken makes us responsible for
//! the rest: what another next hop did not take goes to the outbox, and what is refused for its
//! recipients is kept in Backup, with a report to a sender of our own. Only then comes the 250. When
//! nothing was taken, the reply is the next hop's or the policy's. Over LMTP each recipient has a reply of
//! its own, so that none of this is needed: [`crate::each`].

use std::sync::Arc;
use std::sync::atomic::Ordering;

use judge::lists::Lane;
use judge::plan::{Fate, ReplyText};
use judge::policy::{GroupId, Policy};
use mail::arrival::{Arrival, Envelope};
use service::flow::Decided;
use service::id;
use service::outbox::Asked;
use service::record::{Ended, Outcome, Taken, without_addresses};
use service::spool::Spool;
use store::QueuedReceipt;
use tokio::time::Instant;
use wire::smtp::path;
use wire::smtp::reply::Reply;

use crate::legs::{Accepted, Leg, LegEnd, leave};
use crate::responsibility::{Responsibility, Share};
use crate::session::{End, Session};
use crate::transaction::said;

/// A group of recipients with what was decided for it.
pub(crate) struct Part {
    pub(crate) kind: (GroupId, Lane),
    pub(crate) arrival: Arrival,
    policy: Arc<Policy>,
    pub(crate) decided: Decided,
}

/// What is said to the client, and who has the message.
pub(crate) type Said = (Reply, Taken);

/// What the client hears where something failed here: it tries again.
pub(crate) fn busy() -> Reply {
    Reply::say(451, "4.3.0 Message could not be processed, please try again later")
}

impl Session<'_> {
    /// Takes a message through whose recipients are not all alike.
    pub(crate) async fn finish_split(
        &mut self,
        spool: &Spool,
        arrival: &Arrival,
        received: Option<&str>,
        deadline: Instant,
        ended: Instant,
    ) -> Result<(), End> {
        let mut legs = self.take_legs();
        let mut parts = self.decide_parts(&legs, spool, arrival, received, deadline).await;
        let said = if self.is_lmtp() {
            let each = self.act_on_each(&mut legs, &parts, spool, deadline).await;
            self.put_back(legs).await;
            self.server.reply_each(&each.replies);
            each.parts
        } else {
            let said = self.act_on_parts(&mut legs, &mut parts, spool, deadline).await;
            self.put_back(legs).await;
            self.reply(&said.0);
            vec![said; parts.len()]
        };
        let flushed = self.flush().await;
        let took = ended.elapsed();
        let one = |(part, (reply, taken)): (Part, Said)| Ended {
            arrival: part.arrival,
            decided: part.decided,
            outcome: Outcome { taken, reply: format!("{} {}", reply.code(), reply.text()), took },
        };
        self.gateway.service.finish(spool, parts.into_iter().zip(said).map(one).collect()).await;
        flushed
    }

    /// All legs that have a recipient, that of the session first.
    fn take_legs(&mut self) -> Vec<Leg> {
        let Some(transaction) = &mut self.transaction else { return Vec::new() };
        let mut legs = Vec::new();
        if let Some(key) = transaction.key.clone() {
            legs.push(Leg { key, upstream: self.upstream.take(), recipients: std::mem::take(&mut transaction.own) });
        }
        legs.append(&mut transaction.others);
        legs
    }

    /// The session keeps its own next hop, the others are left.
    async fn put_back(&mut self, mut legs: Vec<Leg>) {
        if !legs.is_empty() {
            self.upstream = legs.remove(0).upstream;
        }
        leave(legs);
        // It may have been told of a message that it did not get.
        self.reset().await;
    }

    /// Decides for each group of recipients. The first keeps the message's id; each other one has its own,
    /// so that its copy and its log line can be told apart.
    async fn decide_parts(
        &self,
        legs: &[Leg],
        spool: &Spool,
        arrival: &Arrival,
        received: Option<&str>,
        deadline: Instant,
    ) -> Vec<Part> {
        let Some(transaction) = &self.transaction else { return Vec::new() };
        let mut groups: Vec<(GroupId, Lane)> = Vec::new();
        for leg in legs.iter().filter(|leg| !leg.recipients.is_empty()) {
            if !groups.contains(&leg.key.kind) {
                groups.push(leg.key.kind);
            }
        }
        let part = |(at, kind): (usize, &(GroupId, Lane))| {
            let of_group = legs.iter().filter(|leg| leg.key.kind == *kind);
            let rcpt_to = of_group.flat_map(|leg| &leg.recipients).map(|to| to.address.clone()).collect();
            let arrival = Arrival {
                id: if at == 0 { arrival.id } else { id::message_id() },
                envelope: Envelope { rcpt_to, ..arrival.envelope.clone() },
                ..arrival.clone()
            };
            (arrival, Arc::new(transaction.policy.for_group(kind.0)))
        };
        let wanted: Vec<(Arrival, Arc<Policy>)> = groups.iter().enumerate().map(part).collect();
        let decided = self.gateway.service.decide_each(spool, &wanted, received, deadline).await;
        let parts = groups.into_iter().zip(wanted).zip(decided);
        parts.map(|((kind, (arrival, policy)), decided)| Part { kind, arrival, policy, decided }).collect()
    }

    async fn act_on_parts(&self, legs: &mut [Leg], parts: &mut [Part], spool: &Spool, deadline: Instant) -> Said {
        if let Some(text) = parts.iter().find_map(|part| match &part.decided.plan.fate {
            Fate::Tempfail(text) => Some(text),
            _ => None,
        }) {
            return (said(text), Taken::No);
        }
        let ends = self.deliver_legs(legs, parts, spool, deadline).await;
        if let Some(failed) = nothing_taken(&ends, parts) {
            return failed;
        }
        match self.share_out(legs, ends, parts, spool).await {
            Some(reply) => (reply, Taken::Yes),
            // Some have it and the rest could not be made safe: the sender brings all of it again.
            None => (busy(), Taken::Unknown),
        }
    }

    /// Delivers what is to be delivered, leg by leg; each has its share of the time that is left.
    pub(crate) async fn deliver_legs(
        &self,
        legs: &mut [Leg],
        parts: &[Part],
        spool: &Spool,
        deadline: Instant,
    ) -> Vec<Option<LegEnd>> {
        let mut ends = Vec::new();
        let mut left = legs.len();
        for leg in legs {
            let deadline = Session::end_deadline(&leg.key.route, deadline);
            let share = deadline.saturating_duration_since(Instant::now()) / u32::try_from(left.max(1)).unwrap_or(1);
            left = left.saturating_sub(1);
            let part = parts.iter().find(|part| part.kind == leg.key.kind);
            ends.push(
                match part.filter(|part| part.decided.plan.fate == Fate::Deliver && !leg.recipients.is_empty()) {
                    Some(part) => {
                        let (id, output) = (part.arrival.id, &part.decided.output);
                        Some(leg.deliver(self, id, output, spool, Instant::now() + share).await)
                    }
                    None => None,
                },
            );
        }
        ends
    }

    /// Makes every part somebody's: `None` when that failed.
    async fn share_out(
        &self,
        legs: &[Leg],
        ends: Vec<Option<LegEnd>>,
        parts: &mut [Part],
        spool: &Spool,
    ) -> Option<Reply> {
        let mut shares = Vec::new();
        let mut wanted = 0usize;
        for (leg, end) in legs.iter().zip(ends) {
            let Some(end) = end else { continue };
            let part = parts.iter().find(|part| part.kind == leg.key.kind)?;
            wanted = wanted.saturating_add(1);
            match end {
                LegEnd::Taken(receipt) => shares.push(Share::NextHop(receipt)),
                LegEnd::Partly(receipt, replies) => {
                    shares.push(Share::NextHop(receipt));
                    wanted = wanted.saturating_add(1);
                    let rest = refused(&leg.recipients, &replies);
                    shares.push(Share::Queued(self.queue_refused(&rest, &part.arrival, &part.decided, spool).await?));
                }
                LegEnd::Refused(reply) | LegEnd::Unknown(reply) => {
                    match self.queue_rest(&leg.recipients, &part.arrival, &part.decided, spool).await {
                        Ok(receipt) => {
                            let redact = self.gateway.service.current().redact.load(Ordering::Relaxed);
                            let text = without_addresses(reply.text(), redact);
                            tracing::warn!(id = %part.arrival.id, queue = %receipt.id(), route = leg.key.route.name, code = reply.code(), text, "one next hop took a message and another did not: the rest waits in the outbox");
                            shares.push(Share::Queued(receipt));
                        }
                        Err(error) => {
                            tracing::error!(id = %part.arrival.id, %error, "some recipients have a message and the rest cannot be kept in the outbox; it is deferred, and comes to some twice");
                            return None;
                        }
                    }
                }
            }
        }
        for part in parts.iter_mut() {
            match part.decided.plan.fate.clone() {
                Fate::Deliver | Fate::Tempfail(_) => continue,
                Fate::Discard => {}
                Fate::Refuse(text) => self.refuse_part(part, &self.asked(legs), spool, &text).await?,
            }
            wanted = wanted.saturating_add(1);
        }
        let gone = parts.iter().filter(|part| part.decided.plan.fate != Fate::Deliver);
        shares.extend(gone.filter_map(|part| Share::of_discarded(part.arrival.id, &part.decided.keeping)));
        Responsibility::several(shares, wanted).map(Responsibility::reply)
    }

    /// Takes those into the outbox that a next hop has refused while it took the others: it is tried again for
    /// them, and their sender is told where that does not help.
    pub(crate) async fn queue_refused(
        &self,
        rest: &[Accepted],
        arrival: &Arrival,
        decided: &Decided,
        spool: &Spool,
    ) -> Option<QueuedReceipt> {
        match self.queue_rest(rest, arrival, decided, spool).await {
            Ok(receipt) => {
                tracing::warn!(id = %arrival.id, queue = %receipt.id(), recipients = rest.len(), "a next hop took a message for some recipients and not for others: these wait in the outbox");
                Some(receipt)
            }
            Err(error) => {
                tracing::error!(id = %arrival.id, %error, "some recipients have a message and the rest cannot be kept in the outbox; it is deferred, and comes to some twice");
                None
            }
        }
    }

    /// Which reports the client asked for.
    fn asked(&self, legs: &[Leg]) -> Asked {
        let argument = self.transaction.as_ref().map_or("", |t| t.argument.as_str());
        let mail = path::split(argument).map_or("", |(_, rest)| rest).to_owned();
        let recipients = legs.iter().flat_map(|leg| &leg.recipients);
        Asked { mail, recipients: recipients.map(|to| (to.address.clone(), to.parameters.clone())).collect() }
    }

    /// Refused for these recipients while others have it: the copy is ours to keep, and a sender of our own
    /// is told.
    async fn refuse_part(&self, part: &mut Part, asked: &Asked, spool: &Spool, text: &ReplyText) -> Option<()> {
        let service = &self.gateway.service;
        service.keep_refused(spool, &part.arrival, &part.policy, &mut part.decided).await?;
        service.tell_refused(spool, &part.arrival, asked, text).await;
        Some(())
    }
}

/// The recipients that a next hop did not take, of those that it has answered for one by one.
pub(crate) fn refused(recipients: &[Accepted], replies: &[Reply]) -> Vec<Accepted> {
    let pairs = recipients.iter().zip(replies);
    pairs.filter(|(_, reply)| !reply.is_success()).map(|(to, _)| to.clone()).collect()
}

/// The reply when no next hop has taken anything and nothing else makes it ours; `None` otherwise.
fn nothing_taken(ends: &[Option<LegEnd>], parts: &[Part]) -> Option<Said> {
    let tried: Vec<&LegEnd> = ends.iter().flatten().collect();
    if tried.iter().any(|end| matches!(end, LegEnd::Taken(_) | LegEnd::Partly(..))) {
        return None;
    }
    if let Some(LegEnd::Unknown(reply)) = tried.iter().find(|end| matches!(end, LegEnd::Unknown(_))) {
        return Some((reply.clone(), Taken::Unknown));
    }
    let refusals = || {
        tried.iter().filter_map(|end| match end {
            LegEnd::Refused(reply) => Some(reply),
            _ => None,
        })
    };
    if let Some(later) = refusals().find(|reply| !reply.is_permanent()) {
        return Some((later.clone(), Taken::No));
    }
    if parts.iter().any(|part| part.decided.plan.fate == Fate::Discard) {
        return None;
    }
    let by_policy = || {
        parts.iter().find_map(|part| match &part.decided.plan.fate {
            Fate::Refuse(text) => Some(said(text)),
            _ => None,
        })
    };
    let reply = refusals().next().cloned().or_else(by_policy).unwrap_or_else(busy);
    Some((reply, Taken::No))
}
