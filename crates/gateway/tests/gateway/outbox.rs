//! The outbox with real next hops: what is tried again, what is reported, and that nothing is lost or
//! silently doubled.

use std::io::{Cursor, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use judge::units::Time;
use mail::address::Address;
use mail::arrival::Direction;
use settings::config::HopTls;
use store::{NewQueued, NewRecipient, QueueId, QueueKind, Standing};
use testkit::{Action, Behaviour, Point, Sink, peers};

use crate::node::{Node, Setup, arrived};
use crate::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    what_is_deferred_is_tried_again_and_what_is_refused_is_reported,
    a_report_is_what_python_reads_in_it,
    nobody_hears_of_a_failure_that_nobody_asked_for,
    what_takes_too_long_is_given_up_and_a_delay_is_told_once,
    parameters_go_to_a_next_hop_that_knows_them,
    held_mail_is_not_tried_and_damaged_mail_is_held,
    what_cannot_be_read_for_a_while_is_not_held,
    mail_of_our_own_goes_the_way_of_its_recipients,
    a_route_that_is_down_costs_no_attempts_and_holds_nobody_up,
    a_route_that_is_down_does_not_hold_up_the_other_recipients_of_a_mail,
    a_delay_is_told_while_the_route_is_down,
    many_mails_for_a_slow_route_do_not_hide_one_for_another,
    a_server_that_mail_goes_to_in_clear_is_seen_to_be_there_again,
    a_release_waits_while_the_next_hop_is_away,
    what_has_no_route_waits_until_there_is_one,
    whatever_next_hops_do_each_recipient_is_settled_once,
];

const BODY: &[u8] = b"Subject: remainder\r\nMessage-ID: <remainder@example.org>\r\n\r\nbody\r\n";

fn setup() -> Setup {
    Setup::untouched().config(|c| {
        c.outbox.first_retry = Time(1_000);
        c.outbox.longest_retry = Time(1_000);
    })
}

fn mail(from: &str, to: &[(&str, &str)]) -> NewQueued {
    let recipient = |(address, parameters): &(&str, &str)| NewRecipient {
        address: Address::parse(address).expect("an address"),
        parameters: (*parameters).to_owned(),
    };
    NewQueued {
        message: service::id::message_id(),
        kind: QueueKind::Remainder,
        direction: Direction::Incoming,
        mail_from: Address::parse(from),
        parameters: String::new(),
        created_ms: service::id::now_ms(),
        size: BODY.len() as u64,
        recipients: to.iter().map(recipient).collect(),
    }
}

async fn put(node: &Node, mail: NewQueued) -> QueueId {
    node.service.enqueue(mail, Box::new(Cursor::new(BODY))).await.expect("taken").id()
}

async fn empty(node: &Node) {
    let mails = || node.service.store().queue_usage().expect("usage").mails;
    testkit::wait_until("the outbox to be empty", Duration::from_secs(30), || mails() == 0).await;
}

async fn what_has_no_route_waits_until_there_is_one() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = setup().start(&sink).await;
    let routes = node.service.current().routes.swap(Arc::default());
    let id = put(&node, mail("alice@example.org", &[("bob@example.com", "")])).await;
    let shown = || node.service.store().queue_show(id).expect("it is still there");
    testkit::wait_until("an attempt", Duration::from_secs(30), || shown().attempts > 0).await;
    let to = shown().recipients.remove(0);
    assert_eq!((to.standing, to.said.as_str()), (Standing::Waiting, "there is no route to this domain"));
    node.service.current().routes.store(routes);
    empty(&node).await;
    assert_eq!(arrived(&[&sink])["bob@example.com"], [BODY.to_vec()]);
    assert_eq!(sink.count(), 1, "and its sender heard of nothing");
}

fn reply(text: &str) -> Action {
    Action::Reply(text.to_owned())
}

