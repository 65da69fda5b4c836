//! Pools with real processes. The harness is our own because this program is also the host: with
//! `worker-host` as its first argument it becomes one, before any thread is started.
//!
//! `cargo test -p confine --test workers -- [part of a name …]`; with `bench` it measures instead.

mod bench;
mod failures;
mod job;
mod lanes;
mod lifecycle;
mod limits;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use confine::{Body, Failure, Pool, PoolConfig, Reply};
use tokio::time::Instant;

type Case = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

/// A table of cases from the names of async functions.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        &[$((stringify!($name), || Box::pin($name()))),+]
    };
}
pub(crate) use cases;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("worker-host") => return confine::host_main::<job::TestJob>(),
        Some("doomed-daemon") => runtime().block_on(lifecycle::doomed_daemon()),
        Some("bench") => runtime().block_on(bench::run()),
        _ => return run_cases(&args),
    }
    ExitCode::SUCCESS
}

/// Runs every case whose name has one of the words in it; all without words.
fn run_cases(args: &[String]) -> ExitCode {
    let words: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let tables: [&[Case]; 4] = [failures::CASES, lanes::CASES, lifecycle::CASES, limits::CASES];
    let (mut passed, mut failed, mut filtered) = (0, 0, 0);
    for (name, case) in tables.concat() {
        if !words.is_empty() && !words.iter().any(|word| name.contains(word.as_str())) {
            filtered += 1;
            continue;
        }
        let started = Instant::now();
        let good = catch_unwind(AssertUnwindSafe(|| runtime().block_on(case()))).is_ok();
        println!("test {name} ... {} ({:.2} s)", if good { "ok" } else { "FAILED" }, started.elapsed().as_secs_f32());
        if good { passed += 1 } else { failed += 1 }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {filtered} filtered out");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// What most cases start from.
fn config(workers: usize) -> PoolConfig {
    let mut config = PoolConfig::new(["worker-host"]);
    config.workers = workers;
    config.init = b"first".to_vec();
    config.limits.memory_bytes = 64 << 20;
    config
}

async fn pool(workers: usize) -> Pool {
    Pool::start(config(workers)).await.expect("a pool")
}

/// A request with an empty body and a time limit.
async fn ask(pool: &Pool, request: &str, limit: Duration) -> Result<Reply, Failure> {
    ask_about(pool, request, Vec::new(), limit).await
}

async fn ask_about(pool: &Pool, request: &str, body: impl Into<Body>, limit: Duration) -> Result<Reply, Failure> {
    pool.run(request.as_bytes().to_vec(), body.into(), Instant::now() + limit).await
}

/// The reply as text, within 10 s.
async fn text(pool: &Pool, request: &str) -> String {
    let reply = ask(pool, request, Duration::from_secs(10)).await.expect(request);
    String::from_utf8(reply.bytes).expect("text")
}

/// Asserts that the pool does its work.
async fn assert_works(pool: &Pool) {
    for number in 0..4 {
        let body = vec![number; 1000];
        let reply = ask_about(pool, "echo", body.clone(), Duration::from_secs(10)).await;
        assert!(reply.as_ref().is_ok_and(|reply| reply.bytes == body), "message {number}: {:?}", reply.err());
    }
}

/// The process ids of a worker and its host.
async fn who(pool: &Pool) -> (i32, i32) {
    let text = text(pool, "who").await;
    let mut numbers = text.split(' ').map(|number| number.parse().expect("a process id"));
    (numbers.next().expect("worker"), numbers.next().expect("host"))
}

/// Whether a process runs. One that ended but was not reaped does not.
fn runs(pid: i32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    !matches!(state, Some('Z' | 'X'))
}

/// Waits until none of these processes runs.
async fn assert_gone(pids: &[i32]) {
    let end = Instant::now() + Duration::from_secs(5);
    while pids.iter().any(|&pid| runs(pid)) {
        assert!(Instant::now() < end, "still there: {pids:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn kill(pid: i32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid).expect("a process id");
    rustix::process::kill_process(pid, signal).expect("a process");
}
