//! A node as the daemon makes it, in a directory of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use confine::{Pool, PoolConfig};
use judge::site::Site;
use mail::address::Address;
use mail::arrival::{Direction, MessageId, Surface};
use mail::untrusted::Untrusted;
use net::{Clamd, ClamdState};
use scan::EngineSpec;
use service::examine::Examiner;
use service::metrics::Metrics;
use service::{Current, Service, policy};
use store::{BackupId, NewEntry, Options, SenderType, Store};
use tempfile::TempDir;
use tokio::sync::watch;

/// A running service and its data directory.
pub(crate) struct Node {
    pub(crate) service: Arc<Service>,
    pub(crate) pool: Pool,
    pub(crate) stop: watch::Sender<bool>,
    dir: TempDir,
}

/// What a node has beyond the least.
#[derive(Default)]
pub(crate) struct Extras {
    /// A list of hashes.
    pub(crate) hash_list: bool,
    /// A clamd at this socket.
    pub(crate) clamd: Option<std::path::PathBuf>,
}

impl Node {
    pub(crate) async fn new() -> Self {
        Self::with(Extras::default()).await
    }

    pub(crate) async fn with(extras: Extras) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut spec = EngineSpec::default();
        if extras.hash_list {
            spec.hash_lists.push(("test.hdb".to_owned(), format!("{}:5:Test.Name\n", "0".repeat(64)).into_bytes()));
        }
        let mut config = PoolConfig::new(["worker-host"]);
        config.workers = 1;
        config.init = service::worker::encode_spec(&spec).expect("a specification");
        let pool = Pool::start(config).await.expect("a pool");
        let clamd = extras.clamd.map(|path| {
            let address = Some(settings::values::ClamdAddress::Unix(path));
            Arc::new(Clamd::new(&settings::config::Clamd { address, ..Default::default() }).expect("a clamd"))
        });
        assert!(clamd.iter().all(|clamd| clamd.health().state == ClamdState::Unknown));
        let store = Store::open(&dir.path().join("data"), Options::default()).expect("a store");
        let in_force = policy::load(&store, None).expect("a policy");
        let current = Current {
            examiner: ArcSwap::from_pointee(Examiner::new(pool.clone(), &spec, clamd)),
            policy: ArcSwap::from_pointee(in_force),
            lists: ArcSwap::default(),
            site: ArcSwap::from_pointee(Site::default()),
            routes: ArcSwap::default(),
            outbox: ArcSwap::default(),
            recipients: Default::default(),
            resolver: ArcSwap::from_pointee(net::Resolver::new(&Default::default(), Arc::default())),
            signers: ArcSwap::default(),
            redact: AtomicBool::new(false),
        };
        let service = Service::new(store, Arc::new(Metrics::new()), current, None);
        Self { service, pool, stop: watch::Sender::new(false), dir }
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        self.service.store().dir()
    }

    /// A place for a test's own files.
    pub(crate) fn scratch(&self) -> &Path {
        self.dir.path()
    }

    /// Keeps a message in Backup.
    pub(crate) fn keep(&self, number: u64, body: &[u8]) -> BackupId {
        let entry = entry(number, body.len() as u64);
        self.service.store().keep(entry, &mut &*body).expect("kept").backup_id()
    }
}

/// What a message's entry in Backup says.
pub(crate) fn entry(number: u64, size: u64) -> NewEntry {
    let text = |text: &str| Some(Untrusted::new(text.to_owned()));
    let received_ms = 1_790_000_000_000 + number;
    NewEntry {
        id: MessageId::new(received_ms, [7; 10]),
        surface: Surface::Smtp,
        direction: Direction::Incoming,
        mail_from: Address::parse("sender@example.net"),
        recipients: Address::parse("anna@example.org").into_iter().collect(),
        header_from: text("Sender <sender@example.net>"),
        header_to: text("anna@example.org"),
        header_cc: None,
        subject: text("Figures \u{202e}of\u{0}\n May"),
        date: None,
        objects: vec![Untrusted::new("figures.doc.exe".to_owned())],
        status: "infected".to_owned(),
        reason: "a test file was found".to_owned(),
        malware: vec![Untrusted::new("Test.File".to_owned())],
        sender_type: SenderType::External,
        peer_ip: "192.0.2.7".parse().ok(),
        connection: 42,
        size,
        spam: None,
        action: "refused".to_owned(),
        received_ms,
    }
}
