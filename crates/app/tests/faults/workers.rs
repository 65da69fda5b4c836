//! Scan workers of the real program: what they ask of the system, and what becomes of mail that ends them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use testkit::{Behaviour, Sink, peers, sample};

use crate::support::{Mailward, row, turn};

/// All that a worker may ask of the system while it examines ordinary mail: its socket, memory, time, chance, its own
/// signals and limits, and its end. Every name stands in the list of what is allowed.
const EXPECTED: [&str; 27] = [
    "read",
    "readv",
    "write",
    "writev",
    "sendto",
    "sendmsg",
    "recvfrom",
    "recvmsg",
    "close",
    "fcntl",
    "fstat",
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "brk",
    "clock_gettime",
    "setitimer",
    "getrandom",
    "prlimit64",
    "futex",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "exit_group",
];

/// The processes whose parent this is.
fn children(of: u32) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent(*pid) == Some(of)).collect()
}

/// The process that workers are forked from.
fn host(mailward: &Mailward) -> u32 {
    let all = children(mailward.daemon.pid());
    assert_eq!(all.len(), 1, "one host of workers: {all:?}");
    all[0]
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).expect("a process");
    // It may be gone already.
    let _ = kill_process(pid, signal);
}

/// strace at work on a process and all that it forks from now on.
struct Strace(Child);

impl Strace {
    /// `None`, and a word about it, where there is none or it may not trace.
    async fn attach(to: u32, file: &Path) -> Option<Self> {
        let mut command = Command::new(peers::find("strace")?);
        command.args(["-f", "-qq", "-s", "0", "-o"]).arg(file).args(["-p", &to.to_string()]);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        let status = format!("/proc/{to}/status");
        let traced = || !std::fs::read_to_string(&status).unwrap_or_default().contains("TracerPid:\t0\n");
        let start = std::time::Instant::now();
        while !traced() {
            if child.try_wait().expect("a child").is_some() {
                peers::skipped("strace (it may not trace here)");
                return None;
            }
            assert!(start.elapsed() < testkit::PATIENCE, "strace does not attach");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(Self(child))
    }

    /// Lets go and waits until everything is written.
    fn detach(mut self) {
        signal(self.0.id(), Signal::INT);
        let _ = self.0.wait();
    }
}

/// The calls of each process of a trace that puts filters on itself, after it did so.
fn confined(trace: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut filters: BTreeMap<&str, usize> = BTreeMap::new();
    let mut calls: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in trace.lines() {
        let Some((pid, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        let resumed = call.starts_with("<... ");
        let name = call.split(['(', ' ']).next().unwrap_or_default();
        if name.is_empty() || resumed || name.starts_with(['+', '-']) {
            continue;
        }
        let installs = call.contains("SECCOMP_SET_MODE_FILTER") || call.contains("PR_SET_SECCOMP");
        if installs {
            *filters.entry(pid).or_default() += 1;
        } else if filters.get(pid) == Some(&2) {
            calls.entry(pid).or_default().push(name);
        }
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn strace_sees_workers_open_nothing_and_connect_nowhere() {
    const ROUNDS: usize = 6;
    let _turn = turn().await;
    let sink = Sink::start(Behaviour::accept().forget_content()).await;
    // Each worker is seen from its birth to its end: it has one message.
    let mailward = Mailward::start(sink.address(), "[workers]\ncount = 2\nretire_after = 1\n").await;
    let file = mailward.daemon.dir().join("trace");
    let Some(strace) = Strace::attach(host(&mailward), &file).await else { return };
    let zip = sample::zip(&[("a.txt", b"one"), ("b.zip", &sample::zip(&[("c.txt", b"two")]))]);
    for round in 0..ROUNDS {
        for mail in [
            sample::multipart("of several parts"),
            sample::with_attachment("an archive", "a.zip", "application/zip", &zip),
            sample::eicar_zipped("infected"),
            sample::sized("large", 600_000),
        ] {
            let (code, text) = mailward.send(&mail).await;
            assert_eq!(code, 250, "{round}: {text}");
        }
    }
    strace.detach();
    let trace = std::fs::read_to_string(&file).expect("a trace");
    let calls = confined(&trace);
    assert!(calls.len() >= ROUNDS, "too few workers were seen: {}", calls.len());
    let names: BTreeSet<&str> = calls.values().flatten().copied().collect();
    let others: Vec<&&str> = names.iter().filter(|name| !EXPECTED.contains(name)).collect();
    assert!(others.is_empty(), "a worker asks for {others:?}");
    // They did their work under the filters: each took something in and gave an answer.
    let works = |calls: &&Vec<&str>| {
        calls.iter().any(|c| c.starts_with("recv"))
            && calls.iter().any(|c| c.starts_with("send") || c.starts_with("write"))
    };
    let worked = calls.values().filter(works).count();
    assert!(worked >= ROUNDS, "{worked} of {} workers answered: {names:?}", calls.len());
    let each = calls.values().filter(works).map(Vec::len).sum::<usize>() / worked;
    row(
        &format!("{worked} workers under strace, a message each"),
        &format!(
            "no file opened, no socket made, nothing executed; {each} system calls each: {}",
            names.into_iter().collect::<Vec<_>>().join(" ")
        ),
    );
}

/// Processor time that a process has used, in hundredths of a second.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
    [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum()
}

/// Kills the worker that begins to work, in the middle of it.
async fn kill_the_busy_one(host: u32) {
    /// So much work is no mere waking up, and far from all of it.
    const WORK: u64 = 3;
    let before: BTreeMap<u32, u64> = children(host).into_iter().map(|pid| (pid, ticks(pid))).collect();
    let start = std::time::Instant::now();
    loop {
        if let Some((pid, _)) = before.iter().find(|(pid, ticks_before)| ticks(**pid) >= **ticks_before + WORK) {
            return signal(*pid, Signal::KILL);
        }
        assert!(start.elapsed() < testkit::PATIENCE, "nobody works");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_end_of_a_worker_is_known_after_kills_of_the_daemon() {
    let _turn = turn().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let mut mailward = Mailward::start(sink.address(), "[workers]\ncount = 2\n").await;
    // Something to do for a while.
    let content: Vec<u8> = (0..15_000_000u64).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mail = sample::with_attachment("deadly", "data.bin", "application/octet-stream", &content);
    for attempt in 1..=3 {
        let killer = tokio::spawn(kill_the_busy_one(host(&mailward)));
        let (code, text) = mailward.send(&mail).await;
        killer.await.expect("a worker was killed");
        assert_eq!(code, if attempt < 3 { 451 } else { 250 }, "{attempt}: {text}");
        if attempt < 3 {
            mailward.daemon.restart();
            mailward.daemon.wait_banner(mailward.port).await;
        }
    }
    let kept = mailward.backup().await;
    assert!(kept.len() == 1 && kept[0].contains("\"action\":\"held\""), "{kept:?}");
    assert_eq!(sink.count(), 0, "nobody gets what was not examined");
    assert_eq!(mailward.send(&sample::clean("another")).await.0, 250);
    assert_eq!(sink.count(), 1);
}
