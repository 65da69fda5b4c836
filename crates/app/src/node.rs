//! A running node: everything that `serve` and `demo` start, reload and stop together.

use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use confine::{Pool, PoolConfig};
use gateway::{Bound, Gateway, GivenSocket, Node, Place};
use judge::site::Site;
use mail::address::canonical;
use net::auth::sign::Signers;
use net::{Clamd, Resolver};
use service::examine::Examiner;
use service::metrics::Metrics;
use service::recipients::RecipientList;
use service::{Current, Service, lists, policy, sources, upkeep, worker};
use settings::config::MilterListener;
use settings::values::SocketAddress;
use settings::{Config, Problems, check_environment};
use store::{Options, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::supervisor::{self, Given};
use crate::ways::own_certificates;
pub use crate::ways::{finder, routes};

/// The directory below the data directory where large messages wait.
const SPOOL: &str = "spool";
/// The verb by which this program starts its own worker host.
pub const WORKER_HOST: &str = "worker-host";
/// The key of the HTTP interface's address, and what can be done about it.
const HTTP: &str = "http.listen; an empty value turns HTTP off";
/// How often clamd is asked how it is.
const CLAMD_CHECK: Duration = Duration::from_secs(30);

/// A node that is ready to run.
pub struct Running {
    service: Arc<Service>,
    gateway: Arc<Gateway>,
    sockets: Vec<Bound>,
    milter: Vec<Bound>,
    http: Option<TcpListener>,
    acme: Option<TcpListener>,
    data_dir: PathBuf,
    stop: watch::Sender<bool>,
    signals: Signals,
}

/// The signals that a node obeys, caught from before anything else is started: an early SIGHUP must not
/// end the process.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn catch() -> Result<Self, String> {
        let wanted = |kind| signal(kind).map_err(|e| format!("signals are not to be had: {e}"));
        Ok(Self {
            term: wanted(SignalKind::terminate())?,
            int: wanted(SignalKind::interrupt())?,
            hup: wanted(SignalKind::hangup())?,
        })
    }
}

/// Where a reload finds the configuration again; `None` for a node without one.
pub type Reload<'a> = Option<&'a Path>;

/// The list of our recipients, if there is one.
fn recipients(config: &Config) -> Result<Option<RecipientList>, String> {
    config.recipients.file.as_deref().map(RecipientList::read).transpose()
}

/// The keys that sign. One that cannot be used does not keep other mail from being served: what becomes of
/// its domain's mail is `signing.failure`.
pub fn signers(config: &Config) -> Signers {
    let signers = Signers::load(&config.dkim, &config.signing);
    for problem in signers.problems() {
        tracing::error!(problem, failure = ?config.signing.failure, "a key cannot sign; see signing.failure for what becomes of the mail");
    }
    signers
}

/// The organisation as the configuration has it.
pub fn site(config: &Config) -> Site {
    let trust = &config.trust;
    Site {
        hostname: config.hostname(),
        authserv_id: config.authserv_id.clone(),
        internal_domains: trust.internal_domains.iter().map(|domain| canonical(domain).into_owned()).collect(),
        trusted_networks: trust.trusted_networks.iter().map(|n| n.0).collect(),
        trusted_relays: trust.trusted_relays.iter().map(|n| n.0).collect(),
    }
}

/// How many scan workers run, and what each may use.
pub fn pool_config(config: &Config, init: Vec<u8>) -> PoolConfig {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let workers = &config.workers;
    let mut pool = PoolConfig::new([WORKER_HOST]);
    pool.init = init;
    pool.workers = workers.number(processors);
    pool.small_lane_bytes = workers.small.0;
    pool.retire_after = workers.retire_after;
    pool.limits.memory_bytes = workers.memory.0;
    // A rebuilt archive comes back in the reply; it is no larger than the message it was in.
    let rebuilt = usize::try_from(config.limits.max_message_size.0).unwrap_or(usize::MAX);
    pool.limits.reply_max = pool.limits.reply_max.saturating_add(rebuilt);
    pool.limits.cpu_seconds = u32::try_from(workers.cpu.0.div_ceil(1000)).unwrap_or(u32::MAX);
    pool
}

/// Starts the workers and what they ask.
///
/// # Errors
/// Rules or lists that cannot be read or do not load: all problems, a line each.
pub async fn examiner(config: &Config, passwords: &[String]) -> Result<Examiner, String> {
    let mut spec = sources::engine_spec(config)?;
    spec.passwords.0.splice(0..0, passwords.iter().cloned());
    let init = worker::encode_spec(&spec)?;
    let pool = Pool::start(pool_config(config, init)).await.map_err(|e| e.to_string())?;
    Ok(Examiner::new(pool, &spec, Clamd::new(&config.clamd).map(Arc::new)))
}

