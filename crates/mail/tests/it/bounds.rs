//! Further readings stay within their bounds: in entities, bytes and time.

use std::time::Duration;

use mail::defect::{Ambiguity, DefectCode};
use mail::fuzzing::fuzz_message;
use mail::graph::{Limits, MAX_READINGS_FACTOR, MIN_EXTRA_BYTES, parse};

use crate::ambiguity::payload::{HEAD, PAYLOADS};
use crate::cost::cpu_time;

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
        let begin = cpu_time();
        let message = parse(raw, limits);
        for id in message.leaves() {
            std::hint::black_box(message.content(id, usize::MAX));
        }
        cpu_time() - begin
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
