//! What only another reading has is an object like any other: engines see it, the report shows it.

use std::time::Duration;

use mail::defect::Ambiguity;
use mail::evidence::{Origin, Report};
use scan::Context;

use crate::support::{eicar, examine, malware, message_with, plain, report, unscanned, zip};

/// An ambiguous message may take so many times the time of an honest one.
const MAX_RATIO: f64 = 3.0;
/// Rounds of measuring at most, where the ratio is too high.
const ROUNDS: usize = 20;

fn examined(raw: &str) -> Report {
    report(&plain(), raw.as_bytes(), &Context::default())
}

fn message() -> String {
    String::from_utf8(message_with("eicar.com", &eicar())).unwrap()
}

#[test]
fn malware_that_only_another_reading_has_is_found() {
    let strict = message();
    let cases = [
        strict.replace("boundary=b", "boundary=c; boundary=b"),
        strict.replace("Content-Type: multipart", "Content-Type: text/plain\r\nContent-Type: multipart"),
        strict.replace("Transfer-Encoding: base64", "Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64"),
        strict.replace("Transfer-Encoding: base64", "Transfer-Encoding: \"base64;x\""),
        strict.replace("--b\r\nContent-Type: app", "--bb\r\nContent-Type: app"),
        strict.replace("boundary=b", ""),
        strict.replace("--b\r\n\r\nHello", "--b--\r\n--b\r\n\r\nHello"),
        strict.replace("MIME-Version: 1.0\r\n", " \r\nMIME-Version: 1.0\r\n"),
    ];
    for raw in cases {
        let report = examined(&raw);
        assert!(malware(&report).iter().any(|found| found.contains("EICAR")), "{raw}\n{:?}", report.objects());
        assert!(report.evidence().ambiguity >= Ambiguity::Ambiguous, "{raw}");
    }
}

#[test]
fn what_another_reading_has_cannot_be_edited_by_its_part() {
    let report = examined(&message().replace("boundary=b", "boundary=c; boundary=b"));
    let strict = examined(&message());
    assert_eq!(malware(&strict), ["2 » eicar.com: EICAR-Test-File"]);
    let others: Vec<_> = report.objects().iter().filter(|object| object.part.contains('~')).collect();
    assert!(!others.is_empty());
    assert!(others.iter().all(|object| matches!(object.origin, Origin::Member(_))), "{others:?}");
}

/// The least CPU time of an examination, of several.
fn time(raw: &str) -> Duration {
    let engines = plain();
    let once = || {
        let begun = testkit::CpuClock::now();
        std::hint::black_box(examine(&engines, raw.as_bytes(), &Context::default()));
        begun.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap()
}

#[test]
fn an_ambiguous_message_takes_at_most_three_times_the_time_of_an_honest_one() {
    let lines = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\n".repeat(20);
    let (head, mixed) = ("From: a@example.org\r\nSubject: x\r\n", "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    let encoding = "Content-Transfer-Encoding: base64\r\n";
    // Each part is different: what was seen before is not examined again.
    let part = |header: &str, body: &str, n: usize| format!("--b\r\n{header}\r\n{n:08}\r\n{body}");
    let parts = |header: &str, body: &str, end: &str| {
        let all: String = (0..400).map(|n| part(header, body, n)).collect();
        format!("{head}{mixed}{all}{end}")
    };
    let honest = parts(encoding, &lines, "--b--\r\n");
    let hostile = [
        ("two encodings", parts(&format!("Content-Transfer-Encoding: 7bit\r\n{encoding}"), &lines, "")),
        ("two boundaries", honest.replace("boundary=b", "boundary=c; boundary=b")),
        ("damage in each part", parts(encoding, &format!("{lines}QQ==*\r\n{lines}"), "")),
        ("damage in each line", parts(encoding, &lines.replace("\r\n", "*\r\n"), "")),
        ("mixed line ends", honest.replacen("From:", "X: \r y\r\nFrom:", 1)),
        ("closed early", honest.replacen("--b\r\n", "--b--\r\n--b\r\n", 1)),
        ("delimiters inside lines", honest.replace("--b\r\n", "x --b\r\n--b\r\n")),
    ];
    let mut base = time(&honest);
    for (name, raw) in hostile {
        let (mut least, mut ratio) = (Duration::MAX, f64::MAX);
        // The least times count: other programs take caches and memory from this one, too.
        for _ in 0..ROUNDS {
            least = least.min(time(&raw));
            // A byte of a hostile message against a byte of an honest one.
            ratio = least.as_secs_f64() / base.as_secs_f64() * honest.len() as f64 / raw.len() as f64;
            // What is far beyond is no noise, and takes long to measure.
            if ratio <= MAX_RATIO || ratio > 3.0 * MAX_RATIO {
                break;
            }
            base = base.min(time(&honest));
        }
        println!("{name}: {ratio:.2} times {base:?}");
        assert!(ratio <= MAX_RATIO, "{name}: {ratio:.2} times the time of an honest message");
    }
}

#[test]
fn lists_with_percent_signs_are_no_bombs() {
    let batch = "@echo off\r\nset SRC=C:\\data\r\nset DST=D:\\b\r\ncopy %SRC% %DST%\r\nmove %SRC% %DST%\r\n";
    for (name, text) in [
        ("rates.csv", "10%,17%,90%\r\n".repeat(30)),
        ("a.txt", "100% of 20% is 20% ".repeat(40)),
        ("backup.bat", batch.repeat(4)),
    ] {
        for (name, content) in [(name, text.clone().into_bytes()), ("a.zip", zip(&[(name, text.as_bytes())]))] {
            let report = report(&plain(), &message_with(name, &content), &Context::default());
            assert!(report.is_clean() && unscanned(&report).is_empty(), "{name}: {:?}", unscanned(&report));
        }
    }
}

#[test]
fn an_archive_behind_header_lines_in_an_attachment_is_opened() {
    let head = b"From: a@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\n";
    let data = [&head[..], &zip(&[("eicar.com", &eicar())])].concat();
    let report = report(&plain(), &message_with("invoice.zip", &data), &Context::default());
    assert_eq!(malware(&report), ["2 » invoice.zip » eicar.com: EICAR-Test-File"]);
}
