//! The manual's chapter "Who really sent it", as it is written: its settings and its commands, with a
//! server of the DNS.

use std::process::Output;

use testkit::{Behaviour, Client, Daemon, DnsServer, Reply, Sink, free_port, sample};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PROGRAM, block, run_line, turn};

const CHAPTER: &str = include_str!("../../../../docs/manual/sender.md");

const ZONE: &str = "example.org TXT \"v=spf1 ip4:192.0.2.1 -all\"\n_dmarc.example.org TXT \"v=DMARC1; p=reject\"\n";

/// A command of the chapter's text, as it stands in it.
fn command(begins: &str) -> String {
    let found: Vec<&str> = CHAPTER.split('`').filter(|text| text.starts_with(begins)).collect();
    assert_eq!(found.len(), 1, "the manual has changed: {begins}");
    found[0].to_owned()
}

async fn told(daemon: &Daemon, line: &str) -> Output {
    let out = run_line(&format!("{line} --config {}", daemon.config().display())).await;
    assert!(matches!(out.status.code(), Some(0 | 1)), "{line}: {out:?}");
    out
}

async fn send(port: u16, ip: &str) -> Reply {
    let mut client = Client::open(([127, 0, 0, 1], port).into()).await;
    client.command(&format!("XFORWARD NAME=far.example ADDR={ip} HELO=far.example"), 250).await;
    let forged = b"Authentication-Results: mx.example.net; dmarc=pass\r\n";
    let mail = [forged.as_slice(), &sample::clean("who is it")].concat();
    let done = client.deliver("ann@example.org", &["bob@example.net"], &mail).await;
    client.quit().await;
    done.unwrap_or_else(|refusal| refusal)
}

/// The figures, as Prometheus gets them.
async fn figures(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_are_checked_as_the_manual_says() {
    let _turn = turn().await;
    let dns = DnsServer::start(ZONE).await;
    let sink = Sink::start(Behaviour::accept()).await;
    let (port, http) = (free_port(), free_port());
    let policy = tempfile::tempdir().expect("a directory");
    let policy = policy.path().join("policy.toml");
    std::fs::create_dir_all(policy.parent().expect("a directory")).expect("made");
    let of_policy = block(CHAPTER, "dmarc = \"report\"");
    std::fs::write(&policy, &of_policy).expect("written");
    let resolver = block(CHAPTER, "[dns]");
    assert_eq!(resolver.matches("\"127.0.0.1\"").count(), 1, "the manual has changed");
    let resolver = resolver.replace("\"127.0.0.1\"", &format!("\"{}\"", dns.address()));
    let more = format!("[policy]\nfile = \"{}\"\n{resolver}", policy.display());
    let config = crate::support::config(port, sink.address(), &more)
        .replace("mx.example.com", "mx.example.net")
        .replace("\"example.com\"", "\"example.net\"")
        .replace("listen = \"\"", &format!("listen = \"127.0.0.1:{http}\""));
    let mut daemon = Daemon::start(PROGRAM, &config);
    daemon.wait_banner(port).await;

    // It refuses nothing, and says what it found: in a header, the log, the message log and the figures.
    assert_eq!(send(port, "192.0.2.9").await.code, 250);
    let got = String::from_utf8_lossy(&sink.wait_for(1).await.remove(0).content).replace("\r\n ", " ");
    let results: Vec<&str> = got.lines().filter(|line| line.starts_with("Authentication-Results:")).collect();
    assert_eq!(results.len(), 1, "{got}");
    assert!(results[0].contains(" mx.example.net; spf=fail smtp.mailfrom=example.org;"), "{results:?}");
    assert!(
        results[0].contains("dmarc=fail policy.published-domain-policy=reject header.from=example.org"),
        "{results:?}"
    );
    let line = daemon.wait_log("\"subject\":\"who is it\"").await;
    for part in ["\"spf\":\"fail\"", "\"dkim\":\"none\"", "\"dmarc\":\"fail\"", "\"arc\":\"none\""] {
        assert!(line.contains(part), "{part} in {line}");
    }
    for search in ["mailward log --rule", "mailward log --auth"] {
        let search = command(search);
        let mut found = String::new();
        let start = std::time::Instant::now();
        while found.is_empty() && start.elapsed() < testkit::PATIENCE {
            found = String::from_utf8_lossy(&told(&daemon, &search).await.stdout).into_owned();
        }
        assert!(found.contains("who is it") && found.contains("dmarc=fail"), "{search}: {found}");
    }
    let figures = figures(http).await;
    assert!(figures.contains("mailward_authentication_total{method=\"dmarc\",result=\"fail\"} 1"), "{figures}");
    assert!(figures.lines().any(|line| line.starts_with("mailward_dns_")), "{figures}");

    // The same for a file.
    let file = daemon.dir().join("mail.eml");
    std::fs::write(&file, sample::clean("who is it").as_slice()).expect("written");
    let explain = command("mailward explain").replace("FILE", &file.display().to_string());
    let text = String::from_utf8_lossy(&told(&daemon, &explain).await.stdout).into_owned();
    assert!(
        text.contains("Who really sent it") && text.contains("SPF    pass") && text.contains("DMARC  pass"),
        "{text}"
    );
    let scan = format!("{} --ip 192.0.2.9 --from ann@example.org {}", command("mailward scan"), file.display());
    let out = told(&daemon, &scan).await;
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!((&json["auth"]["spf"]["result"], &json["auth"]["dmarc"]), (&"fail".into(), &"fail".into()), "{json}");

    // What the owner of the domain wants, unless somebody vouches.
    let sealers = block(CHAPTER, "trusted_sealers").replace("[authentication]\n", "");
    assert_eq!(of_policy.matches("\"report\"").count(), 1, "the manual has changed");
    std::fs::write(&policy, of_policy.replace("\"report\"", "\"honour\"") + &sealers).expect("written");
    daemon.signal(rustix::process::Signal::HUP);
    daemon.wait_log("\"reloaded\"").await;
    let refused = send(port, "192.0.2.9").await;
    assert_eq!(refused.code, 550, "{}", refused.text());
    assert_eq!(send(port, "192.0.2.1").await.code, 250);
}
