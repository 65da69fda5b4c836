//! Who speaks, and over what: TLS on both sides, logins, relays that speak for their clients.

use std::net::SocketAddr;

use settings::config::{AddReceived, HopTls, OfferAuth};
use testkit::{Behaviour, Client, Point, Sink, sample};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::node::Setup;
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    a_client_may_use_tls,
    tls_may_begin_with_the_first_byte,
    what_comes_behind_starttls_in_clear_is_thrown_away,
    what_was_known_before_tls_is_forgotten,
    mail_outside_tls_is_refused_where_it_must_not_be,
    tls_to_the_next_hop_when_it_offers_it,
    no_mail_in_clear_where_tls_is_required,
    logins_pass_and_passwords_are_nowhere,
    a_login_that_fails_is_the_next_hops_answer,
    logins_are_offered_only_where_they_may_cross,
    a_relay_speaks_for_its_client,
    d20_an_address_that_only_received_names_is_no_trusted_one,
    a_stranger_speaks_for_nobody,
    a_relay_asks_to_be_taken_for_its_client,
    a_load_balancer_says_whom_it_speaks_for,
    a_load_balancer_without_a_header_is_not_heard,
];

const TO: &[&str] = &["bob@example.com"];

async fn a_client_may_use_tls() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().certificate().config(|c| c.smtp[0].add_received = AddReceived::Always);
    let node = setup.start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    assert!(client.command("EHLO client.example.org", 250).await.offers("STARTTLS"));
    let again = client.start_tls().await;
    assert!(!again.offers("STARTTLS"), "never offered again");
    client.command("STARTTLS", 503).await;
    client.deliver("alice@example.org", TO, &sample::clean("over TLS")).await.expect("taken");
    client.quit().await;
    let content = String::from_utf8(sink.messages()[0].content.clone()).expect("text");
    assert!(content.contains(" with ESMTPS id "), "{content}");
    // Without a certificate there is no STARTTLS.
    let node = Setup::new().start(&sink).await;
    let mut client = node.client().await;
    client.command("STARTTLS", 502).await;
}

async fn tls_may_begin_with_the_first_byte() {
    let sink = Sink::start(Behaviour::accept().extension("AUTH PLAIN")).await;
    let setup = Setup::new().certificate().config(|c| {
        c.smtp[0].implicit_tls = true;
        c.smtp[0].tls_required = true;
        c.smtp[0].add_received = AddReceived::Always;
    });
    let node = setup.start(&sink).await;
    let mut client = Client::connect_tls(node.address).await;
    client.expect(220).await;
    let offer = client.command("EHLO client.example.org", 250).await;
    assert!(!offer.offers("STARTTLS") && offer.offers("AUTH"), "{:?}", offer.lines);
    client.deliver("alice@example.org", TO, &sample::clean("over TLS")).await.expect("taken");
    client.quit().await;
    let content = String::from_utf8(sink.messages()[0].content.clone()).expect("text");
    assert!(content.contains(" with ESMTPS id "), "{content}");
    // Who speaks in clear hears nothing of SMTP.
    let mut plain = TcpStream::connect(node.address).await.expect("a connection");
    plain.write_all(b"EHLO client.example.org\r\n").await.expect("sent");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"220"), "{answer:?}");
}

/// A session in clear up to and including a STARTTLS that `behind` follows in the same packet; then
/// TLS, and what the server says to a MAIL without a greeting.
async fn inject(address: SocketAddr, before: &str, behind: &str) -> (String, Vec<String>) {
    let mut plain = TcpStream::connect(address).await.expect("a connection");
    let mut seen = String::new();
    read_until(&mut plain, &mut seen, "220 ").await;
    plain.write_all(before.as_bytes()).await.expect("sent");
    for _ in before.lines() {
        read_until(&mut plain, &mut seen, "250 ").await;
    }
    plain.write_all(format!("STARTTLS\r\n{behind}").as_bytes()).await.expect("sent");
    let mut answer = String::new();
    read_until(&mut plain, &mut answer, "220 ").await;
    let connector = tokio_rustls::TlsConnector::from(testkit::tls::trusting_client());
    let name = "localhost".try_into().expect("a name");
    let mut secure = connector.connect(name, plain).await.expect("TLS");
    let mut lines = Vec::new();
    for command in ["MAIL FROM:<alice@example.org>", "QUIT"] {
        secure.write_all(format!("{command}\r\n").as_bytes()).await.expect("sent");
        let mut reply = String::new();
        read_until(&mut secure, &mut reply, " ").await;
        lines.push(reply);
    }
    (answer, lines)
}

