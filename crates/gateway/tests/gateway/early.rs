//! Before the body: who may talk, how often, to whom; with real sockets.

use std::time::{Duration, Instant};

use judge::policy::{Manners, Rule};
use judge::rate::Rate;
use judge::units::Time;
use service::recipients::RecipientList;
use testkit::{Behaviour, Client, Mta, Point, Sink, sample};

use crate::node::{Node, Setup};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    a_denied_network_hears_why_and_a_trusted_one_is_let_in,
    who_talks_first_is_refused,
    a_patient_client_waits_for_a_delayed_greeting,
    a_bad_greeting_and_a_bad_sender_are_refused,
    limits_of_a_peer_defer_and_come_back,
    greylisting_lets_those_in_who_come_again,
    unknown_recipients_are_refused_by_the_list,
    who_tries_out_addresses_is_slowed_down_and_sent_away,
    monitor_mode_only_counts,
    a_rule_that_is_only_watched_hides_none_behind_it,
    a_mail_server_hears_the_same_refusals,
];

/// A node whose clients are strangers.
fn strangers() -> Setup {
    Setup::new().relays(&[])
}

fn rate(text: &str) -> Rate {
    Rate::parse(text).expect("a rate")
}

async fn greeted(node: &Node) -> Client {
    node.client().await
}

async fn a_denied_network_hears_why_and_a_trusted_one_is_let_in() {
    let sink = Sink::start(Behaviour::accept()).await;
    let deny = |setup: Setup| setup.policy(|p| p.before.deny_clients = vec!["127.0.0.0/8".parse().expect("a network")]);
    let node = deny(strangers()).start(&sink).await;
    let mut client = Client::connect(node.address).await;
    assert_eq!(client.expect(554).await.lines, ["5.7.1 Your address is not welcome here"]);
    assert!(client.is_closed().await);
    let figure = "mailward_early_total{surface=\"smtp\",stage=\"connect\",rule=\"client_denied\",action=\"refused\"}";
    assert_eq!(node.figure(figure), 1.0);
    let node = deny(strangers()).trusted(&["127.0.0.0/8"]).start(&sink).await;
    assert_eq!(node.send(&sample::clean("trusted")).await.code, 250);
}

async fn who_talks_first_is_refused() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = strangers().policy(|p| {
        p.before.early_talkers = Manners::Reject;
        p.before.greeting_delay = Time(1_000);
    });
    let node = setup.start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.send_line("EHLO bot.example.org").await;
    assert_eq!(client.expect(554).await.lines, ["5.5.1 You spoke before our greeting"]);
    // Without the rule, what was said early is still heard.
    node.set_policy(|p| p.before.early_talkers = Manners::Allow);
    let mut client = Client::connect(node.address).await;
    client.send_line("EHLO bot.example.org").await;
    client.expect(220).await;
    client.expect(250).await;
}

async fn a_patient_client_waits_for_a_delayed_greeting() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = strangers().policy(|p| {
        p.before.early_talkers = Manners::Reject;
        p.before.greeting_delay = Time(300);
    });
    let node = setup.start(&sink).await;
    let started = Instant::now();
    assert_eq!(node.send(&sample::clean("patient")).await.code, 250);
    assert!(started.elapsed() >= Duration::from_millis(300));
}

async fn a_bad_greeting_and_a_bad_sender_are_refused() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = strangers().policy(|p| {
        p.before.bad_greeting = Manners::Reject;
        p.before.bad_sender = Manners::Reject;
        p.before.null_sender_recipients = 1;
    });
    let node = setup.start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    client.command("EHLO localhost", 550).await;
    client.command("EHLO mail.example.org", 250).await;
    client.command("MAIL FROM:<root@localhost>", 553).await;
    client.command("MAIL FROM:<>", 250).await;
    client.command("RCPT TO:<bob@example.com>", 250).await;
    client.command("RCPT TO:<carol@example.com>", 550).await;
    client.command("RSET", 250).await;
    client.command("MAIL FROM:<alice@example.org>", 250).await;
}

async fn limits_of_a_peer_defer_and_come_back() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = strangers().policy(|p| p.before.rates.messages_per_peer = rate("2 / 2 s"));
    let node = setup.start(&sink).await;
    let mut client = greeted(&node).await;
    for number in 0..2 {
        let sent = client.deliver("alice@example.org", &["bob@example.com"], &sample::clean("x")).await;
        assert!(sent.is_ok(), "message {number}");
    }
    let refused = client.deliver("alice@example.org", &["bob@example.com"], &sample::clean("x")).await.unwrap_err();
    assert_eq!(refused.code, 451);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(client.deliver("alice@example.org", &["bob@example.com"], &sample::clean("x")).await.is_ok());
    assert_eq!(sink.count(), 3);
    let setup = strangers().policy(|p| p.before.rates.connections_per_peer = rate("1 / 1 h"));
    let node = setup.start(&sink).await;
    greeted(&node).await.quit().await;
    Client::connect(node.address).await.expect(421).await;
}

