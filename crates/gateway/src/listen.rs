//! Listeners: sockets, connection limits, start and graceful end.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use net::certificates::{Chooser, Held};
use net::clients::KnownClients;
use net::stream::Socket;
use rustls::ServerConfig;
use service::Service;
use service::metrics::SessionLabels;
use settings::config::{ClientCertificate, Listener, MilterListener};
use settings::values::{FileMode, SocketAddress};
use settings::{Config, secret_file};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

use crate::accept::{Words, accept};
use crate::permits::Permits;
use crate::session;
use crate::sockets::Bound;

/// The configuration that sessions use, with what was loaded for it.
#[derive(Debug)]
pub struct Node {
    /// The configuration.
    pub config: Config,
    /// For each listener its TLS settings, if it has a certificate.
    pub tls: Vec<Option<ListenerTls>>,
    /// All certificates, each once.
    pub certificates: Vec<Arc<Held>>,
    /// Where large messages wait.
    pub spool_dir: PathBuf,
}

/// The TLS of a listener.
#[derive(Debug)]
pub struct ListenerTls {
    pub(crate) config: Arc<ServerConfig>,
    certificates: Arc<Chooser>,
    /// Whose certificates are known, where clients are asked for them.
    pub(crate) clients: Option<Arc<KnownClients>>,
}

/// Whose certificates a listener knows; `None` if it asks for none.
fn known_clients(listener: &Listener) -> Result<Option<Arc<KnownClients>>, net::TlsError> {
    if listener.client_certificate == ClientCertificate::None {
        return Ok(None);
    }
    let names = listener.client_names.clone();
    KnownClients::load(listener.client_ca_file.as_deref(), names, listener.client_fingerprints.clone()).map(Some)
}

impl Node {
    /// Loads what the configuration names.
    ///
    /// # Errors
    /// Which certificate or key cannot be used, and why.
    pub fn load(config: Config, spool_dir: PathBuf) -> Result<Self, net::TlsError> {
        let mut others = Vec::new();
        for pair in &config.tls.certificate {
            others.push(Held::load(&pair.certificate, &secret_file(&pair.key))?);
        }
        let mut certificates = others.clone();
        // Its file may not be there yet, or be of no use: it is fetched again then.
        let fetched = config.acme.is_on().then(|| {
            let file = service::acme::file(&config.data_dir);
            let held = Held::awaited(&file, &file);
            if file.exists() {
                let _ = held.reload();
            }
            held
        });
        certificates.extend(fetched.clone());
        let mut tls = Vec::new();
        for listener in &config.smtp {
            let own = match listener.tls_files() {
                Some((certificate, key)) => {
                    let own = Held::load(&certificate, &key)?;
                    certificates.push(Arc::clone(&own));
                    Some(own)
                }
                None => fetched.clone().filter(|_| listener.acme),
            };
            tls.push(match own {
                None => None,
                Some(own) => {
                    let chooser = Chooser::new(own, others.clone());
                    let clients = known_clients(listener)?;
                    let config = net::tls::server_config(Arc::clone(&chooser), clients.clone())?;
                    Some(ListenerTls { config, certificates: chooser, clients })
                }
            });
        }
        Ok(Self { config, tls, certificates, spool_dir })
    }

    /// The settings of the listener at this address, and its TLS.
    fn listener(&self, address: &SocketAddress) -> Option<(&Listener, Option<&ListenerTls>)> {
        let at = self.config.smtp.iter().position(|l| l.listen == *address)?;
        let tls = self.tls.get(at).and_then(Option::as_ref).filter(|tls| tls.certificates.is_ready());
        Some((self.config.smtp.get(at)?, tls))
    }
}

