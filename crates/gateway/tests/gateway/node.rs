//! A gateway as the daemon makes it, in a directory of its own.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use confine::{Pool, PoolConfig};
use gateway::Gateway;
use judge::policy::Policy;
use judge::site::Site;
use judge::units::Time;
use net::Clamd;
use net::auth::sign::Signers;
use net::certificates::Held;
use net::upstream::Hop;
use scan::EngineSpec;
use service::examine::Examiner;
use service::metrics::Metrics;
use service::policy::{InForce, Origin};
use service::routes::{Route, Routes, Target};
use service::{Current, Service};
use settings::Config;
use settings::config::{AddReceived, ClientInfo, HopTls, MilterListener};
use settings::values::{ClamdAddress, HopPlace, HostPort, Network, SocketAddress};
use store::{Entry, Filter, Logged, Options, Store};
use tempfile::TempDir;
use testkit::{Client, Sink};
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinHandle;

/// The workers of all nodes without a clamd: what takes time to start is started once.
static WORKERS: OnceCell<Pool> = OnceCell::const_new();

/// The same for nodes with one: their workers know that somebody else is asked as well.
static WORKERS_WITH_CLAMD: OnceCell<Pool> = OnceCell::const_new();

/// What a YARA rule of these nodes finds: probably malware.
pub(crate) const DOUBTFUL: &str = "Mailward test of doubt 5c2e";

/// What a node will be.
pub(crate) struct Setup {
    pub(crate) config: Config,
    policy: Policy,
    dir: TempDir,
    key_of: Option<String>,
    routes: Vec<Route>,
}

/// A running gateway; it ends when dropped.
pub(crate) struct Node {
    pub(crate) service: Arc<Service>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) address: SocketAddr,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) task: JoinHandle<()>,
    milter: Option<SocketAddress>,
    pub(crate) config: Config,
    dir: TempDir,
}

fn networks(list: &[&str]) -> Vec<Network> {
    list.iter().map(|text| Network(text.parse().expect("a network"))).collect()
}

