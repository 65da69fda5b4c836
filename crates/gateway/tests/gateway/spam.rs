//! Spam on its way through the gateway: what is said about it in the message and in the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use judge::policy::{DnsList, Group, Policy, RecipientMask, WhenReached};
use net::Resolver;
use settings::config::Dns;
use settings::values::DnsServer as ServerAddress;
use testkit::{Behaviour, DnsServer, Mta, Sink, sample};

use crate::decisions::{field, text};
use crate::node::{Node, Setup};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    a_link_on_a_list_decides_and_an_error_of_a_list_does_not,
    a_page_on_a_list_of_hashes_decides_and_its_neighbour_does_not,
    a_domain_that_looks_like_ours_is_told_in_the_log,
    mail_of_small_programs_is_no_spam,
    lm_06_a_picture_that_was_learnt_raises_the_rating_at_once,
    d_21_a_recipient_who_is_passed_over_switches_nothing_off_for_others,
    d_21_a_recipient_who_is_passed_over_switches_nothing_off_for_others_in_the_milter,
    a_group_has_lists_and_people_of_its_own,
    what_says_of_itself_that_it_is_automatic_is_judged_like_any_mail,
    tc_01_links_of_mail_over_a_trusted_connection_are_asked_about,
    who_is_new_is_told_once,
    d20_who_writes_our_own_address_is_a_stranger_all_the_same,
    d5_the_copy_is_there_when_what_is_deleted_is_accepted,
    out_08_ks_06_of_outgoing_mail_nobody_outside_is_asked,
    out_06_what_is_attached_to_outgoing_mail_deletes_nothing,
    d_21_how_far_and_how_long_one_group_looks_changes_nothing_for_others,
    d_21_links_that_only_one_group_looks_at_count_for_no_other,
];

fn list(zone: &str, weight: u8) -> DnsList {
    DnsList { zone: zone.to_owned(), weight }
}

/// A node that asks this server.
async fn node(sink: &Sink, dns: &DnsServer) -> Node {
    let setup = Setup::new().policy(|p| {
        p.spam.external.surbl = true;
        p.spam.external.surbl_lists = vec![list("one.example", 60), list("two.example", 40)];
    });
    asking(setup, sink, dns).await
}

