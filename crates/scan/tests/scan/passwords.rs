//! What is encrypted, and the passwords that open it.

use std::io::Write;

use mail::evidence::{FindingKind, PasswordSource, Report};
use scan::{Context, EngineSpec, Engines, Secrets};
use zip::unstable::write::FileOptionsExt;

use crate::support::{eicar, malware, message_with, report, unscanned};

/// An archive with the test file in it.
fn sealed(password: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().with_deprecated_encryption(password).unwrap();
    writer.start_file("invoice.txt", options).unwrap();
    writer.write_all(&eicar()).unwrap();
    writer.finish().unwrap().into_inner()
}

fn opened(report: &Report) -> Vec<PasswordSource> {
    let with = |kind: &FindingKind| if let FindingKind::Opened { with } = kind { Some(*with) } else { None };
    report.findings().iter().filter_map(|finding| with(&finding.kind)).collect()
}

fn engines(passwords: &[&str]) -> Engines {
    let passwords = Secrets(passwords.iter().map(|&password| password.to_owned()).collect());
    Engines::load(&EngineSpec { passwords, ..EngineSpec::default() }).0
}

#[test]
fn malware_behind_a_password_of_the_message_is_found_and_the_password_nowhere() {
    let mut raw = message_with("files.zip", &sealed(b"Zq7-unlikely"));
    let at = raw.windows(5).position(|window| window == b"Hello").unwrap();
    raw.splice(at..at + 5, *b"The password is: Zq7-unlikely");
    let report = report(&engines(&[]), &raw, &Context::default());
    assert_eq!(malware(&report), ["2 » files.zip » invoice.txt: EICAR-Test-File"]);
    assert_eq!(opened(&report), [PasswordSource::Message]);
    assert_eq!(unscanned(&report), [""; 0]);
    assert!(!format!("{report:?}").contains("unlikely"));
}

#[test]
fn a_configured_password_opens_and_without_one_it_stays_encrypted() {
    let raw = message_with("files.zip", &sealed(b"of the company"));
    let found = report(&engines(&["other", "of the company"]), &raw, &Context::default());
    assert_eq!((malware(&found).len(), opened(&found)), (1, vec![PasswordSource::Configured]));
    let found = report(&engines(&["other"]), &raw, &Context::default());
    assert_eq!((malware(&found).len(), opened(&found)), (0, vec![]));
    assert_eq!(unscanned(&found), ["2 » files.zip » invoice.txt: encrypted"]);
}

#[test]
fn a_text_beside_the_archive_tells_its_password() {
    let outer = crate::support::zip(&[("readme.txt", b"pass: tell-88"), ("inner.zip", &sealed(b"tell-88"))]);
    let found = report(&engines(&[]), &message_with("outer.zip", &outer), &Context::default());
    assert_eq!((malware(&found).len(), opened(&found)), (1, vec![PasswordSource::Message]));
}