impl Setup {
    /// As it comes, for `example.com`, on a free port.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut config =
            Config { hostname: "mx.example.com".to_owned(), data_dir: dir.path().join("data"), ..Config::default() };
        config.smtp[0].listen = SocketAddress::Inet(([127, 0, 0, 1], 0).into());
        config.smtp[0].add_received = AddReceived::Never;
        config.next_hop.tls = HopTls::None;
        config.trust.internal_domains = vec!["example.com".to_owned()];
        config.trust.trusted_relays = Vec::new();
        // Nobody outside is asked about clients.
        let mut policy = Policy::default();
        policy.authentication.enabled = false;
        Self { config, policy, dir, key_of: None, routes: Vec::new() }
    }

    /// Nothing is changed on the way.
    pub(crate) fn untouched() -> Self {
        Self::new().policy(|p| {
            p.headers.status = false;
            p.headers.details = false;
            p.headers.strip_forged = false;
            p.ambiguous.action = judge::policy::AmbiguousAction::Allow;
        })
    }

    pub(crate) fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub(crate) fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// With a milter on a free port, changed so.
    pub(crate) fn milter(self, change: impl FnOnce(&mut MilterListener)) -> Self {
        let any = SocketAddress::Inet(([127, 0, 0, 1], 0).into());
        let mut milter = MilterListener { listen: any, ..MilterListener::default() };
        change(&mut milter);
        self.config(|c| c.milter.push(milter))
    }

    /// Time for a whole decision, in milliseconds.
    pub(crate) fn deadline(self, ms: u64) -> Self {
        self.policy(|p| p.limits.deadline = Time(ms))
    }

    /// Who may say for whom it speaks.
    pub(crate) fn relays(self, list: &[&str]) -> Self {
        self.config(|c| c.trust.trusted_relays = networks(list))
    }

    /// Whose mail comes over a trusted connection.
    pub(crate) fn trusted(self, list: &[&str]) -> Self {
        self.config(|c| c.trust.trusted_networks = networks(list))
    }

    /// With another route in front of the next hop, for these domains.
    pub(crate) fn route(mut self, name: &str, domains: &[&str], sinks: &[&Sink]) -> Self {
        let target = |(at, sink): (usize, &&Sink)| Target::new(hop_to(sink.address()), at as u16, 1);
        let domains = domains.iter().map(|text| text.parse().expect("a domain")).collect();
        self.routes.push(Route::new(name, domains, None, sinks.iter().enumerate().map(target).collect()));
        self
    }

    /// With another route in front of the next hop, for mail that goes this way.
    pub(crate) fn directed(self, name: &str, direction: mail::arrival::Direction, sinks: &[&Sink]) -> Self {
        let mut setup = self.route(name, &[], sinks);
        if let Some(route) = setup.routes.last_mut() {
            route.direction = Some(direction);
        }
        setup
    }

    /// With this route in front of the next hop.
    pub(crate) fn through(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// With a certificate of its own.
    pub(crate) fn certificate(mut self) -> Self {
        let (certificate, key) = testkit::tls::Identity::new(&["localhost"]).write(self.dir.path());
        self.config.smtp[0].certificate = Some(certificate);
        self.config.smtp[0].key = Some(key);
        self
    }

    /// With the installation key of another node: two machines of one installation.
    pub(crate) fn key_of(mut self, other: &Node) -> Self {
        self.key_of = Some(other.service.store().export_key().expose().to_owned());
        self
    }

    /// A place for a test's own files.
    pub(crate) fn scratch(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) async fn start(self, sink: &Sink) -> Node {
        self.start_before(sink.address()).await
    }

    pub(crate) async fn start_before(self, next: SocketAddr) -> Node {
        let place = HostPort { host: next.ip().to_string(), port: next.port() }.into();
        self.start_before_place(place).await
    }

    pub(crate) async fn start_before_place(mut self, next: HopPlace) -> Node {
        self.config.next_hop.address = Some(next);
        let Self { config, policy, dir, key_of, mut routes } = self;
        routes.push(Route::to("next_hop", hop(&config)));
        if let Some(key) = key_of {
            Store::restore_key(&config.data_dir, &store::KeyText::new(&key), false).expect("a key");
        }
        let store = Store::open(&config.data_dir, Options::default()).expect("a store");
        let current = Current {
            examiner: ArcSwap::from_pointee(examiner(&config).await),
            policy: ArcSwap::from_pointee(InForce { policy: Arc::new(policy), origin: Origin::Defaults }),
            lists: ArcSwap::default(),
            site: ArcSwap::from_pointee(site(&config)),
            routes: ArcSwap::from_pointee(Routes::new(routes)),
            outbox: ArcSwap::from_pointee(config.outbox.clone()),
            recipients: Default::default(),
            resolver: ArcSwap::from_pointee(net::Resolver::new(&config.dns, Arc::default())),
            signers: ArcSwap::from_pointee(Signers::load(&config.dkim, &config.signing)),
            redact: AtomicBool::new(false),
        };
        let service = Service::new(store, Arc::new(Metrics::new()), current, None);
        let spool = dir.path().join("spool");
        std::fs::create_dir(&spool).expect("a spool directory");
        let milter: Vec<_> = config.milter.iter().map(|m| gateway::bind(m).expect("a socket")).collect();
        let milter_address = milter.first().map(|bound| bound.address());
        let bound = gateway::bind(&config.smtp[0]).expect("a free port");
        // A socket in the file system has none.
        let address = bound.address().inet().unwrap_or(([127, 0, 0, 1], 0).into());
        let loaded = gateway::Node::load(config.clone(), spool).expect("a configuration");
        let (stop, stopped) = watch::channel(false);
        let gateway = Gateway::new(Arc::clone(&service), loaded, stopped);
        tokio::spawn(service::outbox::run(Arc::clone(&service), stop.subscribe()));
        let running = Arc::clone(&gateway);
        let task = tokio::spawn(async move {
            tokio::join!(Arc::clone(&running).run(vec![bound]), running.run_milter(milter));
        });
        Node { service, gateway, address, stop, task, milter: milter_address, config, dir }
    }
}

fn site(config: &Config) -> Site {
    Site {
        hostname: config.hostname(),
        authserv_id: config.authserv_id.clone(),
        internal_domains: config.trust.internal_domains.clone(),
        trusted_networks: config.trust.trusted_networks.iter().map(|n| n.0).collect(),
        trusted_relays: config.trust.trusted_relays.iter().map(|n| n.0).collect(),
    }
}

/// The settings of TLS without checks; the system's certificates are read once.
fn unchecked() -> Arc<rustls::ClientConfig> {
    static CONFIG: OnceLock<Arc<rustls::ClientConfig>> = OnceLock::new();
    Arc::clone(CONFIG.get_or_init(|| net::tls::client_config(false, None, None).expect("TLS settings")))
}

/// A next hop at this address, without TLS.
pub(crate) fn hop_to(address: SocketAddr) -> Hop {
    Hop {
        address: HostPort { host: address.ip().to_string(), port: address.port() }.into(),
        tls: HopTls::None,
        addresses: Vec::new(),
        label: None,
        verify: false,
        tls_config: unchecked(),
        connect_timeout: std::time::Duration::from_secs(5),
        hostname: "other.example.com".to_owned(),
        login: None,
        lmtp: false,
        own: None,
        client_info: ClientInfo::default(),
        ours: Arc::from([]),
    }
}

