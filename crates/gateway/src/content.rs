//! The content of a message as it comes in: permits for what has come, the spool, and what is refused before anything
//! is examined.

use std::net::IpAddr;

use service::spool::{Spool, Spooler};
use tokio::time::Instant;
use wire::smtp::reply::Reply;
use wire::smtp::server::ContentFault;

use crate::listen::counted;
use crate::permits::Permit;
use crate::received;
use crate::session::{End, Session};

/// Content that comes in.
pub(crate) struct Content {
    /// `None` after a fault of our own: what follows is read and thrown away.
    spooler: Option<Spooler>,
    permit: Permit,
    fault: Option<Reply>,
    until: Instant,
}

impl Content {
    /// Until when all of it must be here.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// What came is of no use any more: neither its bytes nor their permit are kept while the rest
    /// comes in.
    fn give_up(&mut self) {
        self.spooler = None;
        self.permit.give_back();
    }
}

impl Session<'_> {
    /// DATA: 354, unless what the client announced would not fit now. Nothing is held for an announcement. The next
    /// hop hears of DATA only when the message is to be delivered.
    pub(crate) fn data(&mut self) {
        let limits = &self.node.config.limits;
        let until = Instant::now() + limits.data_total.duration();
        let threshold = usize::try_from(limits.spool_threshold.0).unwrap_or(usize::MAX);
        let permit = self.gateway.permits.none(self.stranger());
        let node = self.node;
        let Some(transaction) = &mut self.transaction else {
            return self.reply(&Reply::say(503, "5.5.1 Need MAIL and RCPT first"));
        };
        if !permit.could_cover(transaction.declared.max(1)) {
            tracing::warn!(
                connection = self.connection,
                "too many bytes in work (limits.bytes_in_flight); a message is deferred"
            );
            return self.reply(&Reply::say(452, "4.3.1 Insufficient system resources, please try again later"));
        }
        let spooler = Some(Spooler::new(&node.spool_dir, threshold));
        transaction.content = Some(Content { spooler, permit, fault: None, until });
        self.reply(&Reply::say(354, "End data with <CR><LF>.<CR><LF>"));
    }

    /// Whose share of the bytes in work this client's messages come out of; `None` for our own.
    fn stranger(&self) -> Option<IpAddr> {
        let ip = self.client.peer.ip();
        let ours = self.relay || self.is_authenticated() || {
            let site = self.gateway.service.current().site.load();
            site.is_relay(ip) || site.is_trusted(ip)
        };
        (!ours).then(|| counted(ip))
    }

    pub(crate) fn content(&mut self, bytes: &[u8]) {
        let Some(content) = self.transaction.as_mut().and_then(|t| t.content.as_mut()) else { return };
        let Some(spooler) = &mut content.spooler else { return };
        let after = spooler.len().saturating_add(bytes.len() as u64);
        if !content.permit.cover(after) {
            tracing::warn!(
                connection = self.connection,
                "too many bytes in work (limits.bytes_in_flight); a message is deferred"
            );
            content.fault = Some(Reply::say(452, "4.3.1 Insufficient system resources, please try again later"));
            content.give_up();
            return;
        }
        if let Err(error) = spooler.write(bytes) {
            tracing::error!(%error, "a message could not be spooled; it is answered 452");
            content.fault = Some(Reply::say(452, "4.3.1 Insufficient system storage, please try again later"));
            content.give_up();
        }
    }

    pub(crate) async fn content_end(&mut self, result: Result<u64, ContentFault>) -> Result<(), End> {
        let ended = Instant::now();
        let received = self.transaction.as_mut().and_then(|t| t.content.take());
        let Some(Content { spooler, permit, fault, .. }) = received else {
            self.reset().await;
            self.reply(&Reply::say(451, "4.3.0 Internal error, please try again later"));
            return Ok(());
        };
        let refusal = result.err().map(ContentFault::reply).or(fault);
        if let Some(refusal) = refusal {
            self.reset().await;
            self.say_refused(&refusal);
            return Ok(());
        }
        let Some(spool) = spooler.map(Spooler::finish) else {
            self.reset().await;
            self.reply(&Reply::say(452, "4.3.1 Insufficient system storage, please try again later"));
            return Ok(());
        };
        if let Some(refusal) = self.looping(&spool) {
            self.reset().await;
            self.say_refused(&refusal);
            return Ok(());
        }
        let done = self.examine_and_act(spool, ended).await;
        drop(permit);
        done
    }

    /// Refuses a message that was not examined.
    fn say_refused(&mut self, refusal: &Reply) {
        tracing::info!(connection = self.connection, peer = %self.client.peer, code = refusal.code(), text = refusal.text(), "a message was refused before it was examined");
        self.reply(refusal);
    }

    /// The refusal of a message that goes round in circles.
    fn looping(&self, spool: &Spool) -> Option<Reply> {
        let head = spool.read_at(0, received::HEAD_MAX).unwrap_or_default();
        let config = &self.node.config;
        received::looping(&head, &config.hostname(), config.limits.hops)
    }
}