async fn what_is_deferred_is_tried_again_and_what_is_refused_is_reported() {
    let behaviour = Behaviour::accept().on_text(Point::Rcpt, "nobody@", reply("550 5.1.1 No such user")).on_first(
        1,
        Point::Rcpt,
        reply("451 4.2.0 Greylisted"),
    );
    let sink = Sink::start(behaviour).await;
    let node = setup().start(&sink).await;
    let to = [("later@example.com", ""), ("nobody@example.com", ""), ("bob@example.com", "")];
    put(&node, mail("alice@example.org", &to)).await;
    empty(&node).await;
    let got = arrived(&[&sink]);
    assert_eq!(got["bob@example.com"], [BODY.to_vec()]);
    assert_eq!(got["later@example.com"], [BODY.to_vec()]);
    assert!(!got.contains_key("nobody@example.com"));
    let reports = &got["alice@example.org"];
    let report = String::from_utf8(reports[0].clone()).expect("ASCII");
    assert!(
        reports.len() == 1
            && report.contains("Final-Recipient: rfc822; nobody@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"),
        "{report}"
    );
    assert!(!report.contains("later@") && !report.contains("bob@"));
    let sent = sink.messages().into_iter().find(|m| m.addresses() == ["alice@example.org"]).expect("the report");
    assert!(sent.mail.starts_with("<>") && sent.recipients[0].contains("NOTIFY=NEVER"), "{sent:?}");
    for (result, count) in [("delivered", 3.0), ("deferred", 1.0), ("failed", 1.0)] {
        assert_eq!(node.figure(&format!("mailward_outbox_recipients_total{{result=\"{result}\"}}")), count, "{result}");
    }
}

/// What another program makes of the report.
const READ: &str = r#"
import email, email.policy, json, sys
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.SMTP)
text, status, original = m.iter_parts()
blocks = [dict(block.items()) for block in status.get_payload()]
print(json.dumps([m.get_content_type(), m.get_param("report-type"), text.get_content_type(), status.get_content_type(),
    original.get_content_type(), blocks, m["Auto-Submitted"], [d.__class__.__name__ for d in m.defects]]))
"#;

