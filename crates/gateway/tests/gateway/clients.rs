//! Clients with certificates of theirs, next hops that ask for ours or take us for the client, and sockets in the
//! file system.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use rustls::ClientConfig;
use settings::config::{AddReceived, ClientCertificate, ClientInfo, ClientTrust, HopTls, OfferAuth, Protocol};
use settings::values::{FileMode, HopPlace, SocketAddress};
use testkit::tls::{Authority, Identity, client_with, trusting_client};
use testkit::{Behaviour, Client, Sink, sample};

use crate::node::{Node, Setup};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    who_must_show_a_certificate_that_we_know_sends_nothing_without,
    who_may_come_without_a_certificate_does,
    a_certificate_makes_a_client_one_of_our_own,
    a_certificate_makes_a_client_a_relay,
    a_next_hop_that_asks_for_our_certificate_gets_it,
    a_next_hop_takes_us_for_the_client_where_it_is_to,
    a_next_hop_is_told_of_clients_only_what_it_is_to_hear,
    a_next_hop_that_does_not_take_the_client_gets_no_mail_of_it,
    mail_comes_and_goes_through_sockets_in_the_file_system,
];

const TO: &[&str] = &["bob@example.com"];

/// A node that asks clients for certificates by this authority, for names below `example.org`.
fn asking(authority: &Authority, how: ClientCertificate) -> Setup {
    let setup = Setup::new().certificate();
    let file = setup.scratch().join("clients.pem");
    std::fs::write(&file, authority.certificate()).expect("written");
    setup.config(|c| {
        c.hostname = "behind.example.com".to_owned();
        c.smtp[0].client_certificate = how;
        c.smtp[0].client_ca_file = Some(file);
        c.smtp[0].client_names = vec!["*.example.org".parse().expect("a mask")];
        c.smtp[0].add_received = AddReceived::Always;
    })
}

/// The messages that a sink has, each as one text without folded lines.
fn texts(sink: &Sink) -> Vec<String> {
    let text = |content: &[u8]| String::from_utf8_lossy(content).replace("\r\n ", " ");
    sink.messages().iter().map(|message| text(&message.content)).collect()
}

/// Whether something with this field was logged since the test began.
fn logged_with(field: &str, value: &str) -> bool {
    format!("{:?}", logged::all()).contains(&format!("\"{field}\": \"{value}\""))
}

async fn secure(node: &Node, config: Arc<ClientConfig>) -> Client {
    let mut client = node.client().await;
    client.start_tls_with(config).await;
    client
}

async fn who_must_show_a_certificate_that_we_know_sends_nothing_without() {
    let sink = Sink::start(Behaviour::accept().extension("AUTH PLAIN")).await;
    let authority = Authority::new("ours");
    let setup = asking(&authority, ClientCertificate::Require).config(|c| c.smtp[0].auth = OfferAuth::Always);
    let node = setup.start(&sink).await;
    let mut client = node.client().await;
    let reply = client.command("MAIL FROM:<alice@example.org>", 530).await;
    assert_eq!(reply.lines, ["5.7.0 Must issue a STARTTLS command first"]);
    let refused = [
        (trusting_client(), "no client certificate was shown"),
        (
            client_with(&Authority::new("theirs").issue(&["relay.example.org"])),
            "the client certificate is not known here",
        ),
        (client_with(&authority.issue(&["relay.example.net"])), "the client certificate is not known here"),
        (client_with(&Identity::new(&["relay.example.org"])), "the client certificate is not known here"),
    ];
    for (config, why) in refused {
        let mut client = node.client().await;
        let offer = client.start_tls_with(config).await;
        assert!(!offer.offers("AUTH"), "nobody tries out passwords");
        let reply = client.command("MAIL FROM:<alice@example.org>", 550).await;
        assert_eq!(reply.text(), format!("5.7.0 Not allowed here: {why}"));
    }
    assert!(sink.lines().iter().all(|line| !line.starts_with("MAIL")));
    let mut client = secure(&node, client_with(&authority.issue(&["relay.example.org"]))).await;
    client.deliver("alice@example.org", TO, &sample::clean("known")).await.expect("taken");
    client.quit().await;
    let content = texts(&sink).remove(0);
    assert!(content.contains(" with ESMTPS (client certificate relay.example.org) id "), "{content}");
    assert!(logged_with("certificate", "relay.example.org"), "{:?}", logged::all());
    let text = node.service.metrics().text();
    for (result, count) in [("none", 1), ("unknown", 3), ("known", 1)] {
        let line = format!("mailward_client_certificates_total{{result=\"{result}\"}} {count}");
        assert!(text.contains(&line), "{text}");
    }
}

