//! Mail to the servers that the DNS names, with the TLS that their zones and policies ask for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use net::Resolver;
use net::certificates::{Chooser, Held};
use net::upstream::Hop;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use service::direct::Finder;
use service::routes::{Route, Target};
use service::sts;
use settings::config::{Dns, HopTls};
use settings::values::{DnsServer as ServerAddress, HostPort};
use store::{Options, Store};
use testkit::tls::Identity;
use testkit::{Action, Behaviour, DnsServer, Point, Sink, sample};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::node::{Setup, hop_to};
use crate::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    mail_goes_to_the_servers_of_the_recipients_domain,
    dane_takes_only_the_certificate_in_the_zone,
    dane_counts_only_where_the_zone_is_signed,
    a_policy_that_is_enforced_holds_and_one_in_testing_does_not,
    a_policy_is_fetched_once_and_outlives_a_restart_and_its_server,
    servers_of_the_dns_are_not_down_because_nobody_takes_mail,
    strangers_hear_nothing_of_clients_and_are_not_this_machine,
    what_has_to_be_verified_never_goes_in_clear,
    a_slow_server_of_the_dns_has_its_time,
    a_silent_first_server_of_a_domain_does_not_hide_the_others,
    tls_that_is_offered_and_refused_is_tls_that_failed,
];

const LIMIT: Duration = Duration::from_secs(20);

/// Who asks this DNS. Issuers of certificates are those in the file, or the system's.
fn finder(dns: &DnsServer, policies: sts::Finder, issuers: Option<&Path>) -> Finder {
    let config = Dns { servers: vec![ServerAddress(dns.address())], trust_ad: true, ..Dns::default() };
    let verified = net::tls::client_config(true, issuers, None).expect("there are issuers");
    Finder::new(Resolver::new(&config, Arc::default()), policies, verified)
}

/// How to speak with servers of each recipient's domain, at the port of this sink.
fn open_hop(sink: &Sink, tls: HopTls) -> Hop {
    let mut hop = hop_to(sink.address());
    hop.address = HostPort { host: String::new(), port: sink.address().port() }.into();
    (hop.tls, hop.hostname) = (tls, "mx.example.com".to_owned());
    hop
}

fn route_by(finder: Finder, hop: Hop) -> Route {
    Route::new("direct", Vec::new(), None, vec![Target::of_domain(hop, 10, 1)]).with(Some(Arc::new(finder)))
}

/// A route to the servers of each recipient's domain, at the port of this sink.
fn route(dns: &DnsServer, sink: &Sink, tls: HopTls, policies: sts::Finder) -> Route {
    route_by(finder(dns, policies, None).with_local_servers(), open_hop(sink, tls))
}

fn no_policies() -> sts::Finder {
    sts::Finder::new(None, None).expect("the system has issuers")
}

/// The sink's certificate as TLSA data: all of it, and its key.
fn tlsa(sink: &Sink) -> (String, String) {
    let der = CertificateDer::from_pem_slice(sink.certificate().as_bytes()).expect("a certificate");
    let key = wire::certificate::read(&der).expect("a certificate").key;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    (hex(&der), hex(&der[key]))
}

