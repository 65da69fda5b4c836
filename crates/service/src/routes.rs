//! Where mail goes: routes by recipient, several servers a route, and which of them are up.
//!
//! A route is found for each recipient: the most exact domain, then a direction, then the order in the
//! file. Its servers are tried by priority, within one priority by weight; one that could not be reached
//! is tried last until a back-off is over, and asked meanwhile whether it is there again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mail::address::Address;
use mail::arrival::Direction;
use net::upstream::{Hop, Upstream, UpstreamError};
use settings::values::{DomainMask, HopPlace, HostPort};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::Service;
use crate::direct::Finder;
use crate::health::{Health, share};
use crate::id;
use crate::metrics::{HopEndLabels, HopLabels, Metrics};
use crate::reach::reach;

/// For how many servers of a domain there is time, at least: how many it has is not known before.
const SERVERS_OF_DOMAIN: u32 = 4;
/// Most domains of recipients that one route remembers.
const MAX_DOMAINS: usize = 10_000;
/// How often servers that are down are asked.
const PROBE: Duration = Duration::from_secs(10);
/// How long such a question may take.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// One server of a route.
#[derive(Debug)]
pub struct Target {
    /// How to speak with it. Of servers in the DNS all but the host: that is a domain, or empty for the
    /// recipient's.
    pub hop: Hop,
    /// Whoever takes mail of that domain.
    pub mx: bool,
    /// The lowest is tried first.
    pub priority: u16,
    /// Its share among those of the same priority.
    pub weight: u16,
    health: Mutex<Health>,
}

impl Target {
    /// A server that is taken to be up.
    pub fn new(hop: Hop, priority: u16, weight: u16) -> Self {
        Self { hop, mx: false, priority, weight, health: Mutex::default() }
    }

    /// The servers of a domain: `hop` has it, or nothing for the recipient's, as its host.
    pub fn of_domain(hop: Hop, priority: u16, weight: u16) -> Self {
        Self { mx: true, ..Self::new(hop, priority, weight) }
    }

    /// Whether it depends on the recipient's domain.
    pub(crate) fn is_open(&self) -> bool {
        self.mx && self.hop.address.host().is_empty()
    }

    /// How long it may take until it is ready for mail; of a domain's servers, until one of them is.
    fn patience(&self) -> Duration {
        let servers = if self.mx { SERVERS_OF_DOMAIN } else { 1 };
        self.hop.connect_timeout.saturating_mul(2 * servers)
    }

    fn health(&self) -> Health {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the last attempt to reach it succeeded, or none was made.
    pub fn is_up(&self) -> bool {
        self.health().is_up()
    }

    /// Whether it is to be tried only when nothing else is left.
    fn pauses(&self, now: Instant) -> bool {
        self.health().pauses(now)
    }

    /// Notes how an attempt ended; whether that is news.
    fn note(&self, reached: bool, now: Instant) -> bool {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).note(reached, now)
    }
}

/// Servers for some recipients.
#[derive(Debug)]
pub struct Route {
    /// Its name in log and figures.
    pub name: String,
    /// The recipients' domains; empty: all.
    pub domains: Vec<DomainMask>,
    /// Which mail it is for; `None`: all.
    pub direction: Option<Direction>,
    /// Its servers.
    pub targets: Vec<Target>,
    /// Who knows the servers in the DNS.
    pub finder: Option<Arc<Finder>>,
    /// The recipient's domain that it was made for, where that decides about the servers.
    domain: Option<String>,
    /// The same route for a recipient's domain each, where that decides.
    of_domain: Mutex<HashMap<String, Arc<Route>>>,
}

impl Route {
    /// For all mail, with one server.
    pub fn to(name: &str, hop: Hop) -> Self {
        Self::new(name, Vec::new(), None, vec![Target::new(hop, 10, 1)])
    }

    /// A route; see its fields.
    pub fn new(name: &str, domains: Vec<DomainMask>, direction: Option<Direction>, targets: Vec<Target>) -> Self {
        Self {
            name: name.to_owned(),
            domains,
            direction,
            targets,
            finder: None,
            domain: None,
            of_domain: Mutex::default(),
        }
    }

    /// With somebody who knows the servers in the DNS.
    #[must_use]
    pub fn with(self, finder: Option<Arc<Finder>>) -> Self {
        Self { finder, ..self }
    }

    /// Whether its servers depend on the recipient's domain: there is nobody to speak with before that is known.
    pub fn is_open(&self) -> bool {
        self.targets.iter().any(Target::is_open)
    }

