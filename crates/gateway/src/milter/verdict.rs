//! The end of a message: it is examined, and the mail server hears what becomes of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use judge::plan::{Action, Fate, ReplyText};
use judge::site::Site;
use mail::arrival::{Arrival, Peer, Surface};
use mail::untrusted::escape;
use service::Part;
use service::flow::Decided;
use service::record::{Ended, Outcome, Taken};
use service::spool::Spool;
use settings::config::MilterHold;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use wire::milter::options::actions;
use wire::milter::{Answer, CHUNK_MAX, Change, ChangeFault};
use wire::smtp::reply::Reply;

use super::apart::{self, Said};
use super::changes::{Told, told};
use super::client::is_originating;
use super::message::{Complete, Message};
use super::pump::{End, Pump};
use crate::received;
use crate::responsibility::Responsibility;
use crate::split::busy;

/// How often a mail server hears that we are still at it. It waits 30 seconds and more.
const PROGRESS: Duration = Duration::from_secs(5);
/// Longest queue id that is logged, in characters.
const QUEUE_ID: usize = 40;

/// Fields that a mail server has put above those that it shows us: its own `Received`. It counts them when it is told
/// a place.
const HIDDEN: u32 = 1;

/// What becomes of a message.
pub(super) struct Verdict {
    told: Told,
    answer: Answer,
    /// What the log says about the answer.
    said: String,
    taken: Taken,
}

impl Verdict {
    pub(super) fn refuse(reply: Reply) -> Self {
        let said = format!("{} {}", reply.code(), reply.text());
        Self { told: Told::default(), answer: Answer::Reply(reply), said, taken: Taken::No }
    }

    /// Something went wrong with us: the sender is to bring it again.
    pub(super) fn fail() -> Self {
        Self::refuse(busy())
    }

    /// The mail server throws the message away. Only where somebody has it, or nobody is to.
    pub(super) fn discard() -> Self {
        Self { told: Told::default(), answer: Answer::Discard, said: "discard".to_owned(), taken: Taken::Yes }
    }
}

