//! `mailward explain`.

use testkit::sample;

use crate::support::{files, golden, run, run_with};

/// Message ids differ in each run.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 26 && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let word = |word: &str| match word.rsplit_once('=') {
        Some((name, id)) if is_id(id) => format!("{name}=ID"),
        _ if is_id(word) => "ID".to_owned(),
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn explanations_are_as_recorded() {
    let broken = b"From: a@example.org\r\nTo: b@example.com\r\nSubject: x\r\nSubject: y\r\nContent-Type: multipart/mixed\r\n\r\nx\r\n";
    let nested = sample::zip(&[("inner.zip", &sample::zip(&[("deep.com", &sample::eicar())]))]);
    let cases: [(&str, Vec<u8>, i32); 4] = [
        ("clean", sample::multipart("greetings"), 0),
        ("zipped", sample::eicar_zipped("your invoice"), 1),
        ("broken", broken.to_vec(), 0),
        ("archive", nested, 1),
    ];
    for (name, bytes, code) in cases {
        let dir = files(&[("sample", &bytes)]);
        let ran = run(dir.path(), &["explain", "--no-config", "sample"]).exits(code);
        golden(&format!("{name}.txt"), &without_ids(&ran.out));
    }
}

#[test]
fn a_message_of_a_mailbox_is_chosen_by_its_number() {
    let from = b"From a@example.org Fri Nov 21 18:00:00 2025\r\n".as_slice();
    let mbox = [from, &sample::clean("one"), b"\r\n", from, &sample::eicar_attached("two")].concat();
    let dir = files(&[("inbox", &mbox)]);
    let first = run(dir.path(), &["explain", "--no-config", "inbox"]).exits(0);
    assert!(first.out.starts_with("inbox [1]: clean\n"), "{}", first.out);
    let second = run(dir.path(), &["explain", "--no-config", "--index", "2", "inbox"]).exits(1);
    assert!(second.out.starts_with("inbox [2]: infected\n"), "{}", second.out);
    let third = run(dir.path(), &["explain", "--no-config", "--index", "3", "inbox"]).exits(2);
    assert!(third.err.contains("has no message 3"), "{}", third.err);
}

#[test]
fn standard_input_and_the_refusal_are_explained() {
    let dir = files(&[("p.toml", b"[malware]\naction = \"block\"\n")]);
    let args = ["explain", "--no-config", "--policy", "p.toml", "-"];
    let ran = run_with(dir.path(), &args, &sample::eicar_attached("x")).exits(1);
    assert!(ran.out.contains("It is refused with \"5"), "{}", ran.out);
}

#[test]
fn a_directory_or_a_missing_file_is_an_error() {
    let dir = files(&[]);
    assert!(run(dir.path(), &["explain", "--no-config", "."]).exits(2).err.contains("is a directory"));
    assert!(run(dir.path(), &["explain", "--no-config", "no.eml"]).exits(2).err.contains("cannot be opened"));
}

#[test]
fn as_10_signs_of_the_clock_are_the_gateways_where_the_time_of_arrival_is_told() {
    let text = String::from_utf8(sample::clean("greetings")).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let others: Vec<&str> = head.split("\r\n").filter(|line| !line.starts_with("Date:")).collect();
    let dated = format!("Date: Tue, 19 Sep 2023 12:11:40 +0000\r\n{}\r\n\r\n{body}", others.join("\r\n"));
    let passed = format!("Received: from a by b; Fri, 29 Sep 2023 12:11:42 +0000\r\n{dated}");
    let dir = files(&[("direct.eml", dated.as_bytes()), ("passed.eml", passed.as_bytes())]);
    for (file, at, early, late) in [
        ("direct.eml", &[][..], false, false),
        ("direct.eml", &["--at", "2023-09-14"], true, false),
        ("direct.eml", &["--at", "2023-09-19T12:12:00Z"], false, false),
        ("direct.eml", &["--at", "now"], false, true),
        ("passed.eml", &[], false, true),
        ("passed.eml", &["--at", "2023-09-14"], true, false),
    ] {
        for verb in [&["explain"][..], &["scan", "-v"]] {
            let args = [verb, &["--no-config"], at, &[file]].concat();
            let ran = run(dir.path(), &args).exits(0).out;
            assert_eq!(
                (ran.contains("date_in_future"), ran.contains("date_in_past")),
                (early, late),
                "{args:?}: {ran}"
            );
            let untold = file == "direct.eml" && at.is_empty();
            assert_eq!(ran.contains("nothing says when it came (--at does)"), untold, "{args:?}: {ran}");
        }
    }
    let refused = run(dir.path(), &["explain", "--no-config", "--at", "soon", "direct.eml"]).exits(2);
    assert!(refused.err.contains("--at: write a date"), "{}", refused.err);
}
