//! What becomes of mail in which something was found, or at which nobody could look: on the wire, in
//! Backup, in the log.

use std::time::{Duration, Instant};

use judge::policy::{EngineFailure, MalwareAction, UnscannedAction};
use mail::address::Address;
use testkit::{Behaviour, Sink, eicar, sample};

use crate::node::Setup;
use crate::{Case, cases, job, logged};

pub(crate) const CASES: &[Case] = cases![
    an_infected_attachment_leaves_a_notice,
    an_infected_member_leaves_its_archive,
    an_infected_body_is_replaced,
    an_infected_part_of_an_inner_message_is_replaced,
    every_action_for_malware,
    a_copy_is_not_made_where_the_policy_wants_none,
    what_is_encrypted_is_labelled,
    sc_08_a_part_says_what_was_found_in_it_where_that_is_wanted,
    what_is_nested_too_deep_counts_as_infected,
    a_crash_is_a_451_a_hold_or_a_label,
    an_engine_that_hangs_is_a_451_in_time,
    monitor_mode_changes_nothing_and_tells_all,
    outgoing_malware_is_refused_whatever_the_action,
    what_only_we_may_write_is_stripped_from_strangers,
];

pub(crate) const EICAR_NAME: &str = "EICAR-Test-File";

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A header field's value, unfolded; panics when it is not there exactly once.
pub(crate) fn field(content: &str, name: &str) -> String {
    let head = content.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n\t", " ").replace("\r\n ", " ");
    let mut found: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect();
    assert_eq!(found.len(), 1, "{name} in\n{head}");
    found.remove(0).to_owned()
}

/// EICAR in any of the forms it travels in here.
pub(crate) fn has_eicar(content: &[u8]) -> bool {
    let coded = sample::base64(&eicar());
    let has = |part: &[u8]| content.windows(part.len()).any(|w| w == part);
    has(&eicar()) || has(coded.get(..60).expect("long enough").as_bytes())
}

async fn an_infected_attachment_leaves_a_notice() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = sample::eicar_attached("invoice");
    assert_eq!(node.send(&mail).await.lines, ["2.0.0 Ok: taken"]);
    let got = sink.messages();
    assert!(got.len() == 1 && !has_eicar(&got[0].content));
    let content = text(&got[0].content);
    let line = logged::message().await;
    let id = line.get("id");
    assert_eq!(field(&content, "Subject"), "[Infected object deleted] invoice");
    assert_eq!(field(&content, "X-Mailward-Status"), format!("infected; action=object_deleted; id={id}"));
    assert!(field(&content, "X-Mailward-AntiVirus").starts_with(&format!("infected; {EICAR_NAME} in ")), "{content}");
    assert_eq!(field(&content, "X-Mailward-Backup-Id"), id);
    for part in ["See the attachment.\r\n", "eicar.com.removed.txt", "An attachment of this message was removed."] {
        assert!(content.contains(part), "{part} in\n{content}");
    }
    let (entry, original) = node.kept();
    assert!(original == mail, "the copy is the message as it came");
    assert_eq!(entry.entry.id.to_string(), id);
    assert_eq!((entry.entry.status.as_str(), entry.entry.action.as_str()), ("infected", "object_deleted"));
    assert_eq!(entry.entry.mail_from, Address::parse("alice@example.org"));
    assert_eq!(entry.entry.recipients, [Address::parse("bob@example.com").expect("an address")]);
    assert_eq!(entry.entry.objects.iter().map(|o| o.raw().as_str()).collect::<Vec<_>>(), ["eicar.com"]);
    assert_eq!(entry.entry.size, mail.len() as u64);
    for (name, value) in [
        ("status", "infected"),
        ("action", "object_deleted"),
        ("malware", EICAR_NAME),
        ("rules", "malware_infected"),
        ("subject", "invoice"),
        ("from", "alice@example.org"),
        ("to", "bob@example.com"),
        ("direction", "incoming"),
        ("reply", "250 2.0.0 Ok: taken"),
        ("would", "-"),
        ("helo", "client.example.org"),
    ] {
        assert_eq!(line.get(name), value, "{name}");
    }
    let row = node.rows(1).await.remove(0);
    assert_eq!((row.backup, row.action.as_str(), row.id.to_string().as_str()), (Some(entry.id), "object_deleted", id));
    let figure = "mailward_messages_total{surface=\"smtp\",direction=\"incoming\",status=\"infected\",action=\"object_deleted\"}";
    assert_eq!(node.figure(figure), 1.0);
}