    /// Whether the DNS names servers of it. Those may be anybody's: nobody tells them who our client is, and no
    /// login is passed on to them.
    pub fn is_public(&self) -> bool {
        self.targets.iter().any(|target| target.mx)
    }

    /// What its mail in the outbox shares connections with: the route, and where the servers are each domain's
    /// own, the domain.
    pub(crate) fn lane(&self) -> String {
        match &self.domain {
            Some(domain) => format!("{} {domain}", self.name),
            None => self.name.clone(),
        }
    }

    /// The route as it is for a recipient of this domain. It is the same one for the next recipient, with
    /// what is known of its servers then.
    fn for_domain(self: &Arc<Self>, domain: &str) -> Arc<Self> {
        if !self.is_open() || domain.is_empty() {
            return Arc::clone(self);
        }
        let mut known = self.of_domain.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = known.get(domain) {
            return Arc::clone(route);
        }
        if known.len() >= MAX_DOMAINS {
            known.clear();
        }
        let target = |target: &Target| {
            let mut hop = target.hop.clone();
            if target.is_open() {
                hop.address = HopPlace::Tcp(HostPort { host: domain.to_owned(), port: hop.address.port() });
            }
            Target { hop, mx: target.mx, priority: target.priority, weight: target.weight, health: Mutex::default() }
        };
        let targets = self.targets.iter().map(target).collect();
        let route = Self::new(&self.name, self.domains.clone(), self.direction, targets).with(self.finder.clone());
        let route = Arc::new(Self { domain: Some(domain.to_owned()), ..route });
        known.insert(domain.to_owned(), Arc::clone(&route));
        route
    }

    /// How long it may take until one of its servers is ready for mail: all of them may have to be tried.
    pub fn patience(&self) -> Duration {
        self.targets.iter().map(Target::patience).fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Whether every one of its servers failed lately and is left alone for a while.
    pub fn pauses(&self) -> bool {
        let now = Instant::now();
        self.targets.iter().all(|target| target.pauses(now))
    }

    /// Takes all its servers to be up, whatever happened: for somebody who knows better.
    pub fn forgive(&self) {
        self.targets.iter().for_each(|target| {
            target.note(true, Instant::now());
        });
    }

    /// Takes all its servers to be down for a while, whatever happened: for tests of what depends on it.
    #[doc(hidden)]
    pub fn shun(&self) {
        for target in &self.targets {
            (0..10).for_each(|_| {
                target.note(false, Instant::now());
            });
        }
    }

    /// How well it fits: the domain first, then the direction. `None` if it does not.
    fn fits(&self, domain: &str, direction: Direction) -> Option<(usize, bool)> {
        if self.direction.is_some_and(|only| only != direction) {
            return None;
        }
        let by_domain = match self.domains.is_empty() {
            true => 0,
            false => self.domains.iter().filter_map(|mask| mask.fits(domain)).max()?,
        };
        Some((by_domain, self.direction.is_some()))
    }

    /// Its servers in the order in which they are tried now. `random` gives a number below its argument.
    fn order(&self, now: Instant, random: &mut dyn FnMut(u32) -> u32) -> Vec<&Target> {
        let mut left: Vec<&Target> = self.targets.iter().collect();
        let mut order = Vec::with_capacity(left.len());
        while let Some(first) = left.iter().map(|t| (t.pauses(now), t.priority)).min() {
            let among: Vec<usize> = (0..left.len())
                .filter(|at| left.get(*at).is_some_and(|t| (t.pauses(now), t.priority) == first))
                .collect();
            let weight = |at: &usize| left.get(*at).map_or(0, |t| u32::from(t.weight.max(1)));
            let total: u32 = among.iter().map(weight).sum();
            let mut mark = random(total);
            let chosen = among.iter().find(|at| {
                let weight = weight(at);
                let hit = mark < weight;
                mark = mark.saturating_sub(weight);
                hit
            });
            let Some(chosen) = chosen.or(among.first()) else { break };
            order.push(left.remove(*chosen));
        }
        order
    }
}

/// All routes of a node.
#[derive(Debug, Default)]
pub struct Routes {
    routes: Vec<Arc<Route>>,
}

impl Routes {
    /// In the order of the file, `[next_hop]` last.
    pub fn new(routes: Vec<Route>) -> Self {
        Self { routes: routes.into_iter().map(Arc::new).collect() }
    }

