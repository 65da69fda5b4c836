//! What becomes of mail in which something was found, or at which nobody could look: on the wire, in
//! Backup, in the log.

use std::time::{Duration, Instant};

use judge::policy::{EngineFailure, MalwareAction, UnscannedAction};
use mail::address::Address;
use testkit::{Action, Behaviour, Point, Sink, eicar, sample};

use crate::node::{Node, Setup, hop_to};
use crate::{Case, cases, job, logged};

pub(crate) const CASES: &[Case] = cases![
    an_infected_attachment_leaves_a_notice,
    an_infected_member_leaves_its_archive,
    an_infected_body_is_replaced,
    an_infected_part_of_an_inner_message_is_replaced,
    every_action_for_malware,
    a_copy_is_not_made_where_the_policy_wants_none,
    what_is_encrypted_is_labelled,
    what_is_nested_too_deep_counts_as_infected,
    a_crash_is_a_451_a_hold_or_a_label,
    an_engine_that_hangs_is_a_451_in_time,
    a_changed_message_that_no_engine_could_look_at_does_not_leave,
    monitor_mode_changes_nothing_and_tells_all,
    outgoing_malware_is_refused_whatever_the_action,
    what_only_we_may_write_is_stripped_from_strangers,
    the_original_is_forwarded_once_when_the_message_is_settled,
    originals_are_not_forwarded_without_a_limit,
    a_copy_of_what_the_next_hop_did_not_take_is_dropped,
    a_copy_of_what_the_next_hop_may_have_taken_stays,
    nothing_is_delivered_without_its_copy,
    released_mail_passes_and_forged_markers_do_not,
];

const EICAR_NAME: &str = "EICAR-Test-File";

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A header field's value, unfolded; panics when it is not there exactly once.
fn field(content: &str, name: &str) -> String {
    let head = content.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n\t", " ").replace("\r\n ", " ");
    let mut found: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect();
    assert_eq!(found.len(), 1, "{name} in\n{head}");
    found.remove(0).to_owned()
}

/// EICAR in any of the forms it travels in here.
fn has_eicar(content: &[u8]) -> bool {
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
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for byte in coded.bytes().take_while(|b| *b != b'=' && *b != b'-').filter(|b| !b"\r\n".contains(b)) {
        let value = alphabet.iter().position(|a| *a == byte).expect("base64");
        bits = bits << 6 | u32::try_from(value).expect("six bits");
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 255) as u8);
        }
    }
    out
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
fn encrypted_zip() -> Vec<u8> {
    let mut zip = sample::zip(&[("secret.txt", b"0123456789abcdef0123456789abcdef")]);
    let central = zip.windows(4).position(|w| w == b"PK\x01\x02").expect("a directory");
    zip[6] |= 1;
    zip[central + 8] |= 1;
    zip
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

fn marked(subject: &str, mark: &str) -> Vec<u8> {
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

async fn the_original_is_forwarded_once_when_the_message_is_settled() {
    let sink =
        Sink::start(Behaviour::accept().on_first(1, Point::End, Action::Reply("451 4.3.0 Later".to_owned()))).await;
    let node = Setup::new().policy(|p| p.malware.forward_to = vec!["admin@example.com".to_owned()]).start(&sink).await;
    let mail = sample::eicar_attached("forwarded");
    assert_eq!(node.send(&mail).await.code, 451);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sink.count(), 0, "not for a try that failed");
    assert_eq!(node.send(&mail).await.code, 250);
    let got = sink.wait_for(2).await;
    let copy = got.iter().find(|m| m.addresses() == ["admin@example.com"]).expect("a copy");
    assert!(copy.content == mail && copy.sender().is_empty());
    assert!(got.iter().any(|m| m.addresses() == ["bob@example.com"] && !has_eicar(&m.content)));
    node.set_policy(|p| p.malware.action = MalwareAction::Block);
    assert_eq!(node.send(&mail).await.code, 550);
    let got = sink.wait_for(3).await;
    assert_eq!(got.iter().filter(|m| m.addresses() == ["admin@example.com"]).count(), 2);
    assert_eq!(node.send(&sample::clean("clean")).await.code, 250);
    assert_eq!(sink.wait_for(4).await.len(), 4);
}

async fn a_changed_message_that_no_engine_could_look_at_does_not_leave() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = text(&sample::eicar_attached("x"));
    let mail = format!("{}\r\n{mail}", job::UNABLE_AGAIN);
    for action in [MalwareAction::Automatic, MalwareAction::DeleteObject] {
        node.set_policy(|p| p.malware.action = action);
        assert_eq!((node.send(mail.as_bytes()).await.code, sink.count()), (451, 0), "{action:?}");
        assert!(node.backup().is_empty(), "it comes again");
    }
    node.set_policy(|p| p.unscannable.engine_failed = EngineFailure::Label);
    assert_eq!((node.send(mail.as_bytes()).await.code, sink.count()), (250, 1), "the policy does not mind");
}

