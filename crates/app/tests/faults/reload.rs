//! SIGHUP: everything is read first; what is wrong changes nothing, what is right holds at once.

use rustix::process::Signal;
use testkit::{Behaviour, Client, Sink, sample};

use crate::support::{Mailward, replace, turn};

/// SHA-256 of the text below, computed here so that the list is a real one.
const WANTED: &str = "This attachment is on nobody's list yet.\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_keeps_the_old_one() {
    let _turn = turn().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let mailward = Mailward::start(sink.address(), "").await;
    let good = std::fs::read_to_string(mailward.daemon.config()).expect("a configuration");
    let broken = [
        good.replace("hostname", "hostnam"),
        good.replace("[next_hop]", "[next_hop"),
        good.replace(&format!("address = \"{}\"", sink.address()), ""),
        format!("{good}[engines]\nhash_lists = [\"/no/such/list\"]\n"),
    ];
    for (number, text) in broken.iter().enumerate() {
        replace(&mailward.daemon.config(), text);
        mailward.daemon.signal(Signal::HUP);
        testkit::wait_until("the reload to fail", testkit::PATIENCE, || {
            mailward.daemon.log().iter().filter(|l| l.contains("the old configuration stays in force")).count() > number
        })
        .await;
        assert_eq!(mailward.send(&sample::clean("as before")).await.0, 250);
    }
    replace(&mailward.daemon.config(), &good.replace("mx.example.com", "new.example.com"));
    mailward.daemon.signal(Signal::HUP);
    mailward.daemon.wait_log("\"reloaded\"").await;
    let mut client = Client::connect(mailward.address()).await;
    assert_eq!(client.expect(220).await.lines, ["new.example.com ESMTP Mailward"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_fails_at_a_key_leaves_the_engines_as_they_were() {
    let _turn = turn().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let dir = tempfile::tempdir().expect("a directory");
    let (list, key) = (dir.path().join("list.sha256"), dir.path().join("key.pem"));
    std::fs::write(&list, format!("{}:Nothing.Yet\n", "0".repeat(64))).expect("written");
    std::fs::write(&key, "this is no key\n").expect("written");
    let lists = format!("[engines]\nhash_lists = [\"{}\"]\n", list.display());
    let mailward = Mailward::start(sink.address(), &lists).await;
    assert_eq!(mailward.send(&sample::clean("before")).await.0, 250);
    let good = std::fs::read_to_string(mailward.daemon.config()).expect("a configuration");
    let dkim = format!("[[dkim]]\ndomain = \"example.com\"\nselector = \"s\"\nkey = \"{}\"\n", key.display());
    replace(&mailward.daemon.config(), &good.replace(&lists, &dkim));
    mailward.daemon.signal(Signal::HUP);
    mailward.daemon.wait_log("the old configuration stays in force").await;
    assert_eq!(mailward.send(&sample::clean("after")).await.0, 250, "the old engines look at it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_policy_and_a_new_list_hold_without_dropping_a_session() {
    let _turn = turn().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let dir = tempfile::tempdir().expect("a directory");
    let (policy, list) = (dir.path().join("policy.toml"), dir.path().join("list.sha256"));
    std::fs::write(&policy, "[malware]\naction = \"automatic\"\n").expect("written");
    std::fs::write(&list, format!("{}:Nothing.Yet\n", "0".repeat(64))).expect("written");
    let more = format!("[policy]\nfile = \"{}\"\n[engines]\nhash_lists = [\"{}\"]\n", policy.display(), list.display());
    let mailward = Mailward::start(sink.address(), &more).await;
    let mail = sample::with_attachment("listed", "wanted.txt", "text/plain", WANTED.as_bytes());
    let to = &["bob@example.com"];
    let mut client = Client::open(mailward.address()).await;
    client.deliver("alice@example.org", to, &mail).await.expect("nobody minds it");
    assert!(!String::from_utf8_lossy(&sink.messages()[0].content).contains("removed.txt"));
    // In the middle of a transaction.
    client.command("MAIL FROM:<alice@example.org>", 250).await;
    client.command("RCPT TO:<bob@example.com>", 250).await;
    replace(&list, &format!("{}:Test.Listed\n", sha256(dir.path())));
    replace(&policy, "[malware]\naction = \"block\"\n");
    mailward.daemon.signal(Signal::HUP);
    mailward.daemon.wait_log("\"reloaded\"").await;
    client.command("DATA", 354).await;
    client.send_bytes(&testkit::client::stuff(&mail)).await;
    let refused = client.expect(550).await;
    assert!(refused.lines[0].starts_with("5.7.1 Message refused: Test.Listed"), "{refused:?}");
    client.deliver("alice@example.org", to, &sample::clean("others")).await.expect("taken");
    client.quit().await;
    assert_eq!(sink.count(), 2);
}

/// The hash as sha256sum says it.
fn sha256(dir: &std::path::Path) -> String {
    let file = dir.join("wanted.txt");
    std::fs::write(&file, WANTED).expect("written");
    let out = std::process::Command::new("sha256sum").arg(&file).output().expect("sha256sum is part of every system");
    String::from_utf8(out.stdout).expect("text").split(' ').next().expect("a hash").to_owned()
}
