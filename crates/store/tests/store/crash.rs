//! A process that keeps mail is killed at any moment: no receipt is a lie, no deleted entry comes back.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use store::{BackupId, Options, Store};

use crate::children::child;
use crate::{message, read_back};

/// How often it is killed.
const KILLS: u32 = 30;

/// Runs the child for some milliseconds after it has opened, kills it, and gives its whole lines.
fn run_and_kill(dir: &std::path::Path, milliseconds: u64) -> Vec<String> {
    let (exe, args, (name, value)) = child("children::keeps_until_killed", dir);
    let mut child = std::process::Command::new(exe).args(args).env(name, value).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    let mut line = String::new();
    while out.read_line(&mut line).unwrap() > 0 && !line.ends_with("OPENED\n") {
        line.clear();
    }
    assert!(line.ends_with("OPENED\n"), "the child opened the store");
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        while out.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        lines
    });
    std::thread::sleep(Duration::from_millis(milliseconds));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn every_receipt_is_readable_after_thirty_kills() {
    let dir = crate::fast_dir();
    let data = dir.path().join("data");
    let mut kept: BTreeMap<BackupId, usize> = BTreeMap::new();
    let mut deleted: Vec<BackupId> = Vec::new();
    for round in 0..KILLS {
        for line in run_and_kill(&data, u64::from(round * 37 % 120)) {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["KEPT", id, number] => {
                    kept.insert(id.parse().unwrap(), number.parse().unwrap());
                }
                // From here on either is right until the deletion is confirmed.
                ["DELETING", id] => {
                    kept.remove(&id.parse().unwrap());
                }
                ["DELETED", id] => deleted.push(id.parse().unwrap()),
                _ => {}
            }
        }
        let store = Store::open(&data, Options::default()).unwrap();
        if round % 3 == 0 {
            let report = store.sweep().unwrap();
            assert_eq!((report.missing, report.unreadable.len()), (0, 0), "round {round}");
        }
        let report = store.verify_all().unwrap();
        assert_eq!((report.damaged, report.entries), (0, vec![]), "round {round}");
    }
    assert!(kept.len() > 100 && deleted.len() > 10, "{} kept, {} deleted", kept.len(), deleted.len());
    let store = Store::open(&data, Options::default()).unwrap();
    for (id, number) in &kept {
        assert_eq!(read_back(&store, *id).unwrap(), message(*number), "{id}");
    }
    for id in deleted {
        assert!(store.show(id).is_err(), "{id} came back");
    }
}