/// The gateway.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) service: Arc<Service>,
    node: ArcSwap<Node>,
    pub(crate) permits: Arc<Permits>,
    open: AtomicUsize,
    by_peer: Mutex<HashMap<IpAddr, usize>>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Gateway {
    /// A gateway that ends when `stop` becomes true.
    pub fn new(service: Arc<Service>, node: Node, stop: watch::Receiver<bool>) -> Arc<Self> {
        service.certificates().set(node.certificates.clone(), &node.config.acme, service.metrics());
        let limits = &node.config.limits;
        let permits = Permits::new(limits.bytes_in_flight.0, limits.max_message_size.0, Arc::clone(service.metrics()));
        Arc::new(Self {
            service,
            node: ArcSwap::from_pointee(node),
            permits,
            open: AtomicUsize::new(0),
            by_peer: Mutex::default(),
            stop,
        })
    }

    /// Whether a new configuration listens where this gateway does; other addresses need a restart,
    /// because sockets are bound at the start only.
    ///
    /// # Errors
    /// What to do, for the operator.
    pub fn check_addresses(&self, config: &Config) -> Result<(), String> {
        // A socket's owner and permissions are set when it is bound.
        let bound = |listen: &SocketAddress, mode: FileMode, user: &str, group: &str| match listen {
            SocketAddress::Inet(address) => address.to_string(),
            SocketAddress::Unix(_) => format!("{listen} {mode} {user} {group}"),
        };
        let smtp = |config: &Config| -> BTreeSet<String> {
            let bound = |l: &Listener| bound(&l.listen, l.socket_mode, &l.socket_user, &l.socket_group);
            config.smtp.iter().map(bound).collect()
        };
        let milter = |config: &Config| -> BTreeSet<String> {
            let bound = |m: &MilterListener| bound(&m.listen, m.socket_mode, &m.socket_user, &m.socket_group);
            config.milter.iter().map(bound).collect()
        };
        let now = self.node.load();
        if smtp(config) != smtp(&now.config) {
            return Err(
                "the listeners' addresses (smtp.listen, socket_…) changed: restart mailward to listen there".to_owned()
            );
        }
        let acme = |config: &Config| config.acme.is_on().then_some(config.acme.listen.0);
        if acme(config) != acme(&now.config) {
            return Err("where the authority looks (acme.listen) changed: restart mailward to listen there".to_owned());
        }
        if milter(config) != milter(&now.config) {
            return Err("the milter's sockets (milter.listen, socket_…) changed: restart mailward".to_owned());
        }
        Ok(())
    }

    /// What sessions use now.
    pub(crate) fn node(&self) -> Arc<Node> {
        self.node.load_full()
    }

    /// Takes a new configuration; sessions that are open keep theirs.
    pub fn reload(&self, node: Node) {
        self.service.certificates().set(node.certificates.clone(), &node.config.acme, self.service.metrics());
        let limits = &node.config.limits;
        self.permits.set_max(limits.bytes_in_flight.0, limits.max_message_size.0);
        self.node.store(Arc::new(node));
    }

    /// Accepts on these sockets until the stop, then lets sessions end, for at most 30 seconds.
    pub async fn run(self: Arc<Self>, sockets: Vec<Bound>) {
        let stop = self.stop.clone();
        let words = Words {
            unaccepted: "a connection could not be accepted",
            late: "sessions did not end in time and are cut off; their senders try again",
        };
        accept(sockets, &stop, words, move |stream, peer, bound: &Bound, open: &Arc<AtomicUsize>| {
            // Who is on this machine counts as such.
            let peer = peer.unwrap_or((Ipv4Addr::LOCALHOST, 0).into());
            let slot = self.slot(bound, peer, open);
            Arc::clone(&self).serve(stream, peer, bound.configured.clone(), slot)
        })
        .await;
    }

    async fn serve(
        self: Arc<Self>,
        stream: Socket,
        peer: SocketAddr,
        listener: SocketAddress,
        slot: Result<Slot, &'static str>,
    ) {
        let sessions = &self.service.metrics().sessions;
        let slot = match slot {
            Ok(slot) => slot,
            Err(why) => {
                sessions.get_or_create(&SessionLabels { end: "refused" }).inc();
                tracing::warn!(%peer, why, "a connection was turned away");
                let node = self.node.load();
                // In TLS nobody would read a line in clear.
                if node.listener(&listener).is_some_and(|(listener, _)| !listener.implicit_tls) {
                    turn_away(stream, why).await;
                }
                return;
            }
        };
        let node = self.node.load_full();
        let Some((settings, tls)) = node.listener(&listener) else { return };
        let mut slot = slot;
        let Some((stream, peer)) = self.client_of(stream, peer, settings, &mut slot).await else { return };
        let end = session::run(&self, &node, settings, tls, stream, peer).await;
        sessions.get_or_create(&SessionLabels { end: end.name() }).inc();
        drop(slot);
    }

    /// The client of a connection: its peer, or whom a load balancer says that it speaks for. `None` after a
    /// refusal.
    async fn client_of(
        &self,
        stream: Socket,
        peer: SocketAddr,
        settings: &Listener,
        slot: &mut Slot,
    ) -> Option<(Socket, SocketAddr)> {
        let proxy = settings.proxy_from.iter().any(|network| network.contains(peer.ip()));
        let stream = match stream {
            Socket::Tcp(stream) if proxy => stream,
            other => return Some((other, peer)),
        };
        let ended = |end: &'static str| self.service.metrics().sessions.get_or_create(&SessionLabels { end }).inc();
        match net::proxy::client(stream).await {
            Ok((stream, None)) => Some((Socket::Tcp(stream), peer)),
            Ok((stream, Some(client))) => match slot.speaks_for(client.ip()) {
                Ok(()) => Some((Socket::Tcp(stream), client)),
                Err(why) => {
                    ended("refused");
                    tracing::warn!(%client, via = %peer, why, "a connection was turned away");
                    if !settings.implicit_tls {
                        turn_away(Socket::Tcp(stream), why).await;
                    }
                    None
                }
            },
            Err(error) => {
                ended("errors");
                tracing::warn!(%peer, %error, "a load balancer (smtp.proxy_from) did not begin with a PROXY header; the connection is closed");
                None
            }
        }
    }

    /// Whether less than half of all connections are taken.
    pub(crate) fn has_room(&self) -> bool {
        let most = self.node.load().config.limits.connections as usize;
        self.open.load(Ordering::Relaxed).saturating_mul(2) < most
    }

    /// A place for a connection, or why there is none.
    fn slot(
        self: &Arc<Self>,
        bound: &Bound,
        peer: SocketAddr,
        open_here: &Arc<AtomicUsize>,
    ) -> Result<Slot, &'static str> {
        let node = self.node.load();
        let limits = &node.config.limits;
        let listener = node.listener(&bound.configured).map(|(listener, _)| listener);
        let here = listener.map_or(0, |listener| listener.max_connections);
        // A load balancer's connections count for its clients.
        let proxy = listener.is_some_and(|l| l.proxy_from.iter().any(|network| network.contains(peer.ip())));
        if self.open.load(Ordering::Relaxed) >= limits.connections as usize {
            return Err("too many connections");
        }
        if open_here.load(Ordering::Relaxed) >= here as usize {
            return Err("too many connections to this address");
        }
        let ip = if proxy { None } else { Some(self.count(peer.ip())?) };
        self.open.fetch_add(1, Ordering::Relaxed);
        open_here.fetch_add(1, Ordering::Relaxed);
        self.service.metrics().connections.inc();
        Ok(Slot { gateway: Arc::clone(self), here: Arc::clone(open_here), ip })
    }
}

