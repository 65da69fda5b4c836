//! The engines, the policy and the organisation that messages are looked at with.

use std::path::PathBuf;
use std::sync::Arc;

use judge::draft::examines;
use judge::lists::{Lists, MAX_ENTRIES};
use judge::origin;
use judge::plan::Plan;
use judge::policy::Policy;
use judge::site::Site;
use judge::spam::excluded;
use judge::status::Status;
use judge::units::Bytes;
use mail::arrival::Arrival;
use mail::evidence::{Memory, Report};
use net::Resolver;
use service::admin::{EntryFilter, Request, Response};
use service::authenticate::{Wanted, find_out};
use service::examine::{Examiner, came, context, spam_context};
use service::flow::{self, Judged};
use service::lists::{authors, standing};
use service::outside;
use settings::Config;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::content::Content;
use super::outside::NotAsked;
use crate::ask::Administration;
use crate::failure::Failure;
use crate::node;
use crate::place::{self, DEFAULT_CONFIG, Place, PlaceArgs};

/// Which engines and which policy.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Use no configuration, not even the one at the usual place: the defaults.
    #[arg(long, conflicts_with = "config")]
    no_config: bool,
    /// A file of hashes of known malware, beside those of the configuration; may be repeated.
    #[arg(long, value_name = "FILE")]
    hash_list: Vec<PathBuf>,
    /// A file or directory of YARA rules, beside those of the configuration; may be repeated.
    #[arg(long, value_name = "PATH")]
    yara: Vec<PathBuf>,
    /// A password to try on encrypted archives and documents, beside those of the configuration and
    /// those that a message tells; may be repeated. Other users of this machine may see it.
    #[arg(long, value_name = "PASSWORD")]
    password: Vec<Password>,
    /// Ask the DNS as the gateway does: who really sent a message (SPF, DKIM, DMARC, ARC, the name of the address
    /// that --ip gives), and the lists that the policy names.
    #[arg(long)]
    authenticate: bool,
    /// The policy to judge by [default: the one in force, else the defaults].
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// A password of the command line. Its `Debug` does not show it.
#[derive(Clone)]
struct Password(String);

impl std::str::FromStr for Password {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a password")
    }
}

/// The engines, the policy and the organisation.
pub(crate) struct Bench {
    examiner: Examiner,
    /// The policy that is judged by.
    pub(crate) policy: Arc<Policy>,
    site: Arc<Site>,
    lists: Arc<Lists>,
    /// Who is asked about the sender, if it is asked.
    resolver: Option<Resolver>,
    /// Whose memory is asked, if there is an installation that learnt something.
    remembers: Option<Arc<Place>>,
    asking: tokio::sync::Mutex<()>,
    /// How many workers there are.
    pub(crate) workers: usize,
    /// A message's time begins when a worker is free for it: what waits behind others is not late.
    turns: Semaphore,
    /// Whether there is more than the rules that come with the program.
    pub(crate) has_signatures: bool,
}

/// What was seen in a message, and what the policy does about it.
pub(crate) struct Looked {
    /// What was seen.
    pub(crate) report: Report,
    /// What was seen in its one unambiguous form, where a gateway would deliver that.
    pub(crate) normalised: Option<Report>,
    /// What a gateway would do.
    pub(crate) plan: Plan,
    /// What the message is.
    pub(crate) status: Status,
    /// The policy that was judged by.
    pub(crate) policy: Arc<Policy>,
    /// How the message came.
    pub(crate) arrival: Arrival,
    /// What a gateway would have asked outside, and nobody asked here.
    pub(crate) not_asked: Vec<NotAsked>,
}

impl Looked {
    /// The report that the plan's objects belong to.
    pub(crate) fn decided_from(&self) -> &Report {
        self.normalised.as_ref().unwrap_or(&self.report)
    }
}

