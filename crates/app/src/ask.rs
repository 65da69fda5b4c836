//! Asking an installation: its running daemon, or, when there is none, its data directory.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use api::control::Client;
use judge::lists::{Lists, Record};
use judge::policy::Policy;
use judge::site::Site;
use mail::untrusted::escape;
use net::auth::sign::Signers;
use service::admin::{Admin, EntryFilter, Request, Response};
use service::lists;
use service::metrics::Metrics;
use service::policy::{self, InForce};
use service::routes::Routes;
use settings::config::Outbox;
use store::Store;
use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;
use crate::node;
use crate::place::Place;

/// Longest complaint of a daemon that is shown, in characters.
const MAX_COMPLAINT: usize = 4000;

/// Entries of lists that are asked for at once.
const LIST_PAGE: usize = 10_000;

/// Who answers.
pub(crate) enum Administration {
    /// The daemon that holds the data directory.
    Daemon(Client),
    /// The data directory itself.
    Direct(Box<Direct>),
}

/// A data directory that we hold.
pub(crate) struct Direct {
    store: Store,
    routes: Arc<Routes>,
    site: Arc<Site>,
    signers: Arc<Signers>,
    redact: bool,
    outbox: Arc<Outbox>,
    policy_file: Option<PathBuf>,
    in_force: Arc<InForce>,
    lists: Arc<Lists>,
    runtime: Runtime,
}

/// An answer, and the bytes of a message that follow it.
pub(crate) type Answered = (Response, Option<Box<dyn Read>>);

impl Administration {
    /// Finds who answers for an installation.
    ///
    /// # Errors
    /// A daemon that cannot be asked, or a data directory that cannot be used.
    pub(crate) fn open(place: &Place) -> Result<Self, Failure> {
        match Client::connect(place.data_dir()).map_err(Failure::new)? {
            Some(client) => Ok(Self::Daemon(client)),
            None => Ok(Self::Direct(Box::new(Direct::open(place)?))),
        }
    }

    /// Asks. That something cannot be done is a failure.
    ///
    /// # Errors
    /// What the answerer says, or that there is no answer.
    pub(crate) fn ask(&mut self, request: Request) -> Result<Answered, Failure> {
        let (response, body): Answered = match self {
            Self::Daemon(client) => {
                let (response, body) = client.ask(&request).map_err(Failure::new)?;
                (response, body.map(|body| Box::new(body) as Box<dyn Read>))
            }
            Self::Direct(direct) => direct.ask(request),
        };
        match response {
            Response::Error { message } => {
                let lines: Vec<String> = message.lines().map(|line| escape(line, MAX_COMPLAINT)).collect();
                Err(Failure::new(lines.join("\n")))
            }
            response => Ok((response, body)),
        }
    }

    /// The policy in force and where it comes from.
    ///
    /// # Errors
    /// As [`Administration::ask`].
    pub(crate) fn policy(&mut self) -> Result<(Policy, String), Failure> {
        match self.ask(Request::PolicyShow)? {
            (Response::Policy { policy, origin }, _) => Ok((*policy, origin)),
            _ => Err(unexpected()),
        }
    }

    /// Entries of lists of senders and recipients, at most so many.
    ///
    /// # Errors
    /// As [`Administration::ask`].
    pub(crate) fn entries(&mut self, filter: &EntryFilter, most: usize) -> Result<Vec<Record>, Failure> {
        let (mut all, mut after) = (Vec::new(), 0);
        while all.len() < most {
            let limit = (most - all.len()).min(LIST_PAGE);
            let request = Request::ListsShow { filter: filter.clone(), after, limit };
            let (Response::ListEntries { entries, next }, _) = self.ask(request)? else { return Err(unexpected()) };
            all.extend(entries);
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        Ok(all)
    }
}

/// An answer to another question: two versions of the program, most likely.
pub(crate) fn unexpected() -> Failure {
    Failure::new("the daemon answers another question: restart it after an update")
}

impl Direct {
    fn open(place: &Place) -> Result<Self, Failure> {
        let store = place.open_store()?;
        let policy_file = place.config().policy.file.clone();
        let in_force = policy::load(&store, policy_file.as_deref()).map_err(Failure::new)?;
        let lists = Arc::new(lists::load(&store).map_err(Failure::new)?);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::new)?;
        let resolver = net::Resolver::new(&place.config().dns, Arc::default());
        let finder = node::finder(place.config(), resolver, Some(store.clone())).map_err(Failure::new)?;
        let routes = Arc::new(node::routes(place.config(), finder).map_err(Failure::new)?);
        let site = Arc::new(node::site(place.config()));
        let signers = Arc::new(node::signers(place.config()));
        let outbox = Arc::new(place.config().outbox.clone());
        let in_force = Arc::new(in_force);
        let redact = place.config().log.redact;
        Ok(Self { store, routes, site, signers, redact, outbox, policy_file, in_force, lists, runtime })
    }

    fn ask(&mut self, request: Request) -> Answered {
        let admin = Admin {
            store: self.store.clone(),
            routes: Arc::clone(&self.routes),
            site: Arc::clone(&self.site),
            signers: Arc::clone(&self.signers),
            redact: self.redact,
            metrics: Arc::new(Metrics::new()),
            outbox: Arc::clone(&self.outbox),
            policy_file: self.policy_file.clone(),
            in_force: Arc::clone(&self.in_force),
            lists: Arc::clone(&self.lists),
        };
        let answer = self.runtime.block_on(admin.handle(request));
        if let Some(policy) = answer.policy {
            self.in_force = Arc::new(policy);
        }
        if let Some(lists) = answer.lists {
            self.lists = Arc::new(lists);
        }
        (answer.response, answer.body.map(|body| Box::new(body) as Box<dyn Read>))
    }
}
