//! Aggregate reports of DMARC: who gets which, that nobody gets one twice, and what waits for what.

use std::future::Future as _;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use judge::policy::{DmarcAction, Group, RecipientMask, Rule};
use mail::address::Address;
use mail::arrival::{Direction, MessageId};
use net::Resolver;
use settings::config::Dns;
use settings::values::DnsServer as ServerAddress;
use store::{NewQueued, NewRecipient, QueueKind};
use testkit::{Action, Behaviour, Client, DnsServer, DnsTrick, Point, Sink};

use crate::node::{Node, Setup};
use crate::sender::{OWN, STRANGE, World, fields, mail, send};
use crate::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    reports_of_dmarc_go_to_whom_the_owner_names,
    d_26_reports_say_what_was_really_done,
    d_11_a_message_counts_once_in_reports_however_often_and_to_whomever_it_comes,
    wherever_sending_is_cut_off_nobody_gets_a_report_twice,
    while_the_dns_is_silent_reports_wait_and_are_not_sent,
    domains_beyond_those_at_once_come_behind_a_cursor,
    reports_wait_while_the_outbox_is_half_full,
    reports_of_others_are_kept_as_they_come,
];

fn reporting(setup: Setup) -> Setup {
    setup.policy(|p| {
        p.authentication.enabled = true;
        p.spam.enabled = false;
        p.authentication.reports.enabled = true;
        p.authentication.reports.from = "dmarc@example.com".to_owned();
    })
}

/// Has the DNS of a node answered by this server, with nothing remembered.
fn asks(node: &Node, dns: &DnsServer) {
    let config =
        Dns { servers: vec![ServerAddress(dns.address())], timeout: judge::units::Time(2_000), ..Dns::default() };
    node.service.current().resolver.store(Arc::new(Resolver::new(&config, Arc::default())));
}

/// A node that has counted one message of `example.org`; the day, and what is kept of the message.
async fn counted(setup: Setup, sink: &Sink) -> (Node, u64, Vec<u8>) {
    let zone = "example.org TXT \"v=spf1 ip4:192.0.2.1 -all\"\n_dmarc.example.org TXT \"v=DMARC1; p=none\"\n";
    let dns = DnsServer::start(zone).await;
    let node = reporting(setup.relays(&["127.0.0.0/8"])).start(sink).await;
    asks(&node, &dns);
    assert_eq!(send(&node, OWN, "alice@example.org", &mail("example.org", "x")).await.code, 250);
    let days = || node.service.store().dmarc_days(u64::MAX, None, 10).expect("days");
    testkit::wait_until("it is counted", testkit::PATIENCE, || days().len() == 1).await;
    let day = days()[0].day;
    let what = node.service.store().dmarc_rows(day, "example.org", 1).expect("rows").remove(0).0;
    node.service.store().drop_dmarc(day, "example.org").expect("dropped");
    sink.clear();
    (node, day, what)
}

/// To whom reports arrived, each as often as it did, once the outbox is empty.
async fn reported(node: &Node, sink: &Sink) -> Vec<String> {
    let empty = || node.service.store().queue_usage().is_ok_and(|usage| usage.mails == 0);
    testkit::wait_until("the outbox is empty", testkit::PATIENCE, empty).await;
    let all = sink.messages();
    let reports = all.iter().filter(|it| !unpack::dmarc::find(&it.content).reports.is_empty());
    let mut to: Vec<String> = reports.flat_map(|it| it.addresses().into_iter().map(str::to_owned)).collect();
    to.sort();
    to
}

fn waiting(node: &Node) -> Vec<String> {
    let days = node.service.store().dmarc_days(u64::MAX, None, 1000).expect("days");
    days.into_iter().map(|day| day.domain).collect()
}