async fn a_report_is_what_python_reads_in_it() {
    let Some(python) = peers::find("python3") else { return };
    let sink =
        Sink::start(Behaviour::accept().on_text(Point::Rcpt, "@example.com", reply("550 5.7.1 Go \"away\""))).await;
    let node = setup().start(&sink).await;
    let mut new = mail(
        "alice@example.org",
        &[("bob@example.com", " ORCPT=rfc822;Bob+2Bx@example.net"), ("carol@example.com", "")],
    );
    new.parameters = " RET=FULL ENVID=QQ+2B1".to_owned();
    put(&node, new).await;
    empty(&node).await;
    let report = arrived(&[&sink])["alice@example.org"][0].clone();
    let mut child =
        Command::new(python).args(["-c", READ]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python");
    child.stdin.take().expect("a pipe").write_all(&report).expect("written");
    let out = child.wait_with_output().expect("an end");
    let read = String::from_utf8(out.stdout).expect("text");
    let hop = sink.address();
    let one = |original: &str, to: &str| {
        format!(
            "{{{original}\"Final-Recipient\": \"rfc822; {to}@example.com\", \"Action\": \"failed\", \"Status\": \"5.7.1\", \
             \"Remote-MTA\": \"dns; {hop}\", \"Diagnostic-Code\": \"smtp; 550 5.7.1 Go \\\"away\\\"\"}}"
        )
    };
    let (before, rest) = read.split_once("\"Arrival-Date\": \"").expect(&read);
    assert!(
        before.ends_with("[{\"Reporting-MTA\": \"dns; mx.example.com\", \"Original-Envelope-Id\": \"QQ+1\", "),
        "{read}"
    );
    assert!(before.starts_with("[\"multipart/report\", \"delivery-status\", \"text/plain\", \"message/delivery-status\", \"message/rfc822\", "), "{read}");
    let expected = format!(
        "}}, {}, {}], \"auto-replied\", []]\n",
        one("\"Original-Recipient\": \"rfc822; Bob+x@example.net\", ", "bob"),
        one("", "carol")
    );
    assert_eq!(rest.split_once('"').map(|(_, rest)| rest), Some(expected.as_str()));
}

async fn nobody_hears_of_a_failure_that_nobody_asked_for() {
    let sink = Sink::start(Behaviour::accept().on_text(Point::Rcpt, "@example.com", reply("550 5.1.1 No"))).await;
    let node = setup().start(&sink).await;
    put(&node, mail("", &[("bob@example.com", "")])).await;
    put(
        &node,
        mail("alice@example.org", &[("bob@example.com", " NOTIFY=NEVER"), ("carol@example.com", " NOTIFY=SUCCESS")]),
    )
    .await;
    // A report that nobody takes ends there.
    put(&node, mail("carol@example.com", &[("bob@example.com", "")])).await;
    empty(&node).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((sink.count(), node.service.store().queue_usage().expect("usage").mails), (0, 0));
    let asked: Vec<String> =
        sink.lines().into_iter().filter(|l| l.starts_with("RCPT TO:<carol@example.com> NOTIFY=NEVER")).collect();
    assert_eq!(asked.len(), 1, "the report about the third was tried once");
}

async fn what_takes_too_long_is_given_up_and_a_delay_is_told_once() {
    let sink = Sink::start(Behaviour::accept().on_text(Point::Rcpt, "@example.com", reply("451 4.2.2 Full"))).await;
    let node = setup()
        .config(|c| {
            c.outbox.warn_after = Time(1);
            c.outbox.max_age = Time(2_500);
        })
        .start(&sink)
        .await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let mut new = mail("alice@example.org", &[("bob@example.com", "")]);
    new.created_ms -= 100;
    put(&node, new).await;
    empty(&node).await;
    let reports: Vec<String> =
        arrived(&[&sink])["alice@example.org"].iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
    let having = |text: &str| reports.iter().filter(|r| r.contains(text)).count();
    assert_eq!((reports.len(), having("Action: delayed\r\n"), having("Action: failed\r\n")), (2, 1, 1));
    assert_eq!((having("Will-Retry-Until: "), having("Status: 4.2.2\r\n")), (1, 2));
}

async fn parameters_go_to_a_next_hop_that_knows_them() {
    let knows = Sink::start(Behaviour::accept()).await;
    let plain = Sink::start(Behaviour::accept().extensions(&["PIPELINING"])).await;
    let node = setup().route("plain", &["plain.example.com"], &[&plain]).start(&knows).await;
    let notify = " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a@example.net";
    let mut new = mail("alice@example.org", &[("a@example.com", notify), ("b@plain.example.com", notify)]);
    new.parameters = " RET=HDRS ENVID=x".to_owned();
    put(&node, new).await;
    empty(&node).await;
    let to = |sink: &Sink, to: &str| sink.messages().into_iter().find(|m| m.addresses() == [to]).expect(to);
    let first = to(&knows, "a@example.com");
    assert_eq!(first.mail, "<alice@example.org> RET=HDRS ENVID=x BODY=8BITMIME");
    assert_eq!(first.recipients, [format!("<a@example.com>{notify}")]);
    let second = to(&plain, "b@plain.example.com");
    assert_eq!((second.mail.as_str(), second.recipients[0].as_str()), ("<alice@example.org>", "<b@plain.example.com>"));
    // One of them reports the success itself; for the other we say that nobody will.
    let report = String::from_utf8(to(&knows, "alice@example.org").content).expect("ASCII");
    assert!(
        report.contains("Final-Recipient: rfc822; b@plain.example.com\r\nAction: relayed\r\nStatus: 2.0.0\r\n"),
        "{report}"
    );
    assert!(!report.contains("a@example.com\r\n"));
}

async fn held_mail_is_not_tried_and_damaged_mail_is_held() {
    let sink = Sink::start(Behaviour::accept().reply(Point::Rcpt, "451 4.2.0 Later")).await;
    let node = setup().start(&sink).await;
    let id = put(&node, mail("alice@example.org", &[("bob@example.com", "")])).await;
    testkit::wait_until("an attempt", testkit::PATIENCE, || {
        node.service.store().queue_show(id).expect("it").attempts > 0
    })
    .await;
    assert!(node.service.store().queue_hold(id).expect("held"));
    sink.set(Behaviour::accept());
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(sink.count(), 0);
    let shown = node.service.store().queue_show(id).expect("it");
    assert_eq!(
        (shown.recipients[0].said.as_str(), shown.recipients[0].standing),
        ("451 4.2.0 Later", Standing::Waiting)
    );
    std::fs::write(node.data().join("outbox").join(id.to_string()), b"damaged").expect("written");
    node.service.store().queue_retry(Some(id), service::id::now_ms()).expect("freed");
    node.service.wake_outbox();
    testkit::wait_until("it to be held", testkit::PATIENCE, || node.service.store().queue_show(id).expect("it").held)
        .await;
    assert_eq!(sink.count(), 0);
}

/// A full disk, or no more descriptors: nothing that somebody has to look at.
async fn what_cannot_be_read_for_a_while_is_not_held() {
    let sink = Sink::start(Behaviour::accept().reply(Point::Rcpt, "451 4.2.0 Later")).await;
    let node = setup().start(&sink).await;
    let store = node.service.store();
    let id = put(&node, mail("alice@example.org", &[("bob@example.com", "")])).await;
    testkit::wait_until("an attempt", testkit::PATIENCE, || store.queue_show(id).expect("it").attempts > 0).await;
    let file = node.data().join("outbox").join(id.to_string());
    std::fs::rename(&file, node.data().join("aside")).expect("moved");
    std::fs::create_dir(&file).expect("in its place");
    let begun = service::id::now_ms();
    store.queue_retry(Some(id), begun).expect("retried");
    node.service.wake_outbox();
    let put_off = || store.queue_show(id).is_ok_and(|mail| mail.held || mail.next_ms > begun + 10_000);
    testkit::wait_until("a look at it", testkit::PATIENCE, put_off).await;
    assert!(!store.queue_show(id).expect("it").held);
    std::fs::remove_dir(&file).expect("removed");
    std::fs::rename(node.data().join("aside"), &file).expect("moved back");
    sink.set(Behaviour::accept());
    store.queue_retry(None, service::id::now_ms()).expect("retried");
    node.service.wake_outbox();
    empty(&node).await;
    assert_eq!(arrived(&[&sink])["bob@example.com"], [BODY.to_vec()]);
}

/// Has every server of a route fail until it is left alone for long.
fn shut(node: &Node, name: &str) {
    let routes = node.service.current().routes.load_full();
    routes.all().iter().filter(|route| route.name == name).for_each(|route| route.shun());
}

async fn a_route_that_is_down_does_not_hold_up_the_other_recipients_of_a_mail() {
    let sink = Sink::start(Behaviour::accept()).await;
    let dead = Sink::start(Behaviour::accept()).await;
    let node = setup().route("dead", &["dead.example.com"], &[&dead]).start(&sink).await;
    shut(&node, "dead");
    let id = put(&node, mail("alice@example.org", &[("a@dead.example.com", ""), ("b@example.com", "")])).await;
    sink.wait_for(1).await;
    let settled = || {
        let shown = node.service.store().queue_show(id).expect("it");
        let standings: Vec<Standing> = shown.recipients.iter().map(|to| to.standing).collect();
        standings == [Standing::Waiting, Standing::Delivered]
    };
    testkit::wait_until("one of them to be settled", testkit::PATIENCE, settled).await;
    assert_eq!(arrived(&[&sink])["b@example.com"], [BODY.to_vec()]);
    assert_eq!(dead.count(), 0, "nobody asked what is known to be down");
}

async fn a_delay_is_told_while_the_route_is_down() {
    let sink = Sink::start(Behaviour::accept()).await;
    let dead = Sink::start(Behaviour::accept()).await;
    let node = setup()
        .config(|c| c.outbox.warn_after = Time(10_000))
        .route("dead", &["dead.example.com"], &[&dead])
        .start(&sink)
        .await;
    shut(&node, "dead");
    let mut new = mail("alice@example.org", &[("a@dead.example.com", "")]);
    new.created_ms -= 20_000;
    let id = put(&node, new).await;
    sink.wait_for(1).await;
    let told = || node.service.store().queue_show(id).is_ok_and(|mail| mail.warned);
    testkit::wait_until("it to be noted", testkit::PATIENCE, told).await;
    let report = String::from_utf8_lossy(&arrived(&[&sink])["alice@example.org"][0]).into_owned();
    assert!(
        report.contains("Final-Recipient: rfc822; a@dead.example.com\r\nAction: delayed\r\nStatus: 4.4.1\r\n"),
        "{report}"
    );
    assert_eq!((sink.count(), dead.count()), (1, 0));
}

async fn a_route_that_is_down_costs_no_attempts_and_holds_nobody_up() {
    let sink = Sink::start(Behaviour::accept()).await;
    let dead = Sink::start(Behaviour::accept()).await;
    let node =
        setup().config(|c| c.outbox.connections = 2).route("dead", &["dead.example.com"], &[&dead]).start(&sink).await;
    drop(dead);
    for n in 0..30 {
        put(&node, mail("alice@example.org", &[(&format!("u{n}@dead.example.com"), "")])).await;
    }
    for n in 0..10 {
        put(&node, mail("alice@example.org", &[(&format!("u{n}@example.com"), "")])).await;
    }
    sink.wait_for(10).await;
    let list = || node.service.store().queue_list(None, 100).expect("a list");
    testkit::wait_until("the others to leave", testkit::PATIENCE, || list().len() == 30).await;
    let waiting = list();
    assert!(waiting.iter().filter(|mail| mail.attempts > 0).count() <= 4, "most were put off without an attempt");
}

async fn a_release_waits_while_the_next_hop_is_away() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = setup().policy(|p| p.malware.action = judge::policy::MalwareAction::DeleteMessage).start(&sink).await;
    assert_eq!(node.send(&testkit::sample::eicar_attached("wanted")).await.code, 250);
    let (entry, original) = node.kept();
    sink.set(Behaviour::accept().on_first(1, Point::Rcpt, reply("451 4.2.0 Later")));
    let current = node.service.current();
    let (routes, outbox) = (current.routes.load_full(), current.outbox.load_full());
    let metrics = node.service.metrics();
    let way = service::release::Way {
        routes: &routes,
        metrics,
        direction: Direction::Incoming,
        site: None,
        signers: None,
        redact: true,
    };
    let to = ["bob@example.com", "carol@example.com"].map(|text| Address::parse(text).expect("an address"));
    let released = service::release::release(node.service.store(), way, &outbox, entry.id, &to).await;
    assert!(released.error.is_none() && released.sent.is_empty() && released.queued == to, "{released:?}");
    assert_eq!(node.kept().0.released.len(), 1);
    node.service.wake_outbox();
    empty(&node).await;
    let got = arrived(&[&sink]);
    for to in ["bob@example.com", "carol@example.com"] {
        assert!(got[to].len() == 1 && got[to][0].ends_with(&original), "{to}");
        assert!(got[to][0].starts_with(b"X-Mailward-Release: v=1"));
    }
}

