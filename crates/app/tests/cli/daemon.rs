//! Commands that ask a running daemon.

use std::path::{Path, PathBuf};

use testkit::{Behaviour, Client, Daemon, Sink, sample};

use crate::support::{Ran, forking, run, run_with};

/// A daemon with a next hop, and one infected message that went through it.
struct Running {
    daemon: Daemon,
    sink: Sink,
}

impl Running {
    async fn start() -> Self {
        let sink = Sink::start(Behaviour::accept()).await;
        let port = testkit::free_port();
        let config = format!(
            "hostname = \"mx.example.org\"\ndata_dir = \"@dir@/data\"\n[[smtp]]\nlisten = \"127.0.0.1:{port}\"\n\
             [next_hop]\naddress = \"{}\"\ntls = \"none\"\n[http]\nlisten = \"\"\n",
            sink.address()
        );
        let mut daemon = forking(|| Daemon::start(env!("CARGO_BIN_EXE_mailward"), &config));
        daemon.wait_banner(port).await;
        let mut client = Client::open(([127, 0, 0, 1], port).into()).await;
        let mail = sample::eicar_zipped("your invoice");
        client.deliver("alice@example.org", &["bob@example.com"], &mail).await.expect("it is taken");
        client.quit().await;
        Self { daemon, sink }
    }

    /// Runs the program beside the daemon, without blocking it or the sink.
    async fn ask(&self, args: &[&str], stdin: &[u8]) -> Ran {
        let (dir, stdin): (PathBuf, Vec<u8>) = (self.daemon.dir().to_owned(), stdin.to_owned());
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let work = move || {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            run_with(&dir, &args, &stdin)
        };
        tokio::task::spawn_blocking(work).await.expect("it ends")
    }
}

fn store_is_held(dir: &Path) -> bool {
    run(dir, &["backup", "--config", "mailward.toml", "rebuild-index"]).code == Some(2)
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_and_policy_go_through_the_daemon() {
    let running = Running::start().await;
    let backup =
        async |args: &[&str]| running.ask(&[&["backup", "--config", "mailward.toml"], args].concat(), b"").await;
    let list = backup(&["list", "--format", "json"]).await.exits(0).json();
    assert_eq!((list.len(), list[0]["status"].as_str()), (1, Some("disinfected")), "{list:?}");
    let id = list[0]["id"].as_str().expect("an id").to_owned();

    let export = backup(&["export", &id, "-o", "-"]).await.exits(0);
    assert_eq!(export.out.as_bytes(), sample::eicar_zipped("your invoice"));
    let release = backup(&["release", &id, "--to", "dave@example.com"]).await.exits(0);
    assert_eq!(release.out, "released to dave@example.com\n");
    assert_eq!(running.sink.messages().last().expect("a message").addresses(), ["dave@example.com"]);
    assert!(backup(&["key", "export"]).await.exits(0).out.starts_with("MAILWARD-KEY-1:"));
    assert!(backup(&["verify"]).await.exits(0).out.contains("0 entries damaged"));
    assert!(store_is_held(running.daemon.dir()));

    let apply = ["policy", "apply", "--config", "mailward.toml", "--comment", "x", "-"];
    let applied = running.ask(&apply, b"[malware]\naction = \"block\"\n").await.exits(0);
    assert!(applied.out.contains("\"automatic\" -> \"block\""), "{}", applied.out);
    let eicar = sample::eicar_attached("x");
    let scan = ["scan", "--config", "mailward.toml", "--format", "json", "-"];
    let scanned = running.ask(&scan, &eicar).await.exits(1).json();
    assert_eq!(scanned[0]["action"], "blocked", "scan judges by the policy of the daemon");

    backup(&["delete", "--yes", &id]).await.exits(0);
    assert_eq!(backup(&["list"]).await.exits(0).out, "");
}