async fn asking(setup: Setup, sink: &Sink, dns: &DnsServer) -> Node {
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

async fn a_page_on_a_list_of_hashes_decides_and_its_neighbour_does_not() {
    let sink = Sink::start(Behaviour::accept()).await;
    // SHA-256 of "pages.example/u/7", in base32.
    let dns = DnsServer::start("pfgpeclx5r4dlytyyrk2cidxlxigfuq5ksn5qrim6trv72czldvq.urls.example A 127.0.0.2\n").await;
    let setup = Setup::new().policy(|p| {
        p.spam.external.urls = true;
        p.spam.external.url_lists = vec![list("urls.example", 100)];
    });
    let node = asking(setup, &sink, &dns).await;
    for (link, status) in [("Pages.example:80/u/./%37?who=bob#top", "spam"), ("pages.example/u/8", "clean")] {
        let mail = text(&with_link("HERE")).replace("HERE/menu", link);
        logged::clear();
        node.send(mail.as_bytes()).await;
        let line = logged::message().await;
        let listed = line.get("signs").contains("url_reached");
        assert_eq!((line.get("spam"), listed), (status, status == "spam"), "{link}: {}", line.get("signs"));
    }
    let figure = |said: &str| node.figure(&format!("mailward_dns_lists_total{{set=\"urls\",said=\"{said}\"}}"));
    assert_eq!((figure("listed"), figure("absent")), (1.0, 4.0), "whole, without its query, its host");
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

/// A group of one recipient, changed so.
fn staff(policy: &mut Policy, change: impl FnOnce(&mut Group)) {
    let mut group = Group::of(policy, "staff", vec![RecipientMask::parse("victim@example.com").expect("a mask")]);
    change(&mut group);
    policy.group.push(group);
}

/// What reads like fraud.
pub(crate) const FRAUD: &str = "Dear beneficiary, you have won the lottery. Sum of $4,500,000.00 (four million five \
    hundred thousand US dollars) from late next of kin\r\nbarrister bank transfer confidential. Buy viagra cheap \
    now!!! 100% free, risk free. Kindly contact me urgently with your bank\r\naccount details, inheritance fund, ATM \
    card, diplomat consignment. click here http://192.0.2.55:8080/x\r\n";

const LISTED: &str = "bad.example.full.example A 127.0.0.2\n";

fn full(policy: &mut Policy) {
    policy.spam.external.surbl = true;
    policy.spam.external.surbl_lists = vec![list("full.example", 100)];
}

/// The subjects that arrived, by recipient.
fn subjects(sink: &Sink) -> BTreeMap<String, String> {
    let all = sink.messages();
    let each = all.iter().flat_map(|m| m.addresses().into_iter().map(|to| (to.to_owned(), text(&m.content))));
    each.map(|(to, content)| (to, field(&content, "Subject"))).collect()
}

async fn deliver(node: &Node, from: &str, to: &[&str], content: &[u8]) {
    let mut client = node.client().await;
    client.timeout = testkit::PATIENCE;
    client.deliver(from, to, content).await.expect("taken");
    client.quit().await;
}

async fn d_21_a_recipient_who_is_passed_over_switches_nothing_off_for_others() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(LISTED).await);
    let setup = Setup::new().policy(full).policy(|p| staff(p, |_| {}));
    let node = asking(setup, &sink, &dns).await;
    let to = ["postmaster@example.com", "victim@example.com"];
    deliver(&node, "alice@example.org", &to, &with_link("bad.example")).await;
    let got = subjects(&sink);
    assert_eq!(got["victim@example.com"], "[!! Spam] the plan for lunch");
    assert_eq!(got["postmaster@example.com"], "the plan for lunch", "PM-01");
}

async fn d_21_a_recipient_who_is_passed_over_switches_nothing_off_for_others_in_the_milter() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(LISTED).await);
    let setup = Setup::new().milter(|m| m.split_recipients = true).policy(full).policy(|p| staff(p, |_| {}));
    let node = asking(setup, &sink, &dns).await;
    let mut mta = Mta::open(node.milter()).await;
    mta.tell('E', "i", "4XyZ");
    assert_eq!(mta.client("mail.example.org", "192.0.2.7").await, None);
    let to = ["postmaster@example.com", "victim@example.com"];
    let verdict = mta.message("alice@example.org", &to, &with_link("bad.example")).await;
    assert!(mta.quit().await);
    assert_eq!(verdict.removed, ["<victim@example.com>"], "it gets a form of its own");
    sink.wait_for(1).await;
    assert_eq!(subjects(&sink)["victim@example.com"], "[!! Spam] the plan for lunch");
}

async fn a_group_has_lists_and_people_of_its_own() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(LISTED).await);
    let setup = Setup::new().policy(|p| {
        staff(p, |g| {
            g.spam.external.surbl = true;
            g.spam.external.surbl_lists = vec![list("full.example", 100)];
            g.spam.impersonation.people = vec!["Alice Example".to_owned()];
        });
    });
    let node = asking(setup, &sink, &dns).await;
    let to = ["bob@example.com", "victim@example.com"];
    let mail = text(&with_link("bad.example"));
    let from = format!("From: {}", field(&mail, "From"));
    let mail = mail.replace(&from, "From: Alice Example <alice@example.org>");
    logged::clear();
    deliver(&node, "alice@example.org", &to, mail.as_bytes()).await;
    let got = subjects(&sink);
    assert_eq!(got["victim@example.com"], "[!! Spam] the plan for lunch");
    assert_eq!(got["bob@example.com"], "the plan for lunch");
    for line in logged::messages(2).await {
        let own = line.get("to") == "victim@example.com";
        assert_eq!(line.get("signs").contains("borrowed_person"), own, "{}", line.get("signs"));
        assert_eq!(line.get("signs").contains("surbl"), own, "{}", line.get("signs"));
    }
    // Alone, too; and the other way round.
    sink.clear();
    deliver(&node, "alice@example.org", &to[1..], mail.as_bytes()).await;
    assert_eq!(subjects(&sink)["victim@example.com"], "[!! Spam] the plan for lunch");
    sink.clear();
    node.set_policy(|p| {
        let own = p.group[0].spam.external.clone();
        p.group[0].spam.external = std::mem::replace(&mut p.spam.external, own);
    });
    deliver(&node, "alice@example.org", &to, mail.as_bytes()).await;
    let got = subjects(&sink);
    assert_eq!(got["victim@example.com"], "the plan for lunch");
    assert_eq!(got["bob@example.com"], "[!! Spam] the plan for lunch");
}