impl Pump<'_> {
    pub(super) async fn end_of_message(&mut self) -> Result<(), End> {
        let ended = Instant::now();
        let lost = || Reply::say(451, "4.3.0 Internal error, please try again later");
        let complete = self.message.take().ok_or_else(lost).and_then(|m: Message| m.finish(&self.node.config.limits));
        let complete = complete.and_then(|complete| match self.looping(&complete.spool) {
            Some(refusal) => Err(refusal),
            None => Ok(complete),
        });
        let complete = match complete {
            Ok(complete) => complete,
            Err(refusal) => {
                tracing::info!(
                    connection = self.connection,
                    code = refusal.code(),
                    text = refusal.text(),
                    "a message was refused before it was examined"
                );
                self.server.answer(&Answer::Reply(refusal));
                return self.flush().await;
            }
        };
        let arrival = self.arrival(&complete);
        let policy = self.gateway.service.current().policy.load_full();
        let deadline = ended + policy.policy.limits.deadline.duration();
        let mut parts = self.decide(&complete, &arrival, deadline).await;
        let (verdict, kept) = match parts.as_slice() {
            [part] => (self.verdict(&part.decided, &arrival, &complete), Some(0)),
            parts => self.verdict_of_parts(parts, &complete),
        };
        let (done, reply, taken, others) = self.tell(verdict, &mut parts, kept, &complete).await;
        let took = ended.elapsed();
        let of_part = |(at, part): (usize, Part)| {
            let own = others.get(at).filter(|_| Some(at) != kept);
            let outcome = Outcome { taken, reply: own.unwrap_or(&reply).clone(), took };
            Ended { arrival: part.arrival, decided: part.decided, outcome }
        };
        let ends = parts.into_iter().enumerate().map(of_part).collect();
        self.gateway.service.finish(&complete.spool, ends).await;
        done
    }

    /// The refusal of a message that goes round in circles.
    fn looping(&self, spool: &Spool) -> Option<Reply> {
        let head = spool.read_at(0, received::HEAD_MAX).unwrap_or_default();
        let config = &self.node.config;
        received::looping(&head, &config.hostname(), config.limits.hops)
    }

    /// Decides. One that goes away is noticed when it is answered: what was begun is taken to its end, so that it is
    /// recorded.
    async fn decide(&mut self, complete: &Complete, arrival: &Arrival, deadline: Instant) -> Vec<Part> {
        let service = Arc::clone(&self.gateway.service);
        let split = self.may_split(complete, arrival);
        let deciding = async {
            if split {
                return service.decide_apart(&complete.spool, arrival, deadline).await;
            }
            let decided = service.decide(&complete.spool, arrival, None, deadline).await;
            let policy = Arc::clone(&service.current().policy.load().policy);
            vec![Part { arrival: arrival.clone(), policy, decided }]
        };
        self.meanwhile(deciding).await.0
    }

    /// Keeps the mail server waiting while something is done, to its end. Gives whether it is still there.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> (T, Result<(), End>) {
        tokio::pin!(work);
        let mut tick = interval_at(Instant::now() + PROGRESS, PROGRESS);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                done = &mut work => return (done, Ok(())),
                _ = tick.tick() => {
                    self.server.progress();
                    if let Err(end) = self.flush().await {
                        return (work.await, Err(end));
                    }
                }
            }
        }
    }

    /// What the plan says, in the mail server's terms.
    fn verdict(&self, decided: &Decided, arrival: &Arrival, complete: &Complete) -> Verdict {
        match &decided.plan.fate {
            Fate::Refuse(ReplyText { code, text }) | Fate::Tempfail(ReplyText { code, text }) => {
                Verdict::refuse(Reply::say(*code, text))
            }
            Fate::Discard => self.discard(decided, arrival),
            Fate::Deliver => {
                match told(&decided.output, &complete.spool, complete.head, self.server.has_leading_blanks()) {
                    Ok(told) => self.go_on("continue", told),
                    Err(error) => {
                        tracing::error!(id = %arrival.id, %error, "a message could not be changed as planned; it is deferred");
                        Verdict::fail()
                    }
                }
            }
        }
    }

    /// The mail server takes the message, with these changes.
    pub(super) fn go_on(&self, word: &str, told: Told) -> Verdict {
        let queue = self.server.macros().get("i").map(|id| format!("; queue id {}", escape(id, QUEUE_ID)));
        let said = format!("{word}{}", queue.unwrap_or_default());
        Verdict { told, answer: Answer::Continue, said, taken: Taken::Yes }
    }

    /// The mail server is told to throw the message away; never without proof that it may.
    fn discard(&self, decided: &Decided, arrival: &Arrival) -> Verdict {
        if Responsibility::of_discarded(arrival.id, &decided.keeping).is_none() {
            return Verdict::fail();
        }
        let quarantine = self.settings.hold == MilterHold::Quarantine && decided.plan.action == Action::Held;
        if quarantine && self.server.allows(actions::QUARANTINE) {
            return self.quarantine(vec![arrival.id.to_string()]);
        }
        Verdict::discard()
    }

    /// The mail server holds the message.
    pub(super) fn quarantine(&self, ids: Vec<String>) -> Verdict {
        let reason = format!("held by Mailward; id {}", ids.join(" "));
        let header = vec![Change::Quarantine(reason.into_bytes())];
        self.go_on("quarantine", Told { header, body: None })
    }

    /// Tells the changes, takes what the mail server does not keep into our own hands, then tells the answer. After
    /// a change that cannot be told the message is deferred: the mail server forgets the ones before it. Gives how the
    /// connection stands, what was said, who has the message, and what was said about the parts that it does not keep.
    async fn tell(
        &mut self,
        verdict: Verdict,
        parts: &mut [Part],
        kept: Option<usize>,
        complete: &Complete,
    ) -> (Result<(), End>, String, Taken, Vec<Said>) {
        let Verdict { told, mut answer, mut said, mut taken } = verdict;
        let mut others = Vec::new();
        match self.tell_changes(told).await {
            // A mail server that did not hear us has kept nothing; but nobody knows what it heard.
            Err(end) => {
                let taken = if taken == Taken::Yes && parts.len() == 1 { Taken::Unknown } else { Taken::No };
                return (Err(end), said, taken, others);
            }
            Ok(Err(fault)) => {
                tracing::error!(
                    connection = self.connection,
                    ?fault,
                    "a change could not be told to the mail server; the message is deferred"
                );
                Verdict { answer, said, taken, .. } = Verdict::fail();
            }
            Ok(Ok(())) => {}
        }
        let shares = parts.len() > 1 && taken == Taken::Yes;
        if shares {
            match self.share_out(parts, kept, complete).await {
                Ok(Some(all)) => others = all,
                // Nothing was promised: the message comes again, and with it everything that was to be.
                Ok(None) => Verdict { answer, said, taken, .. } = Verdict::fail(),
                Err(end) => return (Err(end), said, Taken::No, others),
            }
        }
        self.server.answer(&answer);
        let done = self.flush().await;
        if done.is_err() && taken == Taken::Yes {
            taken = Taken::Unknown;
        }
        if shares && taken == Taken::Yes {
            let service = Arc::clone(&self.gateway.service);
            apart::tell_refused(&service, parts, kept, &complete.spool, &complete.asked).await;
        }
        (done, said, taken, others)
    }

    /// Makes everything somebody's that the mail server is about to lose. What was said about each part, or `None`
    /// when one of them could not be made safe. The error is a mail server that is gone: nothing was promised.
    async fn share_out(
        &mut self,
        parts: &mut [Part],
        kept: Option<usize>,
        complete: &Complete,
    ) -> Result<Option<Vec<Said>>, End> {
        let service = Arc::clone(&self.gateway.service);
        let preparing = apart::prepare(&service, parts, kept, &complete.spool, &complete.asked);
        let (prepared, still_there) = self.meanwhile(preparing).await;
        still_there?;
        let Some(prepared) = prepared else { return Ok(None) };
        Ok(apart::promise(&service, prepared, parts, kept).await)
    }

    async fn tell_changes(&mut self, told: Told) -> Result<Result<(), ChangeFault>, End> {
        for change in told.header {
            if let Err(fault) = self.server.change(&below_received(change)) {
                return Ok(Err(fault));
            }
        }
        self.flush().await?;
        let Some((bytes, from)) = told.body else { return Ok(Ok(())) };
        let body = bytes.get(from..).unwrap_or_default();
        if body.is_empty()
            && let Err(fault) = self.server.change(&Change::Body(Vec::new()))
        {
            return Ok(Err(fault));
        }
        for piece in body.chunks(CHUNK_MAX) {
            if let Err(fault) = self.server.change(&Change::Body(piece.to_vec())) {
                return Ok(Err(fault));
            }
            self.flush().await?;
        }
        Ok(Ok(()))
    }

    fn arrival(&self, complete: &Complete) -> Arrival {
        let site = self.gateway.service.current().site.load();
        let macros = self.server.macros();
        let (ip, from_received) = self.client_ip(&site, &complete.spool);
        let trusted = !from_received && ip.is_some_and(|ip| site.is_trusted(ip));
        let peer = Peer { from_received, ..self.client.as_peer(ip, macros, trusted) };
        let own_client = peer.authenticated || trusted || is_originating(macros);
        let envelope = complete.envelope.clone();
        let direction =
            site.direction(self.settings.direction.into(), own_client, envelope.mail_from.as_ref(), &envelope.rcpt_to);
        Arrival {
            id: complete.id,
            surface: Surface::Milter,
            direction,
            peer,
            envelope,
            received_ms: complete.received_ms,
            size: complete.spool.len(),
            connection: self.connection,
        }
    }

    /// The client of the mail server; where that is a relay of ours, the one that its `Received` headers name (D-20),
    /// and whether only these do.
    fn client_ip(&self, site: &Site, spool: &Spool) -> (Option<IpAddr>, bool) {
        let told = self.client.ip();
        let behind = told.and_then(|told| received::client_behind(told, site, spool));
        (behind.or(told), behind.is_some())
    }
}

/// The same change with the place as a mail server counts: our fields stand below its own `Received`.
fn below_received(change: Change) -> Change {
    match change {
        Change::InsertHeader { at, name, value } => Change::InsertHeader { at: at.saturating_add(HIDDEN), name, value },
        other => other,
    }
}