async fn mail_goes_to_the_servers_of_the_recipients_domain() {
    let sink = Sink::start(Behaviour::accept()).await;
    let dns = DnsServer::start(
        "example.net MX 10 dead.example.net\nexample.net MX 20 mx.example.net\ndead.example.net A 127.0.0.9\n\
         mx.example.net A 127.0.0.1\nplain.example A 127.0.0.1\nnull.example MX 0 .\n\
         ours.example MX 10 mx.example.com\nours.example MX 20 mx.example.net\nbehind.example MX 5 mx.example.net\n\
         behind.example MX 10 MX.example.com\n",
    )
    .await;
    let node = Setup::untouched().through(route(&dns, &sink, HopTls::None, no_policies())).start(&sink).await;
    let mut client = node.client().await;
    for (domain, code) in [
        ("null.example", 556),
        ("nothing.example", 556),
        ("ours.example", 554),
        ("example.net", 250),
        ("plain.example", 250),
        ("behind.example", 250),
    ] {
        client.command("MAIL FROM:<alice@example.com>", 250).await;
        client.command(&format!("RCPT TO:<bob@{domain}>"), code).await;
        client.command("RSET", 250).await;
    }
    let to = ["bob@example.net", "carl@plain.example", "dora@EXAMPLE.net"];
    client.deliver("alice@example.com", &to, &sample::clean("direct")).await.expect("taken");
    client.quit().await;
    let mut got: Vec<Vec<String>> =
        sink.messages().iter().map(|m| m.addresses().iter().map(|a| (*a).to_owned()).collect()).collect();
    got.sort();
    assert_eq!(got, [vec!["bob@example.net", "dora@EXAMPLE.net"], vec!["carl@plain.example"]], "one each domain");
    let text = node.service.metrics().text();
    assert!(text.contains("hop=\"mx\"") && !text.contains("plain.example"), "figures name no domain: {text}");
}

async fn dane_takes_only_the_certificate_in_the_zone() {
    let sink = Sink::start(Behaviour::accept().extension("STARTTLS")).await;
    let (whole, key) = tlsa(&sink);
    let port = sink.port();
    for (record, code) in [
        (format!("3 0 0 {whole}"), 250),
        (format!("3 1 0 {key}"), 250),
        (format!("3 1 0 {whole}"), 451),
        (format!("3 1 1 {}", "00".repeat(32)), 451),
        // It is below itself, and not for this name.
        (format!("2 0 0 {whole}"), 451),
        // Of no use, but it says that there is TLS.
        (format!("1 0 0 {whole}"), 250),
    ] {
        sink.clear();
        let zone = format!(
            "example.net MX 10 mx.example.net\nmx.example.net A 127.0.0.1\n_{port}._tcp.mx.example.net TLSA {record}\n"
        );
        let dns = DnsServer::start(&zone).await;
        dns.authenticated(true);
        let node = Setup::untouched().through(route(&dns, &sink, HopTls::Dane, no_policies())).start(&sink).await;
        let mut client = node.client().await;
        client.command("MAIL FROM:<alice@example.com>", 250).await;
        client.command("RCPT TO:<bob@example.net>", code).await;
        client.command("RSET", 250).await;
        if code == 250 {
            client.deliver("alice@example.com", &["bob@example.net"], &sample::clean("dane")).await.expect("taken");
            assert!(sink.messages()[0].tls, "{record:.20}");
        } else {
            assert!(sink.lines().iter().all(|line| line.starts_with("EHLO") || line == "STARTTLS"), "{record:.20}");
            assert!(node.service.metrics().text().contains("policy=\"dane\",result=\"failed\""));
        }
        client.quit().await;
    }
}

async fn dane_counts_only_where_the_zone_is_signed() {
    let sink = Sink::start(Behaviour::accept().extension("STARTTLS")).await;
    let wrong = "00".repeat(32);
    let port = sink.port();
    let zone = format!(
        "example.net MX 10 mx.example.net\nmx.example.net A 127.0.0.1\n_{port}._tcp.mx.example.net TLSA 3 1 1 {wrong}\n"
    );
    let dns = DnsServer::start(&zone).await;
    for (tls, code) in [(HopTls::Dane, 250), (HopTls::DaneOnly, 451)] {
        let node = Setup::untouched().through(route(&dns, &sink, tls, no_policies())).start(&sink).await;
        let mut client = node.client().await;
        client.command("MAIL FROM:<alice@example.com>", 250).await;
        client.command("RCPT TO:<bob@example.net>", code).await;
        client.quit().await;
    }
    // Servers of such zones may fail at questions about them (RFC 7672 section 2.2.2).
    assert!(!dns.asked().iter().any(|question| question.ends_with("TLSA")), "{:?}", dns.asked());
    // A domain that is its own server needs no MX record to be signed.
    dns.set(&format!("alone.example A 127.0.0.1\n_{port}._tcp.alone.example TLSA 3 1 1 {wrong}\n"));
    dns.authenticated(true);
    let node = Setup::untouched().through(route(&dns, &sink, HopTls::Dane, no_policies())).start(&sink).await;
    let mut client = node.client().await;
    client.command("MAIL FROM:<alice@example.com>", 250).await;
    client.command("RCPT TO:<bob@alone.example>", 451).await;
    client.quit().await;
}

