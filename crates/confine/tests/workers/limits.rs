//! What a worker may use, and what it is given.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use confine::{Body, Failure, Pool, WorkerExit};

use crate::{Case, ask, ask_about, assert_works, cases, config, job, pool, text, who};

pub(crate) const CASES: &[Case] = cases![
    a_worker_has_the_limits_it_was_given,
    a_worker_inherits_nothing,
    whoever_takes_a_worker_over_ends_it_at_the_first_step,
    what_a_worker_does_not_need_is_refused,
    processor_time_is_limited_a_message,
    bodies_of_every_size_arrive_unchanged,
    a_body_in_a_file_is_mapped_and_may_not_be_shorter_than_stated,
    a_flood_of_log_lines_does_no_harm,
];

async fn a_worker_has_the_limits_it_was_given() {
    let pool = pool(1).await;
    let (worker, _) = who(&pool).await;
    let limits = std::fs::read_to_string(format!("/proc/{worker}/limits")).expect("limits");
    for (name, value) in [("Max core file size", "0"), ("Max file size", "0"), ("Max open files", "16")] {
        let line = limits.lines().find(|line| line.starts_with(name)).expect(name);
        let words: Vec<&str> = line[name.len()..].split_whitespace().collect();
        assert_eq!(words[..2], [value, value], "{line}");
    }
    assert_eq!(text(&pool, "dumpable").await, "Ok(NotDumpable)");
    assert_eq!(text(&pool, "privileges").await, "Ok(true)");
    assert_works(&pool).await;
}

async fn a_worker_inherits_nothing() {
    // Left open on purpose, and not closed on exec.
    let file = tempfile::tempfile().expect("a file");
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).expect("a descriptor");
    let pool = pool(2).await;
    assert_eq!(text(&pool, "environment").await, "");
    // Of 16: standard input, output and error, and the worker's own copy of its socket.
    assert_eq!(text(&pool, "descriptors left").await, "12");
}

async fn whoever_takes_a_worker_over_ends_it_at_the_first_step() {
    let pool = pool(2).await;
    let steps = [
        "read a file",
        "list a directory",
        "make a file",
        "execute",
        "connect",
        "send a datagram",
        "open a local socket",
        "kill the host",
        "fork",
        "start a thread",
        "trace the host",
    ];
    for step in steps {
        let (bad, ()) = tokio::join!(ask(&pool, step, Duration::from_secs(20)), assert_works(&pool));
        assert_eq!(bad, Err(Failure::Crashed(WorkerExit::Signal(libc::SIGSYS))), "{step}");
    }
    let status = pool.status();
    assert_eq!((status.crashes, status.host_restarts), (steps.len() as u64, 0));
}

async fn what_a_worker_does_not_need_is_refused() {
    let pool = pool(1).await;
    let wishes = ["map a program", "make memory executable", "be dumpable", "limit the host", "name the machine"];
    for wish in wishes {
        assert_eq!(
            text(&pool, wish).await,
            "Err(Os { code: 1, kind: PermissionDenied, message: \"Operation not permitted\" })",
            "{wish}"
        );
    }
    assert_eq!(pool.status().crashes, 0);
}

async fn processor_time_is_limited_a_message() {
    let mut config = config(1);
    config.limits.cpu_seconds = 1;
    let pool = Pool::start(config).await.expect("a pool");
    let started = std::time::Instant::now();
    assert_eq!(ask(&pool, "loop", Duration::from_secs(120)).await, Err(Failure::Deadline));
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_works(&pool).await;
}

/// Bytes that differ from place to place.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 251) as u8).collect()
}

async fn bodies_of_every_size_arrive_unchanged() {
    let pool = pool(1).await;
    for length in [0, 1, 65_495, 65_496, 65_497, 262_144, 3 << 20, 5, 0] {
        let body = pattern(length);
        let reply = ask_about(&pool, "echo", body.clone(), Duration::from_secs(10)).await;
        assert!(reply.is_ok_and(|reply| reply.bytes == body), "{length} bytes");
    }
    let request = format!("echo{}", " ".repeat(200_000));
    let reply = ask_about(&pool, &request, pattern(99), Duration::from_secs(10)).await;
    assert_eq!(reply.map(|reply| reply.bytes), Ok(pattern(99)));
}

async fn a_body_in_a_file_is_mapped_and_may_not_be_shorter_than_stated() {
    let pool = pool(1).await;
    let bytes = pattern(10 << 20);
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&bytes).expect("room");
    let file: Arc<OwnedFd> = Arc::new(file.into());
    for length in [0, 1, 4096, 4097, bytes.len()] {
        let body = Body::File(Arc::clone(&file), length as u64);
        let reply = ask_about(&pool, "sum", body, Duration::from_secs(10)).await.expect("a reply");
        assert_eq!(reply.bytes, job::sum(&bytes[..length]).to_le_bytes(), "{length} bytes");
    }
    let long = Body::File(file, bytes.len() as u64 + 1);
    let bad = ask_about(&pool, "sum", long, Duration::from_secs(10)).await;
    assert!(matches!(bad, Err(Failure::Unavailable(_))), "{bad:?}");
    assert_works(&pool).await;
}

async fn a_flood_of_log_lines_does_no_harm() {
    let pool = pool(1).await;
    assert_eq!(text(&pool, "log").await, "logged");
    assert_works(&pool).await;
}