async fn greylisting_lets_those_in_who_come_again() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = strangers().policy(|p| {
        p.before.greylist.enabled = true;
        p.before.greylist.delay = Time(700);
    });
    let node = setup.start(&sink).await;
    let first = node.send(&sample::clean("grey")).await;
    assert_eq!((first.code, first.lines), (451, vec!["4.7.1 Greylisted, please try again in some minutes".to_owned()]));
    assert_eq!(node.send(&sample::clean("grey")).await.code, 451, "too early");
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(node.send(&sample::clean("grey")).await.code, 250);
    assert_eq!(node.send(&sample::clean("grey")).await.code, 250, "known now");
    assert_eq!(node.service.store().greylist_usage().expect("figures").clients, 1);
}

async fn unknown_recipients_are_refused_by_the_list() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = strangers().start(&sink).await;
    node.service.set_recipients(Some(RecipientList::parse("bob@example.com\n").expect("a list")));
    let mut client = greeted(&node).await;
    client.command("MAIL FROM:<alice@example.org>", 250).await;
    client.command("RCPT TO:<carol@example.com>", 550).await;
    client.command("RCPT TO:<BOB@Example.com>", 250).await;
    client.command("RCPT TO:<carol@example.net>", 250).await;
    node.service.set_recipients(None);
    client.command("RCPT TO:<carol@example.com>", 250).await;
}

async fn who_tries_out_addresses_is_slowed_down_and_sent_away() {
    let refuse = Behaviour::accept().reply(Point::Rcpt, "550 5.1.1 No such user");
    let sink = Sink::start(refuse).await;
    let setup = strangers().policy(|p| {
        p.before.tarpit.after = 3;
        p.before.tarpit.step = Time(200);
        p.before.tarpit.close_after = 5;
    });
    let node = setup.start(&sink).await;
    let mut client = greeted(&node).await;
    client.command("MAIL FROM:<alice@example.org>", 250).await;
    let mut times = Vec::new();
    for number in 0..5 {
        let started = Instant::now();
        client.command(&format!("RCPT TO:<user{number}@example.com>"), 550).await;
        times.push(started.elapsed());
    }
    assert!(times[2] >= Duration::from_millis(200) && times[4] >= Duration::from_millis(600), "{times:?}");
    client.expect(421).await;
    assert!(client.is_closed().await);
}

async fn monitor_mode_only_counts() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = strangers().policy(|p| {
        p.before.bad_sender = Manners::Reject;
        p.monitor.rules = vec![Rule::SenderInvalid];
    });
    let node = setup.start(&sink).await;
    let mut client = greeted(&node).await;
    client.command("MAIL FROM:<root@localhost>", 250).await;
    let figure = "mailward_early_total{surface=\"smtp\",stage=\"sender\",rule=\"sender_invalid\",action=\"watched\"}";
    assert_eq!(node.figure(figure), 1.0);
    let line = logged::all().into_iter().find(|event| event.target == "early").expect("a line");
    assert_eq!(
        (line.get("rule"), line.get("action"), line.get("from")),
        ("sender_invalid", "watched", "root@localhost")
    );
}

async fn a_rule_that_is_only_watched_hides_none_behind_it() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = strangers().policy(|p| {
        p.before.greylist.enabled = true;
        p.monitor.rules = vec![Rule::RecipientUnknown];
    });
    let node = setup.start(&sink).await;
    node.service.set_recipients(Some(RecipientList::parse("bob@example.com\n").expect("a list")));
    let mut client = greeted(&node).await;
    client.command("MAIL FROM:<alice@example.org>", 250).await;
    client.command("RCPT TO:<carol@example.com>", 451).await;
    let count = |rule: &str, action: &str| {
        let labels = format!("surface=\"smtp\",stage=\"recipient\",rule=\"{rule}\",action=\"{action}\"");
        node.figure(&format!("mailward_early_total{{{labels}}}"))
    };
    assert_eq!((count("recipient_unknown", "watched"), count("greylisted", "deferred")), (1.0, 1.0));
}

async fn a_mail_server_hears_the_same_refusals() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = |change: fn(&mut judge::policy::Policy)| strangers().milter(|_| {}).policy(change);
    let mail = sample::clean("filtered");
    let to = &["bob@example.com", "nobody@example.com"];
    let denied = node(|p| p.before.deny_clients = vec!["192.0.2.0/24".parse().expect("a network")]).start(&sink).await;
    let mut mta = Mta::open(denied.milter()).await;
    let no = mta.client("mail.example.org", "192.0.2.7").await.expect("an answer");
    assert_eq!((no.answer, no.text.as_str()), ('y', "554 5.7.1 Your address is not welcome here"));
    let figure = "mailward_early_total{surface=\"milter\",stage=\"connect\",rule=\"client_denied\",action=\"refused\"}";
    assert_eq!(denied.figure(figure), 1.0);
    // Another client is welcome.
    let mut mta = Mta::open(denied.milter()).await;
    assert_eq!(mta.client("mail.example.org", "198.51.100.7").await, None);
    assert_eq!(mta.message("alice@example.org", to, &mail).await.answer, 'c');
    assert!(mta.quit().await);
    let rated = node(|p| p.before.rates.messages_per_peer = rate("1 / 1 h")).start(&sink).await;
    let mut mta = Mta::open(rated.milter()).await;
    assert_eq!(mta.client("mail.example.org", "192.0.2.7").await, None);
    assert_eq!(mta.message("alice@example.org", to, &mail).await.answer, 'c');
    let no = mta.message("alice@example.org", to, &mail).await;
    assert!(no.answer == 'y' && no.text.starts_with("451 4.7.1 Too much "), "{}", no.text);
    assert!(mta.quit().await);
}
