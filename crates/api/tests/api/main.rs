//! The endpoints and the control socket of a real service. The harness is our own because this
//! program is also the host of the scan workers: with `worker-host` as its first argument it becomes
//! one, before any thread is started.
//!
//! `cargo test -p api --test api -- [part of a name …]`

mod control;
mod http;
mod node;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

/// Cases at once.
const AT_ONCE: usize = 6;

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
        Some("worker-host") => confine::host_main::<service::worker::ScanJob>(),
        _ => run_cases(&args),
    }
}

/// Runs every case whose name has one of the words in it; all without words. Most of a case's time
/// is waiting for the disk, so several run at once.
fn run_cases(args: &[String]) -> ExitCode {
    let words: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let all = [http::CASES, control::CASES].concat();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let chosen: Vec<Case> = all.iter().copied().filter(|(name, _)| wanted(name)).collect();
    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((name, case)) = chosen.get(next.fetch_add(1, Relaxed)) {
                    let started = Instant::now();
                    let good = catch_unwind(AssertUnwindSafe(|| runtime().block_on(case()))).is_ok();
                    let seconds = started.elapsed().as_secs_f32();
                    println!("test {name} ... {} ({seconds:.2} s)", if good { "ok" } else { "FAILED" });
                    failed.fetch_add(usize::from(!good), Relaxed);
                }
            });
        }
    });
    let failed = failed.into_inner();
    let (passed, filtered) = (chosen.len() - failed, all.len() - chosen.len());
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {filtered} filtered out");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}