async fn reports_of_dmarc_go_to_whom_the_owner_names() {
    let mut world = World::new().await;
    world.dns = DnsServer::start(
        "example.org TXT \"v=spf1 ip4:192.0.2.1 -all\"\n\
         _dmarc.example.org TXT \"v=DMARC1; p=reject; \
         rua=mailto:r@example.org,mailto:r@Example.org,mailto:x@[127.0.0.1],mailto:else@reports.example!1m,\
         mailto:no@stranger.example\"\n\
         example.org._report._dmarc.reports.example TXT \"v=DMARC1\"\n",
    )
    .await;
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = world.node().policy(|p| {
        p.authentication.enabled = true;
        p.spam.enabled = false;
        p.authentication.reports.enabled = true;
        p.authentication.reports.from = "dmarc@example.com".to_owned();
    });
    let node = setup.start(&sink).await;
    for ip in [OWN, STRANGE, STRANGE] {
        assert_eq!(send(&node, ip, "alice@example.org", &mail("example.org", "x")).await.code, 250);
    }
    let store = node.service.store();
    let counted = || store.dmarc_days(u64::MAX, None, 10).is_ok_and(|days| days.iter().any(|day| day.messages == 3));
    testkit::wait_until("all are counted", Duration::from_secs(30), counted).await;
    let today = store.dmarc_days(u64::MAX, None, 1).expect("read")[0].day;
    service::dmarc::send_before(&node.service, today, None).await;
    assert!(counted(), "the day is not over");
    service::dmarc::send_before(&node.service, today + 1, None).await;
    assert!(!counted(), "what was reported is forgotten");
    let reports = || {
        sink.messages()
            .into_iter()
            .filter(|it| !unpack::dmarc::find(&it.content).reports.is_empty())
            .collect::<Vec<_>>()
    };
    testkit::wait_until("the reports arrive", Duration::from_secs(30), || reports().len() == 2).await;
    let all = reports();
    let report = unpack::dmarc::find(&all[0].content).reports.remove(0);
    assert_eq!((report.domain.as_str(), report.org.as_str(), report.damaged), ("example.org", "example.com", false));
    let mut seen: Vec<(String, u64, bool)> =
        report.records.iter().map(|it| (it.source.clone(), it.count, it.passes())).collect();
    seen.sort();
    assert_eq!(seen, [(OWN.to_owned(), 1, true), (STRANGE.to_owned(), 2, false)]);
    let mut to: Vec<String> = all.iter().flat_map(|it| fields(&it.content, "To")).collect();
    to.sort();
    assert_eq!(to, ["To: <else@reports.example>", "To: <r@example.org>"], "a stranger that did not agree gets none");
}

/// A node that reports, asked about `example.org` with this wish of its owner.
async fn reporting_on(wish: &str, sink: &Sink, setup: Setup) -> (Node, DnsServer) {
    let zone = format!(
        "example.org TXT \"v=spf1 ip4:{OWN} -all\"\n_dmarc.example.org TXT \"v=DMARC1; p={wish}; rua=mailto:r@example.org\"\n"
    );
    let dns = DnsServer::start(&zone).await;
    let node = reporting(setup.relays(&["127.0.0.0/8"])).start(sink).await;
    asks(&node, &dns);
    (node, dns)
}

/// The records of the report on what was counted until now, once these many messages were.
async fn told(node: &Node, sink: &Sink, messages: u64) -> Vec<unpack::dmarc::Record> {
    let store = node.service.store();
    let counted = || store.dmarc_days(u64::MAX, None, 10).expect("days").iter().map(|day| day.messages).sum::<u64>();
    testkit::wait_until("all are counted", testkit::PATIENCE, || counted() >= messages).await;
    assert_eq!(counted(), messages);
    sink.clear();
    let today = store.dmarc_days(u64::MAX, None, 1).expect("read")[0].day;
    service::dmarc::send_before(&node.service, today + 1, None).await;
    assert_eq!(reported(node, sink).await, ["r@example.org"]);
    let of = |it: testkit::Received| unpack::dmarc::find(&it.content).reports;
    sink.messages().into_iter().flat_map(of).flat_map(|report| report.records).collect()
}

async fn d_26_reports_say_what_was_really_done() {
    let sink = Sink::start(Behaviour::accept()).await;
    let honour = |p: &mut judge::policy::Policy| p.authentication.dmarc = DmarcAction::Honour;
    let (node, _dns) = reporting_on("reject", &sink, Setup::new().policy(honour)).await;
    let forged = async || send(&node, STRANGE, "alice@example.org", &mail("example.org", "x")).await.code;
    let done = |records: Vec<unpack::dmarc::Record>| -> Vec<(String, Vec<String>)> {
        records.into_iter().map(|record| (record.disposition, record.reasons)).collect()
    };
    assert_eq!(forged().await, 550);
    assert_eq!(done(told(&node, &sink, 1).await), [("reject".to_owned(), vec![])]);
    node.set_policy(|p| p.monitor.rules = vec![Rule::DmarcFailed]);
    assert_eq!(forged().await, 250);
    assert_eq!(done(told(&node, &sink, 1).await), [("none".to_owned(), vec!["local_policy".to_owned()])]);
}