async fn read_until(stream: &mut (impl tokio::io::AsyncRead + Unpin), seen: &mut String, mark: &str) {
    let start = seen.len();
    loop {
        let last = seen[start..].lines().last().unwrap_or_default();
        if seen.ends_with("\r\n") && last.contains(mark) && seen.len() > start {
            return;
        }
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).await.expect("more");
        seen.push(char::from(byte[0]));
    }
}

async fn what_comes_behind_starttls_in_clear_is_thrown_away() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().certificate().start(&sink).await;
    let behind = "EHLO evil.example.org\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<victim@example.com>\r\n";
    let (answer, lines) = inject(node.address, "EHLO client.example.org\r\n", behind).await;
    assert_eq!(answer, "220 2.0.0 Ready to start TLS\r\n");
    assert_eq!(lines, ["503 5.5.1 Say EHLO first\r\n", "221 2.0.0 Bye\r\n"]);
    assert!(!sink.lines().iter().any(|line| line.contains("evil")), "{:?}", sink.lines());
}

async fn what_was_known_before_tls_is_forgotten() {
    let sink = Sink::start(Behaviour::accept().extension("AUTH PLAIN")).await;
    let node = Setup::new().certificate().relays(&["127.0.0.0/8"]).start(&sink).await;
    let mut client = node.client().await;
    client.command("XFORWARD ADDR=198.51.100.9 HELO=forged.example.org", 250).await;
    client.command("AUTH PLAIN AGFubmEAc2VjcmV0", 235).await;
    client.start_tls().await;
    client.deliver("alice@example.org", TO, &sample::clean("after")).await.expect("taken");
    client.quit().await;
    let line = logged::message().await;
    assert_eq!((line.get("peer"), line.get("helo")), ("127.0.0.1", "client.example.org"));
    let got = &sink.messages()[0];
    assert!(got.auth.is_empty() && got.session == 1, "the login went with the session: {:?}", got.auth);
    assert!(!got.xforward.iter().any(|x| x.contains("198.51.100.9")), "{:?}", got.xforward);
}

async fn mail_outside_tls_is_refused_where_it_must_not_be() {
    let sink = Sink::start(Behaviour::accept().extension("AUTH PLAIN")).await;
    let setup = Setup::new().certificate().config(|c| {
        c.smtp[0].tls_required = true;
        c.smtp[0].auth = OfferAuth::Always;
    });
    let node = setup.start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    let offer = client.command("EHLO client.example.org", 250).await;
    assert!(offer.offers("STARTTLS") && !offer.offers("AUTH"), "no password in clear either");
    client.command("AUTH PLAIN AGFubmEAc2VjcmV0", 502).await;
    let reply = client.command("MAIL FROM:<alice@example.org>", 530).await;
    assert_eq!(reply.lines, ["5.7.0 Must issue a STARTTLS command first"]);
    assert!(client.start_tls().await.offers("AUTH"));
    client.deliver("alice@example.org", TO, &sample::clean("now")).await.expect("taken");
    client.quit().await;
    assert_eq!(sink.lines().iter().filter(|line| line.starts_with("MAIL")).count(), 1);
}

async fn tls_to_the_next_hop_when_it_offers_it() {
    for (offered, wanted, used) in [
        (true, HopTls::Opportunistic, true),
        (false, HopTls::Opportunistic, false),
        (true, HopTls::Required, true),
        (true, HopTls::None, false),
    ] {
        let behaviour = Behaviour::accept();
        let sink = Sink::start(if offered { behaviour.extension("STARTTLS") } else { behaviour }).await;
        let node = Setup::untouched().config(|c| c.next_hop.tls = wanted).start(&sink).await;
        let mail = sample::sized("TLS", 300_000);
        assert_eq!(node.send(&mail).await.code, 250);
        let got = sink.messages();
        assert!(got[0].tls == used && got[0].content == mail, "{wanted:?}");
    }
}

async fn no_mail_in_clear_where_tls_is_required() {
    let refuses = Behaviour::accept().extension("STARTTLS").reply(Point::StartTls, "454 4.7.0 Not now");
    for behaviour in [Behaviour::accept(), refuses] {
        let sink = Sink::start(behaviour.extension("AUTH PLAIN")).await;
        let node = Setup::new().config(|c| c.next_hop.tls = HopTls::Required).start(&sink).await;
        let mut client = Client::connect(node.address).await;
        client.expect(220).await;
        client.command("EHLO client.example.org", 421).await;
        assert!(client.is_closed().await);
        let said: Vec<String> =
            sink.lines().into_iter().filter(|l| !l.starts_with("EHLO") && l != "STARTTLS").collect();
        assert!(said.is_empty(), "{said:?}");
    }
}

