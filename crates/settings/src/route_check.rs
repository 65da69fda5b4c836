//! What is wrong, or likely not meant, in the routes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use judge::units::Time;

use crate::check::leads_to;
use crate::config::{ClientInfo, Config, HopTls, Route, RouteDirection};
use crate::problem::Problem;
use crate::values::{HopPlace, SocketAddress};

/// Most routes of one node.
pub const MAX_ROUTES: usize = 1_000;
/// Most mail servers of one route.
pub const MAX_HOPS: usize = 32;
/// Longest name of a route, in bytes: it stands in every figure.
const MAX_NAME: usize = 60;

/// The name of what `[next_hop]` is among the routes.
pub const NEXT_HOP: &str = "next_hop";

pub(crate) fn check_routes(config: &Config, found: &mut Vec<Problem>) {
    if config.route.len() > MAX_ROUTES {
        found.push(Problem::error("route", format!("more than {MAX_ROUTES} routes")));
    }
    let sockets = config.route.iter().enumerate().take(MAX_ROUTES);
    for (at, hop) in sockets.flat_map(|(at, route)| route.hops.iter().map(move |hop| (at, hop))) {
        if let HopPlace::Unix(path) = &hop.address {
            check_own_socket(config, path, &format!("route[{at}].hops"), found);
        }
    }
    let mut names = BTreeSet::from([NEXT_HOP.to_owned()]);
    for (at, route) in config.route.iter().enumerate().take(MAX_ROUTES) {
        let key = format!("route[{at}]");
        if !names.insert(route.name(at)) {
            let message = format!("{key}.name: {:?} is taken", route.name(at));
            found.push(Problem::error(&format!("{key}.name"), message));
        }
        check_route(route, &key, found);
        let mx = route.hops.iter().any(|hop| hop.mx);
        check_looked_up(route.tls, mx, config.dns.trust_ad, &format!("{key}.tls"), found);
        if mx && route.login_file.is_some() {
            let message = format!("{key}.login_file: a login is never sent to servers that the DNS names");
            found.push(Problem::error(&format!("{key}.login_file"), message));
        }
    }
    check_reach(config, found);
}

/// Shortest pause between attempts: less is of no use to anybody.
const MIN_RETRY: Time = Time(1_000);

pub(crate) fn check_outbox(config: &Config, found: &mut Vec<Problem>) {
    let outbox = &config.outbox;
    for (key, time) in [("outbox.first_retry", outbox.first_retry), ("outbox.longest_retry", outbox.longest_retry)] {
        if time < MIN_RETRY {
            found.push(Problem::error(key, format!("{key} is less than {MIN_RETRY}: next hops would be flooded")));
        }
    }
    let counts = [
        ("outbox.connections", u64::from(outbox.connections)),
        ("outbox.connections_per_route", u64::from(outbox.connections_per_route)),
        ("outbox.max_mails", u64::from(outbox.max_mails)),
        ("outbox.max_size", outbox.max_size.0),
        ("outbox.max_age", outbox.max_age.0),
    ];
    for (key, count) in counts {
        if count == 0 {
            found.push(Problem::error(key, format!("{key} is 0: nothing could be delivered later")));
        }
    }
    if outbox.longest_retry < outbox.first_retry {
        let message = "outbox.longest_retry is less than outbox.first_retry, which then never counts";
        found.push(Problem::warning("outbox.longest_retry", message));
    }
    if outbox.warn_after >= outbox.max_age {
        let message = "outbox.warn_after is not less than outbox.max_age: no warning is ever sent";
        found.push(Problem::advice("outbox.warn_after", message));
    }
}

fn check_route(route: &Route, key: &str, found: &mut Vec<Problem>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if route.name.len() > MAX_NAME || !route.name.chars().all(plain) {
        let message = format!("{key}.name: letters, digits, \"-\", \"_\" and \".\" only, at most {MAX_NAME}");
        found.push(Problem::error(&format!("{key}.name"), message));
    }
    let hops = format!("{key}.hops");
    if route.hops.is_empty() {
        let problem = Problem::error(&hops, format!("{hops} is empty: its mail could go nowhere"));
        found.push(problem.hint("write the mail servers, like [\"mail.example.org:25\"]"));
    }
    if route.hops.len() > MAX_HOPS {
        found.push(Problem::error(&hops, format!("{hops}: more than {MAX_HOPS} mail servers")));
    }
    let mut seen = BTreeSet::new();
    for hop in &route.hops {
        if !seen.insert(hop.to_string().to_lowercase()) {
            found.push(Problem::error(&hops, format!("{hops}: {} is named twice", hop.address)));
        }
    }
    if route.connect_timeout == Time(0) {
        let key = format!("{key}.connect_timeout");
        found.push(Problem::error(&key, format!("{key} is 0: it would run out at once")));
    }
    if route.client_info == ClientInfo::Xclient && route.login_file.is_some() {
        let message =
            format!("{key}: client_info = \"xclient\" with login_file: the next hop forgets who has logged in");
        found.push(Problem::error(&format!("{key}.client_info"), message));
    }
    if route.client_info == ClientInfo::Xclient && route.hops.iter().any(|hop| hop.mx) {
        let message = format!("{key}: client_info = \"xclient\" with servers of the DNS, which do not believe us");
        found.push(Problem::warning(&format!("{key}.client_info"), message));
    }
    crate::client_check::check_own(route.certificate.as_deref(), route.key.as_deref(), route.tls, key, found);
    check_tls(route, key, found);
}