async fn d_11_a_message_counts_once_in_reports_however_often_and_to_whomever_it_comes() {
    let sink = Sink::start(Behaviour::accept()).await;
    let groups = |p: &mut judge::policy::Policy| {
        for name in ["one", "two"] {
            let mask = RecipientMask::parse(&format!("{name}@example.com")).expect("a mask");
            let mut group = Group::of(p, name, vec![mask]);
            group.malware.keep_copy = name == "one";
            p.group.push(group);
        }
        p.malware.keep_blocked = true;
    };
    let (node, _dns) = reporting_on("reject", &sink, Setup::new().policy(groups)).await;
    let to_all = async |code: u16| {
        let mut client = Client::connect(node.address).await;
        client.expect(220).await;
        client.command("EHLO relay.example.com", 250).await;
        client.command(&format!("XFORWARD NAME=far.example ADDR={STRANGE} HELO=far.example"), 250).await;
        let to = ["bob@example.com", "one@example.com", "two@example.com"];
        let done = client.deliver("alice@example.org", &to, &mail("example.org", "x")).await;
        assert_eq!(done.unwrap_or_else(|refusal| refusal).code, code);
        client.quit().await;
    };
    let later = |text: &str| sink.set(Behaviour::accept().reply(Point::End, text));
    for (text, code) in [("451 4.3.0 Later", 451), ("451 4.3.0 Later", 451), ("550 5.1.1 Nobody", 550)] {
        later(text);
        to_all(code).await;
    }
    sink.set(Behaviour::accept().on(Point::End, Action::Close));
    to_all(451).await;
    sink.set(Behaviour::accept());
    to_all(250).await;
    let all = told(&node, &sink, 1).await;
    assert_eq!(all.iter().map(|record| record.count).collect::<Vec<_>>(), [1]);
    node.set_policy(|p| p.authentication.dmarc = DmarcAction::Honour);
    to_all(550).await;
    assert_eq!(told(&node, &sink, 1).await[0].disposition, "reject");
}

async fn wherever_sending_is_cut_off_nobody_gets_a_report_twice() {
    const CUTS: usize = 24;
    let sink = Sink::start(Behaviour::accept()).await;
    let (node, day, what) = counted(Setup::new(), &sink).await;
    let domain = |at: usize| format!("d{at}.example");
    let record = |at: usize| format!("_dmarc.{0} TXT \"v=DMARC1; p=none; rua=mailto:r@{0}\"\n", domain(at));
    let dns = DnsServer::start(&(0..CUTS).map(record).collect::<String>()).await;
    asks(&node, &dns);
    let mut cut_off = 0;
    for at in 0..CUTS {
        assert!(node.service.store().note_dmarc(day, &domain(at), &what).expect("noted"));
        // As a kill would: nothing after this step is done.
        let mut sending = Box::pin(service::dmarc::send_before(&node.service, day + 1, None));
        let mut left = at;
        let ended = std::future::poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(false);
            }
            left -= 1;
            sending.as_mut().poll(context).map(|_| true)
        });
        if !ended.await {
            cut_off += 1;
        }
        drop(sending);
        for _ in 0..2 {
            service::dmarc::send_before(&node.service, day + 1, None).await;
        }
    }
    assert_eq!(waiting(&node), Vec::<String>::new());
    let to = reported(&node, &sink).await;
    let mut once = to.clone();
    once.dedup();
    assert_eq!(to, once, "nobody gets one twice");
    assert!(cut_off >= 3 && to.len() >= CUTS - cut_off && to.contains(&"r@d0.example".to_owned()), "{cut_off} {to:?}");
}

