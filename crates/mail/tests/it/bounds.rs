//! Further readings stay within their bounds: in entities, bytes and time.

use std::time::Duration;

use mail::defect::{Ambiguity, DefectCode};
use mail::fuzzing::fuzz_message;
use mail::graph::{Limits, MAX_READINGS_FACTOR, MIN_EXTRA_BYTES, parse};
use testkit::CpuClock;

use crate::ambiguity::payload::{HEAD, PAYLOADS};

/// Reading and decoding everything may take so many times the time of the strict reading. With hashes
/// and engines, which take far longer a byte, an examination stays below three times (crate `scan`).
const MAX_RATIO: f64 = 8.0;
/// Rounds of measuring.
const ROUNDS: usize = 4;

#[test]
fn independent_ambiguities_do_not_multiply() {
    let payload = &PAYLOADS[0];
    let part =
        "--b\nContent-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\nContent-Type: text/plain\n\n{B64}\n";
    let flat = format!("{}Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", HEAD, part.repeat(20));
    let mut nested = String::new();
    for level in 0..20 {
        nested += &format!("Content-Type: multipart/mixed; boundary=x{level}; boundary=b{level}\n\n--b{level}\n");
    }
    nested = format!("{}{nested}Content-Type: text/plain\n\ninnermost\n", HEAD);
    for (template, few) in [(flat, 41), (nested, 200)] {
        let raw = payload.fill(&template).unwrap();
        let message = parse(&raw, &Limits::default());
        fuzz_message(&raw);
        assert!(message.len() <= few, "{} entities", message.len());
    }
}

/// Messages that are ambiguous in every part, or as a whole, of about this size in bytes.
fn hostile(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let repeat = |head: &str, piece: &str, tail: &str| -> Vec<u8> {
        format!("{HEAD}{head}{}{tail}", piece.repeat(size / piece.len().max(1))).replace('\n', "\r\n").into_bytes()
    };
    let line = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\n";
    let mixed = "Content-Type: multipart/mixed; boundary=c; boundary=b\n\n";
    let base64 = "Content-Transfer-Encoding: base64\n\n";
    vec![
        ("two boundaries, large parts", repeat(&format!("{mixed}--b\n{base64}"), line, "--b--\n")),
        ("two boundaries, many parts", repeat(mixed, "--b\n\ntext\n--c\n\ntext\n", "")),
        (
            "two encodings in each part",
            repeat(
                "Content-Type: multipart/mixed; boundary=b\n\n",
                &format!("--b\nContent-Transfer-Encoding: 7bit\n{base64}{}", line.repeat(20)),
                "--b--\n",
            ),
        ),
        ("base64 with a damage", repeat(base64, line, "QQ==QQ==*\n")),
        ("base64 damaged in each line", repeat(base64, &format!("*{line}"), "")),
        (
            "quoted-printable damaged in each line",
            repeat("Content-Transfer-Encoding: quoted-printable\n\n", "=zz a line of text = \n", ""),
        ),
        ("mixed line ends", repeat("\r X: y\n\n", "a line of text that is as long as lines are\n", "\r")),
        ("files in a text", repeat("\n", "begin 644 a\n#0V%T\nend\n", "")),
        ("begins of files", repeat("\n", "begin 644 a\n", "")),
        ("lines like delimiters", repeat("Content-Type: multipart/mixed; boundary=b\n\n", "x --b\n", "")),
        ("multiparts in each other", {
            let mut all = HEAD.to_owned();
            for level in 0..60 {
                all += &format!("Content-Type: multipart/mixed; boundary=x{level}; boundary=b{level}\n\n--b{level}\n");
            }
            repeat(&all, "a line of text that is as long as lines are\n", "")
        }),
    ]
}

/// The least CPU time of reading a message in full.
fn time(raw: &[u8], limits: &Limits) -> Duration {
    let once = || {
        let begin = CpuClock::now();
        let message = parse(raw, limits);
        for id in message.leaves() {
            std::hint::black_box(message.content(id, usize::MAX));
        }
        begin.elapsed()
    };
    (0..ROUNDS).map(|_| once()).min().unwrap()
}

#[test]
fn all_readings_together_stay_within_their_bounds() {
    let size = 2 * MIN_EXTRA_BYTES;
    let line = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\n";
    let honest = format!("Content-Transfer-Encoding: base64\r\n\r\n{}", line.repeat(size / line.len()));
    let honest = time(honest.as_bytes(), &Limits { readings: false, ..Limits::default() });
    for (name, raw) in hostile(size) {
        let message = parse(&raw, &Limits::default());
        let extra: usize = message
            .leaves()
            .filter_map(|id| message.entity(id).filter(|entity| !entity.primary))
            .map(|entity| entity.body.len())
            .sum();
        assert!(extra <= (MAX_READINGS_FACTOR - 1) * raw.len(), "{name}: {extra} bytes of {}", raw.len());
        // What another reading decodes, the strict one may not have looked at: the time of an honest
        // message of this size is the least to compare with.
        let strict = time(&raw, &Limits { readings: false, ..Limits::default() })
            .max(honest.mul_f64(raw.len() as f64 / size as f64));
        let all = time(&raw, &Limits::default());
        let ratio = all.as_secs_f64() / strict.as_secs_f64();
        println!("{name}: {ratio:.2} times {strict:?}, {} entities of {}", message.len(), message.primary().count());
        assert!(ratio <= MAX_RATIO, "{name}: {ratio:.2} times the time of the strict reading");
        fuzz_message(&raw);
    }
}

