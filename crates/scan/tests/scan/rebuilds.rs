//! Archives made anew without what was found in them.

use mail::evidence::{FileKind, ObjectId};
use scan::protocol::{Request, Response};
use scan::{Context, Input, RebuildRequest, Rebuilt, StopFlag, rebuild};

use crate::support::{eicar, malware, message_with, plain, report, zip};

/// The zip archive of a message.
fn archive(report: &mail::evidence::Report) -> ObjectId {
    ObjectId(report.objects().iter().position(|object| object.kind == FileKind::Zip).unwrap() as u32)
}

/// Its members with these numbers.
fn members(report: &mail::evidence::Report, numbers: &[u32]) -> Vec<ObjectId> {
    numbers.iter().map(|number| ObjectId(archive(report).0 + 1 + number)).collect()
}

fn rebuilt(raw: &[u8], context: &Context, remove: Vec<u32>) -> Rebuilt {
    let engines = plain();
    let report = report(&engines, raw, context);
    let request = RebuildRequest::new(&report, archive(&report), &members(&report, &remove), &[]).unwrap();
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
        assert_eq!(rebuilt.suffix, "");
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
    let request = RebuildRequest::new(&report, archive(&report), &members(&report, &[0]), &[]).unwrap();
    let request = Request::Rebuild(vec![request], Context::default());
    let other = message_with("a.zip", &zip(&[("one.txt", b"ONE"), ("two.txt", b"two")]));
    let Response::Rebuilt(list) = request.answer(&engines, &other, &StopFlag::new()) else { panic!("not rebuilt") };
    assert_eq!(list[0].outcome, Err("the file is not the one that was examined".to_owned()));
}

#[test]
fn only_parts_of_the_message_itself_can_be_asked_for_and_what_is_deeper_goes_from_them() {
    let inner = zip(&[("eicar.com", &eicar()), ("kept.txt", b"kept")]);
    let outer = zip(&[("first.txt", b"first"), ("inner.zip", &inner)]);
    let (engines, raw) = (plain(), message_with("a.zip", &outer));
    let report = report(&engines, &raw, &Context::default());
    let victim = report.objects().iter().position(|o| o.name.as_ref().is_some_and(|n| n.raw() == "eicar.com")).unwrap();
    for (at, object) in report.objects().iter().enumerate() {
        let request = RebuildRequest::new(&report, ObjectId(at as u32), &[], &[]);
        let member = matches!(object.origin, mail::evidence::Origin::Member(_));
        assert_eq!(request.is_none(), member, "{at}");
    }
    let request = RebuildRequest::new(&report, archive(&report), &[ObjectId(victim as u32)], &[]).unwrap();
    let rebuilt = rebuild(&engines, &raw, &[request], &Context::default(), &StopFlag::new()).remove(0);
    assert!(rebuilt.clean, "{rebuilt:?}");
    let evidence = rebuilt.evidence.unwrap();
    let names: Vec<_> =
        evidence.objects.iter().filter_map(|o| o.name.as_ref()).map(|name| name.raw().as_str()).collect();
    assert_eq!(names, ["a.zip", "first.txt", "inner.zip", "kept.txt"]);
    assert_eq!(rebuilt.removed.len(), 1);
    assert_eq!(rebuilt.removed[0].name.raw(), "eicar.com");
}

/// An archive of two texts and EICAR that a program makes; `None` when it is not installed.
fn made(program: &str, arguments: &[&str], name: &str) -> Option<Vec<u8>> {
    let program = testkit::peers::find(program)?;
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("one.txt", &b"one text\n"[..]), ("eicar.com", &eicar()), ("two.txt", b"two texts\n")] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let mut run = std::process::Command::new(program);
    run.args(arguments).arg(name).current_dir(folder.path());
    // cpio reads the names, the others take them as arguments.
    let names = "one.txt\neicar.com\ntwo.txt\n";
    let list = folder.path().join("list");
    std::fs::write(&list, names).unwrap();
    if !arguments.contains(&"-F") {
        run.args(names.lines());
    }
    let output = run.stdin(std::fs::File::open(list).unwrap()).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Some(std::fs::read(folder.path().join(name)).unwrap())
}

/// Whether a program is content with an archive.
fn tested(program: &str, arguments: &[&str], name: &str, data: &[u8]) {
    let Some(program) = testkit::peers::find(program) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, data).unwrap();
    let output = std::process::Command::new(program).args(arguments).arg(&path).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
}

/// A program and its arguments.
type Call = (&'static str, &'static [&'static str]);

#[test]
fn archives_of_other_programs_without_what_was_found_are_clean_and_open() {
    let tar: Call = ("tar", &["-tf"]);
    let cases: [(Call, &str, &str, Call); 10] = [
        (("tar", &["-cf"]), "a.tar", "", tar),
        (("tar", &["-czf"]), "a.tar.gz", "", tar),
        (("tar", &["-cjf"]), "a.tar.bz2", "", tar),
        (("tar", &["-cJf"]), "a.tar.xz", "", tar),
        (("tar", &["--zstd", "-cf"]), "a.tar.zst", "", tar),
        (("7z", &["a", "-bd"]), "a.7z", "", ("7z", &["t"])),
        (("gcab", &["-c"]), "a.cab", ".zip", ("unzip", &["-tq"])),
        (("arj", &["a"]), "a.arj", ".zip", ("unzip", &["-tq"])),
        (("genisoimage", &["-quiet", "-J", "-R", "-o"]), "a.iso", ".zip", ("unzip", &["-tq"])),
        (("cpio", &["-o", "-H", "newc", "--quiet", "-F"]), "a.cpio", ".zip", ("unzip", &["-tq"])),
    ];
    let context = Context { input: Input::Detect, ..Context::default() };
    for ((program, arguments), name, suffix, (test, options)) in cases {
        let Some(data) = made(program, arguments, name) else { continue };
        let engines = plain();
        let report = report(&engines, &data, &context);
        let found: Vec<ObjectId> = report
            .findings()
            .iter()
            .filter(|found| matches!(found.kind, mail::evidence::FindingKind::Malware { .. }))
            .map(|found| found.object)
            .collect();
        assert!(!found.is_empty(), "{name}");
        let request = RebuildRequest::new(&report, ObjectId(0), &found, &[]).unwrap();
        let rebuilt = rebuild(&engines, &data, &[request], &context, &StopFlag::new()).remove(0);
        assert!(rebuilt.clean, "{name}: {rebuilt:?}");
        assert_eq!(rebuilt.suffix, suffix, "{name}");
        let bytes = rebuilt.outcome.unwrap();
        let left: Vec<String> = report_names(&engines, &bytes, &context);
        for (wanted, there) in [("one.txt", true), ("two.txt", true), ("eicar.com", false)] {
            assert_eq!(left.iter().any(|it| it.eq_ignore_ascii_case(wanted)), there, "{name}: {wanted} of {left:?}");
        }
        tested(test, options, &format!("{name}{suffix}"), &bytes);
    }
}

/// The names of all that is in a file.
fn report_names(engines: &scan::Engines, data: &[u8], context: &Context) -> Vec<String> {
    let report = report(engines, data, context);
    report.objects().iter().filter_map(|it| it.name.as_ref()).map(|name| name.raw().clone()).collect()
}