impl Running {
    /// Starts everything but the accepting of connections. What cannot be started is an error that
    /// says what, where, and what to do; nothing is left behind then.
    ///
    /// # Errors
    /// A text for the operator.
    pub async fn start(config: Config) -> Result<Self, String> {
        let signals = Signals::catch()?;
        let mut given = supervisor::sockets();
        let sockets = bind_all(&config, &mut given)?;
        let milter = bind_milter(&config, &mut given)?;
        let http = match &config.http.listen {
            Some(listen) => Some(bind_http(listen.0, take(&mut given.tcp, listen.0), HTTP).await?),
            None => None,
        };
        let acme = match config.acme.is_on().then_some(config.acme.listen.0) {
            Some(address) => Some(bind_http(address, take(&mut given.tcp, address), "acme.listen").await?),
            None => None,
        };
        let unused = given.tcp.iter().map(|socket| format!("{:?}", socket.local_addr().ok()));
        for address in unused.chain(given.unix.iter().map(|socket| format!("{:?}", socket.local_addr().ok()))) {
            tracing::warn!(address, "the service manager listens here for us, but no listener is configured for it");
        }
        let store = Store::open(&config.data_dir, Options::default()).map_err(|e| e.to_string())?;
        let spool_dir = spool_dir(&config.data_dir)?;
        let policy_file = config.policy.file.clone();
        let in_force = policy::load(&store, policy_file.as_deref()).map_err(|e| e.to_string())?;
        let lists = lists::load(&store).map_err(|e| e.to_string())?;
        let examiner = examiner(&config, &[]).await?;
        let metrics = Arc::new(Metrics::new());
        tell_of_signatures(&examiner, &metrics);
        let resolver = Resolver::new(&config.dns, Arc::clone(&metrics.dns));
        let finder = finder(&config, resolver.clone(), Some(store.clone()))?;
        let current = Current {
            examiner: ArcSwap::from_pointee(examiner),
            policy: ArcSwap::from_pointee(in_force),
            lists: ArcSwap::from_pointee(lists),
            site: ArcSwap::from_pointee(site(&config)),
            routes: ArcSwap::from_pointee(routes(&config, finder)?),
            outbox: ArcSwap::from_pointee(config.outbox.clone()),
            recipients: ArcSwapOption::new(recipients(&config)?.map(Arc::new)),
            resolver: ArcSwap::from_pointee(resolver),
            signers: ArcSwap::from_pointee(signers(&config)),
            redact: AtomicBool::new(config.log.redact),
        };
        let data_dir = config.data_dir.clone();
        let mut node = Node::load(config, spool_dir).map_err(|e| e.to_string())?;
        node.certificates.extend(own_certificates(&current.routes.load()));
        let service = Service::new(store, metrics, current, policy_file);
        let (stop, stopped) = watch::channel(false);
        let gateway = Gateway::new(Arc::clone(&service), node, stopped);
        sweep(&service);
        Ok(Self { service, gateway, sockets, milter, http, acme, data_dir, stop, signals })
    }

