//! What a message can do to its worker, and that it does it to nobody else.

use std::time::Duration;

use confine::{Failure, Pool, WorkerExit};
use tokio::time::Instant;

use crate::{Case, ask, ask_about, assert_gone, assert_works, cases, config, pool, who};

pub(crate) const CASES: &[Case] = cases![
    a_loop_ends_at_the_deadline_and_only_that_message_fails,
    every_way_to_die_is_told_apart_and_the_pool_goes_on,
    replies_over_a_limit_or_not_a_reply_are_refused,
    a_worker_that_hangs_up_is_killed,
    a_job_is_asked_to_stop_before_the_deadline,
    a_dropped_request_takes_its_worker_with_it,
    a_message_that_crashes_every_worker_leaves_the_others_alone,
];

async fn a_loop_ends_at_the_deadline_and_only_that_message_fails() {
    let pool = pool(2).await;
    for request in ["loop", "sleep"] {
        let started = Instant::now();
        let limit = Duration::from_millis(500);
        let (bad, ()) = tokio::join!(ask(&pool, request, limit), assert_works(&pool));
        assert_eq!(bad, Err(Failure::Deadline), "{request}");
        let late = started.elapsed().saturating_sub(limit);
        assert!(late < Duration::from_secs(1), "{request}: {late:?} after the deadline");
    }
    assert_works(&pool).await;
    assert_eq!((pool.status().kills, pool.status().crashes, pool.status().busy), (2, 0, 0));
}

async fn every_way_to_die_is_told_apart_and_the_pool_goes_on() {
    let pool = pool(2).await;
    let cases = [
        ("abort", Failure::Crashed(WorkerExit::Signal(libc::SIGABRT))),
        ("fault", Failure::Crashed(WorkerExit::Signal(libc::SIGSEGV))),
        ("overflow the stack", Failure::Crashed(WorkerExit::Signal(libc::SIGSEGV))),
        ("exit", Failure::Crashed(WorkerExit::Code(3))),
        ("panic", Failure::Crashed(WorkerExit::Code(101))),
        ("allocate", Failure::Memory),
        ("allocate at once", Failure::Memory),
    ];
    for (request, failure) in &cases {
        let (bad, ()) = tokio::join!(ask(&pool, request, Duration::from_secs(20)), assert_works(&pool));
        assert_eq!(bad.as_ref(), Err(failure), "{request}");
    }
    assert_works(&pool).await;
    let status = pool.status();
    assert_eq!((status.crashes, status.kills, status.host_restarts), (cases.len() as u64, 0, 0));
}

async fn replies_over_a_limit_or_not_a_reply_are_refused() {
    let mut config = config(1);
    config.limits.blob_bytes_max = 20 << 20;
    let pool = Pool::start(config).await.expect("a pool");
    let cases = [
        ("long", "a reply over the limit"),
        ("many blobs", "more blobs than the limit"),
        ("long blobs", "blobs over the limit"),
        ("garbage", "not a reply"),
        ("flood", "not a reply"),
    ];
    for (request, reason) in cases {
        let bad = ask(&pool, request, Duration::from_secs(10)).await;
        assert_eq!(bad, Err(Failure::Protocol(reason.into())), "{request}");
        assert_works(&pool).await;
    }
    let body = vec![3; 70_000];
    let reply = ask_about(&pool, "blobs", body.clone(), Duration::from_secs(10)).await.expect("a reply");
    assert_eq!((reply.bytes, reply.blobs), (b"two".to_vec(), vec![body, vec![9; 300_000]]));
}

async fn a_worker_that_hangs_up_is_killed() {
    let pool = pool(1).await;
    let (worker, _) = who(&pool).await;
    let bad = ask(&pool, "hang up", Duration::from_secs(10)).await;
    assert_eq!(bad, Err(Failure::Crashed(WorkerExit::Unknown)));
    assert_gone(&[worker]).await;
    assert_works(&pool).await;
}

async fn a_job_is_asked_to_stop_before_the_deadline() {
    let pool = pool(1).await;
    for _ in 0..3 {
        let started = Instant::now();
        let reply = ask(&pool, "until told", Duration::from_millis(500)).await;
        assert_eq!(reply.map(|reply| reply.bytes), Ok(b"stopped".to_vec()));
        assert!(started.elapsed() > Duration::from_millis(350), "asked too early: {:?}", started.elapsed());
    }
    assert_eq!(pool.status().kills, 0);
}

async fn a_dropped_request_takes_its_worker_with_it() {
    let pool = pool(1).await;
    let (worker, _) = who(&pool).await;
    let request = ask(&pool, "loop", Duration::from_secs(60));
    assert!(tokio::time::timeout(Duration::from_millis(200), request).await.is_err());
    assert_gone(&[worker]).await;
    assert_works(&pool).await;
    assert_eq!(pool.status().kills, 1);
}

async fn a_message_that_crashes_every_worker_leaves_the_others_alone() {
    let pool = pool(2).await;
    let crashing = async {
        for _ in 0..50 {
            let bad = ask(&pool, "abort", Duration::from_secs(10)).await;
            assert_eq!(bad, Err(Failure::Crashed(WorkerExit::Signal(libc::SIGABRT))));
        }
    };
    let working = async {
        for _ in 0..50 {
            assert_works(&pool).await;
        }
    };
    tokio::join!(crashing, working);
    assert_eq!((pool.status().crashes, pool.status().answered), (50, 200));
}
