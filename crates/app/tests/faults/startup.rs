//! What cannot start says why and exits with 2; what ends, ends in order.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use testkit::{Behaviour, Client, Sink, sample};

use crate::support::{Mailward, PROGRAM, config, run, turn};

async fn serve(file: &Path) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--config"]).arg(file);
    tokio::time::timeout(Duration::from_secs(20), run(command)).await.expect("it does not start, and ends")
}

/// Exit code 2, and standard error has all of these.
async fn expect_refusal(file: &Path, parts: &[&str]) {
    let out = serve(file).await;
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{err}");
    for part in parts {
        assert!(err.contains(part), "{part} in\n{err}");
    }
    assert!(!err.contains("panicked"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_configurations_are_clear_errors() {
    let _turn = turn().await;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("mailward.toml");
    expect_refusal(&file, &["mailward.toml", "No such file"]).await;
    let good = config(testkit::free_port(), ([127, 0, 0, 1], 2525).into(), "")
        .replace("@dir@", &dir.path().display().to_string());
    let cases: [(String, &[&str]); 5] = [
        (good.replace("hostname =", "hostnam ="), &["hostnam", "hostname"]),
        (good.replace("address = \"127.0.0.1:2525\"", ""), &["next_hop.address"]),
        ("[[smtp\n".to_owned(), &["mailward.toml"]),
        (format!("{good}[engines]\nhash_lists = [\"/no/such/list\"]\n"), &["engines.hash_lists", "/no/such/list"]),
        (format!("{good}[policy]\nfile = \"/no/such/policy.toml\"\n"), &["/no/such/policy.toml"]),
    ];
    for (text, parts) in cases {
        std::fs::write(&file, text).expect("written");
        expect_refusal(&file, parts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_and_a_directory_in_use_are_clear_errors() {
    let _turn = turn().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let mailward = Mailward::start(sink.address(), "").await;
    let other = mailward.daemon.dir().join("other.toml");
    let text = std::fs::read_to_string(mailward.daemon.config()).expect("a configuration");
    std::fs::write(&other, text.replace("/data\"", "/other\"")).expect("written");
    expect_refusal(&other, &[&format!("cannot listen on 127.0.0.1:{}", mailward.port), "smtp.listen"]).await;
    let port = format!("127.0.0.1:{}", testkit::free_port());
    std::fs::write(&other, text.replace(&format!("127.0.0.1:{}", mailward.port), &port)).expect("written");
    expect_refusal(&other, &[&mailward.daemon.dir().join("data").display().to_string()]).await;
    assert_eq!(mailward.send(&sample::clean("unharmed")).await.0, 250);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_is_told_and_what_was_kept_is_not_lost() {
    let _turn = turn().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let mut mailward = Mailward::start(sink.address(), "").await;
    for number in 0..3 {
        assert_eq!(mailward.send(&sample::eicar_attached(&format!("kept {number}"))).await.0, 250);
    }
    assert!(mailward.daemon.terminate(Duration::from_secs(10)).await.success());
    let index = mailward.daemon.dir().join("data/backup.db");
    for gone in ["data/backup.db-wal", "data/backup.db-shm"] {
        let _ = std::fs::remove_file(mailward.daemon.dir().join(gone));
    }
    std::fs::write(&index, vec![0x5a; 20_000]).expect("damaged");
    expect_refusal(&mailward.daemon.config(), &["backup.db", "rebuild-index"]).await;
    let out = mailward.command(&["rebuild-index"]).await;
    assert!(out.status.success(), "{out:?}");
    mailward.daemon.restart();
    mailward.daemon.wait_banner(mailward.port).await;
    let kept = mailward.backup().await;
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(kept.iter().any(|entry| entry.contains("kept 2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_takes_the_message_through_that_is_coming_in() {
    let _turn = turn().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let mut mailward = Mailward::start(sink.address(), "").await;
    let mut client = Client::open(mailward.address()).await;
    for (line, code) in [("MAIL FROM:<alice@example.org>", 250), ("RCPT TO:<bob@example.com>", 250), ("DATA", 354)] {
        client.command(line, code).await;
    }
    let wire = testkit::client::stuff(&sample::eicar_attached("the last one"));
    let (first, rest) = wire.split_at(wire.len() / 2);
    client.send_bytes(first).await;
    let finish = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        client.send_bytes(rest).await;
        client.expect(250).await;
    };
    let started = Instant::now();
    let (status, ()) = tokio::join!(mailward.daemon.terminate(Duration::from_secs(30)), finish);
    assert!(status.success(), "{status:?}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(String::from_utf8_lossy(&sink.messages()[0].content).contains("eicar.com.removed.txt"));
    let log = mailward.daemon.log().join("\n");
    assert!(log.contains("the last one") && !log.contains("\"level\":\"ERROR\""), "{log}");
    mailward.daemon.restart();
    mailward.daemon.wait_banner(mailward.port).await;
    assert_eq!(mailward.backup().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_without_content_do_not_hold_a_stop_up() {
    let _turn = turn().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let mut mailward = Mailward::start(sink.address(), "").await;
    let mut idle = Client::open(mailward.address()).await;
    let mut begun = Client::open(mailward.address()).await;
    begun.command("MAIL FROM:<alice@example.org>", 250).await;
    let started = Instant::now();
    let (status, ()) = tokio::join!(mailward.daemon.terminate(Duration::from_secs(10)), async {
        idle.expect(421).await;
        begun.expect(421).await;
    });
    assert!(status.success(), "{status:?}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(sink.attempts().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo xtask campaign faults"]
async fn content_that_never_ends_holds_a_stop_up_for_thirty_seconds() {
    let _turn = turn().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let mut mailward = Mailward::start(sink.address(), "").await;
    let mut stuck = Client::open(mailward.address()).await;
    for (line, code) in [("MAIL FROM:<alice@example.org>", 250), ("RCPT TO:<bob@example.com>", 250), ("DATA", 354)] {
        stuck.command(line, code).await;
    }
    let started = Instant::now();
    assert!(mailward.daemon.terminate(Duration::from_secs(35)).await.success());
    let took = started.elapsed();
    assert!(took > Duration::from_secs(25) && took < Duration::from_secs(33), "{took:?}");
    assert!(sink.attempts().is_empty());
}
