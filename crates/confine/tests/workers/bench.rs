//! What the way to a worker and back costs, without any work: processor time of the daemon and of
//! the worker, as the kernel counts it.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use confine::{Body, Pool};
use tokio::time::Instant;

use crate::{ask_about, config, job, who};

/// Processor time of all threads of a process, in microseconds.
fn processor_time(pid: &str) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("threads");
    let time = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0)
    };
    threads.flatten().map(|thread| time(thread.path())).sum::<u64>() / 1000
}

pub(crate) async fn run() {
    let mut config = config(1);
    config.retire_after = u32::MAX;
    let pool = Pool::start(config).await.expect("a pool");
    let worker = who(&pool).await.0.to_string();
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&vec![7; 5 << 20]).expect("room");
    let file = Arc::new(file.into());
    let in_file = |length: usize| Body::File(Arc::clone(&file), length as u64);
    let cases = [
        ("memory, 4 KB", Body::from(vec![7; 4 << 10]), 4000),
        ("memory, 100 KB", Body::from(vec![7; 100 << 10]), 800),
        ("memory, 5 MB", Body::from(vec![7; 5 << 20]), 50),
        ("file, 4 KB", in_file(4 << 10), 4000),
        ("file, 100 KB", in_file(100 << 10), 800),
        ("file, 5 MB", in_file(5 << 20), 50),
    ];
    // Best of some: another program may be in the way.
    let mut calls = (u128::MAX, u128::MAX);
    for _ in 0..5 {
        let reply = ask_about(&pool, "call the system", Body::from(Vec::new()), Duration::from_secs(60)).await;
        let text = String::from_utf8(reply.expect("a reply").bytes).expect("a number");
        calls = (calls.0.min(job::nanoseconds_a_call()), calls.1.min(text.parse().expect("a number")));
    }
    println!("a system call: {} ns in the daemon, {} ns in a worker behind its filters", calls.0, calls.1);
    println!("{:16} {:>12} {:>12} {:>12}", "us a message", "daemon cpu", "worker cpu", "elapsed");
    for (name, body, count) in cases {
        let before = (processor_time("self"), processor_time(&worker), Instant::now());
        for _ in 0..count {
            ask_about(&pool, "init", body.clone(), Duration::from_secs(10)).await.expect("a reply");
        }
        let each = |total: u64| total as f64 / f64::from(count);
        let daemon = each(processor_time("self") - before.0);
        let ours = each(processor_time(&worker) - before.1);
        let elapsed = each(u64::try_from(before.2.elapsed().as_micros()).unwrap_or(u64::MAX));
        println!("{name:16} {daemon:12.1} {ours:12.1} {elapsed:12.1}");
    }
}
