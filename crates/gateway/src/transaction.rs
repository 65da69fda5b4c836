//! One message in a session: envelope, content, decision, and what becomes of it.

use std::borrow::Cow;
use std::sync::Arc;

use judge::early::Moment;
use judge::lists::{Coming, Lane};
use judge::plan::{Fate, ReplyText};
use judge::policy::{GroupId, Policy};
use judge::site::ListenerDirection;
use mail::address::Address;
use mail::arrival::{Arrival, MessageId};
use net::upstream::UpstreamError;
use service::flow::Decided;
use service::id;
use service::metrics::HopEndLabels;
use service::record::{Ended, Outcome, Taken};
use service::routes::Route;
use service::spool::Spool;
use tokio::time::Instant;
use wire::smtp::command::{Body, MailCommand, RcptCommand};
use wire::smtp::extensions::Extensions;
use wire::smtp::path;
use wire::smtp::reply::Reply;

use crate::content::Content;
use crate::legs::{Accepted, Key, Leg};
use crate::relay::{Relayed, relay, result};
use crate::responsibility::{RelayReceipt, Responsibility, Share};
use crate::session::{End, Session, gone_reply};
use crate::split::{busy, refused};

/// A transaction that the next hop has accepted MAIL for.
pub(crate) struct Transaction {
    pub(crate) id: MessageId,
    pub(crate) received_ms: u64,
    pub(crate) mail_from: Option<Address>,
    pub(crate) declared: u64,
    /// The accepted recipients of all next-hop transactions, in order.
    pub(crate) recipients: Vec<Address>,
    /// What followed `MAIL FROM:`.
    pub(crate) argument: String,
    binary: bool,
    /// No next hop has been told of it: the first recipient chooses one.
    pending: bool,
    /// Whose next-hop transaction that of the session is; `None` before its first recipient.
    pub(crate) key: Option<Key>,
    /// There is one next hop and one set of settings: nothing but lanes can set recipients apart.
    alike: bool,
    /// Its recipients.
    pub(crate) own: Vec<Accepted>,
    /// The others (D-11).
    pub(crate) others: Vec<Leg>,
    /// The policy that sorted its recipients.
    pub(crate) policy: Arc<Policy>,
    pub(crate) content: Option<Content>,
}

impl Transaction {
    fn new(mail_from: Option<Address>, command: &MailCommand, policy: Arc<Policy>) -> Self {
        Self {
            id: id::message_id(),
            received_ms: id::now_ms(),
            mail_from,
            declared: command.size.unwrap_or(0),
            recipients: Vec::new(),
            argument: command.argument.clone(),
            binary: command.body == Some(Body::BinaryMime),
            pending: false,
            key: None,
            alike: false,
            own: Vec::new(),
            others: Vec::new(),
            policy,
            content: None,
        }
    }

    /// Whether the client said that the content is binary (RFC 3030).
    pub(crate) fn is_binary(&self) -> bool {
        self.binary
    }

    /// Until when the content that is coming in must be here.
    pub(crate) fn receiving_until(&self) -> Option<Instant> {
        self.content.as_ref().map(Content::until)
    }
}

/// Reads a path that the machine has checked; what the machine takes and this does not is a 501.
fn address(path: &str) -> Result<Option<Address>, Reply> {
    if path.is_empty() {
        return Ok(None);
    }
    Address::parse(path).map(Some).ok_or_else(|| Reply::say(501, "5.1.3 Bad address syntax"))
}

