//! Peers: next hops, clamd, and our own listeners, asked as mail would ask them.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use api::control::Client;
use mail::untrusted::escape;
use net::clamd::Clamd;
use net::upstream::{Upstream, banner};
use net::{ClamdState, outbound};
use service::metrics::Metrics;
use settings::Config;
use settings::config::{Dns, HopTls, Listener};
use settings::values::{DnsServer, HostPort, SocketAddress};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::time::{Instant, timeout};

use super::{Finding, Level, certificates};
use crate::node;

/// How long one peer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Most bytes of a greeting that are read (RFC 5321 section 4.5.3.1.5).
const MAX_GREETING: u64 = 512;
/// Most characters of it that are shown.
const MAX_SAID: usize = 120;

/// All of them.
pub(super) async fn all(config: &Config) -> Vec<Finding> {
    let runs = matches!(Client::connect(&config.data_dir), Ok(Some(_)));
    let mut found = vec![daemon(runs)];
    for listener in &config.smtp {
        found.push(listens(config, listener, runs).await);
    }
    for milter in &config.milter {
        found.push(takes(&milter.listen, runs).await);
    }
    found.extend(name_servers(config).await);
    found.extend(next_hops(config).await);
    found.extend(clamd(config).await);
    found
}

fn daemon(runs: bool) -> Finding {
    let text = if runs { "it runs and answers" } else { "it does not run, or may not be asked by this user" };
    Finding::new("daemon", if runs { Level::Ok } else { Level::Note }, text)
}

/// While the daemon runs, its port must answer in our name; otherwise the port must be free.
async fn listens(config: &Config, listener: &Listener, runs: bool) -> Finding {
    let address = match &listener.listen {
        SocketAddress::Inet(address) => *address,
        SocketAddress::Unix(path) => return listens_here(config, listener, path, runs).await,
    };
    if !runs {
        return free(address);
    }
    let target = HostPort { host: reachable(address.ip()).to_string(), port: address.port() };
    let greeting = async {
        let socket = outbound::connect(&target, LIMIT).await.map_err(|error| error.to_string())?;
        if listener.implicit_tls || !listener.proxy_from.is_empty() {
            // Its greeting comes in TLS, or behind a header; that somebody listens is what can be seen from here.
            return Ok(banner(&config.hostname()));
        }
        greeting_on(socket).await
    };
    judge(config, &address.to_string(), greeting.await)
}

/// Whether our own start could listen at an address.
fn free(address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::new("listener", Level::Ok, format!("{address} is free")),
        Err(error) => Finding::new("listener", Level::Broken, format!("{address}: {}", refused(&error))),
    }
}

/// The same of a socket. Whether somebody listens there is not tried: our own start would say so.
fn can_be_made(address: &str, path: &Path) -> Finding {
    match path.parent().is_some_and(Path::is_dir) {
        true => Finding::new("listener", Level::Ok, format!("{address} can be made")),
        false => Finding::new("listener", Level::Broken, format!("{address}: its directory does not exist")),
    }
}

/// A milter's socket. It says nothing by itself: that it takes a connection is what can be seen from here.
async fn takes(listen: &SocketAddress, runs: bool) -> Finding {
    let name = format!("{listen} (milter)");
    let connected = match listen {
        SocketAddress::Inet(address) if !runs => return free(*address),
        SocketAddress::Unix(path) if !runs => return can_be_made(&name, path),
        SocketAddress::Inet(address) => {
            let target = HostPort { host: reachable(address.ip()).to_string(), port: address.port() };
            outbound::connect(&target, LIMIT).await.map(drop).map_err(|error| error.to_string())
        }
        SocketAddress::Unix(path) => outbound::connect_unix(path, LIMIT).await.map(drop),
    };
    match connected {
        Ok(()) => Finding::new("listener", Level::Ok, format!("{name} takes connections")),
        Err(why) => Finding::new("listener", Level::Broken, format!("{name} takes no connection: {why}")),
    }
}

/// The same for a socket in the file system.
async fn listens_here(config: &Config, listener: &Listener, path: &Path, runs: bool) -> Finding {
    let address = listener.listen.to_string();
    if !runs {
        return can_be_made(&address, path);
    }
    let greeting = async {
        let socket = outbound::connect_unix(path, LIMIT).await?;
        if listener.implicit_tls {
            return Ok(banner(&config.hostname()));
        }
        greeting_on(socket).await
    };
    judge(config, &address, greeting.await)
}

async fn greeting_on(socket: impl AsyncRead + Unpin) -> Result<String, String> {
    // Whoever listens there may never end its line.
    let mut line = Vec::new();
    let read = timeout(LIMIT, BufReader::new(socket).take(MAX_GREETING).read_until(b'\n', &mut line)).await;
    read.map_err(|_| "no greeting in time".to_owned())?.map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// What a listener of ours says when it is asked.
fn judge(config: &Config, address: &str, greeting: Result<String, String>) -> Finding {
    match greeting {
        Ok(line) if line.contains(&banner(&config.hostname())) => {
            Finding::new("listener", Level::Ok, format!("{address} answers"))
        }
        Ok(line) => {
            let said = escape(line.trim_end(), MAX_SAID);
            let text = format!("{address} is somebody else, or a Mailward of another name: {said}");
            Finding::new("listener", Level::Broken, text)
        }
        Err(why) => Finding::new("listener", Level::Broken, format!("{address} does not answer: {why}")),
    }
}

/// Where to connect to something that listens at every address.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        other => other,
    }
}