async fn originals_are_not_forwarded_without_a_limit() {
    let hang = Behaviour::accept().on_text(Point::Rcpt, "post@example.com", Action::Hang);
    let sink = Sink::start(hang).await;
    let node = Setup::new()
        .policy(|p| {
            p.malware.action = MalwareAction::DeleteMessage;
            p.malware.forward_to = vec!["post@example.com".to_owned()];
        })
        .start(&sink)
        .await;
    let mut client = node.client().await;
    for n in 0..40 {
        let mail = sample::eicar_attached(&format!("{n}"));
        client.deliver("alice@example.org", &["bob@example.com"], &mail).await.expect("taken");
    }
    client.quit().await;
    let open = || sink.connections();
    testkit::wait_until("forwarding", testkit::PATIENCE, || open() >= 33).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(open(), 33, "the client's own, and 32 others");
    assert_eq!(node.backup().len(), 40, "what is not forwarded is kept");
}

async fn a_copy_of_what_the_next_hop_did_not_take_is_dropped() {
    let sink = Sink::start(Behaviour::accept().reply(Point::End, "452 4.2.2 Full")).await;
    let node = Setup::new().start(&sink).await;
    assert_eq!(node.send(&sample::eicar_attached("x")).await.code, 452);
    let row = node.rows(1).await.remove(0);
    assert_eq!(row.backup, None, "no row points at what is not there");
    assert!(node.backup().is_empty());
}

async fn a_copy_of_what_the_next_hop_may_have_taken_stays() {
    let sink = Sink::start(Behaviour::accept().on(Point::End, Action::Close)).await;
    let node = Setup::new().start(&sink).await;
    assert_eq!(node.send(&sample::eicar_attached("x")).await.code, 451);
    let row = node.rows(1).await.remove(0);
    assert_eq!(row.backup, Some(node.kept().0.id));
    // Before it was given the message it has nothing.
    sink.set(Behaviour::accept().on(Point::Data, Action::Close));
    assert_eq!(node.send(&sample::eicar_attached("y")).await.code, 451);
    assert_eq!((node.rows(2).await.remove(0).backup, node.backup().len()), (None, 1));
}

async fn nothing_is_delivered_without_its_copy() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let bodies = node.data().join("blobs");
    assert!(bodies.is_dir(), "{:?}", std::fs::read_dir(node.data()).map(|d| d.flatten().collect::<Vec<_>>()));
    let aside = node.data().join("aside");
    std::fs::rename(&bodies, &aside).expect("moved");
    std::fs::write(&bodies, b"no directory").expect("in its way");
    let refused = node.send(&sample::eicar_attached("x")).await;
    assert_eq!(refused.lines, ["4.3.1 Insufficient system storage, please try again later"]);
    assert_eq!((refused.code, sink.count()), (452, 0));
    node.set_policy(|p| p.malware.action = MalwareAction::DeleteMessage);
    assert_eq!(node.send(&sample::eicar_attached("x")).await.code, 452);
    // What needs no copy passes meanwhile.
    assert_eq!(node.send(&sample::clean("clean")).await.code, 250);
    std::fs::remove_file(&bodies).expect("removed");
    std::fs::rename(&aside, &bodies).expect("back");
    node.set_policy(|p| p.malware.action = MalwareAction::Automatic);
    assert_eq!(node.send(&sample::eicar_attached("y")).await.code, 250);
    assert_eq!((sink.count(), node.backup().len()), (2, 1));
}

async fn release(from: &Node, through: &Node) -> Vec<u8> {
    let (entry, original) = from.kept();
    let to = [Address::parse("bob@example.com").expect("an address")];
    let (done, error) = service::release::release(from.service.store(), &hop_to(through.address), entry.id, &to).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(done, to);
    original
}

async fn released_mail_passes_and_forged_markers_do_not() {
    let sink = Sink::start(Behaviour::accept()).await;
    let first = Setup::new().policy(|p| p.malware.action = MalwareAction::DeleteMessage).start(&sink).await;
    let second = Setup::new().key_of(&first).start(&sink).await;
    let stranger = Setup::new().start(&sink).await;
    assert_eq!(first.send(&sample::eicar_attached("wanted")).await.code, 250);
    let original = release(&first, &second).await;
    let got = sink.messages();
    assert_eq!(got.len(), 1);
    let content = text(&got[0].content);
    let (marker, rest) = content.split_once("\r\n").expect("a line");
    assert!(marker.starts_with("X-Mailward-Release: ") && rest.as_bytes() == original, "{content}");
    assert!(!first.kept().0.released.is_empty());
    // The same bytes to somebody else, other bytes under the same marker, and the other
    // installation's key: looked at like any mail.
    let mut client = second.client().await;
    client.deliver("alice@example.org", &["carol@example.com"], content.as_bytes()).await.expect("without it");
    let changed = content.replace("Subject: wanted", "Subject: Wanted");
    client.deliver("alice@example.org", &["bob@example.com"], changed.as_bytes()).await.expect("without it");
    // With a field above it that no hop writes: another one could give the bytes another meaning.
    let turned = format!("Keywords: x\r\n{content}");
    client.deliver("alice@example.org", &["bob@example.com"], turned.as_bytes()).await.expect("without it");
    release(&first, &stranger).await;
    let got = sink.messages();
    assert_eq!(got.len(), 5);
    assert!(got[1..].iter().all(|m| !has_eicar(&m.content)));
    // A hop on the way may write its line.
    let passed = format!("Received: from mx.example.com\r\n\tby mx2.example.com; now\r\n{content}");
    client.deliver("alice@example.org", &["bob@example.com"], passed.as_bytes()).await.expect("as it is");
    client.quit().await;
    assert!(sink.messages()[5].content == passed.as_bytes());
}
