//! Real programs around the real program.

use std::process::Command;

use testkit::postfix::Options;
use testkit::{Behaviour, Postfix, Sink, peers, sample};

use crate::support::{Mailward, run, smtp_source, tally, turn};

const MAIN: &str = include_str!("../../../../docs/manual/postfix-main.cf.example");
const MASTER: &str = include_str!("../../../../docs/manual/postfix-master.cf.example");

/// A Postfix with the lines of the manual, before-queue filter at this port.
async fn postfix_of_the_manual(filter: u16) -> Option<Postfix> {
    for line in ["smtp            inet", "127.0.0.1:10024\n", "127.0.0.1:10025 inet"] {
        assert_eq!(MASTER.matches(line).count(), 1, "the manual's master.cf has changed: {line}");
    }
    let master = MASTER
        .replace("smtp            inet", "127.0.0.1:@outside@ inet")
        .replace("127.0.0.1:10024\n", &format!("127.0.0.1:{filter}\n"))
        .replace("127.0.0.1:10025 inet", "127.0.0.1:@inside@ inet");
    let options = Options { main_cf: MAIN.to_owned(), master_cf: Some(master), ..Options::default() };
    Postfix::start(&options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn swaks_sends_through_mailward() {
    let _turn = turn().await;
    let Some(swaks) = peers::swaks() else { return };
    let sink = Sink::start(Behaviour::accept()).await;
    let mailward = Mailward::start(sink.address(), "").await;
    let send = async |body: Vec<u8>| {
        let file = mailward.daemon.dir().join("mail.eml");
        std::fs::write(&file, &body).expect("written");
        let mut command = Command::new(&swaks);
        command.args(["--server", &mailward.address().to_string(), "--ehlo", "swaks.example.org"]);
        command.args(["--from", "alice@example.org", "--to", "bob@example.com,carol@example.com", "--data"]);
        command.arg(format!("@{}", file.display()));
        let out = run(command).await;
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    };
    send(sample::multipart("from swaks")).await;
    send(sample::eicar_zipped("from swaks, infected")).await;
    let got = sink.messages();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].addresses(), ["bob@example.com", "carol@example.com"]);
    assert!(got[0].content.windows(80).any(|w| sample::multipart("x").ends_with(w)), "the body is as it was");
    let infected = String::from_utf8_lossy(&got[1].content).replace("\r\n ", " ");
    assert!(infected.contains("X-Mailward-Status: disinfected; action=disinfected; id="), "{infected}");
    assert_eq!(mailward.backup().await.len(), 1);
    let line = mailward.daemon.wait_log("from swaks, infected").await;
    for part in ["\"helo\":\"swaks.example.org\"", "\"malware\":\"EICAR-Test-File\"", "\"action\":\"disinfected\""] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_filters_before_its_queue_as_the_manual_says() {
    let _turn = turn().await;
    let Some(source) = peers::smtp_source() else { return };
    let filter = testkit::free_port();
    let Some(postfix) = postfix_of_the_manual(filter).await else { return };
    let mailward = Mailward::start_at(filter, postfix.inside(), "").await;
    let outside = postfix.outside();
    let sent = crate::support::try_send(outside, &sample::eicar_attached("through Postfix")).await.expect("an answer");
    assert_eq!(sent.0, 250, "{}\n{}", sent.1, postfix.log());
    let delivered = postfix.wait_for(1).await.remove(0);
    let text = String::from_utf8_lossy(&delivered);
    assert!(text.contains("Subject: [Infected object deleted] through Postfix\n"), "{text}");
    assert!(text.contains("eicar.com.removed.txt") && text.contains("X-Mailward-Status: infected"), "{text}");
    // XFORWARD both ways: both Postfixes name the client, and we add no Received header.
    assert!(text.contains("Received: from client.example.org") && !text.contains("(Mailward)"), "{text}");
    let line = mailward.daemon.wait_log("through Postfix").await;
    assert!(line.contains("\"helo\":\"client.example.org\"") && line.contains("\"peer\":\"127.0.0.1\""), "{line}");
    assert!(postfix.log().contains("proxy-accept: END-OF-MESSAGE: 250"), "{}", postfix.log());

    smtp_source(source, outside, 200).await;
    let all = postfix.wait_for(201).await;
    assert_eq!(all.len(), 201);
    let tally = tally(all.iter().map(Vec::as_slice).filter(|m| !m.windows(15).any(|w| w == b"through Postfix")));
    assert_eq!((tally.len(), tally.values().max()), (200, Some(&1)), "each exactly once");
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_hears_the_refusal_and_its_client_too() {
    let _turn = turn().await;
    let filter = testkit::free_port();
    let Some(postfix) = postfix_of_the_manual(filter).await else { return };
    let policy = "[policy]\nfile = \"@dir@/policy.toml\"\n";
    let port = filter;
    let config = crate::support::config(port, postfix.inside(), policy);
    // The policy has to be there when the program starts.
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("policy.toml"), "[malware]\naction = \"block\"\n").expect("written");
    let config = config.replace("@dir@/policy.toml", &dir.path().join("policy.toml").display().to_string());
    let mut daemon = testkit::Daemon::start(crate::support::PROGRAM, &config);
    daemon.wait_banner(port).await;
    let (code, text) =
        crate::support::try_send(postfix.outside(), &sample::eicar_attached("refused")).await.expect("an answer");
    assert!(code == 550 && text.starts_with("5.7.1 Message refused: EICAR-Test-File"), "{code} {text}");
    let (code, text) = crate::support::try_send(postfix.outside(), &sample::clean("clean")).await.expect("an answer");
    assert_eq!(code, 250, "{text}");
    assert_eq!(postfix.wait_for(1).await.len(), 1);
    // Without us the sender is asked to come again, and nothing gets in.
    daemon.kill();
    let (code, text) = crate::support::try_send(postfix.outside(), &sample::clean("away")).await.expect("an answer");
    assert!((400..500).contains(&code), "{code} {text}");
    testkit::wait_until("an empty queue", testkit::PATIENCE, || postfix.queued() == 0).await;
    assert_eq!(postfix.count_delivered(), 1);
}
