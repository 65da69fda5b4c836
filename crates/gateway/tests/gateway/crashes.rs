//! Messages that harm the worker that looks at them: each costs one temporary failure, and what does it
//! again and again is set aside.

use testkit::{Behaviour, Sink, sample};

use crate::decisions::marked;
use crate::node::Setup;
use crate::{Case, cases, job, logged};

pub(crate) const CASES: &[Case] = cases![
    whatever_ends_a_worker_costs_one_temporary_failure,
    the_third_crash_of_a_message_puts_it_into_backup,
    a_crash_limit_of_zero_defers_for_ever,
    crashes_are_counted_by_message,
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
