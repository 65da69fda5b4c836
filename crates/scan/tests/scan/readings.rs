//! What only another reading has is an object like any other: engines see it, the report shows it.

use mail::defect::Ambiguity;
use mail::evidence::{Origin, Report};
use scan::Context;

use crate::support::{eicar, malware, message_with, plain, report};

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