/// The first base64 part of a message, decoded.
fn attachment(content: &str) -> Vec<u8> {
    let coded = content.split("base64\r\n").nth(1).expect("a part in base64");
    let coded = coded.split("\r\n\r\n").nth(1).or_else(|| coded.split("\r\n\r\n").next()).expect("its body");
    sample::unbase64(coded.split("--").next().unwrap_or_default())
}

async fn an_infected_member_leaves_its_archive() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = sample::eicar_zipped("archive");
    assert_eq!(node.send(&mail).await.code, 250);
    let content = text(&sink.messages()[0].content);
    assert_eq!(field(&content, "Subject"), "[Message has been processed] archive");
    assert!(field(&content, "X-Mailward-Status").starts_with("disinfected; action=disinfected; id="));
    assert!(content.contains("invoice.zip") && !content.contains("removed.txt"));
    let archive = attachment(&content);
    assert!(archive.windows(14).any(|w| w == b"nothing here\r\n") && !has_eicar(&archive));
    // ACT-27: the other member as it was, header and all.
    let before = sample::zip(&[("readme.txt", b"nothing here\r\n")]);
    let member = &before[..30 + 10 + 14];
    assert_eq!(&archive[..member.len()], member);
    let path = node.spool().join("left.zip");
    std::fs::write(&path, &archive).expect("written");
    if let Some(unzip) = testkit::peers::find("unzip") {
        let out = std::process::Command::new(unzip).arg("-l").arg(&path).output().expect("unzip runs");
        let list = text(&out.stdout);
        assert!(out.status.success() && list.contains("readme.txt") && !list.contains("eicar.com"), "{list}");
    }
    assert!(node.kept().1 == mail);
    assert_eq!(logged::message().await.get("action"), "disinfected");
}

async fn an_infected_body_is_replaced() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail =
        [b"From: a@example.org\r\nTo: b@example.com\r\nSubject: body\r\n\r\n".as_slice(), &eicar(), b"\r\n"].concat();
    assert_eq!(node.send(&mail).await.code, 250);
    let content = text(&sink.messages()[0].content);
    assert!(!has_eicar(content.as_bytes()), "{content}");
    assert_eq!(field(&content, "Subject"), "[Infected object deleted] body");
    assert!(content.contains("An attachment of this message was removed."), "{content}");
    assert!(node.kept().1 == mail);
}

async fn an_infected_part_of_an_inner_message_is_replaced() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let inner = text(&sample::eicar_attached("inner"));
    let mail = format!(
        "From: a@example.org\r\nSubject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=out\r\n\r\n\
         --out\r\nContent-Type: text/plain\r\n\r\nForwarded.\r\n--out\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--out--\r\n"
    );
    assert_eq!(node.send(mail.as_bytes()).await.code, 250);
    let content = text(&sink.messages()[0].content);
    assert!(!has_eicar(content.as_bytes()), "{content}");
    for part in ["Forwarded.", "Subject: inner", "See the attachment.", "eicar.com.removed.txt"] {
        assert!(content.contains(part), "{part} in\n{content}");
    }
    assert_eq!(field(&content, "Subject"), "[Infected object deleted] outer");
}

