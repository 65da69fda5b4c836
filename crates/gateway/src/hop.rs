//! The part of a session that the next hop shares: greeting, what may be offered, logins, and who
//! the client is.

use std::sync::Arc;

use judge::early::Moment;
use mail::arrival::Direction;
use net::upstream::{Upstream, UpstreamError};
use service::routes::{self, Route};
use settings::config::{ListenerDirection, OfferAuth};
use tokio::time::Instant;
use wire::smtp::auth::AuthCommand;
use wire::smtp::extensions::{Extensions, Ours};
use wire::smtp::reply::Reply;
use wire::smtp::xclient::XclientName;
use wire::smtp::xforward::XforwardName;

use crate::envelope::Client;
use crate::session::{End, Session, gone_reply};

impl Session<'_> {
    pub(crate) async fn hello(&mut self, esmtp: bool, name: String) -> Result<(), End> {
        self.abandon().await;
        self.client.helo = Some(name);
        self.client.esmtp = esmtp;
        self.introduced = false;
        if let Some(reply) = self.early(&Moment::Greeted).await {
            self.reply(&reply);
            return Ok(());
        }
        if self.upstream.is_none() {
            self.route = None;
            if !self.waits_for_recipient()
                && let Err(error) = self.open().await
            {
                // Where there are several, the one that a recipient needs may be there.
                if self.gateway.service.current().routes.load().only().is_some() {
                    return self.no_next_hop(&error);
                }
                tracing::info!(connection = self.connection, %error, "the usual next hop is not available");
            }
        }
        let offer = self.offer();
        self.server.offer(offer);
        let hostname = self.node.config.hostname();
        self.reply(&Reply::say(250, &hostname));
        Ok(())
    }

    /// Whether the usual next hop is one that only a recipient decides about.
    fn waits_for_recipient(&self) -> bool {
        let routes = self.gateway.service.current().routes.load();
        routes.default(self.usual_direction()).is_some_and(|route| route.is_open())
    }

    /// A next hop that refuses speaks for itself; one that is away is a 421, and the sender retries.
    fn no_next_hop(&mut self, error: &UpstreamError) -> Result<(), End> {
        tracing::warn!(connection = self.connection, %error, "the next hop is not available");
        match error {
            UpstreamError::Refused(reply) if reply.is_permanent() => {
                self.reply(reply);
                Ok(())
            }
            UpstreamError::Loop => {
                self.reply(&gone_reply(error));
                Ok(())
            }
            _ => {
                self.reply(&Reply::say(421, "4.3.0 Next hop is not available, please try again later"));
                Err(End::NextHop)
            }
        }
    }

    /// What the next hop and we both support, less what may not cross this connection.
    fn offer(&self) -> Extensions {
        let ours = Ours {
            max_size: self.node.config.limits.max_message_size.0,
            starttls: self.tls.is_some() && !self.is_tls(),
            trusted: self.relay,
            chunking: self.listener.chunking,
            binary: self.carries_binary(),
        };
        let mut offer = match &self.upstream {
            Some(upstream) => Extensions::offer(upstream.extensions(), &ours),
            None => Extensions::offer(&usual(), &ours),
        };
        let public = self.route.as_ref().is_some_and(|route| route.is_public());
        let own_login = self.route.as_ref().is_some_and(|r| r.targets.iter().any(|t| t.hop.login.is_some()));
        if own_login || public || !self.may_authenticate() {
            offer.auth.clear();
        }
        if self.relay && offer.xforward.is_empty() {
            // We want to know the client, whether the next hop does or not.
            offer.xforward = XforwardName::all();
        }
        offer
    }

    /// Whether binary content goes where the session's next hop is: with others to choose from, one of them might
    /// not take what this one offers.
    fn carries_binary(&self) -> bool {
        let current = self.gateway.service.current();
        current.routes.load().only().is_some() && current.policy.load().policy.group.is_empty()
    }

    fn may_authenticate(&self) -> bool {
        match self.listener.auth {
            _ if self.listener.tls_required && !self.is_tls() => false,
            _ if self.lacks_certificate() => false,
            OfferAuth::Always => true,
            OfferAuth::Never => false,
            OfferAuth::Tls => self.is_tls() || self.client.peer.ip().to_canonical().is_loopback(),
        }
    }

    /// Opens the session with the next hop: that of the route, or the one for what has no route of its
    /// own.
    async fn open(&mut self) -> Result<(), UpstreamError> {
        let service = &self.gateway.service;
        let route = match &self.route {
            Some(route) => Arc::clone(route),
            None => {
                let routes = service.current().routes.load();
                let nowhere = || UpstreamError::Connect("no next hop is configured for all mail".to_owned());
                Arc::clone(routes.default(self.usual_direction()).ok_or_else(nowhere)?)
            }
        };
        self.upstream = Some(routes::open(&route, service.metrics(), self.open_deadline(&route)).await?);
        self.route = Some(route);
        self.introduced = false;
        // What it offers depends on whom it takes us for, and that must stand before a login.
        if self.upstream.as_ref().is_some_and(Upstream::takes_client)
            && let Err(error) = self.introduce().await
        {
            self.upstream = None;
            return Err(error);
        }
        Ok(())
    }

    /// Which way this listener's mail goes, as far as that is known before there is any.
    fn usual_direction(&self) -> Direction {
        match self.listener.direction {
            ListenerDirection::Outgoing => Direction::Outgoing,
            ListenerDirection::Incoming | ListenerDirection::Auto => Direction::Incoming,
        }
    }

    /// Makes the session with the next hop one of this route; another one is left.
    pub(crate) async fn take_route(&mut self, route: &Arc<Route>) {
        if self.route.as_ref().is_some_and(|held| Arc::ptr_eq(held, route)) {
            return;
        }
        self.route = Some(Arc::clone(route));
        self.introduced = false;
        if let Some(old) = self.upstream.take() {
            old.quit().await;
        }
    }

    /// An open session with the next hop for a new message; one that was lost while nothing hung on
    /// it is opened again.
    pub(crate) async fn ready(&mut self) -> Result<(), UpstreamError> {
        // Whom a next hop takes for a client it does so for the whole session: another client needs another one.
        let other = |upstream: &mut Upstream| {
            !upstream.spoken_for().is_empty() && upstream.spoken_for() != self.client.as_xclient().as_slice()
        };
        if !self.introduced
            && !self.server.authenticated()
            && let Some(old) = self.upstream.take_if(other)
        {
            old.quit().await;
        }
        if self.upstream.is_none() {
            if self.server.authenticated() {
                return Err(UpstreamError::Closed("the authenticated session is gone".to_owned()));
            }
            self.open().await?;
        }
        self.introduce().await
    }

    /// Tells the next hop who the client is, if it wants to know.
    async fn introduce(&mut self) -> Result<(), UpstreamError> {
        // Servers that the DNS names are strangers: they do not hear who our clients are.
        if self.introduced || self.route.as_ref().is_some_and(|route| route.is_public()) {
            return Ok(());
        }
        let deadline = self.deadline();
        // It would forget who has logged in.
        let anew = !self.server.authenticated();
        if let Some(upstream) = &mut self.upstream {
            tell(upstream, &self.client, anew, deadline).await?;
            self.introduced = true;
        }
        Ok(())
    }

    pub(crate) async fn xforward(&mut self, attributes: Vec<(XforwardName, String)>) {
        self.client.note(attributes);
        self.introduced = false;
        self.reply(&Reply::say(250, "2.0.0 Ok"));
    }

    /// The peer is to be taken for its client from here on. What belonged to another one is left.
    pub(crate) async fn xclient(&mut self, attributes: Vec<(XclientName, String)>) {
        let Some(client) = self.client.spoken_for(&attributes) else {
            return self.reply(&Reply::say(501, "5.5.4 Bad value for ADDR or PORT"));
        };
        self.abandon().await;
        tracing::debug!(connection = self.connection, peer = %self.client.peer, client = %client.peer, "a relay speaks for its client");
        self.relay = self.gateway.service.current().site.load().is_relay(client.ip());
        self.client = client;
        self.introduced = false;
        if let Some(upstream) = self.upstream.take() {
            upstream.quit().await;
        }
        self.server.set_trusted(self.relay);
        if let Some(refusal) = self.early(&Moment::Connected { talked: false }).await {
            return self.server.close_with(&refusal);
        }
        let hostname = self.node.config.hostname();
        self.reply(&Reply::say(220, &net::upstream::banner(&hostname)));
    }

    pub(crate) async fn auth(&mut self, command: AuthCommand) {
        if self.route.as_ref().is_some_and(|route| route.is_public()) {
            return self.reply(&Reply::say(454, "4.7.0 Nobody can check a login now, please connect again"));
        }
        let deadline = self.deadline();
        let answer = match &mut self.upstream {
            Some(upstream) => upstream.auth(&command.to_line(), deadline).await,
            None => Err(UpstreamError::Closed("there is no session".to_owned())),
        };
        self.answer(answer);
    }
}

/// Tells a next hop whose mail it gets, as it wants to know it. With `anew` its session may start over.
pub(crate) async fn tell(
    upstream: &mut Upstream,
    client: &Client,
    anew: bool,
    deadline: Instant,
) -> Result<(), UpstreamError> {
    if upstream.spoken_for() == client.as_xclient().as_slice() {
        return Ok(());
    }
    if upstream.takes_client() && anew {
        let told = client.as_xclient();
        let list: Vec<(XclientName, &str)> = told.iter().map(|(n, v)| (*n, v.as_str())).collect();
        return upstream.xclient(&list, deadline).await;
    }
    let told = client.attributes();
    let list: Vec<(XforwardName, &str)> = told.iter().map(|(n, v)| (*n, v.as_str())).collect();
    if let Some(reply) = upstream.xforward(&list, deadline).await?
        && !reply.is_success()
    {
        tracing::debug!(hop = %upstream.name(), code = reply.code(), "the next hop does not take XFORWARD");
    }
    Ok(())
}

/// What every mail server of today takes: the offer while none of them is there.
fn usual() -> Extensions {
    Extensions {
        pipelining: true,
        size: Some(0),
        eight_bit_mime: true,
        enhanced_status_codes: true,
        ..Extensions::default()
    }
}