async fn logins_pass_and_passwords_are_nowhere() {
    let sink = Sink::start(Behaviour::accept().extension("AUTH PLAIN LOGIN")).await;
    let node = Setup::new().start(&sink).await;
    // anna, secret; in one line, with a challenge, and the two of LOGIN.
    let plain = "AGFubmEAc2VjcmV0";
    let ways: [&[(&str, u16)]; 3] = [
        &[("AUTH PLAIN AGFubmEAc2VjcmV0", 235)],
        &[("AUTH PLAIN", 334), (plain, 235)],
        &[("AUTH LOGIN", 334), ("YW5uYQ==", 334), ("c2VjcmV0", 235)],
    ];
    for way in ways {
        sink.clear();
        let mut client = node.client().await;
        for (line, code) in way {
            client.command(line, *code).await;
        }
        client.command("AUTH PLAIN AGFubmEAc2VjcmV0", 503).await;
        client.deliver("anna@example.com", &["carl@example.org"], &sample::clean("out")).await.expect("taken");
        client.quit().await;
        let expected: Vec<String> = way.iter().map(|(l, _)| l.strip_prefix("AUTH ").unwrap_or(l).to_owned()).collect();
        assert_eq!(sink.messages()[0].auth, expected);
    }
    // A login makes mail to somebody else's domain outgoing (D-20).
    assert!(logged::messages(3).await.iter().all(|line| line.get("direction") == "outgoing"));
    let everything = format!("{:?}", logged::all());
    for secret in ["secret", plain, "c2VjcmV0"] {
        assert!(!everything.contains(secret), "{secret} is in the log");
    }
}

async fn a_login_that_fails_is_the_next_hops_answer() {
    let sink = Sink::start(Behaviour::accept().extension("AUTH PLAIN").reply(Point::Auth, "535 5.7.8 Wrong")).await;
    let node = Setup::new().config(|c| c.limits.errors = 3).start(&sink).await;
    let mut client = node.client().await;
    for _ in 0..2 {
        assert_eq!(client.command("AUTH PLAIN AGFubmEAd3Jvbmc=", 535).await.lines, ["5.7.8 Wrong"]);
    }
    client.command("AUTH PLAIN AGFubmEAd3Jvbmc=", 421).await;
    assert!(client.is_closed().await);
    assert!(!format!("{:?}", logged::all()).contains("AGFubmEAd3Jvbmc="));
}

async fn logins_are_offered_only_where_they_may_cross() {
    let sink = Sink::start(Behaviour::accept().extension("AUTH PLAIN")).await;
    for (rule, offered) in [(OfferAuth::Tls, true), (OfferAuth::Always, true), (OfferAuth::Never, false)] {
        let node = Setup::new().config(|c| c.smtp[0].auth = rule).start(&sink).await;
        let mut client = Client::connect(node.address).await;
        client.expect(220).await;
        assert_eq!(client.command("EHLO a.example.org", 250).await.offers("AUTH"), offered, "{rule:?} on this machine");
        if !offered {
            client.command("AUTH PLAIN AGFubmEAc2VjcmV0", 502).await;
        }
    }
}