/// Policies that come from the DNS.
pub(crate) fn check_looked_up(tls: HopTls, mx: bool, trust_ad: bool, key: &str, found: &mut Vec<Problem>) {
    let name = tls.name();
    match tls {
        HopTls::DaneOnly if !trust_ad => {
            let message = format!("{key}: tls = \"{name}\" without dns.trust_ad: no mail could ever go out");
            found.push(Problem::error(key, message).hint("use a validating resolver on this machine"));
        }
        HopTls::Dane if !trust_ad => {
            let message = format!("{key}: tls = \"{name}\" without dns.trust_ad is no more than \"opportunistic\"");
            found.push(Problem::warning(key, message).hint("use a validating resolver on this machine"));
        }
        HopTls::MtaSts if !mx => {
            let message =
                format!("{key}: tls = \"{name}\" without \"mx\" among the hops: policies are about those servers");
            found.push(Problem::error(key, message));
        }
        _ => {}
    }
}

fn check_tls(route: &Route, key: &str, found: &mut Vec<Problem>) {
    let sub = |name: &str| format!("{key}.{name}");
    if route.tls == HopTls::None && route.verify {
        let message = format!("{key}: verify = true with tls = \"none\": there is no certificate to check");
        found.push(Problem::error(&sub("verify"), message));
    }
    if route.ca_file.is_some() && !route.tls.checks(route.verify) {
        let message = format!("{key}: ca_file without verify = true: certificates are not checked");
        found.push(Problem::warning(&sub("ca_file"), message));
    }
    if route.tls == HopTls::Opportunistic && route.verify {
        let message =
            format!("{key}: verify = true with tls = \"opportunistic\": whoever hides STARTTLS gets the mail in clear");
        found.push(Problem::advice(&sub("verify"), message).hint("write tls = \"required\""));
    }
    if route.tls == HopTls::Required && !route.verify {
        let message =
            format!("{key}: tls = \"required\" without verify = true: somebody on the way can still read along");
        found.push(Problem::advice(&sub("tls"), message));
    }
    let local = |hop: &crate::values::HopAddress| hop.address.is_local();
    if route.login_file.is_some() && route.tls == HopTls::None && !route.hops.iter().all(local) {
        let message = format!("{key}: login_file with tls = \"none\": a password never goes out in clear");
        found.push(Problem::error(&sub("login_file"), message).hint("write tls = \"required\" and verify = true"));
    }
}

/// Routes that never count, and recipients for whom there is none.
fn check_reach(config: &Config, found: &mut Vec<Problem>) {
    for (at, route) in config.route.iter().enumerate().take(MAX_ROUTES) {
        let earlier = config.route.get(..at).unwrap_or_default();
        let taken =
            |mask| earlier.iter().any(|other| other.direction == route.direction && other.domains.contains(mask));
        for mask in route.domains.iter().filter(|mask| taken(mask)) {
            let key = format!("route[{at}].domains");
            let message = format!("{key}: {mask} is the domain of an earlier route, which always counts first");
            found.push(Problem::warning(&key, message));
        }
        let shadowed = |other: &Route| other.domains.is_empty() && other.direction == route.direction;
        if route.domains.is_empty() && earlier.iter().any(shadowed) {
            let key = format!("route[{at}]");
            let message = format!("{key} ({}) is never used: an earlier route takes all its mail", route.name(at));
            found.push(Problem::warning(&format!("{key}.hops"), message));
        }
        if route.direction != RouteDirection::Any && config.trust.internal_domains.is_empty() {
            let auto = config.smtp.iter().all(|l| l.direction == crate::config::ListenerDirection::Auto);
            if auto && route.direction != RouteDirection::Incoming {
                let key = format!("route[{at}].direction");
                let message = format!("{key}: no mail counts as outgoing or internal without trust.internal_domains");
                found.push(Problem::warning(&key, message).hint("list your mail domains (D-20)"));
            }
        }
    }
    let all = config.route.iter().any(Route::is_for_all);
    if all && config.next_hop.address.is_some() {
        let message = "next_hop.address is never used: a route takes all mail";
        found.push(Problem::warning("next_hop.address", message));
    }
}

/// Whether there is a next hop for every recipient, whatever way mail goes.
pub(crate) fn reaches_everybody(config: &Config) -> bool {
    let covered = |direction: RouteDirection| {
        let fits = |route: &&Route| route.domains.is_empty();
        config.route.iter().filter(fits).any(|route| [RouteDirection::Any, direction].contains(&route.direction))
    };
    let each = [RouteDirection::Incoming, RouteDirection::Outgoing, RouteDirection::Internal];
    config.next_hop.address.is_some() || each.into_iter().all(covered)
}

/// A next hop that is a unix socket of our own.
pub(crate) fn check_own_socket(config: &Config, path: &Path, key: &str, found: &mut Vec<Problem>) {
    let ours = config.smtp.iter().position(|l| matches!(&l.listen, SocketAddress::Unix(own) if own == path));
    if let Some(at) = ours {
        let message =
            format!("{key}: unix:{} is our own smtp[{at}].listen: mail would go round in circles", path.display());
        found.push(Problem::error(key, message));
    }
}

/// A mail server of a route that is one of our own listeners.
pub(crate) fn check_loop(config: &Config, listener: SocketAddr, listener_key: &str, found: &mut Vec<Problem>) {
    for (at, route) in config.route.iter().enumerate().take(MAX_ROUTES) {
        if let Some(hop) = route.hops.iter().filter(|hop| !hop.mx).find(|hop| leads_to(&hop.address, listener)) {
            let key = format!("route[{at}].hops");
            let message = format!("{key}: {} is our own {listener_key}: mail would go round in circles", hop.address);
            found.push(Problem::error(&key, message));
        }
    }
}
