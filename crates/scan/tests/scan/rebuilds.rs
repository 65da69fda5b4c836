//! Archives made anew without what was found in them.

use mail::evidence::{FileKind, Object, ObjectId};
use scan::protocol::{Request, Response};
use scan::{Context, Input, RebuildRequest, Rebuilt, StopFlag, rebuild};

use crate::support::{eicar, malware, message_with, plain, report, zip};

/// The zip archive of a message, and the numbers of its members.
fn archive(report: &mail::evidence::Report) -> (ObjectId, &Object) {
    let at = report.objects().iter().position(|object| object.kind == FileKind::Zip).unwrap();
    (ObjectId(at as u32), &report.objects()[at])
}

fn rebuilt(raw: &[u8], context: &Context, remove: Vec<u32>) -> Rebuilt {
    let engines = plain();
    let report = report(&engines, raw, context);
    let (id, object) = archive(&report);
    let request = RebuildRequest::new(id, object, remove).unwrap();
    let list = rebuild(&engines, raw, &[request], context, &StopFlag::new());
    assert_eq!(list.len(), 1);
    list.into_iter().next().unwrap()
}

#[test]
fn an_archive_without_its_infected_member_is_clean_and_keeps_the_rest() {
    let archive = zip(&[("one.txt", b"one"), ("eicar.com", &eicar()), ("two.txt", b"two")]);
    let context = Context::default();
    for (raw, context) in [
        (message_with("a.zip", &archive), context.clone()),
        (archive.clone(), Context { input: Input::Detect, ..context }),
    ] {
        let rebuilt = rebuilt(&raw, &context, vec![1]);
        assert!(rebuilt.clean, "{rebuilt:?}");
        let bytes = rebuilt.outcome.clone().unwrap();
        let files = Context { input: Input::Detect, ..Context::default() };
        let again = report(&plain(), &bytes, &files);
        let names: Vec<_> =
            again.objects().iter().filter_map(|o| o.name.as_ref()).map(|name| name.raw().as_str()).collect();
        assert_eq!(names, ["one.txt", "two.txt"]);
        let response = Response::Rebuilt(vec![rebuilt]);
        assert_eq!(Response::decode(&response.encode().unwrap()), Ok(response));
    }
}

#[test]
fn what_is_still_found_in_the_new_archive_is_said() {
    let archive = zip(&[("one.txt", b"one"), ("eicar.com", &eicar())]);
    let rebuilt = rebuilt(&message_with("a.zip", &archive), &Context::default(), vec![0]);
    assert!(!rebuilt.clean);
    let report = rebuilt.evidence.unwrap().close(&plain().required());
    assert_eq!(malware(&report), ["a.zip » eicar.com: EICAR-Test-File"]);
}

#[test]
fn an_archive_that_would_be_empty_is_refused() {
    let rebuilt = rebuilt(&message_with("a.zip", &zip(&[("eicar.com", &eicar())])), &Context::default(), vec![0]);
    assert!(rebuilt.outcome.is_err() && !rebuilt.clean && rebuilt.evidence.is_none());
}

#[test]
fn another_message_than_the_examined_one_is_refused() {
    let engines = plain();
    let raw = message_with("a.zip", &zip(&[("one.txt", b"one"), ("two.txt", b"two")]));
    let report = report(&engines, &raw, &Context::default());
    let (id, object) = archive(&report);
    let request = Request::Rebuild(vec![RebuildRequest::new(id, object, vec![0]).unwrap()], Context::default());
    let other = message_with("a.zip", &zip(&[("one.txt", b"ONE"), ("two.txt", b"two")]));
    let Response::Rebuilt(list) = request.answer(&engines, &other, &StopFlag::new()) else { panic!("not rebuilt") };
    assert_eq!(list[0].outcome, Err("the archive is not the one that was examined".to_owned()));
}

#[test]
fn only_archives_of_the_message_itself_can_be_asked_for() {
    let inner = zip(&[("eicar.com", &eicar())]);
    let report = report(&plain(), &message_with("a.zip", &zip(&[("inner.zip", &inner)])), &Context::default());
    for (at, object) in report.objects().iter().enumerate() {
        let request = RebuildRequest::new(ObjectId(at as u32), object, vec![0]);
        let name = object.name.as_ref().map(|name| name.raw().as_str());
        assert_eq!(request.is_some(), name == Some("a.zip"), "{name:?}");
    }
}