    /// The addresses of the SMTP listeners, without sockets in the file system.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|bound| bound.address().inet()).collect()
    }

    /// The sockets that mail servers connect to.
    pub fn milter_addresses(&self) -> Vec<SocketAddress> {
        self.milter.iter().map(Bound::address).collect()
    }

    /// The address of the HTTP interface.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().and_then(|l| l.local_addr().ok())
    }

    /// Runs until SIGTERM or SIGINT; SIGHUP reloads. Then drains.
    ///
    /// # Errors
    /// Signals or the control socket are not to be had.
    pub async fn run(self, reload: Reload<'_>) -> Result<(), String> {
        let mut beside = JoinSet::new();
        let stopped = || self.stop.subscribe();
        let control = api::control::socket_path(&self.data_dir);
        beside.spawn(upkeep::run(Arc::clone(&self.service), stopped()));
        beside.spawn(service::certificates::watch(Arc::clone(&self.service), stopped()));
        beside.spawn(watch_clamd(Arc::clone(&self.service), stopped()));
        beside.spawn(service::outbox::run(Arc::clone(&self.service), stopped()));
        beside.spawn(service::dmarc::run(Arc::clone(&self.service), stopped()));
        beside.spawn(service::routes::watch(Arc::clone(&self.service), stopped()));
        let (service, stop) = (Arc::clone(&self.service), stopped());
        beside.spawn(async move {
            if let Err(error) = api::control::serve(&control, service, stop).await {
                tracing::error!(path = %control.display(), %error, "the control socket is not to be had; commands cannot reach this daemon");
            }
        });
        if let Some(listener) = self.http {
            beside.spawn(api::http::serve(listener, Arc::clone(&self.service), self.stop.subscribe()));
        }
        if let Some(listener) = self.acme {
            let answers = net::acme::Answers::default();
            beside.spawn(net::acme::serve(listener, answers.clone(), stopped()));
            beside.spawn(service::acme::run(Arc::clone(&self.service), answers, stopped()));
        }
        let status = format!("mail on {}", addresses(&self.sockets, &self.milter));
        let (gateway, sockets, milter) = (Arc::clone(&self.gateway), self.sockets, self.milter);
        let mut mail = tokio::spawn(async move {
            tokio::join!(Arc::clone(&gateway).run(sockets), gateway.run_milter(milter));
        });
        let Signals { mut term, mut int, mut hup } = self.signals;
        beside.spawn(keep_watch(self.stop.subscribe()));
        supervisor::ready(&status);
        loop {
            tokio::select! {
                _ = term.recv() => break,
                _ = int.recv() => break,
                _ = hup.recv() => {
                    supervisor::reloading();
                    reload_all(&self.service, &self.gateway, reload).await;
                    supervisor::ready(&status);
                }
                _ = &mut mail => break,
            }
        }
        supervisor::stopping();
        tracing::info!("stopping: messages that are coming in are taken through first");
        let _ = self.stop.send(true);
        if !mail.is_finished() {
            let _ = mail.await;
        }
        while beside.join_next().await.is_some() {}
        self.service.close();
        self.service.current().examiner.load_full().pool().clone().shutdown().await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Each listener's socket: the service manager's, if it has one for the address, or a new one.
fn bind_all(config: &Config, given: &mut Given) -> Result<Vec<Bound>, String> {
    config.smtp.iter().map(|l| listen(&l.listen, l.into(), given).map_err(|e| format!("{e} (smtp.listen)"))).collect()
}

fn bind_milter(config: &Config, given: &mut Given) -> Result<Vec<Bound>, String> {
    let bind = |m: &MilterListener| listen(&m.listen, m.into(), given).map_err(|e| format!("{e} (milter.listen)"));
    config.milter.iter().map(bind).collect()
}

fn listen(address: &SocketAddress, place: Place<'_>, given: &mut Given) -> std::io::Result<Bound> {
    let socket = match address {
        SocketAddress::Inet(address) => take(&mut given.tcp, *address).map(GivenSocket::Tcp),
        SocketAddress::Unix(path) => {
            let ours =
                |socket: &UnixListener| socket.local_addr().is_ok_and(|own| own.as_pathname() == Some(path.as_path()));
            let at = given.unix.iter().position(ours);
            at.map(|at| GivenSocket::Unix(given.unix.swap_remove(at)))
        }
    };
    match socket {
        Some(socket) => gateway::adopt(socket, place),
        None => gateway::bind(place),
    }
}

/// The socket that listens at this address, if it was given to us.
fn take(given: &mut Vec<std::net::TcpListener>, address: SocketAddr) -> Option<std::net::TcpListener> {
    let at = given.iter().position(|socket| socket.local_addr().is_ok_and(|own| own == address))?;
    Some(given.swap_remove(at))
}

async fn bind_http(
    address: SocketAddr,
    given: Option<std::net::TcpListener>,
    key: &str,
) -> Result<TcpListener, String> {
    let bound = match given {
        Some(socket) => socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket)),
        None => TcpListener::bind(address).await,
    };
    bound.map_err(|e| format!("cannot listen on {address}: {e} ({key})"))
}

/// The spool directory, empty: what an earlier run may have left under a name is of no use.
fn spool_dir(data_dir: &Path) -> Result<PathBuf, String> {
    let dir = data_dir.join(SPOOL);
    let fail = |e: std::io::Error| format!("{}: cannot be used for messages in work: {e}", dir.display());
    std::fs::create_dir_all(&dir).map_err(fail)?;
    std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o700)).map_err(fail)?;
    for entry in std::fs::read_dir(&dir).map_err(fail)?.flatten() {
        let _ = std::fs::remove_file(entry.path());
    }
    Ok(dir)
}

/// Shows in the figures, and loudly in the log, whether there is anything to find malware with.
fn tell_of_signatures(examiner: &Examiner, metrics: &Metrics) {
    metrics.signatures_loaded.set(i64::from(examiner.has_database()));
    if !examiner.has_database() {
        tracing::warn!(
            "NO SIGNATURE DATABASE: only the EICAR test and a few rules of our own look for malware; \
             set clamd.address, engines.hash_lists or engines.yara"
        );
    }
}

