//! One attempt to deliver a mail from the outbox: a transaction for each route of its recipients.

use std::sync::Arc;
use std::time::Duration;

use mail::address::Address;
use mail::untrusted::escape;
use net::handover::refusal;
use net::upstream::{Upstream, UpstreamError};
use store::{QueueId, Queued, Recipient, Settled, Standing, Store, StoreError};
use tokio::time::Instant;
use wire::smtp::reply::Reply;

use crate::Service;
use crate::metrics::HopEndLabels;
use crate::release::{pour, unseal};
use crate::routes::{self, Route};
use crate::spool::Spool;

/// How long one transaction may take.
const LIMIT: Duration = Duration::from_secs(1_800);
/// Longest text that is kept of what was said, in characters.
const MAX_SAID: usize = 500;

/// What an attempt brought for one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Told {
    pub(super) number: u32,
    pub(super) address: Address,
    pub(super) parameters: String,
    pub(super) standing: Standing,
    /// The status code (RFC 3463).
    pub(super) status: String,
    /// What was said, printable.
    pub(super) said: String,
    /// By which server; empty for ourselves.
    pub(super) hop: String,
    /// The next hop reports successes itself.
    pub(super) reports: bool,
    /// Its route is down: no server was asked.
    pub(super) untried: bool,
}

impl Told {
    fn new(to: &Recipient, standing: Standing, status: &str, said: &str, hop: &str) -> Self {
        Self {
            number: to.number,
            address: to.address.clone(),
            parameters: to.parameters.clone(),
            standing,
            status: status.to_owned(),
            said: escape(said, MAX_SAID),
            hop: hop.to_owned(),
            reports: false,
            untried: false,
        }
    }

    /// Every server of its route failed lately.
    fn down(to: &Recipient, route: &str) -> Self {
        Self { untried: true, ..Self::new(to, Standing::Waiting, "4.4.1", "every server of the route is down", route) }
    }

    /// Nobody says where it goes. A mistake in a configuration is mended, and its mail must be there then.
    fn stranded(to: &Recipient) -> Self {
        Self::new(to, Standing::Waiting, "4.4.4", "there is no route to this domain", "")
    }

    fn reply(to: &Recipient, reply: &Reply, hop: &str) -> Self {
        let standing = match reply.code() {
            200..300 => Standing::Delivered,
            500..600 => Standing::Failed,
            _ => Standing::Waiting,
        };
        Self::new(to, standing, &status(reply), &format!("{} {}", reply.code(), reply.text()), hop)
    }

    fn error(to: &Recipient, error: &UpstreamError, hop: &str) -> Self {
        match error {
            UpstreamError::Refused(reply) => Self::reply(to, reply, hop),
            UpstreamError::NoMail { status, .. } => Self::new(to, Standing::Failed, status, &error.to_string(), hop),
            UpstreamError::Loop => Self::new(to, Standing::Failed, "5.4.6", &error.to_string(), hop),
            _ => Self::new(to, Standing::Waiting, "4.4.1", &error.to_string(), hop),
        }
    }

    /// Its time is over: what waits has failed.
    pub(super) fn give_up(&mut self) {
        if self.standing == Standing::Waiting {
            self.standing = Standing::Failed;
        }
    }

    pub(super) fn settled(&self) -> Settled {
        Settled { number: self.number, standing: self.standing, said: self.said.clone(), hop: self.hop.clone() }
    }
}

/// The enhanced status code of a reply, or the general one of its class.
fn status(reply: &Reply) -> String {
    let class = reply.code() / 100;
    match reply.enhanced() {
        Some((first, subject, detail)) if first == class => format!("{first}.{subject}.{detail}"),
        _ => format!("{class}.0.0"),
    }
}

/// A mail's bytes, checked to their end before one of them is sent.
pub(super) async fn spool(store: &Store, id: QueueId) -> Result<Spool, StoreError> {
    let store = store.clone();
    let done = tokio::task::spawn_blocking(move || unseal(store.dir(), store.queue_open(id)?)).await;
    done.unwrap_or_else(|crash| Err(StoreError::Body(std::io::Error::other(crash))))
}

/// Tries every recipient that waits, once. Servers of a route that is down are not asked, but for the last
/// attempt of all.
pub(super) async fn attempt(service: &Service, mail: &Queued, spool: &Spool, last: bool) -> Vec<Told> {
    let routes = service.current().routes.load_full();
    let mut told = Vec::new();
    let mut groups: Vec<(Arc<Route>, Vec<&Recipient>)> = Vec::new();
    for to in &mail.recipients {
        let Some(route) = routes.find(&to.address, mail.mail.direction) else {
            told.push(Told::stranded(to));
            continue;
        };
        match groups.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &route)) {
            Some((_, group)) => group.push(to),
            None => groups.push((route, vec![to])),
        }
    }
    if !told.is_empty() {
        tracing::error!(queue = %mail.id, id = %mail.mail.message, recipients = told.len(), "there is no route for mail in the outbox: it waits until outbox.max_age; set next_hop.address, or a [[route]]");
    }
    for (route, group) in groups {
        if route.pauses() && !last {
            told.extend(group.iter().map(|to| Told::down(to, &route.name)));
            continue;
        }
        told.extend(transaction(service, &route, mail, &group, spool).await);
    }
    told
}