async fn a_relay_speaks_for_its_client() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().relays(&["127.0.0.0/8"]).config(|c| c.smtp[0].add_received = AddReceived::Auto);
    let node = setup.start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    assert!(client.command("EHLO relay.example.com", 250).await.offers("XFORWARD"));
    client.command("XFORWARD NAME=far.example.org ADDR=198.51.100.7 PORT=4711", 250).await;
    client.command("XFORWARD PROTO=ESMTP HELO=helo.example.org", 250).await;
    client.deliver("alice@example.org", TO, &sample::eicar_attached("first")).await.expect("taken");
    client.command("XFORWARD ADDR=IPV6:2001:db8::7", 250).await;
    client.deliver("alice@example.org", TO, &sample::clean("second")).await.expect("taken");
    // The relay's own: nothing of the client before it is left.
    client.deliver("alice@example.org", TO, &sample::clean("third")).await.expect("taken");
    client.quit().await;
    let lines = logged::messages(3).await;
    let who: Vec<(&str, &str)> = lines.iter().map(|l| (l.get("peer"), l.get("helo"))).collect();
    let own = ("127.0.0.1", "relay.example.com");
    assert_eq!(who, [("198.51.100.7", "helo.example.org"), ("2001:db8::7", "relay.example.com"), own]);
    assert_eq!(node.kept().0.entry.peer_ip, "198.51.100.7".parse().ok());
    let told = sink.messages().pop().expect("three").xforward;
    assert_eq!(told[0], "NAME=far.example.org PORT=4711 PROTO=ESMTP HELO=helo.example.org ADDR=198.51.100.7");
    assert_eq!(told[1], "ADDR=IPV6:2001:db8::7");
    assert!(told[2].ends_with("PROTO=ESMTP HELO=relay.example.com ADDR=127.0.0.1"), "{told:?}");
    assert_eq!(told.len(), 3);
    // The relay adds a Received header of its own where it speaks for others; else it is ours.
    let received: Vec<bool> = sink.messages().iter().map(|m| m.content.starts_with(b"Received: ")).collect();
    assert_eq!(received, [false, false, true]);
}

async fn d20_an_address_that_only_received_names_is_no_trusted_one() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().relays(&["127.0.0.0/8"]).trusted(&["192.0.2.0/24", "127.0.0.0/8"]);
    let node = setup.milter(|_| {}).start(&sink).await;
    let trace = "Received: from pc.example.com (pc.example.com [192.0.2.7]) by mx.example.com (Postfix) with ESMTP;\r\n \
                 Mon, 1 Jan 2024 00:00:00 +0000\r\n";
    let mail = [trace.as_bytes(), &sample::clean("x")].concat();
    let (bob, ann) = ("bob@example.com", "ann@example.com");
    // What the relay says counts, and so does what it is; what the message says of it does not.
    for (forward, content, peer, direction) in [
        (true, &mail, "192.0.2.7", "internal"),
        (false, &mail, "192.0.2.7", "incoming"),
        (false, &sample::clean("x"), "127.0.0.1", "internal"),
    ] {
        logged::clear();
        let mut client = node.client().await;
        if forward {
            client.command("XFORWARD ADDR=192.0.2.7", 250).await;
        }
        client.deliver(bob, &[ann], content).await.expect("taken");
        client.quit().await;
        let line = logged::message().await;
        let spam = if direction == "internal" { "skipped" } else { "clean" };
        assert_eq!((line.get("peer"), line.get("direction"), line.get("spam")), (peer, direction, spam));
    }
    for (content, direction) in [(mail, "incoming"), (sample::clean("x"), "internal")] {
        logged::clear();
        let mut mta = testkit::Mta::open(node.milter()).await;
        assert_eq!(mta.client("localhost", "127.0.0.1").await, None);
        mta.message(bob, &[ann], &content).await;
        assert!(mta.quit().await);
        assert_eq!(logged::message().await.get("direction"), direction, "behind a milter");
    }
}

async fn a_stranger_speaks_for_nobody() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().relays(&["192.0.2.0/24"]).start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    assert!(!client.command("EHLO evil.example.org", 250).await.offers("XFORWARD"));
    client.command("XFORWARD ADDR=192.0.2.1", 550).await;
    client.command("XCLIENT ADDR=192.0.2.1", 550).await;
    client.deliver("alice@example.org", TO, &sample::clean("x")).await.expect("taken");
    client.quit().await;
    assert_eq!(logged::message().await.get("peer"), "127.0.0.1");
    let told = &sink.messages()[0].xforward;
    assert!(told.len() == 1 && told[0].ends_with("HELO=evil.example.org ADDR=127.0.0.1"), "{told:?}");
}