/// Serves one policy over HTTPS for ever.
async fn policy_server(text: String) -> (HostPort, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let (certificate, key) = Identity::new(&["mta-sts.example.net"]).write(dir.path());
    let held = Held::load(&certificate, &key).expect("a certificate");
    let config = net::tls::server_config(Chooser::new(held, Vec::new()), None).expect("settings");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut stream) = net::Stream::from(tcp).accept_tls(Arc::clone(&config), LIMIT).await else { continue };
            let mut request = [0; 2048];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&request[..read]).into_owned();
            let right = head.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n")
                && head.to_lowercase().contains("host: mta-sts.example.net\r\n");
            let status = if right { "200 OK" } else { "404 Not Found" };
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                text.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (HostPort { host: "127.0.0.1".to_owned(), port }, dir)
}

async fn a_policy_that_is_enforced_holds_and_one_in_testing_does_not() {
    let sink = Sink::start(Behaviour::accept().extension("STARTTLS")).await;
    let zone = "example.net MX 10 mx.example.net\nmx.example.net A 127.0.0.1\n_mta-sts.example.net TXT \"v=STSv1; id=1;\"\n\
                none.example MX 10 mx.example.net\n";
    let dns = DnsServer::start(zone).await;
    let policy =
        |mode: &str, server: &str| format!("version: STSv1\r\nmode: {mode}\r\nmx: {server}\r\nmax_age: 86400\r\n");
    for (text, code) in [
        (policy("testing", "other.example.net"), 250),
        (policy("none", "other.example.net"), 250),
        (policy("enforce", "other.example.net"), 451),
        // The right name, and a certificate that nobody knows.
        (policy("enforce", "mx.example.net"), 451),
        ("no policy at all".to_owned(), 250),
    ] {
        sink.clear();
        let (to, dir) = policy_server(text.clone()).await;
        let policies = sts::Finder::new(None, Some(&dir.path().join("cert.pem"))).expect("an issuer").through(to);
        let node = Setup::untouched().through(route(&dns, &sink, HopTls::MtaSts, policies)).start(&sink).await;
        let mut client = node.client().await;
        client.command("MAIL FROM:<alice@example.com>", 250).await;
        client.command("RCPT TO:<bob@example.net>", code).await;
        client.command("RCPT TO:<bob@none.example>", 250).await;
        client.quit().await;
        let told = sink.lines().iter().any(|line| line.contains("bob@example.net"));
        assert_eq!(told, code == 250, "{text}");
    }
}

async fn a_policy_is_fetched_once_and_outlives_a_restart_and_its_server() {
    let identity = Identity::new(&["mx.example.net"]);
    let sink = Sink::start_as(identity.clone(), Behaviour::accept().extension("STARTTLS")).await;
    let announced =
        "example.net MX 10 mx.example.net\nmx.example.net A 127.0.0.1\n_mta-sts.example.net TXT \"v=STSv1; id=1;\"\n";
    let dns = DnsServer::start(announced).await;
    let place = tempfile::tempdir().expect("a directory");
    let (issuer, _) = identity.write(place.path());
    let store = Store::open(&place.path().join("data"), Options { create: true }).expect("a store");
    let text = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.net\r\nmax_age: 864000\r\n".to_owned();
    let (to, policy) = policy_server(text).await;
    let nobody = HostPort { host: "127.0.0.1".to_owned(), port: 9 };
    // The second finder knows only what the first has kept; the third meets a record that is gone, too.
    for (at, host) in [to, nobody.clone(), nobody].into_iter().enumerate() {
        if at == 2 {
            dns.set("example.net MX 10 mx.example.net\nmx.example.net A 127.0.0.1\n");
        }
        let policies = sts::Finder::new(Some(store.clone()), Some(&policy.path().join("cert.pem")));
        let policies = policies.expect("an issuer").through(host);
        for (issuer, code) in [(Some(issuer.as_path()), 250), (None, 451)] {
            let finder = finder(&dns, policies.clone(), issuer).with_local_servers();
            let route = route_by(finder, open_hop(&sink, HopTls::MtaSts));
            let node = Setup::untouched().through(route).start(&sink).await;
            let mut client = node.client().await;
            client.command("MAIL FROM:<alice@example.com>", 250).await;
            client.command("RCPT TO:<bob@example.net>", code).await;
            client.quit().await;
            let text = node.service.metrics().text();
            assert_eq!(text.contains("result=\"verified\""), code == 250, "{at}: {text}");
        }
    }
}

