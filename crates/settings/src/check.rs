//! What is wrong, or likely not meant, in a configuration that can be read.
//!
//! [`check`] looks at the values alone; [`check_environment`](crate::check_environment) also at
//! files and directories.

use std::net::{IpAddr, SocketAddr};

use judge::units::{Bytes, Time};

use crate::config::{ClamdMethod, Config, HopTls, Listener, ListenerDirection, MilterListener, OfferAuth, Protocol};
use crate::problem::Problem;
use crate::values::{ClamdAddress, HopPlace, SocketAddress, is_host};

/// Most listeners of one node.
pub const MAX_LISTENERS: usize = 64;
/// Most workers of one node: more are not started.
pub const MAX_WORKERS: u32 = 256;
/// The least memory in which a worker can hold its rules and unpack anything.
const MIN_WORKER_MEMORY: Bytes = Bytes(64 << 20);
/// Fewest recipients that a server must take (RFC 5321 section 4.5.3.1.8).
const MIN_RECIPIENTS: u32 = 100;
/// The port of SMTP, where LMTP must not be spoken.
const SMTP_PORT: u16 = 25;
/// A network this wide (a prefix this short) is hardly "our own clients".
const WIDE_PREFIX: u8 = 7;

impl Config {
    /// Everything that is wrong or doubtful in the values.
    pub fn check(&self) -> Vec<Problem> {
        check(self)
    }

    /// What `mailward serve` needs beyond a configuration without errors.
    pub fn check_serve(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.next_hop.address.is_none() && !self.route.iter().any(crate::config::Route::is_for_all) {
            let key = "next_hop.address";
            let problem = if self.smtp.is_empty() {
                Problem::warning(key, "next_hop.address is not set: no mail can be released from Backup")
            } else {
                Problem::error(key, "next_hop.address is not set: nowhere to send mail to")
            };
            found.push(problem.hint("write the address of the mail server, like \"127.0.0.1:10025\""));
        }
        if self.smtp.is_empty() && self.milter.is_empty() {
            found.push(Problem::error("smtp", "no [[smtp]] and no [[milter]] listener: there is nothing to serve"));
        }
        found
    }
}

/// See [`Config::check`].
pub(crate) fn check(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    check_host(config, &mut found);
    for (at, listener) in config.smtp.iter().enumerate() {
        check_listener(config, listener, &format!("smtp[{at}]"), &mut found);
    }
    for (at, listener) in config.milter.iter().enumerate() {
        check_milter(config, listener, &format!("milter[{at}]"), &mut found);
    }
    for (key, count) in [("smtp", config.smtp.len()), ("milter", config.milter.len())] {
        if count > MAX_LISTENERS {
            found.push(Problem::error(key, format!("more than {MAX_LISTENERS} listeners")));
        }
    }
    check_addresses(config, &mut found);
    check_next_hop(config, &mut found);
    crate::route_check::check_routes(config, &mut found);
    crate::route_check::check_outbox(config, &mut found);
    crate::tls_check::check(config, &mut found);
    crate::dkim_check::check_dkim(config, &mut found);
    check_trust(config, &mut found);
    check_limits(config, &mut found);
    check_timeouts(config, &mut found);
    check_workers(config, &mut found);
    check_clamd(config, &mut found);
    found
}

fn check_host(config: &Config, found: &mut Vec<Problem>) {
    if !config.hostname.is_empty() && !is_host(&config.hostname) {
        let message = format!("hostname: {:?} is not a host name", config.hostname);
        found.push(Problem::error("hostname", message).hint("write it like \"mx.example.org\""));
    }
    if !config.authserv_id.is_empty() && !is_host(&config.authserv_id) {
        let message = format!("authserv_id: {:?} is not a host name", config.authserv_id);
        found.push(Problem::error("authserv_id", message).hint("write it like \"mx.example.org\""));
    }
    if config.data_dir.as_os_str().is_empty() {
        found.push(Problem::error("data_dir", "data_dir is empty: mail that is kept needs a place"));
    }
}

