//! Mail that nobody examined, for spam or at all: the reason stands wherever somebody looks (D-19, LM-02), and so do the
//! signs of what was examined (D-10); who sent it is found out, and who wrote to whom is remembered, all the same.

use judge::policy::{DmarcAction, Group, Policy, RecipientMask, Scope, SpamAction, UnscannedAction};
use judge::units::{Bytes, Time};
use mail::evidence::Contact;
use store::{Filter, LogFilter, Logged, Writer};
use testkit::{Behaviour, Sink, sample};

use crate::decisions::encrypted_zip;
use crate::node::{Node, Setup};
use crate::sender::{OWN, STRANGE, World, fields, last, mail, send, send_to};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    d_19_lm_02_why_mail_was_not_examined_for_spam_is_in_line_log_and_figures,
    d_10_signs_stand_in_message_log_and_backup,
    d_19_as_10_the_reason_is_told_of_mail_that_nobody_looks_at,
    d_13_ex_13_who_sent_it_is_found_out_of_mail_that_nobody_looks_at,
    d_13_d_21_dmarc_holds_for_each_recipient_whoever_is_examined,
    who_wrote_is_remembered_whether_or_not_it_was_looked_at_for_malware,
    whom_we_wrote_to_is_remembered_of_mail_that_nobody_looks_at,
];

/// The one row of the message log.
async fn row(node: &Node) -> Logged {
    let rows = || node.service.store().search_messages(&LogFilter::default(), None, 10).expect("rows").messages;
    testkit::wait_until("the row of the message", testkit::PATIENCE, || !rows().is_empty()).await;
    rows().remove(0)
}

async fn d_19_lm_02_why_mail_was_not_examined_for_spam_is_in_line_log_and_figures() {
    type Change = fn(&mut judge::policy::Policy);
    let cases: [(&str, &str, &str, Change); 4] = [
        ("bob@example.com", "not_scanned", "size_exceeded", |p| p.spam.max_size = Bytes(1024)),
        ("bob@example.com", "not_scanned", "disabled", |p| p.spam.enabled = false),
        ("postmaster@example.com", "skipped", "postmaster", |_| {}),
        ("bob@example.com", "clean", "", |_| {}),
    ];
    for (to, status, why, change) in cases {
        let sink = Sink::start(Behaviour::accept()).await;
        let node = Setup::new().policy(change).start(&sink).await;
        logged::clear();
        let mut client = node.client().await;
        client.deliver("alice@example.org", &[to], &sample::sized("report", 4000)).await.expect("taken");
        client.quit().await;
        let line = logged::message().await;
        let shown = if why.is_empty() { "-" } else { why };
        assert_eq!((line.get("spam"), line.get("spam_why")), (status, shown));
        let row = row(&node).await;
        let reason = (!why.is_empty()).then_some(why);
        assert_eq!((row.spam.as_deref(), row.spam_why.as_deref()), (Some(status), reason));
        assert_eq!(row.rating.is_some(), why.is_empty(), "{status}");
        let figure = format!("mailward_spam_total{{status=\"{status}\",why=\"{why}\"}}");
        assert!((node.figure(&figure) - 1.0).abs() < f64::EPSILON, "{figure}");
    }
}

async fn d_10_signs_stand_in_message_log_and_backup() {
    let sink = Sink::start(Behaviour::accept()).await;
    // Whatever it is rated: this holds for all mail that is kept.
    let setup = Setup::new().policy(|p| {
        p.spam.mass.action = SpamAction::Delete;
        p.spam.mass.keep_copy = true;
    });
    let node = setup.start(&sink).await;
    let bulk = "From: News <news@example.org>\r\nTo: bob@example.com\r\nDate: Fri, 21 Nov 2025 18:00:00 +0000\r\n\
                Message-ID: <n1@example.org>\r\nSubject: our news\r\nList-Id: <news.example.org>\r\n\
                List-Unsubscribe: <https://example.org/leave>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
                Precedence: bulk\r\n\r\nDear reader, to unsubscribe see https://example.org/leave\r\n";
    node.send(bulk.as_bytes()).await;
    let line = logged::message().await;
    assert_eq!(line.get("spam"), "mass_mail", "{line:?}");
    let names: Vec<&str> = line.get("signs").split(',').collect();
    let row = row(&node).await;
    let entries = node.service.store().list(&Filter::default(), None, 10).expect("entries").entries;
    let kept = entries[0].entry.spam.as_ref().expect("what it is as to spam");
    assert_eq!(kept.status, "mass_mail");
    for signs in [&row.signs, &kept.signs] {
        assert_eq!(signs.iter().map(|sign| sign.id.as_str()).collect::<Vec<_>>(), names);
        let one = signs.iter().find(|sign| sign.id == "list_id").expect("the sign");
        assert!(one.points > 0 && one.counts && one.evidence.raw().contains("news.example.org"), "{one:?}");
    }
}

