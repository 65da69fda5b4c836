//! `mailward dmarc`: reports of others.

use crate::support::{files, run};

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
    let json = run(dir.path(), &["dmarc", "show", "--format", "json", "good.xml", "bad.eml"]).exits(1);
    let lines: Vec<serde_json::Value> =
        json.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((lines.len(), lines[0]["records"][0]["count"].as_u64()), (2, Some(3)));
}