fn hop(config: &Config) -> Hop {
    let next = &config.next_hop;
    let own = next.certificate.as_deref().zip(next.key.as_deref());
    let own = own.map(|(certificate, key)| Held::load(certificate, key).expect("a certificate"));
    let tls_config = match own.clone() {
        None => unchecked(),
        own => net::tls::client_config(false, None, own).expect("TLS settings"),
    };
    Hop {
        address: next.address.clone().expect("a next hop"),
        tls: next.tls,
        addresses: Vec::new(),
        label: None,
        verify: false,
        tls_config,
        connect_timeout: next.connect_timeout.duration(),
        hostname: config.hostname(),
        login: None,
        lmtp: next.protocol == settings::config::Protocol::Lmtp,
        own,
        client_info: next.client_info,
        ours: config.smtp.iter().filter_map(|l| l.listen.inet()).collect(),
    }
}

async fn examiner(config: &Config) -> Examiner {
    let external = config.clamd.address.iter().map(|_| mail::evidence::EngineId::Clamd).collect();
    let yara = vec![("test.yar".to_owned(), format!("rule Doubtful {{ strings: $a = \"{DOUBTFUL}\" condition: $a }}"))];
    let spec = EngineSpec { hash_lists: Vec::new(), yara, builtin_rules: false, external, ..EngineSpec::default() };
    let workers = if config.clamd.address.is_some() { &WORKERS_WITH_CLAMD } else { &WORKERS };
    let pool = workers.get_or_init(|| pool(spec.clone())).await;
    Examiner::new(pool.clone(), &spec, Clamd::new(&config.clamd).map(Arc::new))
}

/// Workers of its own, for a case that loads them anew.
pub(crate) async fn pool(spec: EngineSpec) -> Pool {
    let mut config = PoolConfig::new(["worker-host"]);
    config.workers = 2;
    config.init = service::worker::encode_spec(&spec).expect("a specification");
    Pool::start(config).await.expect("workers")
}

impl Node {
    /// Where the milter listens.
    pub(crate) fn milter(&self) -> SocketAddr {
        match self.milter {
            Some(SocketAddress::Inet(address)) => address,
            _ => panic!("no milter on a port"),
        }
    }

    /// An open session that has said EHLO.
    pub(crate) async fn client(&self) -> Client {
        Client::open(self.address).await
    }

    /// Sends one message from outside to us in a session of its own; the last reply.
    pub(crate) async fn send(&self, content: &[u8]) -> testkit::Reply {
        let mut client = self.client().await;
        client.timeout = std::time::Duration::from_secs(60);
        let done = client.deliver("alice@example.org", &["bob@example.com"], content).await;
        client.quit().await;
        done.unwrap_or_else(|refusal| refusal)
    }

    /// Another policy from the next message on.
    pub(crate) fn set_policy(&self, change: impl FnOnce(&mut Policy)) {
        let mut policy = Policy::clone(&self.service.current().policy.load().policy);
        change(&mut policy);
        self.service.current().policy.store(Arc::new(InForce { policy: Arc::new(policy), origin: Origin::Defaults }));
    }

    /// Everything in Backup, newest first.
    pub(crate) fn backup(&self) -> Vec<Entry> {
        self.service.store().list(&Filter::default(), None, 100).expect("a list").entries
    }

    /// The only entry of Backup, and its bytes.
    pub(crate) fn kept(&self) -> (Entry, Vec<u8>) {
        let mut entries = self.backup();
        assert_eq!(entries.len(), 1, "one copy in Backup");
        let entry = entries.remove(0);
        let mut bytes = Vec::new();
        self.service.store().open_original(entry.id).expect("kept").read_to_end(&mut bytes).expect("undamaged");
        (entry, bytes)
    }

    /// The rows of the message log, newest first, once there are that many.
    pub(crate) async fn rows(&self, count: usize) -> Vec<Logged> {
        let rows =
            || self.service.store().search_messages(&store::LogFilter::default(), None, 1000).expect("rows").messages;
        testkit::wait_until("rows in the message log", testkit::PATIENCE, || rows().len() >= count).await;
        rows()
    }

    /// A figure, as it stands in the text for Prometheus; 0 when it is not there yet.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        let text = self.service.metrics().text();
        let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(left, _)| left == name));
        line.and_then(|line| line.rsplit_once(' ')?.1.parse().ok()).unwrap_or(0.0)
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.config.data_dir
    }

    /// Where large messages wait.
    pub(crate) fn spool(&self) -> std::path::PathBuf {
        self.dir.path().join("spool")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A clamd at this address.
pub(crate) fn with_clamd(setup: Setup, address: ClamdAddress) -> Setup {
    setup.config(|c| {
        c.clamd.address = Some(address);
        c.clamd.timeout = Time(5_000);
    })
}

/// What each recipient got from these sinks, by address.
pub(crate) fn arrived(sinks: &[&Sink]) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut all: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for message in sinks.iter().flat_map(|sink| sink.messages()) {
        for to in message.addresses() {
            all.entry(to.to_owned()).or_default().push(message.content.clone());
        }
    }
    all
}