async fn who_may_come_without_a_certificate_does() {
    let sink = Sink::start(Behaviour::accept()).await;
    let authority = Authority::new("ours");
    let node = asking(&authority, ClientCertificate::Ask).start(&sink).await;
    let mut client = node.client().await;
    client.deliver("alice@example.org", TO, &sample::clean("in clear")).await.expect("taken");
    let strange = client_with(&Identity::new(&["relay.example.org"]));
    for config in [trusting_client(), strange, client_with(&authority.issue(&["relay.example.org"]))] {
        let mut client = secure(&node, config).await;
        client.deliver("alice@example.org", TO, &sample::clean("over TLS")).await.expect("taken");
        client.quit().await;
    }
    let with: Vec<bool> =
        texts(&sink).iter().map(|text| text.contains("(client certificate relay.example.org)")).collect();
    assert_eq!(with, [false, false, false, true], "only one that we know stands in the header");
}

async fn a_certificate_makes_a_client_one_of_our_own() {
    let sink = Sink::start(Behaviour::accept()).await;
    let authority = Authority::new("ours");
    let setup = asking(&authority, ClientCertificate::Ask).config(|c| c.smtp[0].client_trust = ClientTrust::Client);
    let node = setup.start(&sink).await;
    let out = &["carol@example.net"];
    for (config, direction) in
        [(trusting_client(), "incoming"), (client_with(&authority.issue(&["app.example.org"])), "outgoing")]
    {
        logged::clear();
        let mut client = secure(&node, config).await;
        client.deliver("bob@example.com", out, &sample::clean("a newsletter")).await.expect("taken");
        client.quit().await;
        assert!(logged_with("direction", direction), "{:?}", logged::all());
    }
}

async fn a_certificate_makes_a_client_a_relay() {
    let sink = Sink::start(Behaviour::accept()).await;
    let authority = Authority::new("ours");
    let setup = asking(&authority, ClientCertificate::Ask).config(|c| c.smtp[0].client_trust = ClientTrust::Relay);
    let node = setup.start(&sink).await;
    let mut client = node.client().await;
    assert!(!client.start_tls().await.offers("XFORWARD"));
    client.command("XFORWARD ADDR=203.0.113.9", 550).await;
    let mut client = node.client().await;
    let offer = client.start_tls_with(client_with(&authority.issue(&["relay.example.org"]))).await;
    assert!(offer.offers("XFORWARD") && offer.offers("XCLIENT"));
    client.command("XFORWARD ADDR=203.0.113.9", 250).await;
    client.deliver("alice@example.org", TO, &sample::clean("of a client")).await.expect("taken");
    client.quit().await;
    assert!(logged_with("peer", "203.0.113.9"), "{:?}", logged::all());
    // Whom it asks to be taken for is no relay because it is one.
    let mut client = secure(&node, client_with(&authority.issue(&["relay.example.org"]))).await;
    client.command("XCLIENT ADDR=203.0.113.9", 220).await;
    assert!(!client.command("EHLO far.example.net", 250).await.offers("XCLIENT"));
}

async fn a_next_hop_that_asks_for_our_certificate_gets_it() {
    let sink = Sink::start(Behaviour::accept()).await;
    let authority = Authority::new("ours");
    let behind = asking(&authority, ClientCertificate::Require).start(&sink).await;
    let without = Setup::new().config(|c| c.next_hop.tls = HopTls::Required).start_before(behind.address).await;
    assert_eq!(without.send(&sample::clean("refused")).await.code, 550);
    let setup = Setup::new().config(|c| c.next_hop.tls = HopTls::Required);
    let (certificate, key) = authority.issue(&["front.example.org"]).write(setup.scratch());
    let setup = setup.config(|c| (c.next_hop.certificate, c.next_hop.key) = (Some(certificate), Some(key)));
    let with = setup.start_before(behind.address).await;
    assert_eq!(with.send(&sample::clean("taken")).await.code, 250);
    let content = texts(&sink).remove(0);
    assert!(content.contains("(client certificate front.example.org)"), "{content}");
}

