//! The order in which things become durable, as the kernel sees it (skipped where there is no strace).

use std::process::Command;

use crate::children::child_under;

/// What a line of the trace is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    SyncBlob,
    Rename,
    SyncDir,
    WriteIndex,
    SyncIndex,
    Receipt,
}

/// Sorts one line of `strace -y`; the log of messages and what is not of Backup is left out.
fn step(line: &str) -> Option<Step> {
    let call = line.split_once(' ').map_or(line, |(_, call)| call).trim_start();
    let sync = call.starts_with("fsync(") || call.starts_with("fdatasync(");
    let index = call.contains("/backup.db-wal>");
    Some(match () {
        () if call.starts_with("write(") && call.contains("\"KEPT ") => Step::Receipt,
        () if call.starts_with("rename") && call.contains("/blobs/tmp/") => Step::Rename,
        () if sync && call.contains("/blobs/tmp/") => Step::SyncBlob,
        () if sync && call.contains("/blobs/") => Step::SyncDir,
        () if sync && index => Step::SyncIndex,
        () if call.starts_with("pwrite64(") && index => Step::WriteIndex,
        () => return None,
    })
}

/// Runs the child under strace and gives the trace, or `None` where that cannot be.
fn trace(dir: &std::path::Path) -> Option<String> {
    Command::new("strace").arg("--version").output().ok()?;
    let trace = dir.join("trace");
    let calls = "trace=fsync,fdatasync,rename,renameat,renameat2,pwrite64,write";
    let strace = ["strace", "-f", "-y", "-e", calls, "-o", trace.to_str().unwrap()];
    let run = child_under(&strace, "children::keeps_one", &dir.join("data")).output().unwrap();
    let error = String::from_utf8_lossy(&run.stderr);
    if error.contains("PTRACE") {
        return None;
    }
    assert!(run.status.success(), "{error}");
    Some(std::fs::read_to_string(&trace).unwrap())
}

#[test]
fn a_receipt_comes_after_file_name_directory_and_row_are_durable() {
    let dir = tempfile::tempdir().unwrap();
    let one = [Step::SyncBlob, Step::Rename, Step::SyncDir, Step::WriteIndex, Step::SyncIndex, Step::Receipt];
    for run in ["first", "second"] {
        let Some(trace) = trace(dir.path()) else {
            testkit::peers::skipped("strace (not installed, or it may not trace here)");
            return;
        };
        let (before, kept) = trace.split_once("\"OPENED").expect("the child opened the store");
        let last = kept.rfind("\"KEPT ").expect("the child kept something");
        let end = kept[last..].find('\n').map_or(kept.len(), |at| last + at);
        let mut steps: Vec<Step> = kept[..end].lines().filter_map(step).collect();
        steps.dedup();
        // A new log of the database begins with a header that is made durable first.
        while let Some(at) =
            steps.windows(4).position(|w| w[..2] == [Step::WriteIndex, Step::SyncIndex] && w[..2] == w[2..])
        {
            steps.drain(at..at + 2);
        }
        // The second message has the same bytes: its sealed copy is made durable as well, then dropped for a note.
        assert_eq!(steps, [one, one].concat(), "{run} run");
        // The log of the database is a new file in each run: its name has to be durable before a receipt, too.
        let first = kept.find("\"KEPT ").unwrap();
        let named = |text: &str| text.lines().any(|l| l.contains("fsync(") && l.contains("/data>"));
        assert!(named(before) || named(&kept[..first]), "{run} run: the directory of the index");
    }
}