impl BenchArgs {
    /// Reads configuration, policy and lists. What keeps those in force from being used is said on
    /// standard error.
    ///
    /// # Errors
    /// Something named does not exist or is wrong.
    pub(crate) fn read(&self) -> Result<(Config, Policy, Site, Lists), Failure> {
        let place = self.place()?;
        let policy = match &self.policy {
            Some(path) => place::policy_file(path)?,
            None => policy_in_force(&place),
        };
        let lists = lists_in_force(&place);
        let site = node::site(place.config());
        let mut config = place.loaded.config;
        config.engines.hash_lists.extend(self.hash_list.iter().cloned());
        config.engines.yara.extend(self.yara.iter().cloned());
        // No lane for small mail: nobody waits for one message while others are scanned.
        config.workers.small = Bytes(u64::MAX);
        Ok((config, policy, site, lists))
    }

    fn passwords(&self) -> Vec<String> {
        self.password.iter().map(|password| password.0.clone()).collect()
    }

    fn place(&self) -> Result<Place, Failure> {
        // The node's configuration is often closed to ordinary users; they scan with the defaults.
        let usual_is_closed = self.place.config.is_none() && std::fs::File::open(DEFAULT_CONFIG).is_err();
        if self.no_config || usual_is_closed {
            let mut place = Place::read(None)?;
            if let Some(dir) = &self.place.data_dir {
                place.loaded.config.data_dir = dir.clone();
            }
            return Ok(place);
        }
        self.place.find()
    }
}

/// The lists of senders and recipients of this installation, if there are any and they can be read.
fn lists_in_force(place: &Place) -> Lists {
    if !place.data_dir().join("lists.db").exists() {
        return Lists::default();
    }
    let all = |mut administration: Administration| administration.entries(&EntryFilter::default(), MAX_ENTRIES);
    let read = Administration::open(place).and_then(all).and_then(|all| Lists::new(all).map_err(Failure::new));
    read.unwrap_or_else(|failure| {
        if let Failure::Said(why) = failure {
            crate::terminal::tell(&format!(
                "mailward: the lists of senders cannot be read, so this judges without them: {why}"
            ));
        }
        Lists::default()
    })
}

/// The policy of this installation, if there is one and it can be read; else the defaults.
fn policy_in_force(place: &Place) -> Policy {
    let read = match &place.config().policy.file {
        Some(path) => place::policy_file(path),
        None if place.data_dir().join("state.db").exists() => {
            Administration::open(place).and_then(|mut administration| administration.policy()).map(|(policy, _)| policy)
        }
        None => return Policy::default(),
    };
    read.unwrap_or_else(|failure| {
        if let Failure::Said(why) = failure {
            crate::terminal::tell(&format!(
                "mailward: the policy in force cannot be read, so this judges by the defaults: {why}"
            ));
        }
        Policy::default()
    })
}

impl Bench {
    /// Starts the workers.
    ///
    /// # Errors
    /// Rules or lists that cannot be read or loaded, all of them.
    pub(crate) async fn start(
        config: &Config,
        policy: Policy,
        site: Site,
        lists: Lists,
        args: &BenchArgs,
    ) -> Result<Self, Failure> {
        let examiner = node::examiner(config, &args.passwords()).await.map_err(Failure::new)?;
        let workers = examiner.pool().status().workers;
        let has_signatures = examiner.has_database();
        let turns = Semaphore::new(workers);
        let lists = Arc::new(lists);
        let resolver = args.authenticate.then(|| Resolver::new(&config.dns, Arc::default()));
        let remembers = args.place().ok().filter(|place| place.data_dir().join("pictures.db").exists());
        let remembers =
            remembers.filter(|_| policy.spam.image_analysis || policy.spam.first_contact.enabled).map(Arc::new);
        Ok(Self {
            remembers,
            asking: tokio::sync::Mutex::new(()),
            examiner,
            resolver,
            policy: Arc::new(policy),
            site: Arc::new(site),
            lists,
            workers,
            turns,
            has_signatures,
        })
    }