/// Nothing is looked for in any mail.
fn neither(policy: &mut Policy) {
    policy.malware.enabled = false;
    policy.spam.enabled = false;
}

async fn d_19_as_10_the_reason_is_told_of_mail_that_nobody_looks_at() {
    let said = |p: &mut Policy| {
        p.malware.enabled = false;
        (p.spam.always_headers, p.spam.scl_others) = (true, true);
    };
    // From a client of ours; with no spam looked for either.
    let cases = [
        (true, false, "bob@example.com", "skipped", "internal", Some("-1")),
        (false, true, "alice@example.org", "not_scanned", "disabled", None),
        (true, true, "bob@example.com", "not_scanned", "disabled", None),
    ];
    for (ours, nothing, from, status, why, level) in cases {
        let sink = Sink::start(Behaviour::accept()).await;
        let trusted = if ours { &["127.0.0.0/8"][..] } else { &[] };
        let setup = Setup::new().trusted(trusted).policy(said).policy(|p| p.spam.enabled = !nothing);
        let node = setup.start(&sink).await;
        logged::clear();
        let mut client = node.client().await;
        client.deliver(from, &["carol@example.com"], &sample::clean("for us")).await.expect("taken");
        client.quit().await;
        let content = last(&sink);
        let line = fields(&content, "X-Mailward-AntiSpam").pop().unwrap_or_default();
        assert!(line.starts_with(&format!("X-Mailward-AntiSpam: {status} ({why}); rating=0;")), "{line}");
        let told = fields(&content, "X-MS-Exchange-Organization-SCL").pop();
        assert_eq!(told, level.map(|level| format!("X-MS-Exchange-Organization-SCL: {level}")));
        let line = logged::message().await;
        let said = ["status", "spam", "spam_why", "subject"].map(|key| line.get(key));
        assert_eq!(said, ["not_scanned", status, why, "for us"]);
        let row = row(&node).await;
        assert_eq!((row.spam.as_deref(), row.spam_why.as_deref(), row.rating), (Some(status), Some(why), None));
    }
}

async fn d_13_ex_13_who_sent_it_is_found_out_of_mail_that_nobody_looks_at() {
    let world = World::new().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = world.node().policy(neither).policy(|p| {
        p.authentication.dmarc = DmarcAction::Honour;
        p.authentication.reports.enabled = true;
        p.authentication.reports.from = "dmarc@example.com".to_owned();
    });
    let node = setup.start(&sink).await;
    let cases = [
        (STRANGE, "example.org", 550, "blocked", "fail"),
        (STRANGE, "soft.example", 250, "held", "fail"),
        (STRANGE, "lax.example", 250, "delivered", "fail"),
        (OWN, "example.org", 250, "delivered", "pass"),
    ];
    for (at, (ip, domain, code, action, dmarc)) in cases.into_iter().enumerate() {
        sink.clear();
        let reply = send(&node, ip, &format!("alice@{domain}"), &mail(domain, domain)).await;
        assert_eq!(reply.code, code, "{domain}: {}", reply.text());
        let row = node.rows(at + 1).await.remove(0);
        assert_eq!((row.action.as_str(), row.status.as_str()), (action, "not_scanned"), "{domain}");
        assert_eq!(row.auth.map(|auth| auth.dmarc.name()), Some(dmarc), "{domain}");
        assert_eq!(row.rules.contains(&"dmarc_failed".to_owned()), dmarc == "fail", "{domain}");
        for message in sink.messages() {
            let told = fields(&message.content, "Authentication-Results").pop().unwrap_or_default();
            assert!(told.contains(&format!("; dmarc={dmarc}")), "{told}");
        }
        assert_eq!(sink.count(), usize::from(action == "delivered"), "{domain}");
    }
    let kept: Vec<String> = node.backup().into_iter().map(|kept| kept.entry.action).collect();
    assert_eq!(kept, ["held", "blocked"]);
    assert_eq!(node.figure("mailward_authentication_total{method=\"dmarc\",result=\"fail\"}"), 3.0);
    let counted = || node.service.store().dmarc_days(u64::MAX, None, 10).is_ok_and(|days| days.len() == 3);
    testkit::wait_until("each domain is counted for its report", testkit::PATIENCE, counted).await;
    // What names no author that could be asked about proves nothing, and is said to.
    let nobody = String::from_utf8(mail("example.org", "nobody")).expect("text").replace("From:", "X-From:");
    assert_eq!(send(&node, STRANGE, "alice@lax.example", nobody.as_bytes()).await.code, 250);
    let told = fields(&last(&sink), "Authentication-Results").pop().unwrap_or_default();
    assert!(told.contains("; dmarc=permerror") && !told.contains("dmarc=pass"), "{told}");
}

