//! The manual's chapter "Outgoing mail", as it is written: its commands, its files, Postfix on both
//! sides, and dkimpy as the receiver.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use testkit::postfix::Options;
use testkit::{Behaviour, Client, Daemon, DnsServer, Postfix, Sink, free_port, sample, wait_until};

use crate::support::{PROGRAM, block, commands, dkimpy, run, run_line, turn};

const CHAPTER: &str = include_str!("../../../../docs/manual/outgoing.md");
const MASTER: &str = include_str!("../../../../docs/manual/outgoing-master.cf.example");
const CONFIG: &str = include_str!("../../../../docs/manual/outgoing-mailward.toml.example");
/// Where the chapter keeps its keys.
const ETC: &str = "/etc/mailward";

/// A file of the manual with another text in a place that it has once.
fn with(file: &str, text: &str, instead: &str) -> String {
    assert_eq!(file.matches(text).count(), 1, "the manual has changed: {text}");
    file.replace(text, instead)
}

/// The lines of a zone file as names and texts.
fn zone(lines: &str) -> BTreeMap<String, String> {
    let one = |line: &str| {
        let (name, rest) = line.split_once(". IN TXT ").expect("a line of a zone");
        (name.to_owned(), rest.split('"').skip(1).step_by(2).collect::<String>())
    };
    lines.lines().map(one).collect()
}

