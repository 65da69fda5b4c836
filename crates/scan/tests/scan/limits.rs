//! Limits: each ends what it is about, says so there, and leaves the rest scanned.

use std::io::Write;

use mail::evidence::{EngineId, FileKind, Origin, Seen};
use scan::{Context, EngineSpec, Engines, Input, Limits};

use crate::support::{eicar, malware, message_with, plain, report, unscanned, zip};

fn limited(limits: Limits) -> Context {
    Context { limits, ..Context::default() }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

#[test]
fn a_bomb_is_told_where_it_is_and_what_follows_is_still_scanned() {
    let bomb = gzip(&vec![0; 8 << 20]);
    let archive = zip(&[("bomb.gz", &bomb), ("eicar.com", &eicar())]);
    let report =
        report(&plain(), &message_with("a.zip", &archive), &limited(Limits { ratio: 100, ..Limits::default() }));
    let told = unscanned(&report);
    assert!(!told.is_empty() && told.iter().all(|text| text.contains("bomb.gz")), "{told:?}");
    assert!(told.iter().any(|text| text.ends_with("limit_ratio")), "{told:?}");
    assert_eq!(malware(&report), ["2 » a.zip » eicar.com: EICAR-Test-File"]);
}

#[test]
fn too_many_objects_are_told_of_the_container_that_had_them() {
    let names: Vec<String> = (0..50).map(|n| format!("{n}.txt")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    let raw = message_with("a.zip", &zip(&members));
    let report = report(&plain(), &raw, &limited(Limits { objects: 20, ..Limits::default() }));
    assert_eq!(report.objects().len(), 20);
    assert_eq!(unscanned(&report), ["2 » a.zip: limit_objects"]);
}

#[test]
fn an_archive_beyond_its_own_work_limit_is_excluded_and_the_rest_is_scanned() {
    let archive = zip(&[("one.txt", &[b'a'; 5_000]), ("two.txt", &[b'b'; 50_000]), ("three.txt", &[b'c'; 50_000])]);
    let mut raw = message_with("a.zip", &archive);
    let second = message_with("eicar.com", &eicar());
    let from = second.windows(3).rposition(|w| w == b"--b").unwrap();
    let start = second[..from].windows(5).rposition(|w| w == b"\n--b\r").unwrap();
    let close = raw.windows(5).rposition(|w| w == b"--b--").unwrap();
    raw.truncate(close);
    raw.extend_from_slice(&second[start + 1..]);
    let context = Context { archive_fuel: Some(80_000), ..Context::default() };
    let report = report(&plain(), &raw, &context);
    let told = unscanned(&report);
    assert!(
        !told.is_empty() && told.iter().all(|text| text.contains("a.zip") && text.ends_with("limit_time")),
        "{told:?}"
    );
    assert_eq!(malware(&report), ["3 » eicar.com: EICAR-Test-File"]);
}

#[test]
fn the_work_limit_of_the_examination_leaves_nothing_clean() {
    let raw = message_with("a.bin", &vec![b'a'; 100_000]);
    for fuel in [0, 1, 1_000, 150_000, 300_000] {
        let report = report(&plain(), &raw, &limited(Limits { fuel, ..Limits::default() }));
        assert!(!report.is_clean(), "{fuel}");
        let failed = |text: &String| text.ends_with("engine_failed");
        assert!(unscanned(&report).iter().any(failed), "{fuel}: {:?}", unscanned(&report));
    }
}

#[test]
fn what_an_examination_out_of_time_did_not_see_is_a_failure_and_no_slow_archive() {
    let fillers: Vec<Vec<u8>> = (0..4).map(|n| vec![b'a' + n; 50_000]).collect();
    let mut members: Vec<(&str, &[u8])> =
        ["1", "2", "3", "4"].into_iter().zip(fillers.iter().map(Vec::as_slice)).collect();
    let file = eicar();
    members.push(("eicar.com", &file));
    let packed = message_with("a.zip", &zip(&members));
    let plainly = {
        let mut raw = message_with("a.bin", &vec![b'a'; 200_000]);
        let second = message_with("eicar.com", &file);
        let from = second.windows(7).rposition(|w| w == b"\r\n--b\r\n").unwrap();
        raw.truncate(raw.windows(5).rposition(|w| w == b"--b--").unwrap());
        raw.extend_from_slice(&second[from + 2..]);
        raw
    };
    for raw in [packed, plainly] {
        let whole = report(&plain(), &raw, &Context::default());
        assert_eq!(malware(&whole).len(), 1, "it is found when there is time");
        for fuel in [1_000, 30_000, 100_000, 150_000] {
            let context = Context { archive_fuel: Some(1 << 40), ..limited(Limits { fuel, ..Limits::default() }) };
            let report = report(&plain(), &raw, &context);
            assert!(malware(&report).is_empty(), "{fuel}");
            assert!(unscanned(&report).iter().any(|text| text.ends_with("engine_failed")), "{fuel}");
        }
        let stop = scan::StopFlag::new();
        stop.stop();
        let scan::Step::Done(evidence) = scan::start(&plain(), &raw, &Context::default(), &stop) else { panic!() };
        assert!(unscanned(&evidence.close(&[])).iter().any(|text| text.ends_with("engine_failed")));
    }
}

#[test]
fn levels_count_containers_and_messages_but_not_multiparts() {
    let mut raw = b"Subject: x\r\nFrom: ann@example.org\r\nMIME-Version: 1.0\r\n".to_vec();
    for n in 0..12 {
        raw.extend(format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n").bytes());
    }
    raw.extend(b"Content-Type: text/plain\r\n\r\ninnermost\r\n");
    for n in (0..12).rev() {
        raw.extend(format!("--b{n}--\r\n").bytes());
    }
    let report = report(&plain(), &raw, &limited(Limits { depth: 2, ..Limits::default() }));
    assert_eq!(unscanned(&report), Vec::<String>::new());
    assert!(report.objects().iter().any(|object| object.depth == 13 && object.kind == FileKind::Text));
}

#[test]
fn a_size_limit_excludes_archives_only() {
    let context = Context { archive_max_size: Some(50), ..Context::default() };
    let archive = zip(&[("eicar.com", &eicar())]);
    let excluded = report(&plain(), &message_with("a.zip", &archive), &context);
    assert_eq!(unscanned(&excluded), ["2 » a.zip: size_excluded"]);
    let object = excluded.objects().iter().find(|object| object.kind == FileKind::Zip).unwrap();
    assert!(object.coverage.iter().all(|coverage| coverage.seen == Seen::Excluded));
    let found = report(&plain(), &message_with("a.com", &eicar()), &context);
    assert_eq!(malware(&found).len(), 1);
}

#[test]
fn a_file_is_taken_for_what_it_is_and_bears_its_name() {
    let context = Context { input: Input::Detect, name: Some("files.zip".to_owned()), ..Context::default() };
    let report = report(&plain(), &zip(&[("eicar.com", &eicar())]), &context);
    assert_eq!(malware(&report), ["files.zip » eicar.com: EICAR-Test-File"]);
    let kinds: Vec<_> = report.objects().iter().map(|object| object.kind).collect();
    assert_eq!(kinds[0], FileKind::Zip);
    assert_eq!(report.objects()[1].origin, Origin::Member(0));
}

#[test]
fn what_came_as_a_message_but_is_none_is_shown_to_all_engines() {
    let report = report(&plain(), &eicar(), &Context::default());
    assert!(malware(&report).contains(&"message: EICAR-Test-File".to_owned()), "{:?}", malware(&report));
}

#[test]
fn a_whole_message_is_found_by_its_hash() {
    use sha2::Digest;
    let raw = message_with("a.txt", b"some text");
    let hash: String = sha2::Sha256::digest(&raw).iter().map(|b| format!("{b:02x}")).collect();
    let spec = EngineSpec {
        hash_lists: vec![("feed".to_owned(), format!("{hash}:*:Mail.Known").into_bytes())],
        ..EngineSpec::default()
    };
    let (engines, _) = Engines::load(&spec);
    assert_eq!(engines.required(), [EngineId::Unpack, EngineId::Eicar, EngineId::HashList]);
    assert_eq!(malware(&report(&engines, &raw, &Context::default())), ["message: Mail.Known"]);
}

#[test]
fn rules_that_look_at_names_see_each_name_of_the_same_content() {
    let rule = ("names".to_owned(), "rule Named { condition: filename == \"second.txt\" }".to_owned());
    let (engines, _) = Engines::load(&EngineSpec { yara: vec![rule], ..EngineSpec::default() });
    let raw = message_with("a.zip", &zip(&[("first.txt", b"same"), ("second.txt", b"same")]));
    assert_eq!(malware(&report(&engines, &raw, &Context::default())), ["2 » a.zip » second.txt: YARA.Named"]);
}

/// A message with two parts of the same bytes and these headers.
fn twice(first: &str, second: &str) -> Vec<u8> {
    let part = |header: &str| format!("--q\r\n{header}\r\n\r\njust words\r\n");
    let head = "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n";
    format!("{head}{}{}--q--\r\n", part(first), part(second)).into_bytes()
}

#[test]
fn rules_see_all_that_is_told_of_each_of_the_same_content() {
    let plain = "Content-Disposition: attachment; filename=a.txt";
    let cases = [
        (
            "extension == \".exe\"",
            "Content-Type: x/y; name=evil.exe\r\nContent-Disposition: attachment; filename=a.txt",
        ),
        ("filetype == \"HTML\"", "Content-Type: text/html\r\nContent-Disposition: attachment; filename=a.txt"),
    ];
    for (condition, second) in cases {
        let rule = ("r".to_owned(), format!("rule Second {{ condition: {condition} }}"));
        let (engines, _) = Engines::load(&EngineSpec { yara: vec![rule], ..EngineSpec::default() });
        for (first, second) in [(plain, second), (second, plain)] {
            let found = malware(&report(&engines, &twice(first, second), &Context::default()));
            assert_eq!(found.len(), 1, "{condition}: {found:?}");
        }
        assert!(malware(&report(&engines, &twice(plain, plain), &Context::default())).is_empty());
    }
}

#[test]
fn what_is_found_in_one_object_is_found_in_all_that_are_the_same() {
    let archive =
        zip(&[("eicar.com", &eicar()), ("sub/eicar.com", &eicar()), ("inner.zip", &zip(&[("eicar.com", &eicar())]))]);
    let expected = ["eicar.com", "sub/eicar.com", "inner.zip » eicar.com"];
    let expected = expected.map(|name| format!("2 » a.zip » {name}: EICAR-Test-File"));
    assert_eq!(malware(&report(&plain(), &message_with("a.zip", &archive), &Context::default())), expected);
}

/// Runs on a stack of 256 KB, as nothing may recurse on a sender's depth.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn deep_messages_and_archives_need_no_deep_stack() {
    let limits = Limits { depth: 1_000, ..Limits::default() };
    let mut archive = zip(&[("eicar.com", &eicar())]);
    for _ in 0..150 {
        archive = zip(&[("inner.zip", &archive)]);
    }
    let zips = message_with("a.zip", &archive);
    let mut messages = b"From: ann@example.org\r\n".to_vec();
    for _ in 0..100_000 {
        messages.extend_from_slice(b"Content-Type: message/rfc822\r\n\r\n");
    }
    messages.extend_from_slice(b"Subject: innermost\r\n\r\ntext\r\n");
    on_a_small_stack(move || {
        let engines = Engines::load(&EngineSpec { builtin_rules: true, ..EngineSpec::default() }).0;
        assert_eq!(malware(&report(&engines, &zips, &limited(limits))).len(), 1);
        let told = unscanned(&report(&engines, &messages, &limited(limits)));
        assert!(told.iter().any(|text| text.ends_with("limit_depth")), "{told:?}");
    });
}

#[test]
fn many_small_objects_take_time_in_proportion() {
    let engines = Engines::load(&EngineSpec { builtin_rules: true, ..EngineSpec::default() }).0;
    let took = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("{n}.txt")).collect();
        let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
        let raw = message_with("a.zip", &zip(&members));
        let begun = std::time::Instant::now();
        assert_eq!(report(&engines, &raw, &Context::default()).objects().len(), count + 4);
        begun.elapsed()
    };
    let (small, large) = (took(1_000), took(4_000));
    assert!(large < small * 8 + std::time::Duration::from_millis(300), "{small:?} then {large:?}");
}

#[test]
fn an_archive_that_holds_itself_ends_at_the_depth_and_says_so() {
    for (name, file) in [("again.zip", testkit::bombs::quine_zip()), ("again.gz", testkit::bombs::quine_gzip())] {
        let report = report(&plain(), &message_with(name, &file), &limited(Limits { depth: 9, ..Limits::default() }));
        let told = unscanned(&report);
        assert!(told.len() == 1 && told[0].ends_with(": limit_depth"), "{name}: {told:?}");
        let same = report.objects().iter().filter(|object| object.size == file.len() as u64).count();
        assert!((7..=9).contains(&same), "{name}: {same} times itself");
    }
}
