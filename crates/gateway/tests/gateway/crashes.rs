//! Messages that harm the worker that looks at them: each costs one temporary failure, and what does it
//! again and again is set aside.

use std::sync::Arc;

use service::examine::Examiner;
use testkit::{Behaviour, Sink, sample};

use crate::decisions::marked;
use crate::node::{Setup, pool};
use crate::{Case, cases, job, logged};

pub(crate) const CASES: &[Case] = cases![
    whatever_ends_a_worker_costs_one_temporary_failure,
    the_third_crash_of_a_message_puts_it_into_backup,
    a_crash_limit_of_zero_defers_for_ever,
    crashes_are_counted_by_message,
    a_message_that_meets_workers_with_other_engines_is_looked_at_by_those,
];

const FAULTS: [(&str, &str); 5] = [
    ("crash", job::CRASH),
    ("loop", job::LOOP),
    ("allocate", job::ALLOCATE),
    ("file", job::OPEN_FILE),
    ("socket", job::OPEN_SOCKET),
];

async fn whatever_ends_a_worker_costs_one_temporary_failure() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().deadline(20_000).start(&sink).await;
    for (name, mark) in FAULTS {
        if name == "loop" {
            node.set_policy(|p| p.limits.deadline = judge::units::Time(1_500));
        }
        let refused = node.send(&marked(name, mark)).await;
        assert_eq!(refused.code, 451, "{name}: {refused:?}");
        assert_eq!(node.send(&sample::clean("after")).await.code, 250, "after {name}");
        node.set_policy(|p| p.limits.deadline = judge::units::Time(20_000));
    }
    assert_eq!((sink.count(), node.backup().len()), (FAULTS.len(), 0));
}

async fn the_third_crash_of_a_message_puts_it_into_backup() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = |attempt: u32| {
        let trace = format!("Received: from mta.example.org (attempt {attempt})\r\n").into_bytes();
        [trace, marked("crash", job::CRASH)].concat()
    };
    for attempt in 1..=2 {
        assert_eq!(node.send(&mail(attempt)).await.code, 451, "attempt {attempt}");
        assert_eq!(logged::message().await.get("rules"), "unscannable_engine_failed");
        logged::clear();
    }
    assert!(node.backup().is_empty());
    assert_eq!(node.send(&mail(3)).await.code, 250);
    let line = logged::message().await;
    assert_eq!((line.get("rules"), line.get("action")), ("unscannable_crashing", "held"));
    assert_eq!(sink.count(), 0);
    assert!(node.kept().1 == mail(3), "the third attempt is kept as it came");
}

async fn a_crash_limit_of_zero_defers_for_ever() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().policy(|p| p.unscannable.crash_limit = 0).start(&sink).await;
    for attempt in 1..=5 {
        assert_eq!(node.send(&marked("crash", job::CRASH)).await.code, 451, "attempt {attempt}");
    }
    assert!(node.backup().is_empty());
}

async fn crashes_are_counted_by_message() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    for number in 0..4 {
        let refused = node.send(&marked(&format!("crash {number}"), job::CRASH)).await;
        assert_eq!(refused.code, 451, "message {number}");
    }
    assert!(node.backup().is_empty());
}

/// A message holds the examiner that was there when it came; a reload gives the workers other engines meanwhile.
async fn a_message_that_meets_workers_with_other_engines_is_looked_at_by_those() {
    let lists = |some: bool| scan::EngineSpec {
        hash_lists: if some {
            vec![("list".to_owned(), format!("{}:Nothing.Yet\n", "0".repeat(64)).into())]
        } else {
            Vec::new()
        },
        builtin_rules: false,
        ..scan::EngineSpec::default()
    };
    for (before, after) in [(true, false), (false, true)] {
        let sink = Sink::start(Behaviour::accept()).await;
        let node = Setup::new().start(&sink).await;
        let workers = pool(lists(before)).await;
        let old = Arc::new(Examiner::new(workers.clone(), &lists(before), None));
        node.service.current().examiner.store(Arc::clone(&old));
        assert_eq!(node.send(&sample::clean("before")).await.code, 250);
        workers.reload(service::worker::encode_spec(&lists(after)).expect("a specification")).await.expect("loaded");
        let new = Arc::new(Examiner::new(workers, &lists(after), None));
        old.give_way(&new);
        // It is still the old one that is asked.
        assert_eq!(node.send(&sample::clean("between")).await.code, 250, "lists: {before}, then {after}");
        assert_eq!(logged::messages(2).await[1].get("status"), "clean");
        logged::clear();
    }
}
