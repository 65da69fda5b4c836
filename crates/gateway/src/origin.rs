//! What a session knows of where a message came from: its client, its arrival, and our own `Received` header.

use std::net::IpAddr;

use judge::site::{ListenerDirection, Site};
use mail::address::Address;
use mail::arrival::{Arrival, Direction, Envelope, Peer};
use service::id;
use service::spool::Spool;
use settings::config::AddReceived;

use crate::envelope::How;
use crate::received;
use crate::session::Session;

impl Session<'_> {
    /// Which way a message to this recipient alone would go (D-20).
    pub(crate) fn direction_of(&self, recipient: &Address) -> Direction {
        let site = self.gateway.service.current().site.load();
        let trusted = self.is_trusted(&site);
        let mail_from = self.transaction.as_ref().and_then(|t| t.mail_from.as_ref());
        site.direction(self.listener_direction(), trusted, mail_from, std::slice::from_ref(recipient))
    }

    pub(crate) fn listener_direction(&self) -> ListenerDirection {
        self.listener.direction.into()
    }

    /// The client that the peer brought: what a relay said of it, what its `Received` headers say, or
    /// the peer itself (D-20). And whether only such a header says so: nothing tells one that the relay wrote from
    /// one that came with the message.
    fn client_ip(&self, site: &Site, spool: &Spool) -> (IpAddr, bool) {
        let told = self.client.ip();
        let behind = if self.client.is_told() { None } else { received::client_behind(told, site, spool) };
        (behind.unwrap_or(told), behind.is_some())
    }

    /// Where the message came from and whom it is for, as the examination is told.
    pub(crate) fn arrival(&self, spool: &Spool) -> Arrival {
        let site = self.gateway.service.current().site.load();
        let (mail_from, rcpt_to, id, received_ms) = match &self.transaction {
            Some(t) => (t.mail_from.clone(), t.recipients.clone(), t.id, t.received_ms),
            None => (None, Vec::new(), id::message_id(), id::now_ms()),
        };
        let authenticated = self.is_authenticated();
        let (ip, from_received) = self.client_ip(&site, spool);
        let trusted = !from_received && site.is_trusted(ip);
        let peer = self.client.as_peer(ip, self.tls_info(), authenticated, self.login(), trusted);
        let direction =
            site.direction(self.listener_direction(), authenticated || trusted, mail_from.as_ref(), &rcpt_to);
        Arrival {
            id,
            surface: self.surface(),
            direction,
            peer: Peer { from_received, ..peer },
            envelope: Envelope { mail_from, rcpt_to, unknown: false },
            received_ms,
            size: spool.len(),
            connection: self.connection,
        }
    }

    /// Our `Received` header, where we are a hop of our own (D-13).
    pub(crate) fn received(&self, arrival: &Arrival) -> Option<String> {
        let wanted = match self.listener.add_received {
            AddReceived::Always => true,
            AddReceived::Never => false,
            AddReceived::Auto => self.client.forwarded.is_empty(),
        };
        let peer = &arrival.peer;
        wanted.then(|| {
            let hostname = self.node.config.hostname();
            self.client.received(
                &hostname,
                arrival.id,
                How { lmtp: self.is_lmtp(), tls: peer.tls.is_some(), authenticated: peer.authenticated },
                &arrival.envelope.rcpt_to,
                arrival.received_ms,
            )
        })
    }
}