async fn every_action_for_malware() {
    use MalwareAction::*;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let (plain, zipped) = (sample::eicar_attached("plain"), sample::eicar_zipped("zipped"));
    let refused = "5.7.1 Message refused: EICAR-Test-File (id ID)";
    // Action, message, what is done, reply, whether it is delivered, whether it is kept.
    let cases = [
        (Allow, &plain, "labelled", "2.0.0 Ok: taken", true, false),
        (Automatic, &plain, "object_deleted", "2.0.0 Ok: taken", true, true),
        (Automatic, &zipped, "disinfected", "2.0.0 Ok: taken", true, true),
        (DisinfectOrDeleteObject, &plain, "object_deleted", "2.0.0 Ok: taken", true, true),
        (DisinfectOrDeleteMessage, &plain, "message_deleted", "2.0.0 Ok: ID", false, true),
        (DisinfectOrDeleteMessage, &zipped, "disinfected", "2.0.0 Ok: taken", true, true),
        (DisinfectOrBlock, &plain, "blocked", refused, false, true),
        (DisinfectOrBlock, &zipped, "disinfected", "2.0.0 Ok: taken", true, true),
        (DeleteObject, &zipped, "object_deleted", "2.0.0 Ok: taken", true, true),
        (DeleteMessage, &zipped, "message_deleted", "2.0.0 Ok: ID", false, true),
        (Block, &zipped, "blocked", refused, false, true),
    ];
    for (action, mail, done, reply, delivered, kept) in cases {
        let name = action.name();
        sink.clear();
        logged::clear();
        node.set_policy(|p| p.malware.action = action);
        let before = node.backup().len();
        let answer = node.send(mail).await;
        let line = logged::message().await;
        assert_eq!(line.get("action"), done, "{name}");
        assert_eq!(answer.lines, [reply.replace("ID", line.get("id"))], "{name}");
        assert_eq!(answer.code, if done == "blocked" { 550 } else { 250 }, "{name}");
        assert_eq!(sink.count(), usize::from(delivered), "{name}");
        assert_eq!(node.backup().len() - before, usize::from(kept), "{name}");
        if delivered {
            let content = text(&sink.messages()[0].content);
            let whole = action == Allow;
            assert_eq!(has_eicar(content.as_bytes()), whole, "{name}");
            assert_eq!(field(&content, "Subject").starts_with("[Infected object detected]"), whole, "{name}");
        } else {
            assert!(!sink.lines().iter().any(|line| line == "DATA"), "{name}: the next hop must not see it");
        }
    }
}

async fn a_copy_is_not_made_where_the_policy_wants_none() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().policy(|p| {
        p.malware.keep_copy = false;
        p.malware.keep_blocked = false;
    });
    let node = setup.start(&sink).await;
    for (action, code) in
        [(MalwareAction::Automatic, 250), (MalwareAction::DeleteMessage, 250), (MalwareAction::Block, 550)]
    {
        node.set_policy(|p| p.malware.action = action);
        assert_eq!(node.send(&sample::eicar_attached("x")).await.code, code, "{action:?}");
    }
    assert!(node.backup().is_empty());
    assert_eq!(sink.count(), 1);
    let content = text(&sink.messages()[0].content);
    assert!(content.contains("No copy of the original message was kept.") && !content.contains("X-Mailward-Backup-Id"));
}

/// A zip whose only member says that it is encrypted (APPNOTE 4.4.4, bit 0).
pub(crate) fn encrypted_zip() -> Vec<u8> {
    let mut zip = sample::zip(&[("secret.txt", b"0123456789abcdef0123456789abcdef")]);
    let central = zip.windows(4).position(|w| w == b"PK\x01\x02").expect("a directory");
    zip[6] |= 1;
    zip[central + 8] |= 1;
    zip
}