async fn servers_of_the_dns_are_not_down_because_nobody_takes_mail() {
    let sink = Sink::start(Behaviour::accept()).await;
    let zone = "null.example MX 0 .\nxn--bcher-kva.example MX 10 mx.example.net\nmx.example.net A 127.0.0.1\n";
    let dns = DnsServer::start(zone).await;
    let node = Setup::untouched().through(route(&dns, &sink, HopTls::None, no_policies())).start(&sink).await;
    let mut client = node.client().await;
    client.command("MAIL FROM:<alice@example.com>", 250).await;
    client.command("RCPT TO:<bob@null.example>", 556).await;
    client.quit().await;
    let routes = node.service.current().routes.load_full();
    assert!(routes.all().iter().flat_map(|route| &route.targets).all(Target::is_up), "nothing has failed");
    let text = node.service.metrics().text();
    assert!(!text.contains("hop_up{route=\"direct\""), "one figure for all domains: {text}");
    // A name in its own letters is asked for as the DNS has it.
    let to = mail::address::Address::parse("bob@b\u{fc}cher.example").expect("an address");
    let route = routes.find(&to, mail::arrival::Direction::Outgoing).expect("a route");
    let until = tokio::time::Instant::now() + LIMIT;
    let opened = service::routes::open(&route, node.service.metrics(), until).await;
    opened.expect("its server is found").quit().await;
}

async fn strangers_hear_nothing_of_clients_and_are_not_this_machine() {
    let sink = Sink::start(Behaviour::accept().extension("AUTH PLAIN")).await;
    let dns = DnsServer::start("example.net MX 10 mx.example.net\nmx.example.net A 127.0.0.1\n").await;
    for domain in ["", "example.net"] {
        sink.clear();
        let mut hop = open_hop(&sink, HopTls::None);
        hop.address = HostPort { host: domain.to_owned(), port: hop.address.port() }.into();
        let by = route_by(finder(&dns, no_policies(), None).with_local_servers(), hop);
        let node = Setup::untouched().through(by).relays(&["127.0.0.1/32"]).start(&sink).await;
        let mut client = node.client().await;
        let offered = client.command("EHLO relay.example.com", 250).await;
        assert!(!format!("{offered:?}").contains("AUTH"), "{offered:?}");
        client.command("XFORWARD ADDR=192.0.2.7 NAME=client.example.com", 250).await;
        client.deliver("alice@example.com", &["bob@example.net"], &sample::clean("direct")).await.expect("taken");
        client.quit().await;
        let said = sink.lines();
        assert!(said.iter().any(|line| line.starts_with("RCPT")), "{said:?}");
        assert!(!said.iter().any(|line| line.starts_with("XFORWARD") || line.starts_with("AUTH")), "{said:?}");
    }
    let before = sink.connections();
    let by = route_by(finder(&dns, no_policies(), None), open_hop(&sink, HopTls::None));
    let node = Setup::untouched().through(by).start(&sink).await;
    let mut client = node.client().await;
    client.command("MAIL FROM:<alice@example.com>", 250).await;
    client.command("RCPT TO:<bob@example.net>", 451).await;
    client.quit().await;
    assert_eq!(sink.connections(), before, "an MX record leads nobody to this machine");
}

