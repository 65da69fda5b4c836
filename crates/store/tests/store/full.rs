//! A full disk: a small tmpfs in a mount namespace of its own (skipped where that may not be made; the
//! unit tests of the crate fail writes in other ways).

use std::path::Path;

use store::{Limits, Options, Store, StoreError};

use crate::children::{child_under, given_dir};
use crate::{T0, blobs, entry, keep, message, read_back};

/// Bytes of the file system.
const SIZE: &str = "8m";
/// Bytes that are given back step by step.
const RESERVE: usize = 400_000;

#[test]
fn a_full_disk_is_said_leaves_nothing_half_and_passes() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!("mount -t tmpfs -o size={SIZE} tmpfs {} && exec \"$@\"", dir.path().display());
    let shell = ["unshare", "-m", "sh", "-c", &script, "sh"];
    let run = child_under(&shell, "full::fills_the_disk", dir.path()).output();
    let Ok(run) = run else {
        testkit::peers::skipped("unshare (not installed)");
        return;
    };
    let (out, error) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    if !out.contains("running 1 test") {
        testkit::peers::skipped(&format!("a tmpfs in a mount namespace ({})", error.trim()));
        return;
    }
    assert!(run.status.success() && out.contains("1 passed"), "{out}{error}");
}

/// Bytes that do not compress.
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}

/// Fills the rest of a file system to the last byte.
fn fill(file: &Path) {
    use std::io::Write as _;
    let mut out = std::fs::File::create(file).unwrap();
    for size in [65_536, 4_096, 512, 1] {
        let block = vec![0u8; size];
        while out.write_all(&block).is_ok() {}
    }
}

#[test]
#[ignore = "started in a mount namespace of its own"]
fn fills_the_disk() {
    let root = given_dir();
    let store = Store::open(&root.join("data"), Options::default()).unwrap();
    let first = keep(&store, T0, &message(1));
    // Given back page by page below, however little is left beside it when the disk is full.
    std::fs::write(root.join("reserve"), vec![0u8; RESERVE]).unwrap();
    let mut kept = vec![];
    let error = loop {
        let body = noise(200_000, kept.len() as u64 + 77);
        match store.keep(entry(T0 + 1, body.len()), &mut &body[..]) {
            Ok(receipt) => kept.push(receipt.backup_id()),
            Err(e) => break e,
        }
    };
    assert!(matches!(error, StoreError::NoSpace { .. }), "{error}");
    assert!(kept.len() > 5, "{}", kept.len());
    // To the last byte, so that every single step is the one that fails.
    fill(&root.join("filler"));
    let before = (blobs(&store), store.usage().unwrap().objects);
    for size in [0, 1, 1_000, 100_000] {
        let body = noise(size, 5);
        let error = store.keep(entry(T0 + 2, size), &mut &body[..]).unwrap_err();
        assert!(matches!(error, StoreError::NoSpace { .. }), "{size}: {error}");
        let same = store.keep(entry(T0 + 2, message(1).len()), &mut &message(1)[..]).unwrap_err();
        assert!(matches!(same, StoreError::NoSpace { .. }), "{same}");
    }
    assert_eq!((blobs(&store), store.usage().unwrap().objects), before, "no half state");
    assert_eq!(read_back(&store, first).unwrap(), message(1), "reading goes on");
    gives_way_step_by_step(&store, &root.join("reserve"));

    // Full to the last byte again: a start, and then what is set aside is enough to make room, and nobody has to help.
    fill(&root.join("filler again"));
    drop(store);
    let store = Store::open(&root.join("data"), Options::default()).unwrap();
    let limits = Limits { max_bytes: 1_000_000, ..Limits::default() };
    assert!(store.enforce_retention(T0, &limits).unwrap().objects > 0);
    assert!(store.usage().unwrap().bytes <= 1_000_000);
    let again = keep(&store, T0 + 3, &message(3));
    assert_eq!(read_back(&store, again).unwrap(), message(3));
    drop(store);
    let store = Store::open(&root.join("data"), Options::default()).unwrap();
    assert_eq!(read_back(&store, again).unwrap(), message(3));
    assert_eq!(store.verify_all().unwrap().damaged, 0);
}

/// Gives space back page by page: each attempt either keeps or leaves nothing.
fn gives_way_step_by_step(store: &Store, filler: &Path) {
    let mut kept = 0;
    for step in 0..90u64 {
        let file = std::fs::OpenOptions::new().write(true).open(filler).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(4_096)).unwrap();
        let before = (blobs(store), store.usage().unwrap().objects);
        let body = noise(3_000, 1_000 + step);
        match store.keep(entry(T0 + 2, body.len()), &mut &body[..]) {
            Ok(receipt) => {
                kept += 1;
                assert_eq!(read_back(store, receipt.backup_id()).unwrap(), body);
            }
            Err(error) => {
                assert!(matches!(error, StoreError::NoSpace { .. }), "{error}");
                assert_eq!((blobs(store), store.usage().unwrap().objects), before, "step {step}");
            }
        }
    }
    assert!(kept > 0, "some space was enough");
}