/// Next hops that do anything, with a fixed choice for each round: a recipient is delivered once or
/// reported once, whatever happens on the way; more than once only where a next hop took a message and
/// did not say so.
async fn whatever_next_hops_do_each_recipient_is_settled_once() {
    let points = [Point::Connect, Point::Hello, Point::Mail, Point::Rcpt, Point::Data, Point::Content, Point::End];
    let actions = [reply("451 4.3.0 Later"), reply("550 5.0.0 No"), Action::Close, reply("421 4.3.2 Down")];
    let (one, two) = (Sink::start(Behaviour::accept()).await, Sink::start(Behaviour::accept()).await);
    let node = setup().route("two", &["two.example.com"], &[&two]).start(&one).await;
    for (round, (point, action)) in points.iter().flat_map(|p| actions.iter().map(move |a| (*p, a.clone()))).enumerate()
    {
        // A reply in the middle of content answers nothing: the reply to its end would come as well.
        if point == Point::Content && action != Action::Close {
            continue;
        }
        let unclear = point == Point::End && action == Action::Close;
        two.clear();
        one.clear();
        two.set(Behaviour::accept().on_first(1, point, action.clone()));
        let sender = format!("s{round}@example.org");
        put(&node, mail(&sender, &[("a@example.com", ""), ("b@two.example.com", ""), ("c@two.example.com", "")])).await;
        // A server that was down is asked again by hand: the pause is longer than this test.
        let done = || {
            for route in node.service.current().routes.load().all() {
                route.forgive();
            }
            let _ = node.service.store().queue_retry(None, service::id::now_ms());
            node.service.wake_outbox();
            node.service.store().queue_usage().expect("usage").mails == 0
        };
        testkit::wait_until("the outbox to be empty", Duration::from_secs(20), done).await;
        let got = arrived(&[&one, &two]);
        let reports: String =
            got.get(&sender).into_iter().flatten().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
        for to in ["a@example.com", "b@two.example.com", "c@two.example.com"] {
            let copies = got.get(to).map_or(0, Vec::len);
            let told = reports.matches(&format!("Final-Recipient: rfc822; {to}\r\nAction: failed")).count();
            assert_eq!(copies + told, 1, "{to} at {point:?} {action:?}: {copies} copies, {told} reports");
            assert!(unclear || copies <= 1);
        }
    }
}