fn check_listener(config: &Config, listener: &Listener, key: &str, found: &mut Vec<Problem>) {
    match (&listener.certificate, &listener.key) {
        (Some(_), None) => {
            found.push(Problem::error(&format!("{key}.certificate"), format!("{key}: certificate without key")));
        }
        (None, Some(_)) => {
            found.push(Problem::error(&format!("{key}.key"), format!("{key}: key without certificate")));
        }
        _ => {}
    }
    if listener.implicit_tls && !listener.has_tls() {
        let message = format!("{key}: implicit_tls without certificate: no client could ever connect");
        found.push(Problem::error(&format!("{key}.implicit_tls"), message));
    }
    if listener.tls_required && !listener.has_tls() {
        let message = format!("{key}: tls_required without certificate: no client could ever send mail");
        found.push(Problem::error(&format!("{key}.tls_required"), message));
    }
    crate::client_check::check_clients(listener, key, found);
    check_socket(listener, key, found);
    check_taken(config, &listener.listen, key, found);
    if listener.protocol == Protocol::Lmtp && listener.listen.inet().is_some_and(|at| at.port() == SMTP_PORT) {
        let message = format!("{key}: LMTP on port 25 would be taken for SMTP (RFC 2033 section 5)");
        found.push(Problem::error(&format!("{key}.protocol"), message));
    }
    if listener.max_connections == 0 {
        let message = format!("{key}.max_connections is 0: nobody could connect");
        found.push(Problem::error(&format!("{key}.max_connections"), message));
    }
    if listener.listen.inet().is_none_or(|address| address.ip().is_loopback()) {
        return;
    }
    if listener.auth == OfferAuth::Always {
        let message =
            format!("{key}: auth = \"always\" on {}: passwords may cross the network in clear", listener.listen);
        found.push(Problem::warning(&format!("{key}.auth"), message));
    }
    if listener.direction == ListenerDirection::Auto && config.trust.internal_domains.is_empty() {
        let message = format!("{key}: direction = \"auto\" without trust.internal_domains: no address counts as ours");
        let hint = "list your mail domains in trust.internal_domains (D-20)";
        found.push(Problem::warning(&format!("{key}.listen"), message).hint(hint));
    }
}

/// A unix socket's file: who may connect, and what makes no sense with it.
fn check_socket(listener: &Listener, key: &str, found: &mut Vec<Problem>) {
    if listener.listen.inet().is_some() {
        return;
    }
    if listener.socket_mode.0 & 0o002 != 0 {
        let message = format!("{key}: every user of this machine may connect to {}", listener.listen);
        found.push(Problem::warning(&format!("{key}.socket_mode"), message).hint("660 and socket_group"));
    }
    if !listener.proxy_from.is_empty() {
        let message = format!("{key}: proxy_from with a unix socket: load balancers come over TCP");
        found.push(Problem::error(&format!("{key}.proxy_from"), message));
    }
}

/// A unix socket of two listeners.
fn check_taken(config: &Config, listen: &SocketAddress, key: &str, found: &mut Vec<Problem>) {
    let all = config.milter.iter().map(|other| &other.listen).chain(config.smtp.iter().map(|other| &other.listen));
    if matches!(listen, SocketAddress::Unix(_)) && all.filter(|other| *other == listen).count() > 1 {
        found.push(Problem::error(&format!("{key}.listen"), format!("{key}: {listen} is taken twice")));
    }
}

fn check_milter(config: &Config, listener: &MilterListener, key: &str, found: &mut Vec<Problem>) {
    if listener.max_connections == 0 {
        let message = format!("{key}.max_connections is 0: no mail could pass");
        found.push(Problem::error(&format!("{key}.max_connections"), message));
    }
    if listener.timeout == Time(0) {
        let message = format!("{key}.timeout is 0: it would run out at once");
        found.push(Problem::error(&format!("{key}.timeout"), message));
    }
    if listener.split_recipients && !crate::route_check::reaches_everybody(config) {
        let message = format!("{key}.split_recipients: copies leave by the next hop, and there is none for all mail");
        let problem = Problem::error(&format!("{key}.split_recipients"), message);
        found.push(problem.hint("set next_hop.address, or a [[route]] without domains"));
    }
    match &listener.listen {
        SocketAddress::Inet(address) if !address.ip().is_loopback() => {
            let message =
                format!("{key}: {address} can be reached from other machines, in clear and without a password");
            let hint = "listen on 127.0.0.1 or a unix socket, or keep others away from the port";
            found.push(Problem::warning(&format!("{key}.listen"), message).hint(hint));
        }
        SocketAddress::Unix(_) if listener.socket_mode.0 & 0o002 != 0 => {
            let message = format!("{key}: every user of this machine may connect to {}", listener.listen);
            found.push(Problem::warning(&format!("{key}.socket_mode"), message).hint("660 and socket_group"));
        }
        _ => {}
    }
    check_taken(config, &listener.listen, key, found);
    if listener.direction == ListenerDirection::Auto && config.trust.internal_domains.is_empty() {
        let message = format!("{key}: direction = \"auto\" without trust.internal_domains: no address counts as ours");
        let hint = "list your mail domains in trust.internal_domains (D-20)";
        found.push(Problem::warning(&format!("{key}.listen"), message).hint(hint));
    }
}

