//! Mail to the servers that the DNS names, with the TLS that their zones and policies ask for.

use std::sync::Arc;
use std::time::Duration;

use net::Resolver;
use net::certificates::{Chooser, Held};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use service::direct::Finder;
use service::routes::{Route, Target};
use service::sts;
use settings::config::{Dns, HopTls};
use settings::values::{DnsServer as ServerAddress, HostPort};
use testkit::tls::Identity;
use testkit::{Behaviour, DnsServer, Sink, sample};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::node::{Setup, hop_to};
use crate::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    mail_goes_to_the_servers_of_the_recipients_domain,
    dane_takes_only_the_certificate_in_the_zone,
    dane_counts_only_where_the_zone_is_signed,
    a_policy_that_is_enforced_holds_and_one_in_testing_does_not,
];

const LIMIT: Duration = Duration::from_secs(20);

/// A route to the servers of each recipient's domain, at the port of this sink.
fn route(dns: &DnsServer, sink: &Sink, tls: HopTls, policies: sts::Finder) -> Route {
    let config = Dns { servers: vec![ServerAddress(dns.address())], trust_ad: true, ..Dns::default() };
    let verified = net::tls::client_config(true, None).expect("the system has issuers");
    let finder = Finder::new(Resolver::new(&config, Arc::default()), policies, verified);
    let mut hop = hop_to(sink.address());
    (hop.address.host, hop.tls, hop.hostname) = (String::new(), tls, "mx.example.com".to_owned());
    Route::new("direct", Vec::new(), None, vec![Target::of_domain(hop, 10, 1)]).with(Some(Arc::new(finder)))
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
}

/// Serves one policy over HTTPS for ever.
async fn policy_server(text: String) -> (HostPort, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let (certificate, key) = Identity::new(&["mta-sts.example.net"]).write(dir.path());
    let held = Held::load(&certificate, &key).expect("a certificate");
    let config = net::tls::server_config(Chooser::new(held, Vec::new())).expect("settings");
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
