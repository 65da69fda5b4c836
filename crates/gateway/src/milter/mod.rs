//! The milter surface: a mail server asks us about each message before it takes it.
//!
//! The mail server keeps the message and stays responsible for it; we tell it what to change, or to refuse, to discard
//! or to hold it. What the plan says is rendered exactly as in the gateway, and the difference between what came and
//! what should leave is told as changes ([`changes`]), so that both surfaces give the same message.
//!
//! What a filter cannot know, and what is therefore as it can be: the mail server's own `Received` is not shown to us,
//! blanks between a field's name and its colon are gone, and a message always has an empty line behind its header.

mod apart;
mod changes;
mod client;
mod early;
mod message;
mod pump;
mod verdict;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use service::metrics::SessionLabels;
use settings::values::SocketAddress;

use crate::accept::{Words, accept};
use crate::listen::Gateway;
use crate::sockets::Bound;
use pump::Pump;

/// How long a connection that finds no place is kept to be told so.
const TURN_AWAY: Duration = Duration::from_secs(5);

/// A connection of a mail server: over TCP or a unix socket.
pub(crate) trait Link: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send {}

impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send> Link for T {}

impl Gateway {
    /// Accepts mail servers on these sockets until the stop, then lets messages that are coming in end, for at most 30
    /// seconds.
    pub async fn run_milter(self: Arc<Self>, sockets: Vec<Bound>) {
        let stop = self.stop.clone();
        let words = Words {
            unaccepted: "a mail server's connection could not be accepted",
            late: "milter sessions did not end in time and are cut off; their messages are deferred",
        };
        accept(sockets, &stop, words, move |stream, peer, bound: &Bound, open: &Arc<AtomicUsize>| {
            Arc::clone(&self).serve_milter(Box::new(stream), peer, bound.configured.clone(), Arc::clone(open))
        })
        .await;
    }

    async fn serve_milter(
        self: Arc<Self>,
        stream: Box<dyn Link>,
        peer: Option<SocketAddr>,
        listener: SocketAddress,
        open: Arc<AtomicUsize>,
    ) {
        let node = self.node();
        let Some(settings) = node.config.milter.iter().find(|milter| milter.listen == listener) else { return };
        let slot = Slot::new(&self, open);
        let busy = slot.number >= settings.max_connections as usize;
        let metrics = self.service.metrics();
        let end = if busy {
            tracing::warn!(address = %listener, "a mail server's connection was turned away: too many connections (milter.max_connections)");
            let pump = Pump::new(&self, &node, settings, stream, peer, true);
            let _ = tokio::time::timeout(TURN_AWAY, pump.run()).await;
            "refused"
        } else {
            Pump::new(&self, &node, settings, stream, peer, false).run().await.name()
        };
        // Whoever sees that it has ended sees its place free.
        drop(slot);
        metrics.milter_sessions.get_or_create(&SessionLabels { end }).inc();
    }
}

/// A connection's place; free again when it is dropped.
struct Slot {
    gateway: Arc<Gateway>,
    open: Arc<AtomicUsize>,
    /// How many there were before it.
    number: usize,
}

impl Slot {
    fn new(gateway: &Arc<Gateway>, open: Arc<AtomicUsize>) -> Self {
        let number = open.fetch_add(1, Ordering::Relaxed);
        gateway.service.metrics().milter_connections.inc();
        Self { gateway: Arc::clone(gateway), open, number }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.gateway.service.metrics().milter_connections.dec();
    }
}
