//! A session before the body: what is refused at connect, greeting, sender and recipient, and how those
//! who try out addresses are slowed down.

use std::time::Duration;

use judge::early::{MAX_PAUSE, Moment, Visitor, slow_down};
use judge::site::Site;
use mail::address::Address;
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};
use wire::smtp::reply::Reply;

use crate::session::{End, Session};

/// How much is read of who talks before our greeting, in bytes.
const EARLY_READ: usize = 1024;

impl Session<'_> {
    /// Our greeting, held back as the policy wants it, or a refusal.
    pub(crate) async fn greet(&mut self) -> Result<(), End> {
        let policy = self.gateway.service.current().policy.load_full();
        let before = &policy.policy.before;
        let ours = self.is_ours();
        let delay = before.greeting_delay.duration().min(MAX_PAUSE);
        let talked = !ours && self.listen_first(delay).await?;
        if let Some(reply) = self.early(&Moment::Connected { talked }).await {
            self.server.greet(&reply);
            return Ok(());
        }
        let hostname = self.node.config.hostname();
        self.server.greet(&Reply::say(220, &net::upstream::banner(&hostname)));
        Ok(())
    }

    /// Waits, and says whether the client talked meanwhile. What it said is not lost.
    async fn listen_first(&mut self, delay: Duration) -> Result<bool, End> {
        let Some(stream) = self.stream.as_mut().filter(|_| !delay.is_zero()) else { return Ok(false) };
        let mut buffer = [0u8; EARLY_READ];
        match timeout(delay, stream.read(&mut buffer)).await {
            Err(_) => Ok(false),
            Ok(Ok(0) | Err(_)) => Err(End::Closed),
            Ok(Ok(count)) => {
                // The machine has room for this much before its greeting.
                self.server.feed(buffer.get(..count).unwrap_or_default());
                Ok(true)
            }
        }
    }

    /// A relay, a trusted network, or a client that has logged in.
    fn is_ours(&self) -> bool {
        self.relay || self.is_trusted(&self.gateway.service.current().site.load())
    }

    /// A client of a trusted network, or one that has logged in.
    pub(crate) fn is_trusted(&self, site: &Site) -> bool {
        self.is_authenticated() || site.is_trusted(self.client.ip())
    }

    /// The refusal of this moment, if there is one.
    pub(crate) async fn early(&self, moment: &Moment<'_>) -> Option<Reply> {
        let user = if self.is_authenticated() { self.login().or(Some("")) } else { None };
        let visitor = Visitor { ip: self.client.ip(), helo: self.client.helo(), user, ours: self.is_ours() };
        let ruling = self.gateway.service.early(self.surface(), &visitor, moment).await?;
        Some(Reply::say(ruling.code, ruling.text))
    }

    /// What is refused about a recipient of this transaction.
    pub(crate) async fn early_recipient(&self, sender: Option<&Address>, to: &Address) -> Option<Reply> {
        let accepted = self.server.recipients();
        self.early(&Moment::Recipient { sender, to, accepted }).await
    }

    /// Before the answer to a recipient: who has named many that there are not waits before it hears of
    /// one more. Whether it is to be sent away after it.
    pub(crate) async fn slow_down(&mut self, answer: &Reply) -> bool {
        if !answer.is_permanent() || self.is_ours() {
            return false;
        }
        self.refused = self.refused.saturating_add(1);
        let policy = self.gateway.service.current().policy.load_full();
        let (pause, close) = slow_down(&policy.policy.before.tarpit, self.refused);
        // Who waits holds a connection: while those are scarce nobody is kept waiting.
        if !pause.is_zero() && self.gateway.has_room() {
            let mut stop = self.stop.clone();
            tokio::select! {
                () = sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
        close
    }

    /// Ends a session that has tried out too many addresses.
    pub(crate) fn send_away(&mut self) {
        tracing::info!(connection = self.connection, peer = %self.client.peer, refused = self.refused, "a session with too many unknown recipients is closed");
        self.server.close_with(&Reply::say(421, "4.7.0 Too many unknown recipients, closing"));
    }
}