async fn d_13_d_21_dmarc_holds_for_each_recipient_whoever_is_examined() {
    let world = World::new().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = world.node().policy(|p| {
        p.authentication.dmarc = DmarcAction::Honour;
        let mut group = Group::of(p, "free", vec![RecipientMask::parse("free@example.com").expect("a mask")]);
        group.malware.enabled = false;
        p.group.push(group);
    });
    let node = node.start(&sink).await;
    let both = ["bob@example.com", "free@example.com"];
    let forged = sample::eicar_attached("forged");
    assert_eq!(send_to(&node, STRANGE, "alice@example.org", &both, &forged).await.code, 550);
    assert_eq!(send_to(&node, STRANGE, "alice@example.org", &both[1..], &forged).await.code, 550);
    assert_eq!(send_to(&node, OWN, "alice@example.org", &both, &forged).await.code, 250);
    assert_eq!(sink.count(), 2);
    let rows = node.rows(5).await;
    let free = rows.iter().filter(|row| row.recipients[0].as_str() == both[1]);
    for row in free {
        assert_eq!(
            (row.status.as_str(), row.malware.len()),
            ("not_scanned", 0),
            "what was found for bob is not theirs"
        );
        assert!(row.auth.is_some());
    }
}

/// What is known of somebody who wrote to `bob@example.com`, or was written to.
fn known(node: &Node, address: &str) -> Contact {
    let writer = Writer {
        address: address.to_owned(),
        domain: address.rsplit('@').next().unwrap_or_default().to_owned(),
        proven: false,
        may_answer: true,
        recipients: vec!["bob@example.com".to_owned()],
    };
    node.service.store().contact(&writer, u64::MAX / 2, 0, 0).expect("the memory")
}

fn remembering(policy: &mut Policy) {
    policy.spam.first_contact.enabled = true;
    policy.spam.first_contact.learning = Time(0);
}

async fn who_wrote_is_remembered_whether_or_not_it_was_looked_at_for_malware() {
    let locked = sample::with_attachment("locked", "locked.zip", "application/zip", &encrypted_zip());
    let infected = sample::eicar_attached("infected");
    type Change = fn(&mut Policy);
    let cases: [(&str, Vec<u8>, Change, bool); 6] = [
        ("malware is not looked for", sample::clean("x"), |p| p.malware.enabled = false, true),
        ("it could not be looked into", locked.clone(), |_| {}, true),
        ("that is why it was refused", locked, |p| p.unscannable.encrypted = UnscannedAction::Block, false),
        ("malware was taken out of it", infected.clone(), |_| {}, false),
        ("malware was left in it", infected, |p| p.monitor.enabled = true, false),
        ("spam is not looked for", sample::clean("x"), |p| p.spam.enabled = false, false),
    ];
    for (what, raw, change, remembered) in cases {
        let sink = Sink::start(Behaviour::accept()).await;
        let node = Setup::new().policy(remembering).policy(change).start(&sink).await;
        let write = async |node: &Node, author: &str, raw: &[u8]| {
            let raw = String::from_utf8(raw.to_vec()).expect("text").replace("alice@example.org", author);
            let mut client = node.client().await;
            let _ = client.deliver(author, &["bob@example.com"], raw.as_bytes()).await;
            client.quit().await;
        };
        write(&node, "new@example.net", &raw).await;
        // What is noted last shows that nothing is to come of the first.
        node.set_policy(|p| (p.spam.enabled, p.monitor.enabled) = (true, false));
        write(&node, "last@example.net", &sample::clean("y")).await;
        let noted = || known(&node, "last@example.net").recipient;
        testkit::wait_until("the last one is known", testkit::PATIENCE, noted).await;
        let found = known(&node, "new@example.net");
        assert_eq!((found.address, found.recipient), (remembered, remembered), "{what}");
    }
}

async fn whom_we_wrote_to_is_remembered_of_mail_that_nobody_looks_at() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().trusted(&["127.0.0.0/8"]).policy(remembering);
    let node = setup.policy(|p| p.malware.scope = Scope::NotOutgoing).start(&sink).await;
    let mut client = node.client().await;
    client.deliver("bob@example.com", &["Gina@sender.example"], &sample::clean("x")).await.expect("taken");
    client.quit().await;
    let line = logged::message().await;
    assert_eq!(["direction", "status", "spam_why"].map(|key| line.get(key)), ["outgoing", "not_scanned", "disabled"]);
    let noted = || known(&node, "gina@sender.example").written;
    testkit::wait_until("whom we wrote to is known", testkit::PATIENCE, noted).await;
    assert!(!known(&node, "hanna@sender.example").written);
}