async fn while_the_dns_is_silent_reports_wait_and_are_not_sent() {
    let sink = Sink::start(Behaviour::accept()).await;
    let (node, day, what) = counted(Setup::new(), &sink).await;
    let zone = "_dmarc.example.org TXT \"v=DMARC1; p=reject; rua=mailto:else@reports.example\"\n\
                example.org._report._dmarc.reports.example TXT \"v=DMARC1\"\n";
    assert!(node.service.store().note_dmarc(day, "example.org", &what).expect("noted"));
    let figure = |result: &str| node.figure(&format!("mailward_dmarc_reports_total{{result=\"{result}\"}}"));
    let broken = ["_dmarc.example.org", "example.org._report._dmarc.reports.example"];
    for (at, (name, trick)) in broken.into_iter().zip([DnsTrick::Fail, DnsTrick::Silent]).enumerate() {
        let dns = DnsServer::start(zone).await;
        dns.trick(name, trick);
        asks(&node, &dns);
        service::dmarc::send_before(&node.service, day + 1, None).await;
        assert_eq!((waiting(&node).len(), figure("waiting"), figure("sent")), (1, (at + 1) as f64, 0.0), "{name}");
    }
    assert_eq!(reported(&node, &sink).await, [""; 0]);
    // A place elsewhere that says no, or nothing at all, is no place: the day is over and done with.
    let dns = DnsServer::start(zone).await;
    asks(&node, &dns);
    service::dmarc::send_before(&node.service, day + 1, None).await;
    assert_eq!((waiting(&node).len(), figure("sent")), (0, 1.0));
    assert_eq!(reported(&node, &sink).await, ["else@reports.example"]);
    // What could not be asked about for days is forgotten.
    assert!(node.service.store().note_dmarc(day, "example.org", &what).expect("noted"));
    let dns = DnsServer::start(zone).await;
    dns.trick(broken[0], DnsTrick::Fail);
    asks(&node, &dns);
    service::dmarc::send_before(&node.service, day + 3, None).await;
    assert_eq!(waiting(&node).len(), 1);
    service::dmarc::send_before(&node.service, day + 4, None).await;
    assert_eq!(waiting(&node).len(), 0);
}

async fn domains_beyond_those_at_once_come_behind_a_cursor() {
    const DOMAINS: usize = 45;
    let sink = Sink::start(Behaviour::accept()).await;
    let (node, day, what) = counted(Setup::new(), &sink).await;
    let domain = |at: usize| format!("d{at:02}.example");
    let record = |at: usize| format!("_dmarc.{0} TXT \"v=DMARC1; p=none; rua=mailto:r@{0}\"\n", domain(at));
    let dns = DnsServer::start(&(0..DOMAINS).map(record).collect::<String>()).await;
    // Those in front cannot be asked about, and hold up nobody.
    for at in 0..20 {
        dns.trick(&format!("_dmarc.{}", domain(at)), DnsTrick::Fail);
    }
    asks(&node, &dns);
    for at in 0..DOMAINS {
        assert!(node.service.store().note_dmarc(day, &domain(at), &what).expect("noted"));
    }
    let (mut after, mut steps) = (None, Vec::new());
    loop {
        after = service::dmarc::send_before(&node.service, day + 1, after).await;
        match &after {
            Some((_, last)) => steps.push(last.clone()),
            None => break,
        }
    }
    assert_eq!(steps, [domain(19), domain(39)]);
    assert_eq!(waiting(&node), (0..20).map(domain).collect::<Vec<_>>());
    let expected: Vec<String> = (20..DOMAINS).map(|at| format!("r@{}", domain(at))).collect();
    assert_eq!(reported(&node, &sink).await, expected);
}

