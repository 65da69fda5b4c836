//! Start, reload, restart and end of the processes.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use confine::{Failure, Pool, StartError};
use rustix::process::Signal;
use tokio::time::Instant;

use crate::{Case, ask, assert_gone, assert_works, cases, config, kill, pool, runs, text, who};

pub(crate) const CASES: &[Case] = cases![
    a_pool_that_cannot_start_says_why,
    a_host_started_by_hand_refuses,
    a_reload_under_load_loses_nothing,
    a_reload_that_fails_changes_nothing,
    a_killed_host_is_started_again,
    a_host_that_keeps_failing_is_started_once_a_second,
    signals_that_end_a_service_leave_workers_at_work,
    a_shutdown_finishes_messages_and_leaves_no_process,
    a_dropped_pool_leaves_no_process,
    a_killed_daemon_leaves_no_process,
    an_idle_worker_that_was_killed_is_replaced_unseen,
];

async fn a_pool_that_cannot_start_says_why() {
    let with_init = |init: &str| {
        let mut config = config(1);
        config.init = init.into();
        config.start_timeout = Duration::from_secs(3);
        config
    };
    let with_program = |program: &str| {
        let mut config = config(1);
        config.program = PathBuf::from(program);
        config
    };
    let refused = StartError::Load("rule 7 of bad.yar does not compile".into());
    let panicked = StartError::Load("the job panicked while loading".into());
    assert_eq!(Pool::start(with_init("load: refuse")).await.err(), Some(refused));
    assert_eq!(Pool::start(with_init("load: panic")).await.err(), Some(panicked));
    assert_eq!(Pool::start(with_init("load: exit")).await.err(), Some(StartError::Died));
    assert_eq!(Pool::start(with_program("/bin/true")).await.err(), Some(StartError::Died));
    assert_eq!(Pool::start(with_init("load: slow")).await.err(), Some(StartError::Timeout));
    let threads = Pool::start(with_init("load: thread")).await.err();
    assert!(matches!(&threads, Some(StartError::Fork(text)) if text.contains("threads")), "{threads:?}");
    let missing = Pool::start(with_program("/nowhere/mailward")).await.err();
    assert!(matches!(missing, Some(StartError::Execute(_))), "{missing:?}");
}

async fn a_host_started_by_hand_refuses() {
    let mut command = Command::new("/proc/self/exe");
    let output = command.arg("worker-host").stdin(Stdio::null()).output().expect("a process");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("started by the daemon"));
}

async fn a_reload_under_load_loses_nothing() {
    let pool = pool(2).await;
    let over = AtomicBool::new(false);
    let asked = AtomicU64::new(0);
    let load = async || {
        while !over.load(Ordering::Relaxed) {
            let init = text(&pool, "init").await;
            assert!(["first", "second", "third"].contains(&init.as_str()), "{init}");
            asked.fetch_add(1, Ordering::Relaxed);
        }
    };
    let reload = async {
        let (_, first_host) = who(&pool).await;
        for (number, init) in ["second", "third"].into_iter().enumerate() {
            // A message that began before the reload is finished by the old generation.
            let slow = ask(&pool, "until told", Duration::from_secs(1));
            let reload = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                pool.reload(init.into()).await.expect("a reload");
                assert_eq!(text(&pool, "init").await, init);
            };
            let (slow, ()) = tokio::join!(slow, reload);
            assert!(slow.is_ok(), "{slow:?}");
            assert_eq!(pool.status().generation, number as u64 + 2);
        }
        over.store(true, Ordering::Relaxed);
        assert_gone(&[first_host]).await;
    };
    tokio::join!(load(), load(), reload);
    assert!(asked.load(Ordering::Relaxed) > 20);
    let status = pool.status();
    assert_eq!((status.crashes, status.kills, status.host_restarts), (0, 0, 0));
}

async fn a_reload_that_fails_changes_nothing() {
    let pool = pool(1).await;
    let before = who(&pool).await;
    let failed = pool.reload(b"load: refuse".to_vec()).await;
    assert_eq!(failed, Err(StartError::Load("rule 7 of bad.yar does not compile".into())));
    assert_eq!((who(&pool).await, pool.status().generation), (before, 1));
    // A restart also uses what worked.
    kill(before.1, Signal::KILL);
    assert_gone(&[before.0, before.1]).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(text(&pool, "init").await, "first");
}

