//! A full disk is a 452 for what needs it, for nobody else, and for no longer than it is full.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Behaviour, Client, Point, Sink, sample};

use crate::support::{Mailward, PROGRAM, row, run, turn};

/// A small file system of its own. It is taken away when dropped.
struct Small(PathBuf);

impl Small {
    /// `None`, and a word about it, where mounting is not allowed; a failure where it must be.
    fn mount(at: &Path) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(at).output();
        if mounted.as_ref().is_ok_and(|out| out.status.success()) {
            return Some(Self(at.to_owned()));
        }
        testkit::peers::skipped(&format!("tmpfs (cannot be mounted here: {mounted:?})"));
        None
    }

    fn fill(&self) -> PathBuf {
        let file = self.0.join("filler");
        let mut out = std::fs::File::create(&file).expect("a file");
        let block = vec![0x55; 64 * 1024];
        while std::io::Write::write_all(&mut out, &block).is_ok() {}
        // The last bytes, too.
        while std::io::Write::write_all(&mut out, b"x").is_ok() {}
        file
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A daemon whose data are on this file system.
async fn on(at: &Path, next: std::net::SocketAddr, more: &str) -> Mailward {
    let config = crate::support::config(testkit::free_port(), next, more);
    Mailward::of(&config.replace("@dir@/data", &at.join("data").display().to_string())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_defers_what_needs_it_and_is_over_when_it_is_over() {
    let _turn = turn().await;
    let at = tempfile::tempdir().expect("a directory");
    let Some(small) = Small::mount(at.path()) else { return };
    let sink = Sink::start(Behaviour::accept()).await;
    let mailward = on(at.path(), sink.address(), "").await;
    assert_eq!(mailward.send(&sample::eicar_attached("before")).await.0, 250);
    for round in 0..2 {
        let filler = small.fill();
        // It may have a reserve for its index; not for long.
        let large = sample::sized("large", 2_000_000);
        let (code, text) = mailward.send(&large).await;
        assert!(code == 452 && text.starts_with("4.3.1 "), "{code} {text}");
        let (code, text) = mailward.send(&sample::eicar_attached(&format!("full {round}"))).await;
        assert!(code == 452 && text.starts_with("4.3.1 "), "{code} {text}");
        // Small clean mail needs no disk.
        assert_eq!(mailward.send(&sample::clean("small")).await.0, 250);
        assert!(mailward.runs());
        std::fs::remove_file(filler).expect("removed");
        let freed = Instant::now();
        while mailward.send(&sample::eicar_attached(&format!("after {round}"))).await.0 != 250 {
            assert!(freed.elapsed() < Duration::from_secs(10), "{}", mailward.daemon.log().join("\n"));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(mailward.send(&large).await.0, 250);
    }
    let subjects: Vec<String> = sink
        .messages()
        .iter()
        .filter_map(|m| {
            String::from_utf8_lossy(&m.content).lines().find(|l| l.starts_with("Subject: ")).map(str::to_owned)
        })
        .collect();
    assert_eq!(subjects.len(), 7, "{subjects:?}");
    assert!(!subjects.iter().any(|s| s.contains("full")), "{subjects:?}");
    assert_eq!(mailward.backup().await.len(), 3);
    drop(mailward);
}

/// `mailward VERB …` with this daemon's configuration.
async fn mailward_does(mailward: &Mailward, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(PROGRAM);
    command.args(args).arg("--config").arg(mailward.daemon.config());
    let out = run(command).await;
    (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_everything_that_writes_says_so_and_goes_on_later() {
    let _turn = turn().await;
    let at = tempfile::tempdir().expect("a directory");
    let Some(small) = Small::mount(at.path()) else { return };
    let (one, two) = (Sink::start(Behaviour::accept()).await, Sink::start(Behaviour::accept()).await);
    two.set(Behaviour::accept().reply(Point::End, "451 4.3.0 Later"));
    let more = format!("[[route]]\ndomains = [\"two.example.com\"]\nhops = [\"{}\"]\ntls = \"none\"\n", two.address());
    let mut mailward = on(at.path(), one.address(), &more).await;
    let policy = mailward.daemon.dir().join("policy.toml");
    std::fs::write(&policy, "[malware]\naction = \"block\"\n").expect("written");
    let policy = policy.display().to_string();
    let apply = ["policy", "apply", "--comment", "why", &policy];
    let both = async |address, subject: &str| {
        let mut client = Client::open(address).await;
        let to = ["a@example.com", "b@two.example.com"];
        client.deliver("alice@example.org", &to, &sample::clean(subject)).await
    };

    let filler = small.fill();
    // The outbox: what one next hop did not take cannot be kept.
    let refused = both(mailward.address(), "half of it").await.expect_err("nobody has the rest");
    assert_eq!(refused.code, 451, "{refused:?}");
    // The policy.
    let (done, said) = mailward_does(&mailward, &apply).await;
    assert!(!done && said.contains("no space left"), "{said}");
    // The message log waits, and mail that needs no disk does not.
    assert_eq!(mailward.send(&sample::clean("needs no disk")).await.0, 250);
    let began = Instant::now();
    // Its file may have had some room left.
    while mailward.daemon.logged("the message log waits").is_none() {
        assert!(began.elapsed() < testkit::PATIENCE, "{}", mailward.daemon.log().join("\n"));
        assert_eq!(mailward.send(&sample::clean("fills the log")).await.0, 250);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    std::fs::remove_file(&filler).expect("removed");
    mailward.daemon.wait_log("the message log is written again").await;
    let began = Instant::now();
    loop {
        let (_, logged) = mailward_does(&mailward, &["log"]).await;
        if logged.contains("needs no disk") && logged.contains("half of it") {
            break;
        }
        assert!(began.elapsed() < testkit::PATIENCE, "{logged}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // A crash and a start without any space.
    let filler = small.fill();
    mailward.daemon.restart();
    mailward.daemon.wait_banner(mailward.port).await;
    assert_eq!(mailward.send(&sample::clean("after a start without space")).await.0, 250);
    // It is over when it is over.
    std::fs::remove_file(filler).expect("removed");
    let freed = Instant::now();
    while both(mailward.address(), "all of it").await.is_err() {
        assert!(freed.elapsed() < Duration::from_secs(20), "{}", mailward.daemon.log().join("\n"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let over = freed.elapsed();
    let (done, said) = mailward_does(&mailward, &apply).await;
    assert!(done && said.contains("revision 1"), "{said}");
    assert!(mailward_does(&mailward, &["queue", "list"]).await.1.contains("b@two.example.com"));
    row(
        "disk full for outbox, policy, message log, start",
        &format!("451, refused, waits, starts; over {over:.1?} after space came back"),
    );
}