#[test]
fn more_readings_than_are_looked_at_are_too_ambiguous() {
    let types: String = (0..40).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n")).collect();
    let bodies: String = (0..40).map(|n| format!("--b{n}\n\nbody {n}\n")).collect();
    let raw = format!("{HEAD}{types}\n{bodies}").replace('\n', "\r\n");
    let message = parse(raw.as_bytes(), &Limits::default());
    assert_eq!(message.ambiguity(), Ambiguity::TooAmbiguous);
    assert!(message.defects().iter().any(|defect| defect.code == DefectCode::TooManyReadings));
    fuzz_message(raw.as_bytes());
}

#[test]
fn more_files_in_a_text_than_are_looked_for_are_told() {
    let mail =
        |files: usize| format!("{HEAD}Content-Type: text/plain\n\n{}", "begin 644 a\n#86)C\n`\nend\n\n".repeat(files));
    for (files, told) in [(3, false), (63, false), (65, true)] {
        let raw = mail(files);
        let message = parse(raw.as_bytes(), &Limits::default());
        assert_eq!(message.ambiguity() == Ambiguity::TooAmbiguous, told, "{files} files");
    }
}

#[test]
fn damage_without_room_is_told_even_where_a_header_allows_another_encoding() {
    // Eleven ways to undo it, each of which some program takes: more than a body may have readings.
    let body = "QQ=\nQUJD=QUJD\nQUJDR\n-QUJD_QUJD\n*QUJ\n\n\nQUI\na footer!\nQUJDREVGR0hJ*QUJD\nQQ==QUJDQUI\n";
    for fields in [
        "Content-Transfer-Encoding: base64\n",
        "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n",
        "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: quoted-printable\n",
    ] {
        let raw = format!("{HEAD}{fields}\n{body}").replace('\n', "\r\n");
        let message = parse(raw.as_bytes(), &Limits::default());
        assert_eq!(message.ambiguity(), Ambiguity::TooAmbiguous, "{fields}");
    }
}

#[test]
fn twenty_ambiguities_of_different_kinds_stay_within_the_bound() {
    let part = |header: &str, body: &str| format!("--b\n{header}\n\n{body}\n");
    let twice =
        |first: &str, second: &str| format!("Content-Transfer-Encoding: {first}\nContent-Transfer-Encoding: {second}");
    let text = "a line of text";
    let parts = [
        part(&twice("7bit", "base64"), "{B64}"),
        part(&twice("quoted-printable", "7bit"), "a=41b"),
        part("Content-Transfer-Encoding: \"base64\"", "{B64}"),
        part("Content-Transfer-Encoding: mystery", "{B64}"),
        part("Content-Transfer-Encoding : base64", "{B64}"),
        part("Content-Type: text/plain; charset=utf-7", "a+AC4-c"),
        part("Content-Type: text/plain; name=a.txt; name=b.exe", text),
        part("Content-Type: text/plain\nContent-Type: text/html", text),
        part("Content-Type: multipart/mixed; boundary=c; boundary=d", "--c\n\none\n--d\n\ntwo\n--c--"),
        part("Content-Type: multipart/mixed; boundary=e", "--e\n\none\n--e--\n--e\n\ntwo\n--e--"),
        part("Content-Type: multipart/mixed; boundary=f", "--f\n\none\n--ff\n\ntwo\n--f--"),
        part("Content-Type: multipart/mixed", "--g\n\none\n--g--"),
        part("Content-Type: message/partial; id=a; number=1; total=2", "Subject: x\n\ntext"),
        part("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64", "Subject: x\n\ntext"),
        part("Content-Type: text/plain", "{UU}"),
        part("Content-Type: text/plain", "{BINHEX}"),
        part("Content-Type: text/plain\njunk\nX: y", text),
        part("Content-Type: text/plain\n \nX: y", text),
        part("Content-Transfer-Encoding: base64", "{B64}*{B64}"),
        part("Content-Transfer-Encoding: quoted-printable", "a=zb"),
    ];
    let raw = format!("{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", parts.concat());
    for payload in PAYLOADS {
        let raw = payload.fill(&raw).unwrap();
        let message = parse(&raw, &Limits::default());
        assert_eq!(message.ambiguity(), Ambiguity::Ambiguous, "{:?}", message.defects());
        assert!(message.len() <= MAX_READINGS_FACTOR * message.primary().count(), "{} entities", message.len());
        let holds = |id: &mail::graph::EntityId| {
            let bytes = payload.bytes();
            message.content(*id, 1 << 20).bytes.windows(bytes.len()).any(|window| window == bytes)
        };
        assert!(message.leaves().filter(holds).count() >= 1, "{}", payload.name);
        fuzz_message(&raw);
    }
}