/// A message of a user of ours to somebody outside and to somebody inside goes two ways; so does what is left
/// of it, and what the administrator gets.
async fn mail_of_our_own_goes_the_way_of_its_recipients() {
    let later = Behaviour::accept().on_first(1, Point::End, reply("452 4.3.1 Full"));
    let (inside, outside) = (Sink::start(later).await, Sink::start(Behaviour::accept()).await);
    let node = setup()
        .trusted(&["127.0.0.0/8"])
        .policy(|p| p.malware.forward_to = vec!["admin@example.com".to_owned()])
        .directed("out", Direction::Outgoing, &[&outside])
        .start(&inside)
        .await;
    let (friend, colleague) = ("friend@example.net", "colleague@example.com");
    let mut client = node.client().await;
    let content = testkit::sample::clean("to both");
    client.deliver("alice@example.com", &[friend, colleague], &content).await.expect("taken");
    inside.wait_for(1).await;
    empty(&node).await;
    let names = |sink: &Sink| arrived(&[sink]).into_keys().collect::<Vec<_>>();
    assert_eq!((names(&inside), names(&outside)), (vec![colleague.to_owned()], vec![friend.to_owned()]));
    inside.clear();
    let infected = testkit::sample::eicar_attached("out");
    let refused = client.deliver("alice@example.com", &[friend], &infected).await.expect_err("malware");
    assert_eq!(refused.code, 550);
    inside.wait_for(1).await;
    assert_eq!(names(&inside), ["admin@example.com"]);
}

