//! `mailward doctor` on installations that are well, ill, running and not running.

use std::net::TcpListener;

use serde_json::Value;
use testkit::{Behaviour, Daemon, Sink};

use crate::support::{Ran, files, forking, run, run_with};

fn config(port: u16, hop: &str) -> String {
    format!(
        "hostname = \"localhost\"\ndata_dir = \"data\"\n[[smtp]]\nlisten = \"127.0.0.1:{port}\"\n\
         [next_hop]\naddress = \"{hop}\"\ntls = \"none\"\n[http]\nlisten = \"\"\n"
    )
}

/// The findings of a check.
fn of<'a>(found: &'a [Value], check: &str) -> Vec<(&'a str, &'a str)> {
    let wanted = found.iter().filter(|finding| finding["check"] == check);
    wanted.map(|finding| (finding["level"].as_str().unwrap(), finding["text"].as_str().unwrap())).collect()
}

const DOCTOR: [&str; 5] = ["doctor", "--config", "mailward.toml", "--format", "json"];

#[tokio::test(flavor = "multi_thread")]
async fn a_running_daemon_with_a_next_hop_is_well() {
    let sink = Sink::start(Behaviour::accept()).await;
    let port = testkit::free_port();
    let text = config(port, &sink.address().to_string()).replace("\"data\"", "\"@dir@/data\"");
    let mut daemon = forking(|| Daemon::start(env!("CARGO_BIN_EXE_mailward"), &text));
    daemon.wait_banner(port).await;
    let dir = daemon.dir().to_owned();
    let ran: Ran = tokio::task::spawn_blocking(move || run_with(&dir, &DOCTOR, b"")).await.unwrap();
    let found = ran.exits(0).json();
    assert_eq!(of(&found, "daemon"), [("ok", "it runs and answers")]);
    assert_eq!(of(&found, "listener"), [("ok", format!("127.0.0.1:{port} answers").as_str())]);
    assert!(of(&found, "next_hop")[0].1.ends_with("answers, no TLS"), "{found:?}");
    assert!(of(&found, "protection").iter().any(|(level, text)| *level == "warning" && text.contains("no signature")));
    for check in ["clock", "disk", "user", "resolver"] {
        assert_eq!(of(&found, check).len(), 1, "{check}");
    }
}

#[test]
fn what_does_not_work_is_said_and_exits_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let nobody = format!("127.0.0.1:{}", testkit::free_port());
    let dir = files(&[("mailward.toml", config(port, &nobody).as_bytes())]);
    let found = run(dir.path(), &DOCTOR).exits(1).json();
    assert_eq!(of(&found, "daemon")[0].0, "note");
    assert!(of(&found, "listener")[0].1.ends_with("another program listens there"), "{found:?}");
    let (level, text) = of(&found, "next_hop")[0];
    assert!(level == "broken" && text.starts_with(&nobody) && text.contains("cannot connect"), "{text}");
    let text = run(dir.path(), &["doctor", "--config", "mailward.toml"]).exits(1).out;
    assert!(text.lines().any(|line| line.starts_with("BROKEN   next_hop")), "{text}");
}

#[test]
fn a_configuration_that_cannot_be_read_is_the_finding() {
    let dir = files(&[("mailward.toml", b"hostnam = \"x\"\n")]);
    let found = run(dir.path(), &DOCTOR).exits(1).json();
    assert!(found.len() == 1 && of(&found, "configuration")[0].1.contains("did you mean"), "{found:?}");
}