async fn sc_08_a_part_says_what_was_found_in_it_where_that_is_wanted() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let locked = sample::with_attachment("locked", "locked.zip", "application/zip", &encrypted_zip());
    let sent = async |mail: &[u8]| {
        sink.clear();
        assert_eq!(node.send(mail).await.code, 250);
        text(&sink.messages()[0].content)
    };
    let name = "X-Mailward-Part-Status: ";
    assert!(!sent(&locked).await.contains(name), "off by default");
    node.set_policy(|p| p.headers.parts = true);
    let content = sent(&locked).await;
    let (before, field) = content.split_once(name).expect("the field");
    assert!(
        before.ends_with("\r\n") && before.contains("Content-Type: text/plain"),
        "above the part's header: {before}"
    );
    let (field, rest) = field.split_once("\r\nContent-Type: application/zip").expect("the part's own header follows");
    assert!(field.starts_with("encrypted ("), "{field}");
    assert!(text(&locked).ends_with(rest), "nothing else of the part changes");
    assert!(node.backup().is_empty(), "nothing was taken out");
    // In place of what is removed, above the notice.
    let content = sent(&sample::eicar_attached("x")).await;
    let (_, field) = content.split_once(name).expect("the field");
    assert!(field.starts_with("infected; ") && field.contains("Content-Disposition: attachment"), "{field}");
    assert_eq!(content.matches(name).count(), 1);
    // A signed message keeps its signed part as it is.
    let signed = text(&locked).replace("multipart/mixed", "multipart/signed; protocol=\"application/x-test\"");
    assert!(signed.contains("multipart/signed") && !sent(signed.as_bytes()).await.contains(name));
}

async fn what_is_encrypted_is_labelled() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = sample::with_attachment("locked", "locked.zip", "application/zip", &encrypted_zip());
    assert_eq!(node.send(&mail).await.code, 250);
    let content = text(&sink.messages()[0].content);
    assert_eq!(field(&content, "Subject"), "[Not scanned: encrypted] locked");
    assert!(content.ends_with(text(&mail).split_once("\r\n\r\n").expect("a body").1), "the body is untouched");
    let line = logged::message().await;
    assert_eq!((line.get("action"), line.get("rules")), ("labelled", "unscannable_encrypted"));
    assert!(node.backup().is_empty());
    node.set_policy(|p| p.unscannable.encrypted = UnscannedAction::Block);
    assert_eq!(node.send(&mail).await.code, 550);
    assert_eq!(sink.count(), 1);
}

async fn what_is_nested_too_deep_counts_as_infected() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().policy(|p| p.limits.depth = 5).start(&sink).await;
    let mut content = sample::zip(&[("a.txt", b"deep down")]);
    for _ in 0..8 {
        content = sample::zip(&[("a.zip", &content)]);
    }
    let mail = sample::with_attachment("deep", "a.zip", "application/zip", &content);
    assert_eq!(node.send(&mail).await.code, 250);
    let content = text(&sink.messages()[0].content);
    assert!(content.contains("a.zip.removed.txt") && content.contains("could not be scanned"), "{content}");
    assert_eq!(logged::message().await.get("rules"), "unscannable_limit");
    assert!(node.kept().1 == mail);
}

pub(crate) fn marked(subject: &str, mark: &str) -> Vec<u8> {
    format!("From: a@example.org\r\nSubject: {subject}\r\n{mark}\r\n\r\nhello\r\n").into_bytes()
}

async fn a_crash_is_a_451_a_hold_or_a_label() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = marked("crash", job::CRASH);
    let refused = node.send(&mail).await;
    let id = logged::message().await.get("id").to_owned();
    assert_eq!(refused.lines, [format!("4.7.1 Message could not be examined, please try again later (id {id})")]);
    assert_eq!((refused.code, sink.count(), node.backup().len()), (451, 0, 0));
    node.set_policy(|p| p.unscannable.engine_failed = EngineFailure::Hold);
    assert_eq!(node.send(&mail).await.code, 250);
    assert_eq!(sink.count(), 0);
    assert!(node.kept().1 == mail);
    node.set_policy(|p| p.unscannable.engine_failed = EngineFailure::Label);
    assert_eq!(node.send(&mail).await.lines, ["2.0.0 Ok: taken"]);
    let content = text(&sink.messages()[0].content);
    assert!(field(&content, "Subject").starts_with("[Not scanned: "), "{content}");
    assert!(!content.contains("X-Mailward-Status: clean"));
    // The workers are replaced, and others' mail passes.
    assert_eq!(node.send(&sample::clean("after")).await.code, 250);
    let figure =
        "mailward_messages_total{surface=\"smtp\",direction=\"incoming\",status=\"clean\",action=\"delivered\"}";
    testkit::wait_until("the figure", testkit::PATIENCE, || node.figure(figure) == 1.0).await;
}