async fn what_has_to_be_verified_never_goes_in_clear() {
    let zone = "example.net MX 10 mx.example.net\nmx.example.net A 127.0.0.1\n";
    for offers in [&["STARTTLS"][..], &[]] {
        let sink = Sink::start(Behaviour::accept().extensions(offers)).await;
        let dns = DnsServer::start(zone).await;
        for tls in [HopTls::Dane, HopTls::MtaSts] {
            for (verify, code) in [(false, 250), (true, 451)] {
                let mut hop = open_hop(&sink, tls);
                hop.verify = verify;
                hop.tls_config = net::tls::client_config(verify, None, None).expect("there are issuers");
                let by = route_by(finder(&dns, no_policies(), None).with_local_servers(), hop);
                let node = Setup::untouched().through(by).start(&sink).await;
                let mut client = node.client().await;
                client.command("MAIL FROM:<alice@example.com>", 250).await;
                client.command("RCPT TO:<bob@example.net>", code).await;
                client.quit().await;
            }
        }
    }
}

async fn a_slow_server_of_the_dns_has_its_time() {
    // Longer than the policy gives a decision.
    let slow = Action::Delay(Duration::from_secs(10));
    let sink = Sink::start(Behaviour::accept().on(Point::End, slow)).await;
    let dns = DnsServer::start("example.net MX 10 mx.example.net\nmx.example.net A 127.0.0.1\n").await;
    let by = route(&dns, &sink, HopTls::None, no_policies());
    let node = Setup::untouched().deadline(8_000).through(by).start(&sink).await;
    let mut client = node.client().await;
    client.deliver("alice@example.com", &["bob@example.net"], &sample::clean("slow")).await.expect("taken");
    client.quit().await;
    assert_eq!(sink.count(), 1);
}

async fn a_silent_first_server_of_a_domain_does_not_hide_the_others() {
    let sink = Sink::start(Behaviour::accept()).await;
    // It takes connections, and never says a word.
    let silent = tokio::net::TcpListener::bind(("127.0.0.9", sink.port())).await.expect("a port");
    let dns = DnsServer::start(
        "example.net MX 10 silent.example.net\nexample.net MX 20 mx.example.net\nsilent.example.net A 127.0.0.9\n\
         mx.example.net A 127.0.0.1\n",
    )
    .await;
    let mut hop = open_hop(&sink, HopTls::None);
    hop.connect_timeout = Duration::from_secs(3);
    let by = route_by(finder(&dns, no_policies(), None).with_local_servers(), hop);
    let node = Setup::untouched().through(by).start(&sink).await;
    let mut client = node.client().await;
    client.timeout = Duration::from_secs(60);
    client.deliver("alice@example.com", &["bob@example.net"], &sample::clean("direct")).await.expect("taken");
    client.quit().await;
    assert_eq!(sink.count(), 1);
    drop(silent);
}

async fn tls_that_is_offered_and_refused_is_tls_that_failed() {
    let refuse =
        || Behaviour::accept().extension("STARTTLS").on(Point::StartTls, Action::Reply("454 4.7.0 Not now".to_owned()));
    for (verify, code, figure) in [(false, 250, "fell_back"), (true, 451, "failed")] {
        let sink = Sink::start(refuse()).await;
        let mut hop = hop_to(sink.address());
        (hop.tls, hop.verify) = (HopTls::Opportunistic, verify);
        hop.tls_config = net::tls::client_config(verify, None, None).expect("there are issuers");
        let route =
            Route::new("next", vec!["example.com".parse().expect("a mask")], None, vec![Target::new(hop, 10, 1)]);
        let node = Setup::untouched().through(route).start(&sink).await;
        let mut client = node.client().await;
        client.command("MAIL FROM:<alice@example.org>", 250).await;
        client.command("RCPT TO:<bob@example.com>", code).await;
        client.quit().await;
        let name = format!("mailward_hop_tls_total{{route=\"next\",policy=\"opportunistic\",result=\"{figure}\"}}");
        assert!(node.figure(&name) > 0.0, "{}", node.service.metrics().text());
    }
}