fn refused(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => "another program listens there".to_owned(),
        ErrorKind::PermissionDenied => {
            "not allowed to this user; ports below 1024 need mailward.socket or root".to_owned()
        }
        ErrorKind::AddrNotAvailable => "this machine does not have the address".to_owned(),
        _ => error.to_string(),
    }
}

/// Each DNS server by itself: one that does not answer costs time with every question that it is asked first.
async fn name_servers(config: &Config) -> Vec<Finding> {
    let all = net::Resolver::new(&config.dns, Arc::default());
    if all.servers().is_empty() {
        let text = "no DNS server is known: set dns.servers, or a nameserver in /etc/resolv.conf";
        return vec![Finding::new("dns", Level::Warning, text)];
    }
    let mut found = Vec::new();
    for address in all.servers() {
        let alone = Dns { servers: vec![DnsServer(*address)], ..config.dns.clone() };
        let resolver = net::Resolver::new(&alone, Arc::default());
        found.push(match resolver.a(&config.hostname(), Instant::now() + LIMIT).await {
            Ok(_) => Finding::new("dns", Level::Ok, format!("{address} answers")),
            Err(error) if error.is_absent() => Finding::new("dns", Level::Ok, format!("{address} answers")),
            Err(error) => Finding::new("dns", Level::Warning, format!("{address}: {error}")),
        });
    }
    found
}

async fn next_hops(config: &Config) -> Vec<Finding> {
    let resolver = net::Resolver::new(&config.dns, Arc::default());
    let routes = match node::finder(config, resolver, None).and_then(|finder| node::routes(config, finder)) {
        Ok(routes) => routes,
        Err(why) => return vec![Finding::new("next_hop", Level::Broken, why)],
    };
    let (metrics, mut found) = (Metrics::new(), Vec::new());
    for route in routes.all() {
        // Who takes a domain's mail is found out when there is mail for it.
        for target in route.targets.iter().filter(|target| !target.mx && !target.hop.tls.is_looked_up()) {
            let name = format!("{} ({})", target.hop.address, route.name);
            // As mail would be sent: it may be allowed to go in clear.
            match service::routes::ask(route, target, &metrics, Instant::now() + LIMIT).await {
                Ok(upstream) => {
                    found.push(answers(&name, &upstream, target.hop.tls));
                    found.extend(upstream.peer_certificate().map(|der| certificates::peer(&name, der)));
                    upstream.quit().await;
                }
                Err(error) => found.push(Finding::new("next_hop", Level::Broken, format!("{name}: {error}"))),
            }
        }
    }
    found
}

/// What can be said of a next hop that is ready for mail.
fn answers(name: &str, upstream: &Upstream, tls: HopTls) -> Finding {
    match upstream.tls_info() {
        Some(tls) => Finding::new("next_hop", Level::Ok, format!("{name} answers, {tls}")),
        None if tls != HopTls::None && upstream.extensions().starttls => {
            let text = format!("{name} answers, and fails at the TLS that it offers: mail goes to it in clear");
            Finding::new("next_hop", Level::Warning, text)
        }
        None => Finding::new("next_hop", Level::Ok, format!("{name} answers, no TLS")),
    }
}

async fn clamd(config: &Config) -> Option<Finding> {
    let clamd = Clamd::new(&config.clamd)?;
    let health = clamd.check().await;
    let version = health.version.map(|version| version.text).unwrap_or_default();
    Some(match health.state {
        ClamdState::Healthy => Finding::new("clamd", Level::Ok, version),
        state => Finding::new("clamd", Level::Broken, format!("it does not answer: {state:?}")),
    })
}

#[cfg(test)]
mod tests {
    use testkit::{Action, Behaviour, Point, Sink};

    use super::*;

    #[tokio::test]
    async fn a_next_hop_whose_tls_is_broken_takes_mail_in_clear() {
        let refuses = Action::Reply("454 4.7.0 Not now".to_owned());
        let sink = Sink::start(Behaviour::accept().extension("STARTTLS").on(Point::StartTls, refuses)).await;
        let mut config = Config::default();
        config.next_hop.address = Some(sink.address().to_string().parse().unwrap());
        for (tls, level, text) in [
            (HopTls::Opportunistic, Level::Warning, "in clear"),
            (HopTls::Required, Level::Broken, "no TLS"),
            (HopTls::None, Level::Ok, "answers, no TLS"),
        ] {
            config.next_hop.tls = tls;
            let found = next_hops(&config).await;
            assert!(found.len() == 1 && found[0].level == level && found[0].text.contains(text), "{found:?}");
        }
    }

    #[tokio::test]
    async fn the_socket_of_a_milter_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("milter.sock");
        let listen = SocketAddress::Unix(path.clone());
        assert_eq!(takes(&listen, false).await.level, Level::Ok, "it can be made");
        assert_eq!(takes(&listen, true).await.level, Level::Broken, "nobody listens");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_eq!(takes(&listen, true).await.level, Level::Ok);
        let other = SocketAddress::Unix(dir.path().join("no/milter.sock"));
        assert_eq!(takes(&other, false).await.level, Level::Broken);
    }
}