async fn transaction(
    service: &Service,
    route: &Route,
    mail: &Queued,
    group: &[&Recipient],
    spool: &Spool,
) -> Vec<Told> {
    let deadline = Instant::now() + LIMIT;
    let mut upstream = match routes::open(route, service.metrics(), deadline).await {
        Ok(upstream) => upstream,
        Err(error) => return group.iter().map(|to| Told::error(to, &error, &route.name)).collect(),
    };
    let hop = upstream.name().to_string();
    let mut told = Vec::new();
    let mut accepted = Vec::new();
    let sent = send(&mut upstream, mail, group, spool, deadline, &mut told, &mut accepted).await;
    let result = match &sent {
        Ok(reply) if reply.is_success() => "taken",
        Ok(reply) if reply.is_permanent() => "refused",
        Ok(_) => "deferred",
        Err(_) => "lost",
    };
    service.metrics().hop_messages.get_or_create(&HopEndLabels { hop: upstream.label().to_string(), result }).inc();
    let reports = upstream.extensions().dsn;
    // Those that had no word of their own yet share the last one.
    for to in group.iter().filter(|to| told.iter().all(|t: &Told| t.number != to.number)).collect::<Vec<_>>() {
        let mut one = match &sent {
            Ok(reply) => Told::reply(to, reply, &hop),
            Err(error) => Told::error(to, error, &hop),
        };
        // Without its own RCPT a success says nothing about it.
        if one.standing == Standing::Delivered && !accepted.contains(&to.number) {
            one.standing = Standing::Waiting;
        }
        one.reports = reports;
        told.push(one);
    }
    if sent.is_ok() {
        upstream.quit().await;
    }
    told
}

/// The dialogue. Gives the reply that holds for all recipients without one of their own in `told`.
async fn send(
    upstream: &mut Upstream,
    mail: &Queued,
    group: &[&Recipient],
    spool: &Spool,
    deadline: Instant,
    told: &mut Vec<Told>,
    accepted: &mut Vec<u32>,
) -> Result<Reply, UpstreamError> {
    let hop = upstream.name().to_string();
    let reply = upstream.mail(&mail_argument(upstream, mail, group), deadline).await?;
    if !reply.is_success() {
        return Ok(reply);
    }
    for to in group {
        let parameters = upstream.extensions().keep(&to.parameters);
        let reply = upstream.rcpt(&format!("<{}>{parameters}", to.address.as_str()), deadline).await?;
        match reply.is_success() {
            true => accepted.push(to.number),
            false => told.push(Told::reply(to, &reply, &hop)),
        }
    }
    if accepted.is_empty() {
        // Every recipient has a word of its own.
        return Ok(Reply::say(451, "4.5.0 no recipient was accepted"));
    }
    let go = upstream.begin(is_binary(&mail.mail.parameters), deadline).await?;
    if go.code() != 354 {
        // What is no 354 never takes a message over, whatever its class.
        return Ok(if go.is_success() { Reply::say(451, "4.5.0 DATA was not answered 354") } else { go });
    }
    pour(upstream, spool, 0, deadline).await?;
    let replies = upstream.end(deadline).await?;
    // In LMTP each accepted recipient has a word of its own (RFC 2033 section 4.2).
    if let [_, _, ..] = replies.as_slice() {
        for (number, reply) in accepted.iter().zip(&replies) {
            told.extend(group.iter().find(|to| to.number == *number).map(|to| Told::reply(to, reply, &hop)));
        }
    }
    let taken = replies.iter().find(|reply| reply.is_success()).cloned();
    Ok(taken.unwrap_or_else(|| refusal(&replies)))
}

/// Whether the sender said so.
fn is_binary(parameters: &str) -> bool {
    parameters.split(' ').any(|word| word.eq_ignore_ascii_case("BODY=BINARYMIME"))
}

/// What follows `MAIL FROM:`: the client's parameters, as far as this next hop knows them.
fn mail_argument(upstream: &Upstream, mail: &Queued, group: &[&Recipient]) -> String {
    let from = mail.mail.mail_from.as_ref().map_or("", Address::as_str);
    let extensions = upstream.extensions();
    let kept = extensions.keep(&mail.mail.parameters);
    let mut argument = format!("<{from}>{kept}");
    let has = |word: &str| kept.to_ascii_uppercase().split([' ', '=']).any(|known| known == word);
    if extensions.eight_bit_mime && !has("BODY") {
        argument.push_str(" BODY=8BITMIME");
    }
    let utf8 = !from.is_ascii() || group.iter().any(|to| !to.address.as_str().is_ascii());
    if utf8 && extensions.smtputf8 && !has("SMTPUTF8") {
        argument.push_str(" SMTPUTF8");
    }
    argument
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_stands_for_its_class_and_status() {
        let to = Recipient {
            number: 3,
            address: Address::parse("a@example.com").unwrap(),
            parameters: String::new(),
            standing: Standing::Waiting,
            at_ms: 0,
            said: String::new(),
            hop: String::new(),
        };
        let cases = [
            (250, "2.1.5 Ok", Standing::Delivered, "2.1.5"),
            (451, "4.3.0 Later", Standing::Waiting, "4.3.0"),
            (421, "closing", Standing::Waiting, "4.0.0"),
            (550, "5.1.1 No", Standing::Failed, "5.1.1"),
            (550, "4.7.1 odd", Standing::Failed, "5.0.0"),
            (354, "odd", Standing::Waiting, "3.0.0"),
        ];
        for (code, text, standing, status) in cases {
            let told = Told::reply(&to, &Reply::say(code, text), "mail:25");
            assert_eq!((told.number, told.standing, told.status.as_str()), (3, standing, status), "{code} {text}");
        }
        let mut told = Told::error(&to, &UpstreamError::Timeout("DATA"), "mail:25");
        assert_eq!(told.standing, Standing::Waiting);
        told.give_up();
        assert_eq!(told.standing, Standing::Failed);
        assert_eq!(Told::error(&to, &UpstreamError::Loop, "x").standing, Standing::Failed);
    }
}
