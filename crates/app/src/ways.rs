//! Routes as the configuration has them, with what their files say.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use net::Resolver;
use net::certificates::Held;
use net::upstream::{Hop, Login};
use service::direct::Finder;
use service::routes::{Route, Routes, Target};
use service::sts;
use settings::config::{ClientInfo, HopTls, Protocol};
use settings::values::{HopAddress, HopPlace};
use settings::{Config, NEXT_HOP, secret_file};
use store::Store;

/// Largest file with a login, in bytes.
const MAX_LOGIN_FILE: u64 = 4096;

/// What the servers of one route have in common.
struct Common<'a> {
    key: String,
    protocol: Protocol,
    tls: HopTls,
    verify: bool,
    ca_file: Option<&'a Path>,
    own: Option<Arc<Held>>,
    client_info: ClientInfo,
    connect_timeout: Duration,
    login: Option<Arc<Login>>,
    hostname: String,
    ours: Arc<[SocketAddr]>,
}

impl Common<'_> {
    fn hop(&self, address: &HopPlace) -> Result<Hop, String> {
        let verify = self.tls.checks(self.verify);
        let tls_config = net::tls::client_config(verify, self.ca_file, self.own.clone())
            .map_err(|e| format!("{}: {e}", self.key))?;
        Ok(Hop {
            address: address.clone(),
            addresses: Vec::new(),
            label: None,
            tls: self.tls,
            verify,
            tls_config,
            connect_timeout: self.connect_timeout,
            hostname: self.hostname.clone(),
            login: self.login.clone(),
            lmtp: self.protocol == Protocol::Lmtp,
            own: self.own.clone(),
            client_info: self.client_info,
            ours: Arc::clone(&self.ours),
        })
    }
}

/// Who knows servers in the DNS, if any route needs it. Policies are kept in the store.
///
/// # Errors
/// The system has no issuers of certificates to trust.
pub fn finder(config: &Config, resolver: Resolver, store: Option<Store>) -> Result<Option<Arc<Finder>>, String> {
    let by_route = |route: &settings::config::Route| route.tls.is_looked_up() || route.hops.iter().any(|hop| hop.mx);
    if !config.next_hop.tls.is_looked_up() && !config.route.iter().any(by_route) {
        return Ok(None);
    }
    let policies = sts::Finder::new(store, None).map_err(|error| error.to_string())?;
    let verified = net::tls::client_config(true, None, None).map_err(|error| error.to_string())?;
    Ok(Some(Arc::new(Finder::new(resolver, policies, verified))))
}

/// The routes, `[next_hop]` last.
///
/// # Errors
/// Its TLS settings or a login cannot be used.
pub fn routes(config: &Config, finder: Option<Arc<Finder>>) -> Result<Routes, String> {
    let ours: Arc<[SocketAddr]> = config.smtp.iter().filter_map(|listener| listener.listen.inet()).collect();
    let hostname = config.hostname();
    let mut routes = Vec::new();
    for (at, route) in config.route.iter().enumerate() {
        let common = Common {
            key: format!("route[{at}]"),
            protocol: route.protocol,
            tls: route.tls,
            verify: route.verify,
            ca_file: route.ca_file.as_deref(),
            own: own(&format!("route[{at}]"), route.certificate.as_deref(), route.key.as_deref())?,
            client_info: route.client_info,
            connect_timeout: route.connect_timeout.duration(),
            login: route.login_file.as_deref().map(login).transpose()?,
            hostname: hostname.clone(),
            ours: Arc::clone(&ours),
        };
        let target = |hop: &HopAddress| {
            let server = common.hop(&hop.address)?;
            Ok(match hop.mx {
                true => Target::of_domain(server, hop.priority, hop.weight),
                false => Target::new(server, hop.priority, hop.weight),
            })
        };
        let targets = route.hops.iter().map(target).collect::<Result<_, String>>()?;
        let direction = route.direction.only();
        routes.push(Route::new(&route.name(at), route.domains.clone(), direction, targets).with(finder.clone()));
    }
    let next = &config.next_hop;
    if let Some(address) = &next.address {
        let common = Common {
            key: NEXT_HOP.to_owned(),
            protocol: next.protocol,
            tls: next.tls,
            verify: next.verify,
            ca_file: next.ca_file.as_deref(),
            own: own(NEXT_HOP, next.certificate.as_deref(), next.key.as_deref())?,
            client_info: next.client_info,
            connect_timeout: next.connect_timeout.duration(),
            login: None,
            hostname,
            ours,
        };
        routes.push(Route::to(NEXT_HOP, common.hop(address)?).with(finder));
    }
    Ok(Routes::new(routes))
}

/// Our own certificate for next hops, if there is one.
fn own(key: &str, certificate: Option<&Path>, secret: Option<&Path>) -> Result<Option<Arc<Held>>, String> {
    let pair = certificate.zip(secret);
    let load = |(certificate, secret)| Held::load(certificate, &secret_file(secret));
    pair.map(load).transpose().map_err(|error| format!("{key}.certificate: {error}"))
}

/// The certificates that are shown to next hops, each once.
pub fn own_certificates(routes: &Routes) -> Vec<Arc<Held>> {
    let mut found: Vec<Arc<Held>> = Vec::new();
    for held in routes.all().iter().flat_map(|route| &route.targets).filter_map(|target| target.hop.own.as_ref()) {
        if !found.iter().any(|known| Arc::ptr_eq(known, held)) {
            found.push(Arc::clone(held));
        }
    }
    found
}

/// Reads a login; what is in the file is never shown.
fn login(path: &Path) -> Result<Arc<Login>, String> {
    let fail = |why: &str| format!("{}: {why}", path.display());
    let path = &settings::secret_file(path);
    let size = std::fs::metadata(path).map_err(|e| fail(&e.to_string()))?.len();
    if size > MAX_LOGIN_FILE {
        return Err(fail("it is too large for one line user:password"));
    }
    let text = std::fs::read_to_string(path).map_err(|e| fail(&e.to_string()))?;
    Login::parse(&text).map(Arc::new).map_err(fail)
}