async fn a_killed_host_is_started_again() {
    let pool = pool(2).await;
    for round in 1..=2 {
        let (worker, host) = who(&pool).await;
        let running = ask(&pool, "sleep", Duration::from_secs(10));
        let killing = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            kill(host, Signal::KILL);
            assert_gone(&[host, worker]).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            // Asked while there is no host, or hardly one again: it waits.
            assert_works(&pool).await;
        };
        let (running, ()) = tokio::join!(running, killing);
        // Not the message's fault.
        assert!(matches!(running, Err(Failure::Unavailable(_))), "{running:?}");
        assert_ne!(who(&pool).await.1, host);
        assert_eq!(pool.status().host_restarts, round);
    }
    assert_eq!(pool.status().crashes, 0);
}

async fn a_host_that_keeps_failing_is_started_once_a_second() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("program");
    std::os::unix::fs::symlink(std::env::current_exe().expect("ourselves"), &program).expect("a link");
    let mut config = config(1);
    config.program.clone_from(&program);
    let pool = Pool::start(config).await.expect("a pool");
    let (worker, host) = who(&pool).await;
    std::fs::remove_file(&program).expect("a link");
    kill(host, Signal::KILL);
    assert_gone(&[host, worker]).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let failed = ask(&pool, "echo", Duration::from_millis(1500)).await;
    let Err(Failure::Unavailable(text)) = failed else { panic!("{failed:?}") };
    assert!(text.contains("cannot start the worker host"), "{text}");
    assert_eq!((pool.status().generation, pool.status().host_restarts), (1, 0));
    std::os::unix::fs::symlink(std::env::current_exe().expect("ourselves"), &program).expect("a link");
    let started = Instant::now();
    assert_works(&pool).await;
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    // At once, after one second (while the program was missing), and after two at the latest.
    let status = pool.status();
    assert!(status.host_restarts == 1 && (3..=4).contains(&status.generation), "{status:?}");
}

async fn signals_that_end_a_service_leave_workers_at_work() {
    let pool = pool(1).await;
    let (worker, host) = who(&pool).await;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        kill(host, signal);
        kill(worker, signal);
    }
    assert_works(&pool).await;
    assert_eq!(who(&pool).await, (worker, host));
}

async fn a_shutdown_finishes_messages_and_leaves_no_process() {
    let pool = pool(2).await;
    let (worker, host) = who(&pool).await;
    let slow = ask(&pool, "until told", Duration::from_secs(1));
    let end = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let started = Instant::now();
        pool.clone().shutdown().await;
        started.elapsed()
    };
    let (slow, took) = tokio::join!(slow, end);
    assert!(slow.is_ok(), "{slow:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_gone(&[worker, host]).await;
    let late = ask(&pool, "echo", Duration::from_secs(1)).await;
    assert_eq!(late, Err(Failure::Unavailable("shutting down".into())));
    assert_eq!(pool.reload(Vec::new()).await, Err(StartError::Closed));
}

async fn a_dropped_pool_leaves_no_process() {
    let pool = pool(2).await;
    let (worker, host) = who(&pool).await;
    drop(pool);
    assert_gone(&[worker, host]).await;
}

/// Started as a process of its own: says its processes' ids, keeps one worker busy, and waits to
/// be killed.
pub(crate) async fn doomed_daemon() {
    let pool = pool(2).await;
    let (worker, host) = who(&pool).await;
    println!("{worker} {host}");
    let _ = ask(&pool, "loop", Duration::from_secs(60)).await;
}

async fn a_killed_daemon_leaves_no_process() {
    let mut command = Command::new("/proc/self/exe");
    let mut daemon = command.arg("doomed-daemon").stdout(Stdio::piped()).spawn().expect("a process");
    let mut line = String::new();
    BufReader::new(daemon.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let pids: Vec<i32> = line.split_whitespace().map(|pid| pid.parse().expect("a process id")).collect();
    assert!(pids.len() == 2 && pids.iter().all(|&pid| runs(pid)), "{line}");
    // Every worker is a child of the host, also the one that did not answer.
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", pids[1])).expect("a list");
    let mut all: Vec<i32> = children.split_whitespace().map(|pid| pid.parse().expect("a process id")).collect();
    assert_eq!(all.len(), 2, "{children}");
    all.push(pids[1]);
    daemon.kill().expect("a process");
    daemon.wait().expect("an end");
    assert_gone(&all).await;
}

async fn an_idle_worker_that_was_killed_is_replaced_unseen() {
    let pool = pool(1).await;
    let (worker, _) = who(&pool).await;
    kill(worker, Signal::KILL);
    assert_gone(&[worker]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_works(&pool).await;
    assert_eq!((pool.status().crashes, pool.status().host_restarts), (0, 0));
}
