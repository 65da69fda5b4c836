//! Several next-hop transactions for one client transaction (spec D-11): recipients of other routes, or
//! with settings of their own.
//!
//! The first recipient's transaction is that of the session, as ever. Each further pair of route and
//! group has a [`Leg`] with a connection of its own, opened at its first recipient, so that every RCPT is
//! answered by the next hop that it goes to. At the end of the message each leg is delivered in turn; our
//! 250 follows when each is with its next hop, or durable with us. As long as no leg was taken, a failure
//! is the sender's to try again. Limit: [`MAX_LEGS`].

use std::sync::Arc;

use judge::lists::Lane;
use judge::policy::GroupId;
use mail::address::Address;
use mail::arrival::{Arrival, MessageId};
use net::upstream::{Upstream, UpstreamError};
use service::flow::Decided;
use service::id;
use service::metrics::HopEndLabels;
use service::render::Output;
use service::routes::{self, Route};
use service::spool::Spool;
use store::{NewQueued, NewRecipient, QueueKind, QueuedReceipt, StoreError};
use tokio::time::Instant;
use wire::smtp::command::RcptCommand;
use wire::smtp::path;
use wire::smtp::reply::Reply;

use crate::hop::tell;
use crate::relay::{Relayed, relay, result};
use crate::responsibility::RelayReceipt;
use crate::session::{Session, gone_reply};
use crate::transaction::Transaction;

/// Most next-hop transactions of one message; recipients beyond are asked to come by themselves.
pub(crate) const MAX_LEGS: usize = 20;

/// Whose next-hop transaction it is.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) route: Arc<Route>,
    /// The settings of its recipients, and what sets them apart from others with the same (D-21).
    pub(crate) kind: (GroupId, Lane),
}

impl Key {
    /// Whether only the lane differs.
    fn is_beside(&self, other: &Self) -> bool {
        self.kind.0 == other.kind.0 && Arc::ptr_eq(&self.route, &other.route)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && Arc::ptr_eq(&self.route, &other.route)
    }
}

/// A recipient that its next hop has accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    /// Which one of the message's recipients it is, of 0.
    pub(crate) at: usize,
    pub(crate) address: Address,
    /// What followed the path in RCPT.
    pub(crate) parameters: String,
}

impl Accepted {
    pub(crate) fn of(at: usize, address: Address, command: &RcptCommand) -> Self {
        let parameters = path::split(&command.argument).map_or("", |(_, rest)| rest).to_owned();
        Self { at, address, parameters }
    }
}

/// One next-hop transaction.
pub(crate) struct Leg {
    pub(crate) key: Key,
    /// `None` after it was lost.
    pub(crate) upstream: Option<Upstream>,
    pub(crate) recipients: Vec<Accepted>,
}

/// How a leg's delivery ended.
pub(crate) enum LegEnd {
    /// The next hop has it.
    Taken(RelayReceipt),
    /// It has for some of the recipients (LMTP): one reply for each.
    Partly(RelayReceipt, Vec<Reply>),
    /// It has not, and said so.
    Refused(Reply),
    /// Nobody knows whether it has.
    Unknown(Reply),
}

impl Leg {
    /// Hands the message over, before `until`.
    pub(crate) async fn deliver(
        &mut self,
        session: &Session<'_>,
        id: MessageId,
        output: &Output,
        spool: &Spool,
        until: Instant,
    ) -> LegEnd {
        let gone = || UpstreamError::Closed("there is no session".to_owned());
        let Some(upstream) = &mut self.upstream else { return LegEnd::Refused(gone_reply(&gone())) };
        let binary = session.transaction.as_ref().is_some_and(Transaction::is_binary);
        let relayed = relay(upstream, id, output, spool, binary, until).await;
        let labels = HopEndLabels { hop: upstream.label().to_string(), result: result(&relayed) };
        session.gateway.service.metrics().hop_messages.get_or_create(&labels).inc();
        match relayed {
            Ok(Relayed::Taken(receipt)) => LegEnd::Taken(receipt),
            Ok(Relayed::Partly(receipt, replies)) => LegEnd::Partly(receipt, replies),
            Ok(Relayed::Refused(reply)) => LegEnd::Refused(reply),
            Ok(Relayed::Unknown(error)) => {
                session.warn(&error);
                self.upstream = None;
                LegEnd::Unknown(gone_reply(&error))
            }
            Err(error) => {
                session.warn(&error);
                self.upstream = None;
                LegEnd::Refused(gone_reply(&error))
            }
        }
    }
}

/// Ends connections without holding anybody up.
pub(crate) fn leave(legs: Vec<Leg>) {
    for upstream in legs.into_iter().filter_map(|leg| leg.upstream) {
        tokio::spawn(upstream.quit());
    }
}