async fn what_says_of_itself_that_it_is_automatic_is_judged_like_any_mail() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(LISTED).await);
    let node = asking(Setup::new().policy(full), &sink, &dns).await;
    let mail = text(&with_link("bad.example"));
    let said = format!("Auto-Submitted: auto-generated\r\nX-Autoreply: yes\r\n{mail}");
    let report = "From: MAILER-DAEMON@example.org\r\nSubject: Undelivered Mail Returned to Sender\r\n\
        Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\n\
        See http://www.bad.example/menu\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
        Reporting-MTA: dns; mail.example.org\r\n\r\nFinal-Recipient: rfc822; x@example.org\r\n\
        Action: failed\r\nStatus: 5.1.1\r\n--b--\r\n";
    let honest = report.replace("bad.example", "fine.example");
    let cases =
        [(said.as_str(), "alice@example.org", "spam"), (report, "", "spam"), (&honest, "", "formal_notification")];
    for (mail, from, status) in cases {
        logged::clear();
        deliver(&node, from, &["bob@example.com"], mail.as_bytes()).await;
        let line = logged::message().await;
        assert_eq!(line.get("spam"), status, "{mail}: {}", line.get("signs"));
    }
}

async fn tc_01_links_of_mail_over_a_trusted_connection_are_asked_about() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(LISTED).await);
    let setup = Setup::new().policy(full).policy(|p| p.spam.trusted_connections = true).trusted(&["127.0.0.0/8"]);
    let node = asking(setup, &sink, &dns).await;
    deliver(&node, "alice@example.org", &["bob@example.com"], &with_link("bad.example")).await;
    assert_eq!(subjects(&sink)["bob@example.com"], "[!! Spam] the plan for lunch");
}

/// Waits until it is noted that this author wrote to these.
async fn noted(node: &Node, address: &str, to: &[&str]) {
    let writer = store::Writer {
        address: address.to_owned(),
        domain: address.rsplit('@').next().unwrap_or_default().to_owned(),
        proven: false,
        may_answer: true,
        recipients: to.iter().map(|to| (*to).to_owned()).collect(),
    };
    let store = node.service.store();
    let known = || store.contact(&writer, u64::MAX / 2, 0, 0).is_ok_and(|contact| contact.address && contact.recipient);
    testkit::wait_until("the author is known", testkit::PATIENCE, known).await;
}

