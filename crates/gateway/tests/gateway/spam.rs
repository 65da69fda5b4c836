//! Spam on its way through the gateway: what is said about it in the message and in the log.

use std::sync::Arc;

use judge::policy::{DnsList, WhenReached};
use net::Resolver;
use settings::config::Dns;
use settings::values::DnsServer as ServerAddress;
use testkit::{Behaviour, DnsServer, Sink, sample};

use crate::decisions::{field, text};
use crate::node::{Node, Setup};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    a_link_on_a_list_decides_and_an_error_of_a_list_does_not,
    a_domain_that_looks_like_ours_is_told_in_the_log,
    mail_of_small_programs_is_no_spam,
    lm_06_a_picture_that_was_learnt_raises_the_rating_at_once,
];

/// A node that asks this server.
async fn node(sink: &Sink, dns: &DnsServer) -> Node {
    let list = |zone: &str, weight| DnsList { zone: zone.to_owned(), weight };
    let setup = Setup::new().policy(|p| {
        p.spam.external.surbl = true;
        p.spam.external.surbl_lists = vec![list("one.example", 60), list("two.example", 40)];
    });
    let node = setup.start(sink).await;
    let config = Dns { servers: vec![ServerAddress(dns.address())], ..Dns::default() };
    node.service.current().resolver.store(Arc::new(Resolver::new(&config, Arc::default())));
    node
}

fn with_link(host: &str) -> Vec<u8> {
    let mail = String::from_utf8(sample::clean("the plan for lunch")).expect("text");
    mail.replace("lunch at noon?", &format!("see http://{host}/menu")).into_bytes()
}

async fn a_link_on_a_list_decides_and_an_error_of_a_list_does_not() {
    let sink = Sink::start(Behaviour::accept()).await;
    let dns = DnsServer::start(
        "bad.example.one.example A 127.0.0.2\nbad.example.two.example A 127.0.0.2\n\
         half.example.one.example A 127.0.0.2\n\
         odd.example.one.example A 127.255.255.254\nodd.example.two.example A 192.0.2.1\n",
    )
    .await;
    let node = node(&sink, &dns).await;
    for (host, subject, status) in [
        ("www.bad.example", "[!! Spam] the plan for lunch", "spam"),
        ("www.half.example", "the plan for lunch", "clean"),
        ("www.odd.example", "the plan for lunch", "clean"),
        ("www.fine.example", "the plan for lunch", "clean"),
    ] {
        logged::clear();
        node.send(&with_link(host)).await;
        let content = text(&sink.messages().last().expect("delivered").content);
        assert_eq!(field(&content, "Subject"), subject, "{host}");
        assert_eq!(content.contains("X-Spam-Flag: YES"), status == "spam", "{host}");
        let line = logged::message().await;
        assert_eq!((line.get("spam"), line.get("signs").contains("surbl_reached")), (status, status == "spam"));
    }
    node.set_policy(|p| p.spam.external.when_reached = WhenReached::Blacklisted);
    node.send(&with_link("bad.example")).await;
    let content = text(&sink.messages().last().expect("delivered").content);
    assert_eq!(field(&content, "Subject"), "[!! Blacklisted] the plan for lunch");
}

async fn a_domain_that_looks_like_ours_is_told_in_the_log() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = text(&sample::clean("the plan for lunch")).replace("alice@example.org", "alice@examp1e.com");
    node.send(mail.as_bytes()).await;
    let line = logged::message().await;
    assert!(line.get("signs").contains("lookalike_domain"), "{}", line.get("signs"));
}

async fn mail_of_small_programs_is_no_spam() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    for mail in ["Subject: x\r\n\r\nx\r\n", "\r\nhello world\r\n", "Subject: ALARM\r\n\r\nDisk full!\r\n"] {
        logged::clear();
        node.send(mail.as_bytes()).await;
        let line = logged::message().await;
        assert_eq!(line.get("spam"), "clean", "{mail:?}: {}", line.get("signs"));
    }
}

async fn lm_06_a_picture_that_was_learnt_raises_the_rating_at_once() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let picture = include_bytes!("../../../../fuzz/seeds/image/base.jpg");
    let shown = include_bytes!("../../../../fuzz/seeds/image/progressive.jpg");
    let head = "Date: Fri, 21 Nov 2025 18:00:00 +0000\r\nFrom: alice@example.org\r\nTo: bob@example.com\r\n\
                Message-ID: <1@example.org>\r\nSubject: look\r\nMIME-Version: 1.0\r\nContent-Type: image/jpeg\r\n\
                Content-Transfer-Encoding: base64\r\n\r\n";
    let mail = [head.as_bytes(), sample::base64(shown).as_bytes()].concat();
    let learnt = engines::image::print(picture, engines::image::Views::All).remove(0);
    for (known, switched_on) in [(false, true), (true, true), (true, false)] {
        node.set_policy(|p| p.spam.image_analysis = switched_on);
        if known && switched_on {
            node.service.store().learn_picture(&learnt, true, 1).expect("learnt");
        }
        logged::clear();
        node.send(&mail).await;
        let line = logged::message().await;
        let signs = line.get("signs").to_owned();
        assert_eq!(signs.contains("known_spam_image"), known && switched_on, "{known} {switched_on}: {signs}");
    }
    // That it was found is noted beside the message's own way.
    let store = node.service.store();
    let noted = || store.pictures().is_ok_and(|all| all.iter().any(|it| it.hits == 1));
    testkit::wait_until("the find is noted", std::time::Duration::from_secs(30), noted).await;
}