impl Session<'_> {
    /// The key of the next-hop transaction that a recipient goes to: where there cannot be one more, recipients whom
    /// nothing but their lane sets apart stay together, and what one is spared is done for all of them.
    pub(crate) fn place(&self, key: Key, may_part: bool) -> Key {
        let Some(transaction) = &self.transaction else { return key };
        let others = || transaction.others.iter().map(|leg| &leg.key);
        let known = || transaction.key.iter().chain(others());
        let room = may_part && self.node.config.limits.split_recipients && transaction.others.len() + 1 < MAX_LEGS;
        if room || known().any(|other| *other == key) {
            return key;
        }
        known().find(|other| other.is_beside(&key)).cloned().unwrap_or(key)
    }

    /// RCPT to a leg of its own; a new one says MAIL first. The reply is the client's.
    pub(crate) async fn rcpt_leg(&mut self, key: Key, recipient: Address, command: &RcptCommand) -> Reply {
        let Some(transaction) = &mut self.transaction else { return Reply::say(503, "5.5.1 Need MAIL first") };
        let known = transaction.others.iter().position(|leg| leg.key == key);
        let full = transaction.others.len() + 1 >= MAX_LEGS;
        let at = transaction.recipients.len();
        if known.is_none() && (full || !self.node.config.limits.split_recipients) {
            return Reply::say(452, "4.5.3 Too many kinds of recipients; send this one's copy by itself");
        }
        let mut leg = match known {
            Some(place) => transaction.others.remove(place),
            None => {
                let argument = transaction.argument.clone();
                match self.open_leg(key, &argument).await {
                    Ok(leg) => leg,
                    Err(reply) => return reply,
                }
            }
        };
        let deadline = self.deadline();
        let reply = match &mut leg.upstream {
            Some(upstream) => {
                let accepted = Accepted::of(at, recipient.clone(), command);
                let kept = upstream.extensions().keep(&accepted.parameters);
                match upstream.rcpt(&format!("<{}>{kept}", command.path), deadline).await {
                    Ok(reply) => {
                        if reply.is_success() {
                            leg.recipients.push(accepted);
                        }
                        reply
                    }
                    Err(error) => {
                        self.warn(&error);
                        leg.upstream = None;
                        gone_reply(&error)
                    }
                }
            }
            None => Reply::say(451, "4.4.2 Lost the connection to the next hop, please try again later"),
        };
        // A leg that is lost takes its recipients with it: they fail at the end, as any other.
        if let Some(transaction) = &mut self.transaction {
            if reply.is_success() {
                transaction.recipients.push(recipient);
            }
            if leg.upstream.is_some() || !leg.recipients.is_empty() {
                transaction.others.push(leg);
            }
        }
        reply
    }

    async fn open_leg(&mut self, key: Key, argument: &str) -> Result<Leg, Reply> {
        let deadline = self.deadline();
        let opened = routes::open(&key.route, self.gateway.service.metrics(), self.open_deadline(&key.route)).await;
        let mut upstream = opened.map_err(|error| gone_reply(&error))?;
        let said = async {
            if !key.route.is_public() {
                tell(&mut upstream, &self.client, true, deadline).await?;
            }
            let (path, parameters) = path::split(argument).unwrap_or((argument, ""));
            let kept = upstream.extensions().keep(parameters);
            upstream.mail(&format!("<{path}>{kept}"), deadline).await
        };
        match said.await {
            Ok(reply) if reply.is_success() => Ok(Leg { key, upstream: Some(upstream), recipients: Vec::new() }),
            Ok(reply) => Err(reply),
            Err(error) => Err(gone_reply(&error)),
        }
    }

    /// Takes what a next hop did not take into the outbox, because another one took its part.
    pub(crate) async fn queue_rest(
        &self,
        recipients: &[Accepted],
        arrival: &Arrival,
        decided: &Decided,
        spool: &Spool,
    ) -> Result<QueuedReceipt, StoreError> {
        let argument = self.transaction.as_ref().map_or("", |t| t.argument.as_str());
        let parameters = path::split(argument).map_or("", |(_, rest)| rest);
        // The size may be another one by now, and the next hop hears it anyway.
        let parameters: String = parameters
            .split(' ')
            .filter(|word| !word.is_empty() && !word.to_ascii_uppercase().starts_with("SIZE="))
            .map(|word| format!(" {word}"))
            .collect();
        let recipient = |to: &Accepted| NewRecipient { address: to.address.clone(), parameters: to.parameters.clone() };
        let mail = NewQueued {
            message: arrival.id,
            kind: QueueKind::Remainder,
            // The way that its recipients alone go: the whole message may go another one.
            direction: recipients.first().map_or(arrival.direction, |to| self.direction_of(&to.address)),
            mail_from: arrival.envelope.mail_from.clone(),
            parameters,
            created_ms: id::now_ms(),
            size: decided.output.len(spool),
            recipients: recipients.iter().map(recipient).collect(),
        };
        self.gateway.service.enqueue(mail, decided.output.reader(spool)).await
    }
}
