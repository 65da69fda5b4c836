//! `mailward dmarc`: reports of others.

use store::ReceivedReport;

use crate::support::{assert_harmless, files, run, with_store};

#[test]
fn a_report_is_shown_with_its_sources_and_foreign_text_stays_text() {
    let report = include_str!("../../../../fuzz/seeds/dmarc/old.xml");
    let failing =
        report.replace("<dkim>pass</dkim>", "<dkim>fail</dkim>").replace("<org_name>x", "<org_name>\u{1b}[2Jx");
    let mail = format!(
        "From: a@example.org\r\nSubject: Report domain: a.example\r\nMIME-Version: 1.0\r\nContent-Type: text/xml\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        testkit::sample::base64(failing.as_bytes())
    );
    let inputs = [("good.xml", report.as_bytes()), ("bad.eml", mail.as_bytes()), ("none.txt", b"words".as_slice())];
    let dir = files(&inputs.map(|(name, bytes)| (name, bytes)));
    let good = run(dir.path(), &["dmarc", "show", "good.xml"]).exits(0);
    assert!(good.out.contains("a.example: from x") && good.out.contains("  3 messages pass, 0 fail"), "{}", good.out);
    assert!(good.out.contains("pass  192.0.2.9") && good.out.contains("(spf b.example softfail)"), "{}", good.out);
    let bad = run(dir.path(), &["dmarc", "show", "bad.eml"]).exits(1);
    assert!(bad.out.contains("FAIL  192.0.2.9") && !bad.out.contains('\u{1b}'), "{}", bad.out);
    assert!(run(dir.path(), &["dmarc", "show", "none.txt"]).exits(2).err.contains("no aggregate report"));
    for end in ["<record>", "</record>"] {
        let cut = report.get(..report.find(end).unwrap() + end.len()).unwrap();
        let cut = files(&[("cut.xml", cut.as_bytes())]);
        assert!(run(cut.path(), &["dmarc", "show", "cut.xml"]).exits(2).out.contains("the report is damaged"), "{end}");
    }
    for (from, to) in [("<count> 3 ", "<count>-5"), ("192.0.2.9", "not.an.ip"), ("<end>2", "<end>0")] {
        assert!(report.contains(from), "{from}");
        let wrong = files(&[("wrong.xml", report.replacen(from, to, 1).as_bytes())]);
        let wrong = run(wrong.path(), &["dmarc", "show", "wrong.xml"]).exits(2);
        assert!(wrong.out.contains("the report is damaged"), "{to}: {}", wrong.out);
    }
    // Behind a damaged file is a report, and there may be others in what cannot be read.
    let parts = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x4b".as_slice(), report.as_bytes()]
        .map(|part| format!("--b\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n", testkit::sample::base64(part)));
    let mixed = format!(
        "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
        parts.concat()
    );
    let partial = files(&[("mixed.eml", mixed.as_bytes())]);
    let partial = run(partial.path(), &["dmarc", "show", "mixed.eml"]).exits(2);
    assert!(partial.err.contains("not all of it") && partial.out.contains("3 messages pass"), "{}", partial.err);
    let json = run(dir.path(), &["dmarc", "show", "--format", "json", "good.xml", "bad.eml"]).exits(1);
    let lines: Vec<serde_json::Value> =
        json.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((lines.len(), lines[0]["records"][0]["count"].as_u64()), (2, Some(3)));
}

#[test]
fn reports_that_were_kept_are_listed_and_shown() {
    let dir = files(&[]);
    let old = unpack::dmarc::read(include_bytes!("../../../../fuzz/seeds/dmarc/old.xml")).expect("a report");
    let row = |domain: &str, failed: u64, proven: bool| ReceivedReport {
        at_ms: 1_763_683_200_000,
        domain: domain.to_owned(),
        org: "x\u{1b}[2J".to_owned(),
        report: "1".to_owned(),
        begin: 1_763_596_800,
        end: 1_763_683_199,
        passed: 3,
        failed,
        proven,
        sender: "them.example".to_owned(),
    };
    let mut failing = old.clone();
    failing.records[0].dkim = "fail".to_owned();
    with_store(dir.path(), |store| {
        let text = |report| serde_json::to_string(report).expect("JSON");
        store.keep_report(&row("a.example", 0, true), &text(&old))?;
        store.keep_report(&row("b.example", 4, false), &text(&failing))
    })
    .expect("kept");
    let dmarc = |args: &[&str]| run(dir.path(), &[&["dmarc", "--data-dir", "data"], args].concat());
    let all = dmarc(&["list"]).exits(0).out;
    assert_harmless(&all);
    let lines: Vec<&str> = all.lines().collect();
    assert!(lines[0].contains("2025-11-20  b.example: 3 pass, 4 fail, says x") && lines.len() == 2, "{all}");
    assert!(
        lines[0].ends_with("by them.example  (nothing proves the sender)") && lines[1].ends_with("by them.example")
    );
    assert_eq!(dmarc(&["list", "--failed"]).exits(0).out.lines().count(), 1);
    assert!(dmarc(&["list", "--domain", "A.example"]).exits(0).out.contains("a.example"));
    let json = dmarc(&["list", "--format", "json", "--limit", "1"]).exits(0).json();
    assert_eq!((json.len(), json[0]["failed"].as_u64(), json[0]["proven"].as_bool()), (1, Some(4), Some(false)));
    let id = json[0]["id"].to_string();
    assert!(dmarc(&["show", "--id", &id]).exits(1).out.contains("FAIL  192.0.2.9"));
    assert!(dmarc(&["show", "--id", "1"]).exits(0).out.contains("3 messages pass, 0 fail"));
    assert!(dmarc(&["show", "--id", "99"]).exits(2).err.contains("there is no report 99"));
}
