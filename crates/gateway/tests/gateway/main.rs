//! The gateway with real sockets, real workers and a real store: a client on one side, a next hop
//! that does what it is told on the other. The harness is our own because this program is also the
//! host of the scan workers: with `worker-host` as its first argument it becomes one, before any
//! thread is started.
//!
//! `cargo test -p gateway --test gateway -- [part of a name …]`

mod ambiguous;
mod apart;
mod chunks;
mod clamd;
mod clients;
mod crashes;
mod decisions;
mod dialogue;
mod direct;
mod disarm;
mod dmarc;
mod each;
mod early;
mod effects;
mod identity;
mod job;
mod limits;
mod lists;
mod logged;
mod milter;
mod node;
mod outbox;
mod pass;
mod persistent;
mod reverse;
mod routes;
mod sender;
mod spam;
mod split;
mod tls;
mod unexamined;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Instant;

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
        Some("worker-host") => confine::host_main::<job::TestJob>(),
        _ => run_cases(&args),
    }
}

/// Runs every case whose name has one of the words in it; all without words. One after the other:
/// each reads what was logged since it began.
fn run_cases(args: &[String]) -> ExitCode {
    let words: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let cases: Vec<Case> = [
        pass::CASES,
        routes::CASES,
        outbox::CASES,
        lists::CASES,
        spam::CASES,
        split::CASES,
        chunks::CASES,
        each::CASES,
        dialogue::CASES,
        identity::CASES,
        direct::CASES,
        tls::CASES,
        clients::CASES,
        decisions::CASES,
        disarm::CASES,
        early::CASES,
        effects::CASES,
        ambiguous::CASES,
        clamd::CASES,
        crashes::CASES,
        limits::CASES,
        milter::CASES,
        apart::CASES,
        sender::CASES,
        reverse::CASES,
        dmarc::CASES,
        unexamined::CASES,
    ]
    .concat();
    let (mut passed, mut failed, mut filtered) = (0, 0, 0);
    logged::start();
    let runtime = runtime();
    for (name, case) in cases {
        if !words.is_empty() && !words.iter().any(|word| name.contains(word.as_str())) {
            filtered += 1;
            continue;
        }
        let started = Instant::now();
        logged::clear();
        let good = catch_unwind(AssertUnwindSafe(|| runtime.block_on(case()))).is_ok();
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