fn for_server(zone: &BTreeMap<String, String>) -> String {
    zone.iter().map(|(name, text)| format!("{name} TXT {text}\n")).collect()
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Makes the keys of the chapter in this directory; what the commands show for the DNS.
async fn keygen(dir: &Path) -> BTreeMap<String, String> {
    let made: Vec<String> = commands(CHAPTER).into_iter().filter(|line| line.contains("dkim keygen")).collect();
    assert_eq!(made.len(), 2, "the manual has changed");
    let mut shown = String::new();
    for line in made {
        let out = run_line(&line.replace(ETC, &dir.display().to_string())).await;
        assert!(out.status.success(), "{line}: {out:?}");
        shown.push_str(&said(&out));
    }
    zone(&shown)
}

/// Mailward as the chapter has it, between these ports, with these keys and this server of the DNS.
fn config(ports: [u16; 2], keys: &Path, dns: &DnsServer) -> String {
    let text = with(CONFIG, "127.0.0.1:10034", &format!("127.0.0.1:{}", ports[0]));
    let text = with(&text, "127.0.0.1:10025", &format!("127.0.0.1:{}", ports[1]));
    let text = text.replace(ETC, &keys.display().to_string());
    format!(
        "data_dir = \"@dir@/data\"\n{text}[http]\nlisten = \"\"\n[log]\nformat = \"json\"\n[dns]\nservers = [\"{}\"]\n",
        dns.address()
    )
}

async fn mailward(daemon: &Daemon, args: &[&str]) -> Output {
    let mut command = std::process::Command::new(PROGRAM);
    command.args(args).arg("--config").arg(daemon.config());
    run(command).await
}

/// Sends as a client that submits; the last reply's code and text.
async fn submit(postfix: &Postfix, subject: &str) -> (u16, String) {
    let mut client = Client::open(postfix.outside()).await;
    let to = ["bob@example.com", "carol@example.net"];
    let reply = client.deliver("alice@example.org", &to, &sample::multipart(subject)).await;
    client.quit().await;
    let reply = reply.unwrap_or_else(|refusal| refusal);
    (reply.code, reply.text())
}

#[test]
fn the_chapter_shows_the_files_that_are_run() {
    assert!(CHAPTER.contains(CONFIG), "the configuration in the text is another one than in the file");
    let services = MASTER.split("\n\n").nth(1).expect("a service");
    let lines: Vec<&str> = services.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(CHAPTER.contains(&lines.join("\n")), "master.cf in the text is another one than in the file");
}

#[tokio::test(flavor = "multi_thread")]
async fn submitted_mail_leaves_signed_as_the_manual_says() {
    let _turn = turn().await;
    let internet = Sink::start(Behaviour::accept()).await;
    let etc = tempfile::tempdir().expect("a directory");
    let records = keygen(etc.path()).await;
    let dns = DnsServer::start(&for_server(&records)).await;
    let filter = free_port();
    let master = with(MASTER, "submission      inet", "127.0.0.1:@outside@ inet");
    let master = with(&master, "127.0.0.1:10034\n", &format!("127.0.0.1:{filter}\n"));
    let master = with(&master, "127.0.0.1:10025 inet", "127.0.0.1:@inside@ inet");
    let options = Options { master_cf: Some(master), relay: Some(internet.address()), ..Options::default() };
    let Some(postfix) = Postfix::start(&options).await else { return };
    let mut daemon = Daemon::start(PROGRAM, &config([filter, postfix.inside().port()], etc.path(), &dns));
    let checked = mailward(&daemon, &["config", "check"]).await;
    assert!(checked.status.success(), "{checked:?}");
    daemon.wait_banner(filter).await;

    // The records are those that keygen showed, and the DNS has them.
    assert_eq!(zone(&said(&mailward(&daemon, &["dkim", "dns"]).await)), records);
    assert_eq!(mailward(&daemon, &["dkim", "check"]).await.status.code(), Some(0));
    dns.set("");
    assert_eq!(mailward(&daemon, &["dkim", "check"]).await.status.code(), Some(1));
    dns.set(&for_server(&records));

    assert_eq!(submit(&postfix, "signed").await.0, 250, "{}", postfix.log());
    let got = internet.wait_for(1).await.remove(0).content;
    let Some(verified) = dkimpy(&records, &got).await else { return };
    assert_eq!(verified, [true, true], "{}", String::from_utf8_lossy(&got));
    let text = String::from_utf8_lossy(&got);
    assert!(text.contains("d=example.org; s=mail2026") || text.contains("s=mail2026; d=example.org"), "{text}");
    let line = daemon.wait_log("\"subject\":\"signed\"").await;
    assert!(line.contains("\"direction\":\"outgoing\""), "{line}");
    let changed = text.replace("Greetings", "Farewell");
    assert_eq!(dkimpy(&records, changed.as_bytes()).await, Some(vec![false, false]));

    // A SIGHUP reads the keys again.
    for file in ["mail2026.pem", "ed2026.pem"] {
        std::fs::remove_file(etc.path().join(file)).expect("removed");
    }
    let new = keygen(etc.path()).await;
    assert_ne!(new, records);
    daemon.signal(rustix::process::Signal::HUP);
    daemon.wait_log("\"reloaded\"").await;
    assert_eq!(submit(&postfix, "signed anew").await.0, 250);
    let got = internet.wait_for(2).await.remove(1).content;
    assert_eq!(dkimpy(&new, &got).await, Some(vec![true, true]));
    assert_eq!(dkimpy(&records, &got).await, Some(vec![false, false]));
    drop(daemon);
    let (code, text) = submit(&postfix, "away").await;
    assert!((400..500).contains(&code), "{code} {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_cannot_be_signed_goes_as_the_manual_says() {
    let _turn = turn().await;
    let internet = Sink::start(Behaviour::accept()).await;
    let etc = tempfile::tempdir().expect("a directory");
    keygen(etc.path()).await;
    let dns = DnsServer::start("").await;
    let port = free_port();
    let block = block(CHAPTER, "failure = ");
    for (failure, code) in [("\"unsigned\"", 250), ("\"defer\"", 451)] {
        let signing = with(&block, "\"unsigned\"   #", &format!("{failure} #"));
        let text = config([port, internet.port()], etc.path(), &dns) + &signing;
        for file in ["mail2026.pem", "ed2026.pem"] {
            let _ = std::fs::remove_file(etc.path().join(file));
        }
        let mut daemon = Daemon::start(PROGRAM, &text);
        daemon.wait_banner(port).await;
        daemon.wait_log("a key cannot sign").await;
        let checked = mailward(&daemon, &["config", "check"]).await;
        assert!(format!("{checked:?}").contains("dkim[0].key"), "{checked:?}");
        let mut client = Client::open(([127, 0, 0, 1], port).into()).await;
        let done = client.deliver("alice@example.org", &["bob@example.com"], &sample::clean(failure)).await;
        let reply = done.unwrap_or_else(|refusal| refusal);
        client.quit().await;
        assert_eq!(reply.code, code, "{}", reply.text());
        assert_eq!(reply.text().contains("4.7.0"), code == 451, "{}", reply.text());
        // A reload is refused, and what is in force stays.
        daemon.signal(rustix::process::Signal::HUP);
        daemon.wait_log("the reload failed").await;
    }
    assert_eq!(internet.count(), 1);
    assert!(!String::from_utf8_lossy(&internet.messages()[0].content).contains("DKIM-Signature"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_mail_is_sealed_as_the_manual_says() {
    let _turn = turn().await;
    let inside = Sink::start(Behaviour::accept()).await;
    let etc = tempfile::tempdir().expect("a directory");
    let mut records = keygen(etc.path()).await;
    // The sender signs with a key of the same kind, made in the same way.
    let theirs = commands(CHAPTER).into_iter().find(|line| line.contains("ed25519")).expect("a command");
    let theirs = theirs.replace("example.org", "sender.example").replace(ETC, &etc.path().display().to_string());
    let out = run_line(&theirs.replace("ed2026.pem", "theirs.pem")).await;
    assert!(out.status.success(), "{out:?}");
    records.extend(zone(&said(&out)));
    let dns = DnsServer::start(&for_server(&records)).await;
    let port = free_port();
    let text = config([port, inside.port()], etc.path(), &dns);
    let text = with(&text, "direction = \"outgoing\"", "direction = \"incoming\"") + &block(CHAPTER, "seal_domain");
    let mut daemon = Daemon::start(PROGRAM, &text);
    daemon.wait_banner(port).await;
    let key = settings::config::Dkim {
        domain: "sender.example".to_owned(),
        selector: "ed2026".to_owned(),
        key: Some(etc.path().join("theirs.pem")),
    };
    let signers = net::auth::sign::Signers::load(&[key], &settings::config::Signing::default());
    let raw = String::from_utf8(sample::eicar_attached("invoice")).expect("text");
    let raw = raw.replace("alice@example.org", "alice@sender.example").into_bytes();
    let signed = [signers.sign(&raw).expect("signed"), raw].concat();
    let mut client = Client::open(([127, 0, 0, 1], port).into()).await;
    client.command("XFORWARD NAME=far.example ADDR=192.0.2.7 HELO=far.example", 250).await;
    client.deliver("alice@sender.example", &["bob@example.org"], &signed).await.expect("taken");
    client.quit().await;
    wait_until("the message", testkit::PATIENCE, || inside.count() == 1).await;
    let got = inside.messages().remove(0).content;
    let text = String::from_utf8_lossy(&got).replace("\r\n\t", " ").replace("\r\n ", " ");
    assert!(text.contains("ARC-Seal: i=1; a=rsa-sha256; cv=none; d=example.org; s=mail2026;"), "{text}");
    assert!(text.contains("ARC-Authentication-Results: i=1; mail.example.org; spf=none"), "{text}");
    assert!(text.contains("dkim=pass header.d=sender.example"), "{text}");
    let Some(verified) = crate::support::dkimpy_arc(&records, &got).await else { return };
    assert_eq!(verified, "pass");
    assert_eq!(dkimpy(&records, &got).await, Some(vec![false]), "the sender's own does not fit any more");
}