async fn who_is_new_is_told_once() {
    let sink = Sink::start(Behaviour::accept()).await;
    // One recipient wants to hear of it; the others do not.
    let setup = Setup::new().policy(|p| {
        staff(p, |g| {
            g.spam.first_contact.enabled = true;
            g.spam.first_contact.learning = judge::units::Time(0);
        });
    });
    let node = setup.start(&sink).await;
    let from = |author: &str| text(&sample::clean("the plan for lunch")).replace("alice@example.org", author);
    let told = async |author: &str, to: &[&str]| {
        logged::clear();
        deliver(&node, author, to, from(author).as_bytes()).await;
        let lines = logged::messages(to.len()).await;
        let of = |line: &logged::Event| (line.get("to").to_owned(), line.get("signs").contains("first_contact"));
        let mut told: Vec<(String, bool)> = lines.iter().map(of).collect();
        told.sort();
        told
    };
    let own = |to: &str, new: bool| (to.to_owned(), new);
    let (bob, victim) = ("bob@example.com", "victim@example.com");
    // Nobody is new to a memory that has just begun.
    assert_eq!(told("alice@example.org", &[victim]).await, [own(victim, false)]);
    noted(&node, "alice@example.org", &[victim]).await;
    assert_eq!(told("new@example.net", &[bob, victim]).await, [own(bob, false), own(victim, true)]);
    noted(&node, "new@example.net", &[victim]).await;
    assert_eq!(told("new@example.net", &[bob, victim]).await, [own(bob, false), own(victim, false)], "told once");
    // What nobody took is not known: the sender brings it again, and is new again.
    sink.set(Behaviour::accept().on(testkit::Point::End, testkit::Action::Reply("451 4.3.0 later".to_owned())));
    for _ in 0..2 {
        logged::clear();
        let mut client = node.client().await;
        let author = "other@example.net";
        let refused = client.deliver(author, &[victim], from(author).as_bytes()).await.expect_err("later");
        assert_eq!(refused.code, 451);
        client.quit().await;
        let line = logged::message().await;
        assert!(line.get("signs").contains("first_contact"), "{}", line.get("signs"));
    }
}

async fn out_08_ks_06_of_outgoing_mail_nobody_outside_is_asked() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(LISTED).await);
    let setup = Setup::new().policy(full).policy(|p| p.spam.outgoing = true).trusted(&["127.0.0.0/8"]);
    let node = asking(setup, &sink, &dns).await;
    let asked = |said: &str| node.figure(&format!("mailward_dns_lists_total{{set=\"surbl\",said=\"{said}\"}}"));
    deliver(&node, "bob@example.com", &["friend@example.org"], &with_link("bad.example")).await;
    let line = logged::message().await;
    assert_eq!((line.get("direction"), line.get("spam")), ("outgoing", "clean"));
    assert_eq!((asked("listed"), asked("absent")), (0.0, 0.0));
    node.set_policy(|p| p.spam.trusted_connections = true);
    logged::clear();
    deliver(&node, "friend@example.org", &["bob@example.com"], &with_link("bad.example")).await;
    assert_eq!(logged::message().await.get("spam"), "spam");
    assert_eq!(asked("listed"), 1.0);
}

async fn d20_who_writes_our_own_address_is_a_stranger_all_the_same() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(LISTED).await);
    for (trusted, direction, spam) in [(&[][..], "incoming", "spam"), (&["127.0.0.0/8"][..], "internal", "skipped")] {
        let node = asking(Setup::new().policy(full).trusted(trusted), &sink, &dns).await;
        logged::clear();
        deliver(&node, "boss@example.com", &["bob@example.com"], &with_link("bad.example")).await;
        let line = logged::message().await;
        assert_eq!((line.get("direction"), line.get("spam")), (direction, spam));
    }
}

async fn d5_the_copy_is_there_when_what_is_deleted_is_accepted() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(LISTED).await);
    let setup = Setup::new().policy(full).policy(|p| {
        p.spam.spam.action = judge::policy::SpamAction::Delete;
        p.spam.spam.keep_copy = true;
    });
    let node = asking(setup, &sink, &dns).await;
    assert_eq!(node.send(&with_link("bad.example")).await.code, 250);
    // Nothing is waited for: the 250 says that it is there.
    let (entry, bytes) = node.kept();
    assert_eq!((entry.entry.action.as_str(), bytes == with_link("bad.example")), ("message_deleted", true));
    assert_eq!(sink.count(), 0);
    node.set_policy(|p| p.spam.spam.keep_copy = false);
    assert_eq!(node.send(&with_link("bad.example")).await.code, 250);
    assert_eq!((node.backup().len(), sink.count()), (1, 0), "the policy wants no copy");
}

