//! Accepting connections until the stop, and letting their sessions end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use net::stream::Socket;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::sockets::Bound;

/// How long sessions may go on after a stop before they are ended (security bar: 30 s).
const DRAIN: Duration = Duration::from_secs(30);
/// Pause after a failed accept: the process is out of descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the log says of a kind of connections.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    /// When one could not be accepted.
    pub(crate) unaccepted: &'static str,
    /// When some did not end in time.
    pub(crate) late: &'static str,
}

/// Accepts on these sockets until the stop, then lets sessions end, for at most [`DRAIN`]. `serve` makes the session of a
/// connection: it gets its peer, its socket, and the count of sessions of that socket, which it keeps itself.
pub(crate) async fn accept<S, F>(sockets: Vec<Bound>, stop: &watch::Receiver<bool>, words: Words, serve: S)
where
    S: Fn(Socket, Option<SocketAddr>, &Bound, &Arc<AtomicUsize>) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut listeners = JoinSet::new();
    for bound in sockets {
        listeners.spawn(accept_on(bound, stop.clone(), words, serve.clone()));
    }
    while listeners.join_next().await.is_some() {}
}

async fn accept_on<S, F>(bound: Bound, mut stop: watch::Receiver<bool>, words: Words, serve: S)
where
    S: Fn(Socket, Option<SocketAddr>, &Bound, &Arc<AtomicUsize>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut sessions = JoinSet::new();
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let accepted = tokio::select! {
            accepted = bound.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        while sessions.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => drop(sessions.spawn(serve(stream, peer, &bound, &open))),
            Err(error) => {
                tracing::warn!(address = %bound.configured, %error, "{}", words.unaccepted);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(bound);
    let drained = tokio::time::timeout(DRAIN, async { while sessions.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(sessions = sessions.len(), "{}", words.late);
    }
}
