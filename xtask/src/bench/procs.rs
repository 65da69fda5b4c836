//! What /proc tells about a process and all that it has started.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Length of a clock tick in /proc/PID/stat; Linux shows 100 a second to user space everywhere.
const TICK: Duration = Duration::from_millis(10);

/// A process and its descendants.
pub(crate) fn tree(pid: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        if let Some(parent) = stat(child).and_then(|s| s.get(1).copied()).and_then(|p| u32::try_from(p).ok()) {
            children.entry(parent).or_default().push(child);
        }
    }
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(pid) = all.get(at).copied() {
        all.extend(children.remove(&pid).unwrap_or_default());
        at += 1;
    }
    all
}

/// User and system time of the whole tree, with that of descendants that have ended.
pub(crate) fn cpu(pid: u32) -> Duration {
    let ticks = |pid: &u32| stat(*pid).map_or(0, |s| s.iter().skip(11).take(4).sum::<u64>());
    TICK * u32::try_from(tree(pid).iter().map(ticks).sum::<u64>()).unwrap_or(u32::MAX)
}

/// Memory of the whole tree in KiB, shared pages divided among those who share them.
pub(crate) fn pss(pid: u32) -> u64 {
    tree(pid).iter().filter_map(|pid| field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")).sum()
}

/// The most memory the process itself ever had resident, in KiB.
pub(crate) fn peak(pid: u32) -> u64 {
    field(&format!("/proc/{pid}/status"), "VmHWM:").unwrap_or(0)
}

/// Ends processes at once, by their numbers. Through the shell, whose builtin is always there.
pub(crate) fn kill(pids: &[u32]) {
    let numbers: Vec<String> = pids.iter().map(u32::to_string).collect();
    let mut shell = Command::new("sh");
    let _ = shell.arg("-c").arg(format!("kill -9 {}", numbers.join(" "))).stderr(Stdio::null()).status();
}

/// The fields of /proc/PID/stat after the name; the state counts as 0.
fn stat(pid: u32) -> Option<Vec<u64>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(|f| f.parse().unwrap_or(0)).collect())
}

/// The first number of a line of `name: number kB`.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|l| l.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_itself_and_its_children() {
        let own = std::process::id();
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep runs");
        assert!(tree(own).contains(&child.id()));
        assert!(pss(own) > 100 && peak(own) > 100);
        kill(&[child.id()]);
        assert!(!child.wait().expect("it ends").success());
        let start = std::time::Instant::now();
        while cpu(own) < TICK * 3 {
            assert!(start.elapsed() < Duration::from_secs(20), "busy, and no time is counted");
        }
    }
}