/// A relay's session that speaks for somebody, and what the node behind the node says of it in its log.
async fn speaks_for(info: ClientInfo) -> (String, Vec<String>) {
    let sink = Sink::start(Behaviour::accept().extension("XFORWARD NAME ADDR PORT PROTO HELO")).await;
    let behind = Setup::new().relays(&["127.0.0.0/8"]).config(|c| {
        c.hostname = "behind.example.com".to_owned();
        c.smtp[0].add_received = AddReceived::Always;
    });
    let behind = behind.start(&sink).await;
    let setup = Setup::new().relays(&["127.0.0.0/8"]).config(|c| c.next_hop.client_info = info);
    let node = setup.start_before(behind.address).await;
    let mut client = node.client().await;
    for (address, name) in [("203.0.113.9", "far.example.net"), ("IPV6:2001:db8::7", "six.example.net")] {
        client.command(&format!("XFORWARD ADDR={address} NAME={name} HELO=helo.{name}"), 250).await;
        client.deliver("alice@example.org", TO, &sample::clean("of a client")).await.expect("taken");
    }
    client.quit().await;
    let received = texts(&sink).remove(1);
    (received, sink.lines().into_iter().filter(|line| line.starts_with("XFORWARD")).collect())
}

async fn a_next_hop_takes_us_for_the_client_where_it_is_to() {
    let (received, told) = speaks_for(ClientInfo::Xclient).await;
    // It is the client's session for the next hop, as if it had connected itself.
    assert!(received.contains("([IPv6:2001:db8::7]) by behind.example.com"), "{received}");
    assert!(told.iter().any(|line| line.contains("ADDR=203.0.113.9")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("HELO=helo.six.example.net")), "{told:?}");
}

async fn a_next_hop_is_told_of_clients_only_what_it_is_to_hear() {
    let (received, told) = speaks_for(ClientInfo::Xforward).await;
    assert!(received.contains("([127.0.0.1]) by behind.example.com"), "{received}");
    assert!(told.iter().any(|line| line.contains("ADDR=IPV6:2001:db8::7")), "{told:?}");
    let (_, told) = speaks_for(ClientInfo::None).await;
    assert!(told.iter().all(|line| line.contains("ADDR=127.0.0.1")), "{told:?}");
}

async fn a_next_hop_that_does_not_take_the_client_gets_no_mail_of_it() {
    let sink = Sink::start(Behaviour::accept()).await;
    let behind = Setup::new().relays(&["127.0.0.0/8"]).policy(|p| {
        p.before.deny_clients = vec!["203.0.113.0/24".parse().expect("a network")];
    });
    let behind = behind.config(|c| c.hostname = "behind.example.com".to_owned()).start(&sink).await;
    let setup = Setup::new().relays(&["127.0.0.0/8"]).config(|c| c.next_hop.client_info = ClientInfo::Xclient);
    let node = setup.start_before(behind.address).await;
    let mut client = node.client().await;
    client.command("XFORWARD ADDR=203.0.113.9", 250).await;
    let refusal = client.deliver("alice@example.org", TO, &sample::clean("refused")).await.expect_err("refused");
    assert!((500..600).contains(&refusal.code), "{refusal:?}");
    client.command("XFORWARD ADDR=192.0.2.9", 250).await;
    client.deliver("alice@example.org", TO, &sample::clean("taken")).await.expect("taken");
    assert_eq!(sink.messages().len(), 1);
}

async fn mail_comes_and_goes_through_sockets_in_the_file_system() {
    let sink = Sink::start(Behaviour::accept()).await;
    let dir = tempfile::tempdir().expect("a directory");
    let place = |name: &str| dir.path().join(name);
    let behind = Setup::new().config(|c| {
        c.hostname = "behind.example.com".to_owned();
        c.smtp[0].listen = SocketAddress::Unix(place("behind"));
        c.smtp[0].protocol = Protocol::Lmtp;
        c.smtp[0].add_received = AddReceived::Always;
        c.smtp[0].socket_mode = FileMode(0o600);
    });
    let _behind = behind.start(&sink).await;
    let mode = std::fs::metadata(place("behind")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let front = Setup::new().config(|c| {
        c.smtp[0].listen = SocketAddress::Unix(place("front"));
        c.next_hop.protocol = Protocol::Lmtp;
    });
    let node = front.start_before_place(HopPlace::Unix(place("behind"))).await;
    let mut client = Client::connect_unix(&place("front")).await;
    client.expect(220).await;
    client.command("EHLO client.example.org", 250).await;
    client.deliver("alice@example.org", TO, &sample::clean("through sockets")).await.expect("taken");
    client.quit().await;
    let content = texts(&sink).remove(0);
    assert!(content.contains("([127.0.0.1]) by behind.example.com (Mailward) with LMTP id "), "{content}");
    let name = format!("hop=\"unix:{}\"", place("behind").display());
    assert!(node.service.metrics().text().contains(&name));
    // Without anybody there the sender is asked to come again.
    let nowhere = Setup::new().start_before_place(HopPlace::Unix(place("nobody"))).await;
    let mut client = Client::connect(nowhere.address).await;
    client.expect(220).await;
    client.command("EHLO client.example.org", 421).await;
}