    /// All of them.
    pub fn all(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// The one route there is for all mail, if there is no other: nothing has to be chosen then.
    pub fn only(&self) -> Option<&Arc<Route>> {
        match self.routes.as_slice() {
            [one] if one.domains.is_empty() && one.direction.is_none() && !one.is_open() => Some(one),
            _ => None,
        }
    }

    /// The route of a recipient.
    pub fn find(&self, recipient: &Address, direction: Direction) -> Option<Arc<Route>> {
        let domain = recipient.domain();
        self.best(domain, direction).map(|route| route.for_domain(domain))
    }

    /// The route for what is not of any domain that has one: what a session begins with.
    pub fn default(&self, direction: Direction) -> Option<&Arc<Route>> {
        self.best("", direction)
    }

    fn best(&self, domain: &str, direction: Direction) -> Option<&Arc<Route>> {
        let mut best: Option<((usize, bool), &Arc<Route>)> = None;
        for route in &self.routes {
            if let Some(fit) = route.fits(domain, direction)
                && best.is_none_or(|(other, _)| fit > other)
            {
                best = Some((fit, route));
            }
        }
        best.map(|(_, route)| route)
    }
}

/// Opens a session with the first server of a route that takes one.
///
/// # Errors
/// That of a server which may be there later, if there is one; else the first.
pub async fn open(route: &Route, metrics: &Metrics, deadline: Instant) -> Result<Upstream, UpstreamError> {
    let mut failed: Option<UpstreamError> = None;
    let mut order = route.order(Instant::now(), &mut id::random_below);
    // Which they are is not known without a recipient, and says nothing about any of them.
    order.retain(|target| !target.is_open());
    if order.is_empty() && route.is_open() {
        return Err(UpstreamError::Connect("where mail goes depends on the recipient".to_owned()));
    }
    let mut left = order.len();
    for target in order {
        left = left.saturating_sub(1);
        // One that hangs must leave time for the next.
        let until = share(Instant::now(), deadline, target.patience(), left);
        match reach(route, target, metrics, until).await {
            Ok(upstream) => {
                note(route, target, None, metrics);
                return Ok(upstream);
            }
            Err(error) => {
                note(route, target, Some(&error), metrics);
                if failed.as_ref().is_none_or(|old| old.is_permanent() && !error.is_permanent()) {
                    failed = Some(error);
                }
            }
        }
    }
    Err(failed.unwrap_or_else(|| UpstreamError::Connect("no mail server is configured".to_owned())))
}

/// Opens a session with one server of a route, as mail would be sent: it may be allowed to go in clear.
///
/// # Errors
/// Whatever keeps it from being ready.
pub async fn ask(route: &Route, of: &Target, metrics: &Metrics, until: Instant) -> Result<Upstream, UpstreamError> {
    reach(route, of, metrics, until).await
}

fn note(route: &Route, target: &Target, error: Option<&UpstreamError>, metrics: &Metrics) {
    let hop = if target.mx { "mx".to_owned() } else { target.hop.address.to_string() };
    let result = match error {
        None => "opened",
        Some(UpstreamError::Refused(_) | UpstreamError::NoMail { .. }) => "refused",
        Some(_) => "failed",
    };
    metrics.hop_sessions.get_or_create(&HopEndLabels { hop: hop.clone(), result }).inc();
    // That nobody takes mail of a domain is what its owner says, and no server has failed.
    if matches!(error, Some(UpstreamError::NoMail { .. })) {
        return;
    }
    if target.note(error.is_none(), Instant::now()) {
        let server = &target.hop.address;
        match error {
            None => tracing::info!(route = route.name, hop, %server, "a next hop is there again"),
            Some(error) => tracing::warn!(route = route.name, hop, %server, %error, "a next hop is down"),
        }
    }
    // One gauge for all domains would say what the last one was like.
    if !target.mx {
        metrics.hop_up.get_or_create(&HopLabels { route: route.name.clone(), hop }).set(i64::from(error.is_none()));
    }
}

/// Asks servers that are down whether they are there again, until `stop` becomes true. What is up is not
/// bothered.
pub async fn watch(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    loop {
        let routes = service.current().routes.load_full();
        for route in routes.all() {
            for target in route.targets.iter().filter(|target| !target.is_up() && !target.is_open()) {
                // As mail would be sent: it may be allowed to go in clear.
                let asked = reach(route, target, service.metrics(), Instant::now() + PROBE_LIMIT).await;
                note(route, target, asked.as_ref().err(), service.metrics());
                if let Ok(upstream) = asked {
                    upstream.quit().await;
                }
                if *stop.borrow() {
                    return;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PROBE) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use settings::config::{ClientInfo, HopTls};

    use super::*;
    use crate::health::{FIRST_PAUSE, MAX_PAUSE};

    fn hop(name: &str) -> Hop {
        Hop {
            address: name.parse().unwrap(),
            addresses: Vec::new(),
            label: None,
            tls: HopTls::None,
            verify: false,
            tls_config: net::tls::client_config(false, None, None).unwrap(),
            connect_timeout: Duration::from_secs(1),
            hostname: "mx.example.org".to_owned(),
            login: None,
            lmtp: false,
            own: None,
            client_info: ClientInfo::None,
            ours: Arc::from([]),
        }
    }

    fn route(name: &str, domains: &[&str], direction: Option<Direction>) -> Route {
        let domains = domains.iter().map(|text| text.parse().unwrap()).collect();
        Route { domains, direction, ..Route::to(name, hop("192.0.2.1:25")) }
    }

    #[test]
    fn only_mail_for_one_domain_shares_connections_to_servers_of_the_dns() {
        let mut open = hop("192.0.2.1:25");
        open.address = HopPlace::Tcp(HostPort { host: String::new(), port: 25 });
        let out = Route::new("out", Vec::new(), None, vec![Target::of_domain(open, 10, 1)]);
        let routes = Routes::new(vec![route("own", &["example.org"], None), out]);
        let lane = |to: &str| routes.find(&Address::parse(to).unwrap(), Direction::Outgoing).unwrap().lane();
        assert_eq!((lane("a@slow.example"), lane("b@slow.example")), (lane("c@slow.example"), lane("a@SLOW.example")));
        assert_ne!(lane("a@slow.example"), lane("a@example.net"));
        assert_eq!(lane("a@example.org"), "own");
    }

    #[test]
    fn the_most_exact_domain_then_the_direction_then_the_order_counts() {
        use Direction::{Incoming, Internal, Outgoing};
        let routes = Routes::new(vec![
            route("out", &[], Some(Outgoing)),
            route("wide", &["*.example.org"], None),
            route("narrow", &["*.a.example.org"], None),
            route("one", &["example.org"], None),
            route("one again", &["example.org"], None),
            route("one out", &["example.org"], Some(Outgoing)),
            route("rest", &[], None),
        ]);
        let cases = [
            ("x@example.org", Incoming, "one"),
            ("x@EXAMPLE.org", Outgoing, "one out"),
            ("x@mail.example.org", Outgoing, "wide"),
            ("x@b.a.example.org", Internal, "narrow"),
            ("x@example.net", Incoming, "rest"),
            ("x@example.net", Outgoing, "out"),
            ("postmaster", Incoming, "rest"),
        ];
        for (address, direction, name) in cases {
            let found = routes.find(&Address::parse(address).unwrap(), direction).unwrap();
            assert_eq!(found.name, name, "{address} {direction:?}");
        }
        assert!(routes.only().is_none());
        let some = Routes::new(vec![route("one", &["example.org"], None)]);
        assert!(some.find(&Address::parse("x@example.net").unwrap(), Incoming).is_none());
        assert!(some.only().is_none(), "it is not for all mail");
        assert!(Routes::new(vec![route("all", &[], None)]).only().is_some());
    }

    #[test]
    fn servers_are_tried_by_priority_and_weight_and_what_is_down_last() {
        let target = |name: &str, priority, weight| Target::new(hop(name), priority, weight);
        let route = Route {
            targets: vec![target("c:25", 20, 1), target("a:25", 10, 1), target("b:25", 10, 3)],
            ..Route::to("x", hop("z:25"))
        };
        let names = |random: u32| {
            let order = route.order(Instant::now(), &mut |_| random);
            order.iter().map(|t| t.hop.address.host().to_owned()).collect::<String>()
        };
        assert_eq!((names(0), names(1), names(3)), ("abc".to_owned(), "bac".to_owned(), "bac".to_owned()));
        let mut first = 0;
        for _ in 0..4_000 {
            let order = route.order(Instant::now(), &mut id::random_below);
            first += u32::from(order[0].hop.address.host() == "b");
        }
        assert!((2_700..3_300).contains(&first), "three of four: {first}");
        let now = Instant::now();
        assert!(route.targets[1].note(false, now), "news");
        assert!(!route.targets[1].note(false, now), "no news");
        assert_eq!(names(0), "bca");
        assert!(route.targets[1].pauses(now + FIRST_PAUSE) && !route.targets[1].pauses(now + FIRST_PAUSE * 2));
        for _ in 0..100 {
            route.targets[1].note(false, now);
        }
        assert!(!route.targets[1].pauses(now + MAX_PAUSE), "the pause has an end");
        assert!(route.targets[1].note(true, now));
        assert_eq!(names(0), "abc");
    }
}
