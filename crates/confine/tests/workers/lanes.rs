//! Who gets a worker when.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use confine::{Failure, Pool};
use tokio::time::Instant;

use crate::{Case, ask, ask_about, assert_works, cases, config};

pub(crate) const CASES: &[Case] = cases![
    ten_thousand_messages_pass_and_workers_retire,
    large_bodies_never_take_the_last_worker,
    one_worker_also_takes_large_bodies,
    a_turn_that_comes_late_says_nothing_about_the_message,
    a_full_queue_is_refused_at_once_and_a_place_in_it_ends_at_the_deadline,
];

async fn ten_thousand_messages_pass_and_workers_retire() {
    let mut config = config(2);
    config.retire_after = 500;
    let pool = Pool::start(config).await.expect("a pool");
    let next = AtomicU64::new(0);
    let sender = async || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= 10_000 {
                break;
            }
            let body = number.to_le_bytes().repeat(100);
            let reply = ask_about(&pool, "echo", body.clone(), Duration::from_secs(20)).await.expect("a reply");
            assert!(reply.bytes == body, "message {number}");
        }
    };
    tokio::join!(sender(), sender(), sender(), sender());
    let status = pool.status();
    assert_eq!((status.answered, status.crashes, status.kills, status.host_restarts), (10_000, 0, 0, 0));
    assert!((18..=20).contains(&status.retired), "{} retired", status.retired);
    assert_eq!((status.busy, status.waiting), (0, 0));
}

async fn large_bodies_never_take_the_last_worker() {
    let mut config = config(2);
    config.small_lane_bytes = 1000;
    let pool = Pool::start(config).await.expect("a pool");
    let large = |limit| ask_about(&pool, "loop", vec![0; 1001], Duration::from_millis(limit));
    let small = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let started = Instant::now();
        for _ in 0..20 {
            assert_works(&pool).await;
        }
        assert!(started.elapsed() < Duration::from_millis(1500), "small mail waited: {:?}", started.elapsed());
        assert_eq!((pool.status().busy, pool.status().waiting), (1, 2));
    };
    let (first, second, third, ()) = tokio::join!(large(2000), large(1900), large(1900), small);
    assert_eq!((first, second, third), (Err(Failure::Deadline), Err(Failure::Overloaded), Err(Failure::Overloaded)));
    assert_works(&pool).await;
}

async fn one_worker_also_takes_large_bodies() {
    let mut config = config(1);
    config.small_lane_bytes = 10;
    let pool = Pool::start(config).await.expect("a pool");
    assert_works(&pool).await;
}

async fn a_full_queue_is_refused_at_once_and_a_place_in_it_ends_at_the_deadline() {
    let mut config = config(1);
    config.queue = 1;
    let pool = Pool::start(config).await.expect("a pool");
    let busy = ask(&pool, "sleep", Duration::from_millis(800));
    let queued = ask(&pool, "echo", Duration::from_millis(400));
    let refused = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let started = Instant::now();
        let result = ask(&pool, "echo", Duration::from_secs(10)).await;
        (result, started.elapsed())
    };
    let (busy, queued, (refused, after)) = tokio::join!(busy, queued, refused);
    assert_eq!((busy, queued, refused), (Err(Failure::Deadline), Err(Failure::Overloaded), Err(Failure::Overloaded)));
    assert!(after < Duration::from_millis(100), "refused after {after:?}");
    assert_works(&pool).await;
}

async fn a_turn_that_comes_late_says_nothing_about_the_message() {
    let pool = Pool::start(config(1)).await.expect("a pool");
    let busy = ask(&pool, "sleep", Duration::from_millis(2_500));
    let late = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        ask(&pool, "sleep", Duration::from_millis(3_500)).await
    };
    let (busy, late) = tokio::join!(busy, late);
    assert_eq!((busy, late), (Err(Failure::Deadline), Err(Failure::Overloaded)));
    assert!(!Failure::Overloaded.is_message_suspect());
    assert_works(&pool).await;
}