    /// Looks at a message or file. Engines look whatever the policy says; what a gateway would do
    /// follows the policy.
    pub(crate) async fn look(&self, content: &Content, arrival: &Arrival) -> Looked {
        // Never closed, so there is always a turn.
        let _turn = self.turns.acquire().await;
        let deadline = Instant::now() + self.policy.limits.deadline.duration();
        let mut context = context(&self.policy, content.input, content.name.clone());
        let parts = [(self.policy.as_ref(), arrival)];
        context.spam = spam_context(&parts, &self.site);
        let pictures = self.remembers.is_some() && self.policy.spam.image_analysis;
        if let Some(spam) = context.spam.as_mut().filter(|_| pictures) {
            spam.pictures = scan::Pictures::Look;
        }
        let auth = async {
            match &self.resolver {
                Some(resolver) => {
                    let limit = self.policy.spam.external.max_time.duration();
                    let wanted = Wanted { sender: true, reverse: Some(limit) };
                    Some(find_out(resolver, &content.spool, arrival, wanted, deadline).await)
                }
                None => None,
            }
        };
        let (report, auth) = tokio::join!(self.examiner.examine(&content.spool, context, deadline), auth);
        let report = report.with_auth(auth);
        let memory = self.recall(arrival, &report).await;
        let report = report.with_memory(memory);
        let resolver = self.resolver.as_ref();
        let heard = outside::ask(resolver, &parts, &self.site, &report, deadline, None).await;
        let signs = outside::signs(&heard, &self.policy, &self.site, arrival, &report);
        let report = report.with_signs(signs);
        let authors = authors(&self.lists, &content.spool).await;
        let standing = standing(&self.lists, &self.policy, &self.site, arrival, &report, &authors);
        let report = report.with_standing(standing);
        let not_asked = self.not_asked(content, arrival).await;
        let bench = flow::Bench {
            examiner: &self.examiner,
            resolver: None,
            signers: None,
            metrics: None,
            store: None,
            recollection: None,
            policy: &self.policy,
            site: &self.site,
            crashes: 0,
            redact: false,
            lists: &self.lists,
        };
        let found = Status::of(&report);
        let judged = flow::judge_report(bench, &content.spool, arrival, report, deadline).await;
        let status = if examines(&self.policy, arrival) { judged.plan.status } else { found };
        let normalised = judged.normalised.map(|form| form.report);
        let (policy, arrival) = (Arc::clone(&self.policy), arrival.clone());
        let Judged { report, plan, .. } = judged;
        Looked { report, normalised, plan, status, policy, arrival, not_asked }
    }

    /// What a gateway would have asked, or known, about a message.
    async fn not_asked(&self, content: &Content, arrival: &Arrival) -> Vec<NotAsked> {
        if content.input != scan::Input::Message {
            return Vec::new();
        }
        let asked = self.resolver.is_some();
        let mut found = if asked { Vec::new() } else { NotAsked::of(&self.policy, arrival) };
        let timed = arrival.received_ms > 0 || excluded(&self.policy, arrival).is_some();
        if !timed && came(&content.spool).await.is_none() {
            found.push(NotAsked::Time);
        }
        found
    }

    /// What this installation remembers about a message: its daemon is asked, or its data directory. Nothing
    /// if neither can be.
    async fn recall(&self, arrival: &Arrival, report: &Report) -> Option<Memory> {
        let pictures = report.facts().pictures.clone();
        let rules = &self.policy.spam.first_contact;
        let parties = origin::parties(rules, arrival, report).map(|parties| (parties, rules.clone()));
        let place = Arc::clone(self.remembers.as_ref().filter(|_| !pictures.is_empty() || parties.is_some())?);
        // Without a daemon the data directory is taken by one at a time.
        let _turn = self.asking.lock().await;
        let ask = move || {
            let mut administration = Administration::open(&place).ok()?;
            match administration.ask(Request::Recall { pictures, parties }) {
                Ok((Response::Recalled { memory }, _)) => Some(memory),
                _ => None,
            }
        };
        tokio::task::spawn_blocking(ask).await.ok().flatten()
    }

    /// Ends the workers.
    pub(crate) async fn stop(self) {
        self.examiner.pool().clone().shutdown().await;
    }
}