impl Session<'_> {
    pub(crate) async fn mail(&mut self, command: MailCommand) {
        if self.listener.tls_required && !self.server.tls_active() {
            return self.reply(&Reply::say(530, "5.7.0 Must issue a STARTTLS command first"));
        }
        if let Some(reply) = self.refuse_without_certificate() {
            return self.reply(&reply);
        }
        let mail_from = match address(&command.path) {
            Ok(address) => address,
            Err(reply) => return self.reply(&reply),
        };
        if self.asks_for_tls(mail_from.as_ref()) {
            tracing::info!(connection = self.connection, peer = %self.client.peer, "mail without TLS was refused: [tls] requires it of this peer or sender");
            return self.reply(&Reply::say(530, "5.7.0 Must issue a STARTTLS command first"));
        }
        if let Some(reply) = self.early(&Moment::Sender(mail_from.as_ref())).await {
            return self.reply(&reply);
        }
        let policy = Arc::clone(&self.gateway.service.current().policy.load().policy);
        let mut transaction = Transaction::new(mail_from, &command, policy);
        if self.chooses(&transaction.policy) {
            transaction.pending = true;
            self.transaction = Some(transaction);
            return self.reply(&Reply::say(250, "2.1.0 Ok"));
        }
        transaction.alike = true;
        let answer = self.mail_upstream(&command.argument).await;
        if answer.as_ref().is_ok_and(Reply::is_success) {
            self.transaction = Some(transaction);
        }
        self.answer(answer);
    }

    /// Whether this peer or this sender must not come without TLS, and does (RFC 3207 section 4).
    fn asks_for_tls(&self, mail_from: Option<&Address>) -> bool {
        let tls = &self.node.config.tls;
        let peer = || tls.required_from.iter().any(|network| network.contains(self.client.peer.ip()));
        let sender = || {
            let domain = mail_from.map(|address| address.domain().to_lowercase()).unwrap_or_default();
            tls.required_senders.iter().any(|mask| mask.fits(&domain).is_some())
        };
        !self.server.tls_active() && (peer() || sender())
    }

    /// MAIL to the next hop. A session that the next hop has closed meanwhile is opened again, once:
    /// nothing is lost by it, unless the client had authenticated.
    async fn mail_upstream(&mut self, argument: &str) -> Result<Reply, UpstreamError> {
        let fresh = self.upstream.is_none();
        let answer = self.try_mail(argument).await;
        if fresh || self.server.authenticated() {
            return answer;
        }
        let error = match answer {
            // RFC 5321 section 3.8: it closes. Most often it has waited too long for this client.
            Ok(reply) if reply.code() == 421 => UpstreamError::Refused(reply),
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        tracing::debug!(connection = self.connection, %error, "the next hop had closed; opening a new session");
        self.upstream = None;
        self.try_mail(argument).await
    }

    async fn try_mail(&mut self, argument: &str) -> Result<Reply, UpstreamError> {
        self.ready().await?;
        let deadline = self.deadline();
        match &mut self.upstream {
            Some(upstream) => upstream.mail(&fitting(argument, upstream.extensions()), deadline).await,
            None => Err(gone()),
        }
    }

    /// Whether anything depends on the recipient: the next hop, or the settings. A client that has logged
    /// in did so with one next hop, and stays there.
    fn chooses(&self, policy: &Policy) -> bool {
        let only = self.gateway.service.current().routes.load().only().is_some();
        !policy.group.is_empty() || (!only && !self.server.authenticated())
    }

    pub(crate) async fn rcpt(&mut self, command: RcptCommand) {
        let recipient = match address(&command.path) {
            Ok(Some(address)) => address,
            Ok(None) | Err(_) => return self.reply(&Reply::say(501, "5.1.3 Bad address syntax")),
        };
        let sender = self.transaction.as_ref().and_then(|transaction| transaction.mail_from.clone());
        if let Some(reply) = self.early_recipient(sender.as_ref(), &recipient).await {
            let close = self.slow_down(&reply).await;
            self.reply(&reply);
            if close {
                self.send_away();
            }
            return;
        }
        let chooses = self.transaction.as_ref().is_some_and(|t| t.pending || t.key.is_some());
        if chooses {
            match self.choose(&recipient).await {
                Ok(None) => {}
                Ok(Some(key)) => {
                    let reply = self.rcpt_leg(key, recipient, &command).await;
                    return self.reply(&reply);
                }
                Err(reply) => return self.reply(&reply),
            }
        }
        let deadline = self.deadline();
        let answer = match &mut self.upstream {
            Some(upstream) => upstream.rcpt(&fitting(&command.argument, upstream.extensions()), deadline).await,
            None => Err(gone()),
        };
        let first = match &self.transaction {
            Some(transaction) if transaction.key.is_none() => self.first_key(transaction, &recipient),
            _ => None,
        };
        if answer.as_ref().is_ok_and(Reply::is_success)
            && let Some(transaction) = &mut self.transaction
        {
            if first.is_some() {
                transaction.key = first;
            }
            let at = transaction.recipients.len();
            transaction.own.push(Accepted::of(at, recipient.clone(), &command));
            transaction.recipients.push(recipient);
        }
        let close = match &answer {
            Ok(reply) => self.slow_down(reply).await,
            Err(_) => false,
        };
        self.answer(answer);
        if close {
            self.send_away();
        }
    }

    /// Which next-hop transaction a recipient belongs to: `None` for that of the session, which is brought
    /// onto the route of the first one, with MAIL said there. The error is the reply for this recipient.
    async fn choose(&mut self, recipient: &Address) -> Result<Option<Key>, Reply> {
        let Some(transaction) = &self.transaction else { return Err(Reply::say(503, "5.5.1 Need MAIL first")) };
        let stays = self.server.authenticated();
        let route = match &transaction.key {
            Some(own) if transaction.alike => Arc::clone(&own.route),
            _ => self.route_of(recipient)?,
        };
        let kind = self.kind_of(transaction, recipient);
        let key = self.place(Key { route, kind }, !stays);
        if !transaction.pending {
            return match &transaction.key {
                Some(own) if *own == key => Ok(None),
                // Another session with the next hop would not be logged in.
                _ if stays => Err(Reply::say(452, "4.5.3 Other settings; send this recipient's copy by itself")),
                _ => Ok(Some(key)),
            };
        }
        let argument = transaction.argument.clone();
        self.take_route(&key.route).await;
        match self.mail_upstream(&argument).await {
            Ok(reply) if reply.is_success() => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.pending = false;
                    transaction.key = Some(key);
                }
                Ok(None)
            }
            Ok(reply) => Err(reply),
            Err(error) => {
                self.lost(&error);
                Err(gone_reply(&error))
            }
        }
    }

    /// The settings of a recipient, and what sets it apart from others with the same (D-21).
    fn kind_of(&self, transaction: &Transaction, recipient: &Address) -> (GroupId, Lane) {
        let service = &self.gateway.service;
        let site = service.current().site.load();
        let trusted = self.is_trusted(&site);
        let coming = Coming {
            sender: transaction.mail_from.as_ref(),
            may_leave: match self.listener_direction() {
                ListenerDirection::Incoming => false,
                ListenerDirection::Outgoing => true,
                ListenerDirection::Auto => trusted && !site.internal_domains.is_empty(),
            },
            trusted: trusted || self.listener_direction() == ListenerDirection::Outgoing,
        };
        let group = transaction.policy.group_of(recipient);
        (group, service.lane(&transaction.policy, group, &coming, recipient))
    }

    /// Whose next-hop transaction that of the session is where nothing was chosen: its first recipient's.
    fn first_key(&self, transaction: &Transaction, recipient: &Address) -> Option<Key> {
        let route = self.route.as_ref().map(Arc::clone)?;
        Some(Key { route, kind: self.kind_of(transaction, recipient) })
    }

    fn route_of(&self, recipient: &Address) -> Result<Arc<Route>, Reply> {
        if let Some(route) = self.route.as_ref().filter(|_| self.server.authenticated()) {
            return Ok(Arc::clone(route));
        }
        let routes = self.gateway.service.current().routes.load();
        let found = routes.find(recipient, self.direction_of(recipient));
        found.ok_or_else(|| Reply::say(550, "5.1.2 There is no route to this domain"))
    }

    pub(crate) async fn examine_and_act(&mut self, spool: Spool, ended: Instant) -> Result<(), End> {
        let policy = self.gateway.service.current().policy.load_full();
        let deadline = ended + policy.policy.limits.deadline.duration();
        let arrival = self.arrival(&spool);
        let received = self.received(&arrival);
        if self.transaction.as_ref().is_some_and(|t| !t.others.is_empty()) {
            return self.finish_split(&spool, &arrival, received.as_deref(), deadline, ended).await;
        }
        let decided = self.gateway.service.decide(&spool, &arrival, received.as_deref(), deadline).await;
        let (reply, taken) = self.act(&decided, &arrival, &spool, deadline).await;
        match std::mem::take(&mut self.each).as_slice() {
            [] => self.reply(&reply),
            each => {
                self.server.reply_each(each);
            }
        }
        let flushed = self.flush().await;
        let outcome = Outcome { taken, reply: format!("{} {}", reply.code(), reply.text()), took: ended.elapsed() };
        self.gateway.service.finish(&spool, vec![Ended { arrival, decided, outcome }]).await;
        flushed
    }

    /// Does what the plan says. Gives the reply, and whether somebody has the message now.
    async fn act(&mut self, decided: &Decided, arrival: &Arrival, spool: &Spool, deadline: Instant) -> (Reply, Taken) {
        match &decided.plan.fate {
            Fate::Deliver => self.deliver(decided, arrival, spool, deadline).await,
            Fate::Refuse(text) | Fate::Tempfail(text) => {
                self.reset().await;
                (said(text), Taken::No)
            }
            Fate::Discard => {
                self.reset().await;
                match Responsibility::of_discarded(arrival.id, &decided.keeping) {
                    Some(responsibility) => accept(responsibility, arrival.id),
                    None => (busy(), Taken::No),
                }
            }
        }
    }

    async fn deliver(
        &mut self,
        decided: &Decided,
        arrival: &Arrival,
        spool: &Spool,
        deadline: Instant,
    ) -> (Reply, Taken) {
        let deadline = self.route.as_ref().map_or(deadline, |route| Self::end_deadline(route, deadline));
        let relayed = match &mut self.upstream {
            Some(upstream) => {
                let binary = self.transaction.as_ref().is_some_and(Transaction::is_binary);
                let relayed = relay(upstream, arrival.id, &decided.output, spool, binary, deadline).await;
                let labels = HopEndLabels { hop: upstream.label().to_string(), result: result(&relayed) };
                self.gateway.service.metrics().hop_messages.get_or_create(&labels).inc();
                relayed
            }
            None => Err(gone()),
        };
        match relayed {
            Ok(Relayed::Taken(receipt)) => {
                self.transaction = None;
                self.forget_client();
                accept(Responsibility::next_hop(receipt), arrival.id)
            }
            Ok(Relayed::Partly(receipt, replies)) => {
                let rest = self.transaction.as_ref().map_or(Vec::new(), |t| refused(&t.own, &replies));
                let done = self.partly(receipt, replies, &rest, decided, arrival, spool).await;
                self.transaction = None;
                self.forget_client();
                done
            }
            Ok(Relayed::Refused(reply)) => {
                self.reset().await;
                (reply, Taken::No)
            }
            Ok(Relayed::Unknown(error)) => (self.left(&error), Taken::Unknown),
            Err(error) => (self.left(&error), Taken::No),
        }
    }

    /// The next hop took it for some recipients. Over LMTP each has its own reply, and those that were refused stay
    /// with the client; over SMTP there is one reply, so that they become ours (D-11).
    async fn partly(
        &mut self,
        receipt: RelayReceipt,
        replies: Vec<Reply>,
        rest: &[Accepted],
        decided: &Decided,
        arrival: &Arrival,
        spool: &Spool,
    ) -> (Reply, Taken) {
        if self.is_lmtp() {
            self.each = replies;
            return accept(Responsibility::next_hop(receipt), arrival.id);
        }
        let queued = self.queue_refused(rest, arrival, decided, spool).await;
        let shares = queued.map(|queued| vec![Share::NextHop(receipt), Share::Queued(queued)]);
        match shares.and_then(|shares| Responsibility::several(shares, 2)) {
            Some(responsibility) => accept(responsibility, arrival.id),
            None => (busy(), Taken::Unknown),
        }
    }

    /// The next hop went away with a message in its hands: the sender is to bring it again.
    fn left(&mut self, error: &UpstreamError) -> Reply {
        self.transaction = None;
        self.forget_client();
        self.lost(error);
        Reply::say(451, "4.4.2 Lost the connection to the next hop, please try again later")
    }
}

/// An argument of MAIL or RCPT as it was written, without parameters that this next hop does not know: where
/// there are several, another one of them may have offered those.
fn fitting<'a>(argument: &'a str, extensions: &Extensions) -> Cow<'a, str> {
    let Some((path, parameters)) = path::split(argument) else { return Cow::Borrowed(argument) };
    let kept = extensions.keep(parameters);
    match kept.split_ascii_whitespace().eq(parameters.split_ascii_whitespace()) {
        true => Cow::Borrowed(argument),
        false => Cow::Owned(format!("<{path}>{kept}")),
    }
}

/// The only way to a 250 for a message.
fn accept(responsibility: Responsibility<'_>, id: MessageId) -> (Reply, Taken) {
    debug_assert_eq!(responsibility.message(), id, "a receipt is for one message");
    (responsibility.reply(), Taken::Yes)
}

/// A reply of the policy on the wire.
pub(crate) fn said(text: &ReplyText) -> Reply {
    Reply::say(text.code, &text.text)
}

fn gone() -> UpstreamError {
    UpstreamError::Closed("there is no session".to_owned())
}
