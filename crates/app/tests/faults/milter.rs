//! The program as a milter of a real Postfix: what arrives behind it is what the gateway sends.

use std::path::Path;
use std::process::Command;

use testkit::postfix::Options;
use testkit::{Behaviour, Daemon, Postfix, Sendmail, Sink, eicar, peers, sample};

use crate::support::{Mailward, PROGRAM, run, smtp_source, tally, try_send, turn};

/// The lines of the manual.
const MAIN: &str = include_str!("../../../../docs/manual/milter-main.cf.example");
const CONFIG: &str = include_str!("../../../../docs/manual/milter-mailward.toml.example");
const ADDRESS: &str = "inet:127.0.0.1:10027";

/// A Postfix with the lines of the manual, its milter at this address; it sends all mail on to the sink.
async fn postfix_of_the_manual(milter: &str, relay: &Sink) -> Option<Postfix> {
    assert_eq!(MAIN.matches(ADDRESS).count(), 1, "the manual's main.cf has changed");
    let main_cf = MAIN.replace(ADDRESS, milter);
    Postfix::start(&Options { main_cf, relay: Some(relay.address()), ..Options::default() }).await
}

/// A listener for Postfix, beside the gateway's.
fn milter(listen: &str) -> String {
    format!("[[milter]]\nlisten = \"{listen}\"\nsocket_mode = \"666\"\n")
}

/// A policy in a file of its own.
fn policy(dir: &Path, text: &str) -> String {
    let path = dir.join("policy.toml");
    std::fs::write(&path, text).expect("written");
    format!("[policy]\nfile = \"{}\"\n", path.display())
}

/// Two Content-Types: some clients show the text, others open the attachment.
fn two_faced(payload: &[u8]) -> Vec<u8> {
    let mut mail = b"From: <alice@example.org>\r\nTo: <bob@example.com>\r\nSubject: two faces\r\n\
        Date: Fri, 21 Nov 2025 18:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n--b\r\n\
        Content-Type: application/octet-stream; name=\"notes.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        .to_vec();
    mail.extend_from_slice(sample::base64(payload).as_bytes());
    mail.extend_from_slice(b"\r\n--b--\r\n");
    mail
}

/// Mail that every kind of change is made to, and mail that none is.
fn mails() -> Vec<(&'static str, Vec<u8>)> {
    let mut forged =
        b"X-Mailward-Status: clean; forged\r\nReceived: from a\r\n\tby b; x\r\nx-spam-flag:YES\r\n".to_vec();
    forged.extend(sample::multipart("forged"));
    forged.extend(b"\r\n.\r\n..dots\r\n \r\n\r\n");
    let mut body = b"From: alice@example.org\r\nDate: Fri, 21 Nov 2025 18:00:00 +0000\r\n\
        Message-ID: <2@example.org>\r\nTo: bob@example.com\r\n\r\n"
        .to_vec();
    body.extend([&eicar()[..], b"\r\n"].concat());
    vec![
        ("clean", sample::multipart("clean")),
        ("large", sample::sized("large", 400_000)),
        ("eicar", sample::eicar_attached("eicar")),
        ("zipped", sample::eicar_zipped("zipped")),
        ("body", body),
        ("forged", forged),
        ("two faces", two_faced(b"just some notes that are not long")),
        ("two faces, infected", two_faced(&eicar())),
    ]
}

/// A message as text, without what differs each time: our ids, the time in a notice.
fn neutral(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content).replace("=\r\n", "").replace("\r\n ", " ");
    let is_time = |line: &str| line.strip_prefix("Date:").is_some_and(|rest| rest.trim_start().starts_with("20"));
    let lines: String = text.split_inclusive("\r\n").filter(|line| !is_time(line)).collect();
    let words = lines.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words.map(|word| if word.get(..26).is_some_and(is_id) { "ID." } else { word }).collect()
}

fn is_id(word: &str) -> bool {
    mail::arrival::MessageId::parse(word).is_some()
}

/// A message without the `Received` field that stands above it.
fn without_received(content: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(content);
    assert!(text.starts_with("Received: "), "{text}");
    let end = text.match_indices("\r\n").find(|(at, _)| !text[at + 2..].starts_with([' ', '\t'])).expect("an end").0;
    content[end + 2..].to_vec()
}