async fn an_engine_that_hangs_is_a_451_in_time() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().deadline(1_500).start(&sink).await;
    let started = Instant::now();
    assert_eq!(node.send(&marked("loop", job::LOOP)).await.code, 451);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!(sink.count(), 0);
    assert_eq!(node.send(&sample::clean("after")).await.code, 250);
}

async fn monitor_mode_changes_nothing_and_tells_all() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().policy(|p| p.monitor.enabled = true).start(&sink).await;
    let mail = [b"X-Mailward-Status: clean\r\n".as_slice(), &sample::eicar_attached("watched")].concat();
    assert_eq!(node.send(&mail).await.code, 250);
    assert!(sink.messages()[0].content == mail);
    assert!(node.backup().is_empty());
    let line = logged::message().await;
    let said = (line.get("status"), line.get("action"), line.get("would"), line.get("malware"));
    assert_eq!(said, ("infected", "delivered", "object_deleted", EICAR_NAME));
    assert_eq!(node.figure("mailward_monitor_would_total{action=\"object_deleted\"}"), 1.0);
}

async fn outgoing_malware_is_refused_whatever_the_action() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().trusted(&["127.0.0.0/8"]).start(&sink).await;
    for action in [MalwareAction::Allow, MalwareAction::Automatic, MalwareAction::DeleteMessage] {
        node.set_policy(|p| p.malware.action = action);
        let mut client = node.client().await;
        let to = ["carl@example.org", "bob@example.com"];
        let refused = client.deliver("bob@example.com", &to, &sample::eicar_zipped("out")).await.expect_err("refused");
        assert!(refused.code == 550 && refused.lines[0].contains(EICAR_NAME), "{action:?}: {refused:?}");
        // Clean mail goes out without our headers (D-13).
        client.deliver("bob@example.com", &to, &sample::clean("out")).await.expect("taken");
        client.quit().await;
    }
    let clean = sample::clean("out");
    assert!(sink.messages().iter().all(|m| m.content == clean) && sink.count() == 3);
    assert!(logged::messages(6).await.iter().all(|line| line.get("direction") == "outgoing"));
}

async fn what_only_we_may_write_is_stripped_from_strangers() {
    let forged = "X-Mailward-Status: clean; action=delivered; id=0\r\nx-mailward-anything: 1\r\nX-Spam-Flag: NO\r\n\
                  X-MS-Exchange-Organization-SCL: -1\r\nAuthentication-Results: (c) MX.example.COM 1; dkim=pass\r\n\
                  Authentication-Results:\r\n\tmx.example.com;\r\n\tspf=pass\r\n";
    let other = "Authentication-Results: mx.example.org; dkim=pass\r\nX-Spammer: no\r\n";
    let mail = format!("{forged}{other}From: a@example.org\r\nSubject: x\r\n\r\nX-Spam-Flag: in the body\r\n");
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    assert_eq!(node.send(mail.as_bytes()).await.code, 250);
    let id = logged::message().await.get("id").to_owned();
    let rest = mail.strip_prefix(forged).expect("the start");
    let expected = format!("X-Mailward-Status: clean; action=delivered; id={id}\r\n{rest}");
    assert_eq!(text(&sink.messages()[0].content), expected);
    let node = Setup::new().policy(|p| p.headers.status = false).trusted(&["127.0.0.0/8"]).start(&sink).await;
    assert_eq!(node.send(mail.as_bytes()).await.code, 250);
    assert_eq!(text(&sink.messages()[1].content), mail);
}