/// Two listeners on one address, and mail that comes back to us.
fn check_addresses(config: &Config, found: &mut Vec<Problem>) {
    let mut taken: Vec<(SocketAddr, String)> = Vec::new();
    let smtp = config.smtp.iter().enumerate();
    let smtp = smtp.filter_map(|(at, listener)| Some((listener.listen.inet()?, format!("smtp[{at}].listen"))));
    let milter = config.milter.iter().enumerate().filter_map(|(at, listener)| match listener.listen {
        SocketAddress::Inet(address) => Some((address, format!("milter[{at}].listen"))),
        SocketAddress::Unix(_) => None,
    });
    let http = config.http.listen.iter().map(|listen| (listen.0, "http.listen".to_owned()));
    let acme = config.acme.is_on().then(|| (config.acme.listen.0, "acme.listen".to_owned()));
    for (address, key) in http.chain(acme).chain(smtp).chain(milter).take(2 * MAX_LISTENERS + 2) {
        if let Some((_, other)) = taken.iter().find(|(other, _)| overlap(*other, address)) {
            found.push(Problem::error(&key, format!("{key}: {address} is taken by {other}")));
        }
        crate::route_check::check_loop(config, address, &key, found);
        let looping = config.next_hop.address.as_ref().filter(|hop| leads_to(hop, address));
        if let Some(hop) = looping.filter(|_| found.iter().all(|problem| problem.key != "next_hop.address")) {
            let message = format!("next_hop.address: {hop} is our own {key}: mail would go round in circles");
            found.push(Problem::error("next_hop.address", message));
        }
        taken.push((address, key));
    }
}

/// Whether both cannot be listened on at once. Port 0 takes a free port.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let same_family = a.is_ipv4() == b.is_ipv4();
    let any = same_family && (a.ip().is_unspecified() || b.ip().is_unspecified());
    a.port() == b.port() && a.port() != 0 && (a.ip() == b.ip() || any)
}

/// Whether connecting to the next hop would reach our listener.
pub(crate) fn leads_to(hop: &HopPlace, listener: SocketAddr) -> bool {
    let Some(hop) = hop.tcp() else { return false };
    if hop.port != listener.port() {
        return false;
    }
    match hop.ip().map(|ip| ip.to_canonical()) {
        Some(ip) => ip == listener.ip() || (ip.is_loopback() && listener.ip().is_unspecified()),
        None => {
            hop.host.eq_ignore_ascii_case("localhost")
                && (listener.ip().is_loopback() || listener.ip().is_unspecified())
        }
    }
}

fn check_next_hop(config: &Config, found: &mut Vec<Problem>) {
    let hop = &config.next_hop;
    if hop.protocol == Protocol::Lmtp && hop.address.as_ref().is_some_and(|address| address.port() == SMTP_PORT) {
        let message = "next_hop: LMTP on port 25 would be taken for SMTP (RFC 2033 section 5)";
        found.push(Problem::error("next_hop.protocol", message));
    }
    if let Some(HopPlace::Unix(path)) = &hop.address {
        crate::route_check::check_own_socket(config, path, "next_hop.address", found);
    }
    crate::client_check::check_own(hop.certificate.as_deref(), hop.key.as_deref(), hop.tls, "next_hop", found);
    crate::route_check::check_looked_up(hop.tls, false, config.dns.trust_ad, "next_hop.tls", found);
    if hop.tls == HopTls::Required && !hop.verify {
        let message = "next_hop: tls = \"required\" without verify = true: somebody on the way can still read along";
        found.push(Problem::advice("next_hop.tls", message));
    }
    if hop.tls == HopTls::None && hop.verify {
        let message = "next_hop: verify = true with tls = \"none\": there is no certificate to check";
        found.push(Problem::error("next_hop.verify", message));
    }
    if hop.ca_file.is_some() && !hop.tls.checks(hop.verify) {
        let message = "next_hop: ca_file without verify = true: certificates are not checked";
        found.push(Problem::warning("next_hop.ca_file", message));
    }
    if hop.tls == HopTls::Opportunistic && hop.verify {
        let message =
            "next_hop: verify = true with tls = \"opportunistic\": whoever hides STARTTLS gets the mail in clear";
        found.push(Problem::advice("next_hop.verify", message).hint("write tls = \"required\""));
    }
}

fn check_trust(config: &Config, found: &mut Vec<Problem>) {
    let lists = [
        ("trust.trusted_networks", &config.trust.trusted_networks, "everybody there may send mail as one of us"),
        ("trust.trusted_relays", &config.trust.trusted_relays, "everybody there may say who the client was"),
    ];
    for (key, networks, what) in lists {
        for network in networks.iter().filter(|network| network.0.prefix_len() <= WIDE_PREFIX) {
            found.push(Problem::warning(key, format!("{key}: {network} is very wide: {what}")));
        }
    }
    for domain in &config.trust.internal_domains {
        // International domains are written as they are in addresses; only their form is checked.
        let plain = !domain.is_empty() && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !plain || domain.split('.').any(str::is_empty) {
            let message = format!("trust.internal_domains: {domain:?} is not a domain");
            found.push(Problem::error("trust.internal_domains", message).hint("write it like \"example.org\""));
        }
    }
}