async fn next(sink: &Sink, what: &str, postfix: &Postfix) -> Vec<u8> {
    let start = std::time::Instant::now();
    while sink.messages().is_empty() {
        assert!(start.elapsed() < testkit::PATIENCE, "{what} did not arrive\n{}", postfix.log());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let got = sink.messages().remove(0).content;
    sink.clear();
    got
}

/// Sends every kind of mail through the gateway and through Postfix with us as its milter, and compares what arrives.
async fn compare(mailward: &Mailward, gateway_sink: &Sink, postfix: &Postfix, postfix_sink: &Sink) {
    for (name, mail) in mails() {
        assert_eq!(mailward.send(&mail).await.0, 250, "{name}");
        let by_gateway = without_received(&gateway_sink.messages().remove(0).content);
        gateway_sink.clear();
        let sent = try_send(postfix.outside(), &mail).await.expect("an answer");
        assert_eq!(sent.0, 250, "{name}: {}\n{}", sent.1, postfix.log());
        let by_postfix = without_received(&next(postfix_sink, name, postfix).await);
        assert_eq!(neutral(&by_postfix), neutral(&by_gateway), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_postfix_arrives_what_the_gateway_sends() {
    let _turn = turn().await;
    let behind_gateway = Sink::start(Behaviour::accept()).await;
    let behind_postfix = Sink::start(Behaviour::accept()).await;
    let port = testkit::free_port();
    let socket = tempfile::tempdir().expect("a directory");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(socket.path(), mode).expect("permissions");
    let unix = format!("unix:{}/milter.sock", socket.path().display());
    let more = format!("{}{}", milter(&format!("127.0.0.1:{port}")), milter(&unix));
    let mailward = Mailward::start(behind_gateway.address(), &more).await;
    for address in [format!("inet:127.0.0.1:{port}"), unix] {
        let Some(postfix) = postfix_of_the_manual(&address, &behind_postfix).await else { return };
        compare(&mailward, &behind_gateway, &postfix, &behind_postfix).await;
        let line = mailward.daemon.wait_log("\"surface\":\"milter\"").await;
        for part in ["\"helo\":\"client.example.org\"", "\"peer\":\"127.0.0.1\"", "\"reply\":\"continue; queue id "] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
}

/// How many messages wait in Postfix' hold queue.
fn held(postfix: &Postfix) -> usize {
    postfix.files_in("hold")
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_hears_every_answer_of_its_milter() {
    let _turn = turn().await;
    let behind = Sink::start(Behaviour::accept()).await;
    let dir = tempfile::tempdir().expect("a directory");
    let infected = sample::eicar_attached("infected");
    // Nobody listens where clamd should: nobody could look.
    let blind = "[clamd]\naddress = \"127.0.0.1:1\"\n";
    let cases = [
        ("[malware]\naction = \"block\"\n", "", "", 550, "5.7.1 Message refused: EICAR-Test-File", 0, 1),
        ("[malware]\naction = \"delete_message\"\n", "", "", 250, "2.0.0 Ok: queued as", 0, 1),
        ("", blind, "", 451, "4.7.1 Message could not be examined", 0, 0),
        ("[unscannable]\nengine_failed = \"hold\"\n", blind, "", 250, "2.0.0 Ok: queued as", 0, 1),
        (
            "[unscannable]\nengine_failed = \"hold\"\n",
            blind,
            "hold = \"quarantine\"\n",
            250,
            "2.0.0 Ok: queued as",
            1,
            1,
        ),
    ];
    for (rules, engines, hold, code, text, queue, kept) in cases {
        let port = testkit::free_port();
        let file = policy(dir.path(), rules);
        let more = format!("{file}{engines}{}{hold}", milter(&format!("127.0.0.1:{port}")));
        let mut mailward = Mailward::start(behind.address(), &more).await;
        let Some(postfix) = postfix_of_the_manual(&format!("inet:127.0.0.1:{port}"), &behind).await else { return };
        let mail = if engines.is_empty() { &infected } else { &sample::clean("clean") };
        let sent = try_send(postfix.outside(), mail).await.expect("an answer");
        assert!(sent.0 == code && sent.1.starts_with(text), "{rules}: {sent:?}\n{}", postfix.log());
        testkit::wait_until("an empty queue", testkit::PATIENCE, || postfix.queued() == 0).await;
        assert_eq!(held(&postfix), queue, "{rules}{hold}");
        assert_eq!(mailward.backup().await.len(), kept, "{rules}{hold}");
        assert!(behind.messages().is_empty(), "nothing of it leaves");
        // Without us the sender is asked to come again.
        mailward.daemon.kill();
        let (code, text) = try_send(postfix.outside(), &sample::clean("away")).await.expect("an answer");
        assert!((400..500).contains(&code), "{code} {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_through_postfix_and_its_milter_arrives_once_each() {
    let _turn = turn().await;
    let Some(source) = peers::smtp_source() else { return };
    let behind = Sink::start(Behaviour::accept()).await;
    let port = testkit::free_port();
    let mailward = Mailward::start(behind.address(), &milter(&format!("127.0.0.1:{port}"))).await;
    let Some(postfix) = postfix_of_the_manual(&format!("inet:127.0.0.1:{port}"), &behind).await else { return };
    smtp_source(source, postfix.outside(), 200).await;
    testkit::wait_until("all messages", testkit::PATIENCE, || behind.messages().len() >= 200).await;
    let messages = behind.messages();
    let tally = tally(messages.iter().map(|m| m.content.as_slice()));
    assert_eq!((tally.len(), tally.values().max()), (200, Some(&1)), "each exactly once");
    let marked =
        messages.iter().filter(|m| String::from_utf8_lossy(&m.content).contains("\r\nX-Mailward-Status: clean;"));
    assert_eq!(marked.count(), 200);
    assert!(mailward.runs());
}

#[tokio::test(flavor = "multi_thread")]
async fn miltertest_gets_what_it_asks_for() {
    let _turn = turn().await;
    let Some(program) = peers::find("miltertest") else { return };
    let behind = Sink::start(Behaviour::accept()).await;
    let port = testkit::free_port();
    let mailward = Mailward::start(behind.address(), &milter(&format!("127.0.0.1:{port}"))).await;
    let mut command = Command::new(program);
    let coded = sample::base64(&eicar()).replace("\r\n", "");
    command.args(["-D", &format!("port={port}"), "-D", &format!("coded={coded}"), "-s"]);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/milter.lua"));
    let out = run(command).await;
    assert!(out.status.success(), "{out:?}\n{}", mailward.daemon.log().join("\n"));
    for (subject, action) in [("lua clean", "delivered"), ("lua infected", "object_deleted")] {
        let line = mailward.daemon.wait_log(subject).await;
        assert!(
            line.contains(&format!("\"action\":\"{action}\"")) && line.contains("\"peer\":\"192.0.2.7\""),
            "{line}"
        );
    }
}

/// Mailward with the lines of the manual, milter and next hop at these ports.
async fn mailward_of_the_manual(port: u16, next: std::net::SocketAddr) -> Daemon {
    let places = [("127.0.0.1:10027", format!("127.0.0.1:{port}")), ("127.0.0.1:25", next.to_string())];
    let mut config = CONFIG.to_owned();
    for (place, here) in places {
        assert_eq!(
            config.matches(&format!("\"{place}\"")).count(),
            1,
            "the manual's mailward.toml has changed: {place}"
        );
        config = config.replace(&format!("\"{place}\""), &format!("\"{here}\""));
    }
    let top = "data_dir = \"@dir@/data\"\n";
    let daemon = Daemon::start(PROGRAM, &format!("{top}{config}[http]\nlisten = \"\"\n[log]\nformat = \"json\"\n"));
    daemon.wait_log("milter ready").await;
    daemon
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manuals_mailward_and_postfix_serve_network_machine_and_release() {
    let _turn = turn().await;
    let (behind, port) = (Sink::start(Behaviour::accept()).await, testkit::free_port());
    let Some(postfix) = postfix_of_the_manual(&format!("inet:127.0.0.1:{port}"), &behind).await else { return };
    let daemon = mailward_of_the_manual(port, postfix.outside()).await;
    let infected = sample::eicar_attached("from the network");
    assert_eq!(try_send(postfix.outside(), &infected).await.expect("an answer").0, 250, "{}", postfix.log());
    let got = next(&behind, "mail from the network", &postfix).await;
    assert!(String::from_utf8_lossy(&got).contains("eicar.com.removed.txt"));

    // Its original, released: the milter knows our mark and lets it pass.
    let mut list = Command::new(PROGRAM);
    list.args(["backup", "--config"]).arg(daemon.config()).args(["list", "--format", "json"]);
    let out = String::from_utf8(run(list).await.stdout).expect("text");
    let id = out.split("\"id\":\"").nth(1).and_then(|rest| rest.get(..13)).unwrap_or_else(|| panic!("an id in {out}"));
    let mut release = Command::new(PROGRAM);
    release.args(["backup", "--config"]).arg(daemon.config()).args(["release", id]);
    let out = run(release).await;
    assert!(out.status.success(), "{out:?}\n{}", postfix.log());
    let got = next(&behind, "released mail", &postfix).await;
    assert!(got.ends_with(&infected), "{}", String::from_utf8_lossy(&got));

    // And what is made on the machine itself is seen as well.
    postfix.submit("bob@example.com", &sample::eicar_attached("from the machine"));
    let got = next(&behind, "mail from the machine", &postfix).await;
    assert!(String::from_utf8_lossy(&got).contains("eicar.com.removed.txt"));
    let line = daemon.wait_log("from the machine").await;
    assert!(line.contains("\"surface\":\"milter\"") && line.contains("\"peer\":\"127.0.0.1\""), "{line}");
}

/// A message's fields in no order, without those that mail servers on the way add, and its body.
fn parts(content: &[u8]) -> (Vec<String>, String) {
    let text = neutral(content);
    let (head, body) = text.split_once("\r\n\r\n").expect("a header and a body");
    let head = head.replace("\r\n\t", " ");
    let mut fields: Vec<String> =
        head.split("\r\n").filter(|line| !line.contains("example.net")).map(str::to_owned).collect();
    fields.sort();
    (fields, body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_sendmail_arrives_the_same_but_for_the_order_of_fields() {
    let _turn = turn().await;
    let (behind_gateway, behind_sendmail) =
        (Sink::start(Behaviour::accept()).await, Sink::start(Behaviour::accept()).await);
    let port = testkit::free_port();
    let place = format!("inet:{port}@127.0.0.1");
    let mailward = Mailward::start(behind_gateway.address(), &milter(&format!("127.0.0.1:{port}"))).await;
    let Some(sendmail) = Sendmail::start(&place, behind_sendmail.address()).await else { return };
    for (name, mail) in mails() {
        assert_eq!(mailward.send(&mail).await.0, 250, "{name}");
        let by_gateway = without_received(&behind_gateway.messages().remove(0).content);
        behind_gateway.clear();
        let sent = try_send(sendmail.address(), &mail).await.expect("an answer");
        assert_eq!(sent.0, 250, "{name}: {}", sent.1);
        testkit::wait_until(name, testkit::PATIENCE, || !behind_sendmail.messages().is_empty()).await;
        let by_sendmail = behind_sendmail.messages().remove(0).content;
        behind_sendmail.clear();
        assert_eq!(parts(&by_sendmail), parts(&by_gateway), "{name}");
    }
    drop(mailward);
    let (code, text) = try_send(sendmail.address(), &sample::clean("away")).await.expect("an answer");
    assert!((400..500).contains(&code), "{code} {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_postfix_each_group_gets_its_own() {
    let _turn = turn().await;
    let (behind, dir) = (Sink::start(Behaviour::accept()).await, tempfile::tempdir().expect("a directory"));
    let port = testkit::free_port();
    let Some(postfix) = postfix_of_the_manual(&format!("inet:127.0.0.1:{port}"), &behind).await else { return };
    let file = policy(
        dir.path(),
        "[[group]]\nname = \"strict\"\nrecipients = [\"strict@example.com\"]\n\
         malware.labels.use_attachment_removed = true\n\
         [[group]]\nname = \"none\"\nrecipients = [\"none@example.com\"]\nmalware.action = \"delete_message\"\n",
    );
    let more = format!("{file}{}split_recipients = true\n", milter(&format!("127.0.0.1:{port}")));
    // What it takes from Postfix goes back to Postfix, which asks about it once more.
    let mailward = Mailward::start(postfix.outside(), &more).await;
    let mut client = testkit::Client::open(postfix.outside()).await;
    let to = ["bob@example.com", "Strict@example.com", "none@example.com", "carol@example.com"];
    client.deliver("alice@example.org", &to, &sample::eicar_attached("groups")).await.expect("taken");
    let got = behind.wait_for(2).await;
    let subject = |who: &str| {
        let message = got.iter().find(|m| m.addresses().iter().any(|to| to.eq_ignore_ascii_case(who)));
        let message = message.unwrap_or_else(|| panic!("nothing for {who}\n{}", postfix.log()));
        let text = String::from_utf8_lossy(&message.content).into_owned();
        let subjects: Vec<&str> = text.lines().filter(|line| line.starts_with("Subject:")).collect();
        (subjects.join("\n"), message.addresses().len(), text.contains("eicar.com.removed.txt"))
    };
    for who in ["bob@example.com", "carol@example.com"] {
        assert_eq!(subject(who), ("Subject: [Infected object deleted] groups".to_owned(), 2, true));
    }
    assert_eq!(
        subject("strict@example.com"),
        ("Subject: [Infected attachment removed] groups".to_owned(), 1, true),
        "changed once"
    );
    let line = mailward.daemon.wait_log("\"to\":\"none@example.com\"").await;
    assert!(line.contains("\"action\":\"message_deleted\"") && line.contains("\"reply\":\"discard\""), "{line}");
    // To whom the same is done, the same message goes.
    behind.clear();
    client.deliver("alice@example.org", &to, &sample::clean("for all")).await.expect("taken");
    assert_eq!(behind.wait_for(1).await[0].recipients.len(), 4);
    testkit::wait_until("an empty queue", testkit::PATIENCE, || postfix.queued() == 0).await;
    assert_eq!((behind.count(), mailward.backup().await.len()), (1, 3), "nobody gets anything twice");
}
