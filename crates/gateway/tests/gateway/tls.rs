//! Who must use TLS, what happens where it fails, and certificates that change.

use settings::config::HopTls;
use settings::values::Network;
use testkit::{Action, Behaviour, Client, Point, Sink, sample};

use crate::node::Setup;
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    listed_peers_and_senders_must_use_tls,
    who_is_not_listed_need_not_use_tls,
    a_next_hop_that_fails_at_tls_gets_mail_in_clear_where_that_was_allowed,
    a_next_hop_that_fails_at_tls_gets_nothing_where_it_was_required,
    a_reload_shows_the_new_certificate,
];

const TO: &[&str] = &["bob@example.com"];

async fn listed_peers_and_senders_must_use_tls() {
    let sink = Sink::start(Behaviour::accept()).await;
    let network = || Network("127.0.0.0/8".parse().expect("a network"));
    for (by_peer, senders) in
        [(true, &["x@anything.example", ""][..]), (false, &["x@bank.example", "x@a.BANK.example"])]
    {
        let setup = Setup::new().certificate().config(|c| match by_peer {
            true => c.tls.required_from = vec![network()],
            false => {
                c.tls.required_senders = ["bank.example", "*.bank.example"].map(|text| text.parse().unwrap()).to_vec();
            }
        });
        let node = setup.start(&sink).await;
        for sender in senders {
            sink.clear();
            let mut client = node.client().await;
            let reply = client.command(&format!("MAIL FROM:<{sender}>"), 530).await;
            assert_eq!(reply.lines, ["5.7.0 Must issue a STARTTLS command first"], "{sender}");
            assert!(sink.lines().iter().all(|line| !line.starts_with("MAIL")));
            client.start_tls().await;
            client.deliver(sender, TO, &sample::clean("over TLS")).await.expect("taken");
            client.quit().await;
            assert_eq!(sink.messages().len(), 1);
        }
    }
}

async fn who_is_not_listed_need_not_use_tls() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().certificate().config(|c| {
        c.tls.required_from = vec![Network("192.0.2.0/24".parse().expect("a network"))];
        c.tls.required_senders = vec!["bank.example".parse().expect("a domain")];
    });
    let node = setup.start(&sink).await;
    let mut client = node.client().await;
    for sender in ["alice@example.org", "alice@a.bank.example", "alice@notbank.example", ""] {
        client.deliver(sender, TO, &sample::clean("in clear")).await.expect("taken");
    }
    client.quit().await;
}

/// Says that it is ready for TLS, and is gone.
fn breaks() -> Behaviour {
    Behaviour::accept().extension("STARTTLS").on(Point::StartTls, Action::ReplyAndClose("220 2.0.0 Ready".to_owned()))
}

async fn a_next_hop_that_fails_at_tls_gets_mail_in_clear_where_that_was_allowed() {
    let sink = Sink::start(breaks()).await;
    let node = Setup::untouched().config(|c| c.next_hop.tls = HopTls::Opportunistic).start(&sink).await;
    let mail = sample::clean("in clear");
    assert_eq!(node.send(&mail).await.code, 250);
    let got = sink.messages();
    assert!(!got[0].tls && got[0].content == mail);
    assert!(format!("{:?}", logged::all()).contains("mail goes to it in clear"), "it is said");
    let text = node.service.metrics().text();
    let line = "mailward_hop_tls_total{route=\"next_hop\",policy=\"opportunistic\",result=\"fell_back\"} 1";
    assert!(text.contains(line), "{text}");
}

async fn a_next_hop_that_fails_at_tls_gets_nothing_where_it_was_required() {
    for tls in [HopTls::Required, HopTls::Verify] {
        let sink = Sink::start(breaks()).await;
        let node = Setup::new().config(|c| c.next_hop.tls = tls).start(&sink).await;
        let mut client = Client::connect(node.address).await;
        client.expect(220).await;
        client.command("EHLO client.example.org", 421).await;
        let said: Vec<String> =
            sink.lines().into_iter().filter(|l| !l.starts_with("EHLO") && l != "STARTTLS").collect();
        assert!(said.is_empty(), "{said:?}");
        let text = node.service.metrics().text();
        let line = format!("policy=\"{}\",result=\"failed\"}} 1", tls.name());
        assert!(text.contains(&line), "{text}");
    }
}

async fn a_reload_shows_the_new_certificate() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().certificate();
    let dir = setup.scratch().to_owned();
    let node = setup.start(&sink).await;
    let mut open = node.client().await;
    open.start_tls().await;
    let end = |node: &crate::node::Node| {
        let held = node.service.certificates().all();
        (held.len(), held[0].facts().expect("it is loaded").names)
    };
    assert_eq!(end(&node), (1, vec!["localhost".to_owned()]));
    testkit::tls::Identity::new(&["new.example.com"]).write(&dir);
    let again = gateway::Node::load(node.config.clone(), dir.join("spool")).expect("a configuration");
    node.gateway.reload(again);
    assert_eq!(end(&node), (1, vec!["new.example.com".to_owned()]));
    open.deliver("alice@example.org", TO, &sample::clean("goes on")).await.expect("taken");
    open.quit().await;
    // One without a key that fits changes nothing.
    std::fs::write(dir.join("key.pem"), testkit::tls::Identity::new(&["x.example.com"]).key).expect("written");
    let error = gateway::Node::load(node.config.clone(), dir.join("spool")).expect_err("it does not fit");
    assert!(error.to_string().contains("does not belong to the certificate"), "{error}");
}