async fn a_relay_asks_to_be_taken_for_its_client() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().relays(&["127.0.0.0/8"]).config(|c| c.smtp[0].add_received = AddReceived::Always);
    let node = setup.start(&sink).await;
    let mut client = node.client().await;
    client.command("XCLIENT ADDR=198.51.100.9 LOGIN=bob NAME=far.example.net", 220).await;
    client.command("MAIL FROM:<alice@example.org>", 503).await;
    let offer = client.command("EHLO far.example.net", 250).await;
    assert!(!offer.offers("XCLIENT") && !offer.offers("XFORWARD"), "the client may not: {:?}", offer.lines);
    client.command("XCLIENT ADDR=192.0.2.1", 550).await;
    client.deliver("alice@example.org", TO, &sample::clean("for its client")).await.expect("taken");
    client.quit().await;
    let line = logged::message().await;
    assert_eq!((line.get("peer"), line.get("helo")), ("198.51.100.9", "far.example.net"));
    let got = &sink.messages()[0];
    assert!(got.xforward.iter().any(|x| x.contains("ADDR=198.51.100.9")), "{:?}", got.xforward);
    let content = String::from_utf8_lossy(&got.content).replace("\r\n ", " ");
    assert!(content.contains("([198.51.100.9]) by mx.example.com (Mailward) with ESMTPA id "), "{content}");
    // Somebody whom the relay itself does not know is not the relay.
    let relay = Setup::new().relays(&["127.0.0.0/8"]).trusted(&["127.0.0.0/8"]);
    let node = relay.start(&sink).await;
    for addr in ["[UNAVAILABLE]", "[TEMPUNAVAIL]"] {
        logged::clear();
        let mut client = node.client().await;
        client.command(&format!("XCLIENT ADDR={addr}"), 220).await;
        assert!(!client.command("EHLO far.example.net", 250).await.offers("XCLIENT"), "{addr}");
        client.deliver("carl@example.com", &["bob@example.org"], &sample::clean("unknown")).await.expect("taken");
        client.quit().await;
        let line = logged::message().await;
        assert_eq!((line.get("peer"), line.get("direction")), ("-", "incoming"), "{addr}");
    }
    logged::clear();
    // Whoever it speaks for is refused as if it were here.
    let deny = Setup::new().relays(&["127.0.0.0/8"]);
    let deny = deny.policy(|p| p.before.deny_clients = vec!["198.51.100.0/24".parse().expect("a network")]);
    let node = deny.start(&sink).await;
    let mut client = node.client().await;
    client.command("XCLIENT ADDR=198.51.100.300", 501).await;
    client.command("XCLIENT ADDR=198.51.100.9", 554).await;
    assert!(client.is_closed().await);
    // A stranger is not offered it.
    let node = Setup::new().start(&sink).await;
    let mut client = node.client().await;
    client.command("XCLIENT ADDR=198.51.100.9", 550).await;
    client.quit().await;
}

fn behind_a_load_balancer() -> Setup {
    Setup::new().config(|c| {
        c.smtp[0].proxy_from = vec![settings::values::Network("127.0.0.0/8".parse().expect("a network"))];
        c.limits.connections_per_peer = 1;
    })
}

async fn a_load_balancer_says_whom_it_speaks_for() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = behind_a_load_balancer().certificate().start(&sink).await;
    let speak = async |header: &[u8]| {
        let mut client = Client::connect(node.address).await;
        client.send_bytes(header).await;
        client
    };
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    v2.extend([203, 0, 113, 9, 192, 0, 2, 1, 0xdc, 4, 0, 25]);
    for (header, peer) in
        [(b"PROXY TCP4 198.51.100.9 192.0.2.1 4711 25\r\n".as_slice(), "198.51.100.9"), (&v2, "203.0.113.9")]
    {
        logged::clear();
        let mut client = speak(header).await;
        client.expect(220).await;
        // Its client has one connection, and no more; another one has its own.
        let mut second = speak(header).await;
        second.expect(421).await;
        let mut other = speak(b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 25\r\n").await;
        other.expect(220).await;
        other.quit().await;
        client.command("EHLO client.example.org", 250).await;
        client.start_tls().await;
        client.deliver("alice@example.org", TO, &sample::clean("balanced")).await.expect("taken");
        client.quit().await;
        assert_eq!(logged::message().await.get("peer"), peer);
    }
    // Its own connections, to see whether we are there, are its own.
    let mut own = speak(b"PROXY UNKNOWN\r\n").await;
    own.expect(220).await;
    own.quit().await;
}

async fn a_load_balancer_without_a_header_is_not_heard() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = behind_a_load_balancer().start(&sink).await;
    for header in ["EHLO client.example.org\r\n", "PROXY TCP4 198.51.100.9 x 1 2\r\n"] {
        let mut client = Client::connect(node.address).await;
        client.send_bytes(header.as_bytes()).await;
        assert!(client.is_closed().await, "{header}");
    }
    assert!(sink.lines().is_empty());
    testkit::wait_until("no connection", testkit::PATIENCE, || node.figure("mailward_smtp_connections") == 0.0).await;
    // From anywhere else a header is not believed.
    let node = Setup::new().start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    client.command("PROXY TCP4 198.51.100.9 192.0.2.1 4711 25", 500).await;
    client.quit().await;
}