fn check_limits(config: &Config, found: &mut Vec<Problem>) {
    let limits = &config.limits;
    let counts = [
        ("limits.connections", limits.connections),
        ("limits.connections_per_peer", limits.connections_per_peer),
        ("limits.recipients", limits.recipients),
        ("limits.hops", limits.hops),
        ("limits.errors", limits.errors),
        ("limits.commands", limits.commands),
    ];
    for (key, count) in counts {
        if count == 0 {
            found.push(Problem::error(key, format!("{key} is 0: no mail could pass")));
        }
    }
    if limits.max_message_size == Bytes(0) {
        found.push(Problem::error("limits.max_message_size", "limits.max_message_size is 0: no mail could pass"));
    }
    if limits.bytes_in_flight < limits.max_message_size {
        let message = format!(
            "limits.bytes_in_flight ({}) is less than limits.max_message_size ({}): the largest message could never pass",
            limits.bytes_in_flight, limits.max_message_size
        );
        found.push(Problem::error("limits.bytes_in_flight", message));
    }
    if (1..MIN_RECIPIENTS).contains(&limits.recipients) {
        let message = format!("limits.recipients is less than {MIN_RECIPIENTS}, which RFC 5321 asks of every server");
        found.push(Problem::warning("limits.recipients", message));
    }
}

fn check_timeouts(config: &Config, found: &mut Vec<Problem>) {
    let limits = &config.limits;
    let times = [
        ("limits.command_timeout", limits.command_timeout),
        ("limits.data_timeout", limits.data_timeout),
        ("limits.data_total", limits.data_total),
        ("next_hop.connect_timeout", config.next_hop.connect_timeout),
        ("workers.cpu", config.workers.cpu),
        ("clamd.timeout", config.clamd.timeout),
        ("dns.timeout", config.dns.timeout),
    ];
    for (key, time) in times {
        if time == Time(0) {
            found.push(Problem::error(key, format!("{key} is 0: it would run out at once")));
        }
    }
    if limits.data_total < limits.data_timeout {
        let message = "limits.data_total is less than limits.data_timeout, which then never counts";
        found.push(Problem::warning("limits.data_total", message));
    }
}

fn check_workers(config: &Config, found: &mut Vec<Problem>) {
    let workers = &config.workers;
    if workers.count > MAX_WORKERS {
        found.push(Problem::error("workers.count", format!("workers.count is more than {MAX_WORKERS}")));
    }
    if workers.count == 1 {
        let message = "workers.count is 1: one large message holds up all others";
        found.push(Problem::advice("workers.count", message));
    }
    if workers.memory < MIN_WORKER_MEMORY {
        let message = format!("workers.memory is less than {MIN_WORKER_MEMORY}: too little to examine a message");
        found.push(Problem::error("workers.memory", message));
    }
    if workers.retire_after == 0 {
        found.push(Problem::error("workers.retire_after", "workers.retire_after is 0: no worker would take a message"));
    }
}

fn check_clamd(config: &Config, found: &mut Vec<Problem>) {
    let clamd = &config.clamd;
    if clamd.method == ClamdMethod::Fildes && matches!(clamd.address, Some(ClamdAddress::Tcp(_))) {
        let message = "clamd: method = \"fildes\" needs a unix socket: an open file cannot go over TCP";
        found.push(Problem::error("clamd.method", message));
    }
    if clamd.connections == 0 {
        found.push(Problem::error("clamd.connections", "clamd.connections is 0: nothing could be scanned"));
    }
    if clamd.max_size == Bytes(0) {
        found.push(Problem::error("clamd.max_size", "clamd.max_size is 0: nothing could be scanned"));
    }
    if clamd.address.is_some() && clamd.max_size < config.limits.max_message_size {
        let message =
            "clamd.max_size is less than limits.max_message_size: larger mail counts as \"could not look\" (D-19)";
        found.push(Problem::warning("clamd.max_size", message));
    }
    if let Some(ClamdAddress::Tcp(address)) = &clamd.address
        && !address.ip().map_or(address.host.eq_ignore_ascii_case("localhost"), |ip: IpAddr| ip.is_loopback())
    {
        let message = format!("clamd.address: mail goes to {address} in clear");
        found.push(Problem::advice("clamd.address", message));
    }
}