/// What a crash left in Backup without a row, or rows without their files: taken care of at a start.
fn sweep(service: &Arc<Service>) {
    let store = service.store().clone();
    tokio::task::spawn_blocking(move || match store.sweep() {
        Ok(done) => tracing::debug!(?done, "Backup was swept"),
        Err(error) => tracing::error!(%error, "Backup could not be swept"),
    });
}

/// Where the gateway listens, for people.
fn addresses(sockets: &[Bound], milter: &[Bound]) -> String {
    let smtp = sockets.iter().map(|socket| socket.address().to_string());
    smtp.chain(milter.iter().map(|socket| socket.address().to_string())).collect::<Vec<_>>().join(", ")
}

/// Tells the service manager's watchdog that we are alive, if it wants to know. Runs among everything
/// else, so that it stops when nothing runs any more.
async fn keep_watch(mut stop: watch::Receiver<bool>) {
    let Some(interval) = supervisor::watchdog() else { return };
    loop {
        supervisor::tell("WATCHDOG=1");
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Asks clamd now and then how it is, so that health and log know before mail does.
async fn watch_clamd(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let mut was_well = None;
    loop {
        let examiner = service.current().examiner.load_full();
        if let Some(clamd) = examiner.clamd() {
            let health = clamd.check().await;
            let well = matches!(health.state, net::ClamdState::Healthy);
            if was_well != Some(well) {
                match well {
                    true => tracing::info!(
                        version = health.version.as_ref().map_or("", |v| v.text.as_str()),
                        "clamd answers"
                    ),
                    false => tracing::warn!(state = ?health.state, "clamd does not answer"),
                }
                was_well = Some(well);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(CLAMD_CHECK) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// SIGHUP: everything is read and checked first, then swapped; after an error the old stays.
async fn reload_all(service: &Arc<Service>, gateway: &Arc<Gateway>, path: Reload<'_>) {
    let Some(path) = path else { return };
    match reload_from(service, gateway, path).await {
        Ok(()) => tracing::info!(path = %path.display(), "reloaded"),
        Err(problems) => {
            service.metrics().reload_failures.inc();
            tracing::error!(path = %path.display(), %problems, "the reload failed; the old configuration stays in force");
        }
    }
}

async fn reload_from(service: &Arc<Service>, gateway: &Arc<Gateway>, path: &Path) -> Result<(), String> {
    let config = Config::load(path).map_err(|e| e.to_string())?;
    let in_force =
        policy::load(service.store(), service.policy_file().map(PathBuf::as_path)).map_err(|e| e.to_string())?;
    let resolver = Resolver::new(&config.dns, Arc::clone(&service.metrics().dns));
    let new_routes = routes(&config, finder(&config, resolver.clone(), Some(service.store().clone()))?)?;
    let mut problems = Problems(config.check_serve());
    let outside = config.clone();
    let found = tokio::task::spawn_blocking(move || check_environment(&outside)).await.map_err(|e| e.to_string())?;
    problems.0.extend(found);
    if problems.has_errors() {
        return Err(problems.to_string());
    }
    gateway.check_addresses(&config)?;
    let list = recipients(&config)?;
    let spec = sources::engine_spec(&config)?;
    let current = service.current();
    let mut node = Node::load(config.clone(), spool_dir_of(service)).map_err(|e| e.to_string())?;
    let signers = Signers::load(&config.dkim, &config.signing).whole()?;
    node.certificates.extend(own_certificates(&new_routes));
    let pool = current.examiner.load().pool().clone();
    // The last that can fail: with it the workers have other engines.
    pool.reload(worker::encode_spec(&spec)?).await.map_err(|e| e.to_string())?;
    let examiner = Arc::new(Examiner::new(pool, &spec, Clamd::new(&config.clamd).map(Arc::new)));
    tell_of_signatures(&examiner, service.metrics());
    current.examiner.swap(Arc::clone(&examiner)).give_way(&examiner);
    let in_force = Arc::new(in_force);
    // A policy that was applied while the rules were loaded is newer than what was read before.
    current.policy.rcu(|now| if now.is_newer_than(&in_force) { Arc::clone(now) } else { Arc::clone(&in_force) });
    current.site.store(Arc::new(site(&config)));
    current.routes.store(Arc::new(new_routes));
    current.outbox.store(Arc::new(config.outbox.clone()));
    service.set_recipients(list);
    current.signers.store(Arc::new(signers));
    current.resolver.store(Arc::new(resolver));
    current.redact.store(config.log.redact, Ordering::Relaxed);
    gateway.reload(node);
    Ok(())
}

fn spool_dir_of(service: &Service) -> PathBuf {
    service.store().dir().join(SPOOL)
}