async fn many_mails_for_a_slow_route_do_not_hide_one_for_another() {
    let sink = Sink::start(Behaviour::accept()).await;
    let slow = Sink::start(Behaviour::accept().on(Point::Mail, Action::Hang)).await;
    let node = setup()
        .config(|c| c.outbox.connections_per_route = 1)
        .route("slow", &["slow.example.com"], &[&slow])
        .start(&sink)
        .await;
    for n in 0..220 {
        put(&node, mail("alice@example.org", &[(&format!("u{n}@slow.example.com"), "")])).await;
    }
    put(&node, mail("alice@example.org", &[("bob@example.com", "")])).await;
    sink.wait_for(1).await;
    let left = || node.service.store().queue_usage().expect("usage").mails;
    testkit::wait_until("it to leave", testkit::PATIENCE, || left() == 220).await;
}

async fn a_server_that_mail_goes_to_in_clear_is_seen_to_be_there_again() {
    let gone = Action::ReplyAndClose("220 2.0.0 Ready".to_owned());
    let sink = Sink::start(Behaviour::accept().extension("STARTTLS").on(Point::StartTls, gone)).await;
    let node = setup().config(|c| c.next_hop.tls = HopTls::Opportunistic).start(&sink).await;
    shut(&node, "next_hop");
    put(&node, mail("alice@example.org", &[("bob@example.com", "")])).await;
    let watch = tokio::spawn(service::routes::watch(Arc::clone(&node.service), node.stop.subscribe()));
    let up = || node.service.current().routes.load().all().iter().all(|route| route.targets[0].is_up());
    testkit::wait_until("the next hop to be up", testkit::PATIENCE, up).await;
    watch.abort();
    node.service.store().queue_retry(None, service::id::now_ms()).expect("retried");
    node.service.wake_outbox();
    empty(&node).await;
    assert_eq!(arrived(&[&sink])["bob@example.com"], [BODY.to_vec()]);
}
