//! Engines that are asked outside.

use mail::evidence::{Answer, Certainty, EngineId, ExternalVerdict, Question, Report, Unable, UnableWhy};
use scan::{Context, EngineSpec, Engines, Step, StopFlag, opening_questions, resume, start};

use crate::support::{malware, message_with, unscanned};

fn answered(answers: Vec<Answer>) -> Report {
    let spec = EngineSpec { external: vec![EngineId::Clamd], ..EngineSpec::default() };
    let (engines, _) = Engines::load(&spec);
    let raw = message_with("a.txt", b"some text");
    let Step::Need { questions, suspended } = start(&engines, &raw, &Context::default(), &StopFlag::new()) else {
        panic!("asks nothing");
    };
    assert_eq!(questions, [Question::External { engine: EngineId::Clamd }]);
    assert_eq!(questions, opening_questions(engines.external()));
    let Step::Done(evidence) = resume(suspended, answers) else { panic!("asks again") };
    assert_eq!(evidence.validate(), Ok(()));
    evidence.close(&engines.required())
}

fn says(verdict: ExternalVerdict) -> Vec<Answer> {
    vec![Answer::External { engine: EngineId::Clamd, verdict }]
}

#[test]
fn a_clean_answer_makes_a_clean_report() {
    assert!(answered(says(ExternalVerdict::Clean)).is_clean());
}

#[test]
fn what_the_engine_names_is_a_finding_with_a_safe_name() {
    let name = "Win.Test\r\nX: 1".to_owned();
    let report = answered(says(ExternalVerdict::Infected { name, certainty: Certainty::Certain }));
    assert_eq!(malware(&report), ["message: Win.Test__X:_1"]);
    assert!(unscanned(&report).is_empty());
}

#[test]
fn encrypted_is_unscanned() {
    let report = answered(says(ExternalVerdict::Encrypted { name: "Heuristics.Encrypted.Zip".to_owned() }));
    assert_eq!(unscanned(&report), ["message: encrypted"]);
}

#[test]
fn an_engine_that_could_not_be_asked_is_one_failure_of_the_message() {
    let unable = Unable::new(EngineId::Clamd, UnableWhy::Unreachable, "x".repeat(5000));
    let report = answered(vec![Answer::Unable(unable)]);
    assert_eq!(unscanned(&report), ["message: engine_failed"]);
    assert!(!report.is_clean());
}

#[test]
fn no_answer_and_answers_of_others_are_a_failure() {
    let stranger = Answer::External { engine: EngineId::Test, verdict: ExternalVerdict::Clean };
    for answers in [vec![], vec![stranger]] {
        let report = answered(answers);
        assert_eq!(unscanned(&report), ["message: engine_failed"]);
    }
}

#[test]
fn contradicting_answers_are_both_kept() {
    let unable = Unable::new(EngineId::Clamd, UnableWhy::BadAnswer, "");
    let infected = ExternalVerdict::Infected { name: "X".to_owned(), certainty: Certainty::Probable };
    let mut answers = says(infected);
    answers.push(Answer::Unable(unable));
    let report = answered(answers);
    assert_eq!((malware(&report).len(), unscanned(&report).len()), (1, 1));
}

#[test]
fn sources_that_do_not_load_are_said_in_every_report() {
    let spec = EngineSpec { hash_lists: vec![("feed".to_owned(), b"nonsense".to_vec())], ..EngineSpec::default() };
    let (engines, problems) = Engines::load(&spec);
    assert_eq!(problems.len(), 1);
    assert!(!engines.has_signatures());
    let report = crate::support::report(&engines, &message_with("a", b"x"), &Context::default());
    assert_eq!(unscanned(&report), ["message: engine_failed"]);
}

#[test]
fn signatures_are_what_goes_beyond_our_own_rules() {
    let rule = ("r".to_owned(), "rule R { condition: false }".to_owned());
    let hash = ("h".to_owned(), "a".repeat(64).into_bytes());
    let none = EngineSpec::default();
    let cases = [
        (none.clone(), false),
        (EngineSpec { builtin_rules: true, ..none.clone() }, false),
        (EngineSpec { builtin_rules: true, yara: vec![rule.clone()], ..none.clone() }, true),
        (EngineSpec { yara: vec![rule], ..none.clone() }, true),
        (EngineSpec { hash_lists: vec![hash], ..none.clone() }, true),
        (EngineSpec { hash_lists: vec![("empty".to_owned(), b"# nothing\n".to_vec())], ..none.clone() }, false),
        (EngineSpec { external: vec![EngineId::Clamd], ..none }, true),
    ];
    for (spec, expected) in cases {
        assert_eq!(Engines::load(&spec).0.has_signatures(), expected, "{spec:?}");
    }
}
