//! A full disk is a 452 for what needs it, for nobody else, and for no longer than it is full.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Behaviour, Sink, sample};

use crate::support::{Mailward, turn};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_defers_what_needs_it_and_is_over_when_it_is_over() {
    let _turn = turn().await;
    let at = tempfile::tempdir().expect("a directory");
    let Some(small) = Small::mount(at.path()) else { return };
    let sink = Sink::start(Behaviour::accept()).await;
    let config = crate::support::config(testkit::free_port(), sink.address(), "");
    let port: u16 = config.split("127.0.0.1:").nth(1).and_then(|r| r.split('"').next()?.parse().ok()).expect("a port");
    let config = config.replace("@dir@/data", &at.path().join("data").display().to_string());
    let mut daemon = testkit::Daemon::start(crate::support::PROGRAM, &config);
    daemon.wait_banner(port).await;
    let mailward = Mailward { daemon, port };
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
