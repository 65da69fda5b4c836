//! Engines that misbehave: what they did not look at never reads as clean, and the others go on.

use std::time::{Duration, Instant};

use mail::evidence::{EngineId, Seen, UnableWhy};
use scan::{Context, Step, StopFlag, start};

use crate::support::{Hostile, Misbehaviour, eicar, malware, message_with, plain, report, unscanned, zip};

fn with(misbehaviour: Misbehaviour) -> scan::Engines {
    plain().with(Box::new(Hostile(misbehaviour)))
}

#[test]
fn a_panic_is_unable_for_that_object_and_the_walk_goes_on() {
    let archive = zip(&[("one.txt", b"goes boom here"), ("eicar.com", &eicar())]);
    let engines = with(Misbehaviour::PanicOn(b"goes boom"));
    let report = report(&engines, &message_with("a.zip", &archive), &Context::default());
    assert_eq!(unscanned(&report), ["2 » a.zip » one.txt: engine_failed"]);
    assert_eq!(
        malware(&report),
        ["2 » a.zip » one.txt: Before.Panic", "2 » a.zip » eicar.com: EICAR-Test-File"],
        "what was found before the panic is kept"
    );
    assert!(!report.is_clean());
}

#[test]
fn an_engine_that_loops_ends_with_the_stop_flag_and_leaves_nothing_clean() {
    let stop = StopFlag::new();
    let engines = with(Misbehaviour::LoopUntil(stop.clone()));
    let raw = message_with("a.zip", &zip(&[("one.txt", b"one"), ("two.txt", b"two")]));
    let watchdog = stop.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        watchdog.stop();
    });
    let begun = Instant::now();
    let Step::Done(evidence) = start(&engines, &raw, &Context::default(), &stop) else { panic!("asks outside") };
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(evidence.validate(), Ok(()));
    let report = evidence.close(&engines.required());
    assert!(!report.is_clean());
    let unable = Seen::Unable(UnableWhy::Time);
    let stuck =
        report.objects().iter().any(|o| o.coverage.iter().any(|c| c.engine == EngineId::Test && c.seen == unable));
    assert!(stuck, "{report:?}");
    assert!(unscanned(&report).iter().any(|text| text.ends_with("limit_time")), "{:?}", unscanned(&report));
}

#[test]
fn a_stop_flag_that_is_set_before_the_start_leaves_nothing_clean() {
    let stop = StopFlag::new();
    stop.stop();
    let engines = plain();
    let Step::Done(evidence) = start(&engines, &message_with("a", b"x"), &Context::default(), &stop) else {
        panic!("asks")
    };
    assert_eq!(evidence.validate(), Ok(()));
    assert!(!evidence.close(&engines.required()).is_clean());
}

#[test]
fn a_flood_of_findings_is_bounded_and_valid() {
    let many: Vec<(String, Vec<u8>)> =
        (0..200).map(|n| (format!("{n}.txt"), format!("text {n}").into_bytes())).collect();
    let members: Vec<(&str, &[u8])> = many.iter().map(|(name, text)| (name.as_str(), text.as_slice())).collect();
    let engines = with(Misbehaviour::Flood);
    let report = report(&engines, &message_with("a.zip", &zip(&members)), &Context::default());
    assert!(report.findings().len() <= mail::evidence::MAX_FINDINGS);
    assert!(unscanned(&report).iter().any(|text| text.ends_with("limit_objects")), "{:?}", unscanned(&report));
}

#[test]
fn the_order_of_engines_changes_nothing() {
    let raw = message_with("eicar.com", &eicar());
    let close = |names: [&'static str; 2]| {
        let engines =
            names.into_iter().fold(plain(), |engines, name| engines.with(Box::new(Hostile(Misbehaviour::Find(name)))));
        report(&engines, &raw, &Context::default())
    };
    assert_eq!(close(["A", "B"]), close(["B", "A"]));
    assert_eq!(malware(&close(["A", "B"])).len(), 5);
}