async fn out_06_what_is_attached_to_outgoing_mail_deletes_nothing() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().trusted(&["127.0.0.0/8"]).policy(|p| {
        p.spam.outgoing = true;
        p.spam.trusted_connections = true;
        p.spam.sensitivity = judge::policy::Sensitivity::High;
        (p.spam.scan_doc, p.spam.scan_rtf, p.spam.scan_pdf, p.spam.scan_text) = (true, true, true, true);
    });
    let node = setup.start(&sink).await;
    let letter = sample::with_attachment("the plan", "letter.txt", "text/plain", FRAUD.as_bytes());
    let (bob, friend) = ("bob@example.com", "friend@example.org");
    for (from, to, spam, count) in [(bob, friend, "clean", 1), (friend, bob, "spam", 2)] {
        logged::clear();
        deliver(&node, from, &[to], &letter).await;
        let line = logged::message().await;
        assert_eq!(
            (line.get("spam"), sink.count()),
            (spam, count),
            "{to}: {} {}",
            line.get("rating"),
            line.get("signs")
        );
    }
    // What stands in the message itself counts.
    let letter = text(&sample::clean("the plan")).replace("lunch at noon?", FRAUD);
    logged::clear();
    deliver(&node, bob, &[friend], letter.as_bytes()).await;
    let line = logged::message().await;
    assert_eq!(
        (line.get("spam"), line.get("action"), sink.count()),
        ("spam", "message_deleted", 2),
        "{}",
        line.get("signs")
    );
}

/// What the log says of a message for these two, in this order: `bob` of no group, `victim` of the group.
async fn said_of_each(node: &Node, to: &[&str], content: &[u8]) -> BTreeMap<String, String> {
    logged::clear();
    deliver(node, "alice@example.org", to, content).await;
    let lines = logged::messages(to.len()).await;
    lines.iter().map(|line| (line.get("to").to_owned(), line.get("spam").to_owned())).collect()
}

async fn d_21_how_far_and_how_long_one_group_looks_changes_nothing_for_others() {
    let sink = Sink::start(Behaviour::accept()).await;
    let (bob, victim) = ("bob@example.com", "victim@example.com");
    let setup = Setup::new().policy(|p| {
        staff(p, |g| {
            g.spam.scan_text = true;
            g.spam.sensitivity = judge::policy::Sensitivity::High;
        });
    });
    let node = setup.start(&sink).await;
    let letter = sample::with_attachment("the plan", "letter.txt", "text/plain", FRAUD.as_bytes());
    for to in [[bob, victim], [victim, bob]] {
        let said = said_of_each(&node, &to, &letter).await;
        assert_eq!((said[bob].as_str(), said[victim].as_str()), ("clean", "spam"), "{to:?}");
    }
    // A group that has less time than it takes hears that; nobody else does.
    let hasty = Setup::new().policy(|p| staff(p, |g| g.spam.max_time = judge::units::Time(1)));
    let node = hasty.start(&sink).await;
    let long = sample::sized("the plan", 100_000);
    for to in [[bob, victim], [victim, bob]] {
        let said = said_of_each(&node, &to, &long).await;
        assert_eq!((said[bob].as_str(), said[victim].as_str()), ("clean", "not_scanned"), "{to:?}");
    }
}

async fn d_21_links_that_only_one_group_looks_at_count_for_no_other() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(LISTED).await);
    let node = asking(Setup::new().policy(full).policy(|p| staff(p, |g| g.spam.scan_text = true)), &sink, &dns).await;
    let (bob, victim) = ("bob@example.com", "victim@example.com");
    let letter = sample::with_attachment("the plan", "letter.txt", "text/plain", b"see http://bad.example/menu\r\n");
    for to in [[bob, victim], [victim, bob]] {
        let said = said_of_each(&node, &to, &letter).await;
        assert_eq!((said[bob].as_str(), said[victim].as_str()), ("clean", "spam"), "{to:?}");
    }
}