impl Gateway {
    /// Counts one more connection of this client. Trusted relays bring many clients' mail and have no limit.
    fn count(&self, ip: IpAddr) -> Result<IpAddr, &'static str> {
        let most = self.node.load().config.limits.connections_per_peer as usize;
        let relay = self.service.current().site.load().is_relay(ip);
        let ip = counted(ip);
        let mut by_peer = self.by_peer.lock().unwrap_or_else(PoisonError::into_inner);
        let of_peer = by_peer.get(&ip).copied().unwrap_or(0);
        if !relay && of_peer >= most {
            return Err("too many connections from this address");
        }
        by_peer.insert(ip, of_peer + 1);
        Ok(ip)
    }
}

/// A connection's place; free again when it is dropped.
struct Slot {
    gateway: Arc<Gateway>,
    here: Arc<AtomicUsize>,
    /// Whom it counts for; nobody until a load balancer has said so.
    ip: Option<IpAddr>,
}

impl Slot {
    /// The client of a load balancer's connection is known now.
    fn speaks_for(&mut self, client: IpAddr) -> Result<(), &'static str> {
        self.ip = Some(self.gateway.count(client)?);
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut by_peer = self.gateway.by_peer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ip) = self.ip
            && let Some(count) = by_peer.get_mut(&ip)
        {
            *count -= 1;
            if *count == 0 {
                by_peer.remove(&ip);
            }
        }
        drop(by_peer);
        self.gateway.open.fetch_sub(1, Ordering::Relaxed);
        self.here.fetch_sub(1, Ordering::Relaxed);
        self.gateway.service.metrics().connections.dec();
    }
}

/// What counts as one peer: an IPv4 address, or the /64 of an IPv6 address, which is what one customer
/// has at least (RFC 6177) and changes within at will.
pub(crate) fn counted(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

/// One line, then the end: the sender comes back later.
async fn turn_away(mut stream: Socket, why: &str) {
    let line = format!("421 4.7.0 {why}, please try again later\r\n");
    let polite = async {
        stream.write_all(line.as_bytes()).await?;
        stream.shutdown().await
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), polite).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_customer_are_one_peer() {
        let counted = |text: &str| counted(text.parse().unwrap()).to_string();
        assert_eq!(counted("192.0.2.7"), "192.0.2.7");
        assert_eq!(counted("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(counted("2001:db8:1:2:aaaa::1"), "2001:db8:1:2::");
        assert_eq!(counted("2001:db8:1:2:ffff:ffff:ffff:ffff"), "2001:db8:1:2::");
        assert_ne!(counted("2001:db8:1:3::1"), "2001:db8:1:2::");
    }
}