async fn reports_wait_while_the_outbox_is_half_full() {
    let later = Behaviour::accept().on(Point::Mail, Action::Reply("451 4.3.0 later".to_owned()));
    let sink = Sink::start(Behaviour::accept()).await;
    let (node, day, what) = counted(Setup::new().config(|c| c.outbox.max_mails = 3), &sink).await;
    let zone = "_dmarc.example.org TXT \"v=DMARC1; p=none; rua=mailto:r@example.org\"\n";
    let dns = DnsServer::start(zone).await;
    asks(&node, &dns);
    sink.set(later);
    let content = testkit::sample::clean("waits");
    for number in 0..2 {
        let queued = NewQueued {
            message: MessageId::new(1_700_000_000_000, [number; 10]),
            kind: QueueKind::Report,
            direction: Direction::Outgoing,
            mail_from: None,
            parameters: String::new(),
            created_ms: service::id::now_ms(),
            size: content.len() as u64,
            recipients: vec![NewRecipient {
                address: Address::parse("friend@example.net").expect("an address"),
                parameters: String::new(),
            }],
        };
        let body = Box::new(std::io::Cursor::new(content.clone()));
        let _receipt = node.service.enqueue(queued, body).await.expect("it is taken");
    }
    assert!(node.service.store().note_dmarc(day, "example.org", &what).expect("noted"));
    service::dmarc::send_before(&node.service, day + 1, None).await;
    assert_eq!(waiting(&node), ["example.org"]);
    // Room again.
    sink.set(Behaviour::accept());
    let ids = node.service.store().queue_list(None, 10).expect("mails");
    for mail in &ids {
        node.service.store().queue_delete(mail.id).expect("deleted");
    }
    service::dmarc::send_before(&node.service, day + 1, None).await;
    assert_eq!(waiting(&node), [""; 0]);
    assert_eq!(reported(&node, &sink).await, ["r@example.org"]);
}

async fn reports_of_others_are_kept_as_they_come() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().policy(|p| p.authentication.reports.received_at = vec!["DMARC@example.com".to_owned()]);
    let node = setup.start(&sink).await;
    let xml = |domain: &str, name: &str| {
        let old = include_str!("../../../../fuzz/seeds/dmarc/old.xml").replace("a.example", domain);
        old.replace("<org_name>x</org_name>", &format!("<org_name>x</org_name><report_id>{name}</report_id>"))
    };
    let send = async |to: &str, content: &str| {
        let mail = testkit::sample::with_attachment("Report domain", "r.xml", "text/xml", content.as_bytes());
        let mut client = node.client().await;
        client.deliver("reports@them.example", &[to], &mail).await.expect("taken");
        client.quit().await;
    };
    let figure = |result: &str| node.figure(&format!("mailward_dmarc_received_total{{result=\"{result}\"}}"));
    let cases = [
        ("dmarc@example.com", xml("example.com", "1"), "kept", 1.0),
        ("dmarc@example.com", xml("example.com", "1"), "known", 1.0),
        ("dmarc@example.com", xml("mail.example.com", "2"), "kept", 2.0),
        ("dmarc@example.com", xml("stranger.example", "3"), "foreign", 1.0),
        ("dmarc@example.com", "<feedback".to_owned(), "kept", 2.0),
        ("dmarc@example.com", "nothing".to_owned(), "none", 1.0),
    ];
    for (to, content, result, count) in cases {
        send(to, &content).await;
        testkit::wait_until(result, testkit::PATIENCE, || figure(result) == count).await;
    }
    send("other@example.com", &xml("example.com", "4")).await;
    send("dmarc@example.com", &xml("example.com", "5")).await;
    testkit::wait_until("the last is kept", testkit::PATIENCE, || figure("kept") == 3.0).await;
    let kept = node.service.store().received_reports(&store::ReportFilter::default(), None, 10).expect("rows");
    let mut names: Vec<(&str, &str)> = kept.iter().map(|(_, it)| (it.domain.as_str(), it.report.as_str())).collect();
    names.sort_unstable();
    assert_eq!(names, [("example.com", "1"), ("example.com", "5"), ("mail.example.com", "2")]);
    let (received, detail) = node.service.store().received_report(kept[0].0).expect("read").expect("there");
    assert_eq!((received.passed, received.failed, received.proven), (3, 0, false));
    assert!(detail.contains("192.0.2.9"), "{detail}");
    assert_eq!(sink.count(), 8, "all of the mail is delivered");
    let day = 86_400_000;
    let now = service::id::now_ms();
    for (age, name) in [(89, "young"), (91, "old")] {
        let row = store::ReceivedReport { at_ms: now - age * day, report: name.to_owned(), ..received.clone() };
        assert!(node.service.store().keep_report(&row, &detail).expect("kept"));
    }
    let count =
        || node.service.store().received_reports(&store::ReportFilter::default(), None, 10).expect("rows").len();
    for (max_age, left) in [(0, 5), (90 * day, 4), (80 * day, 3)] {
        node.set_policy(|p| p.authentication.reports.max_age = judge::units::Time(max_age));
        service::upkeep::once(&node.service).await;
        assert_eq!(count(), left, "{max_age}");
    }
}
