//! What the tests share: a small message, small archives, the test file, engines that misbehave.

use std::io::Write;
use std::time::Duration;

use mail::evidence::{Certainty, EngineId, Evidence, FindingKind, Report, Unable};
use scan::{Context, Detection, EngineSpec, Engines, ObjectEngine, ObjectView, Step, StopFlag, start};

/// The EICAR test file; it stands nowhere in the checkout in plain.
pub(crate) fn eicar() -> Vec<u8> {
    let rotated = br"K5B!C%@NC[4\CMK54(C^)7PP)7}$RVPNE-FGNAQNEQ-NAGVIVEHF-GRFG-SVYR!$U+U*";
    let rot13 = |b: &u8| match b {
        b'A'..=b'M' => b + 13,
        b'N'..=b'Z' => b - 13,
        _ => *b,
    };
    rotated.iter().map(rot13).collect()
}

/// A message with one attachment in base64.
pub(crate) fn message_with(name: &str, content: &[u8]) -> Vec<u8> {
    let base64 = base64_simd::STANDARD.encode_to_string(content);
    let lines: Vec<&str> = base64.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let text = format!(
        "From: ann@example.org\r\nTo: bob@example.net\r\nSubject: files\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\n\
         Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n{}\r\n--b--\r\n",
        lines.join("\r\n")
    );
    text.into_bytes()
}

/// A zip archive.
pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The engines that are always there.
pub(crate) fn plain() -> Engines {
    Engines::load(&EngineSpec::default()).0
}

pub(crate) fn examine(engines: &Engines, raw: &[u8], context: &Context) -> Evidence {
    match start(engines, raw, context, &StopFlag::new()) {
        Step::Done(evidence) => evidence,
        Step::Need { .. } => panic!("asks outside"),
    }
}

/// Examined and closed; what must always hold is asserted.
pub(crate) fn report(engines: &Engines, raw: &[u8], context: &Context) -> Report {
    let evidence = examine(engines, raw, context);
    assert_eq!(evidence.validate(), Ok(()));
    evidence.close(&engines.required())
}

/// The reasons for which something was not scanned, with the path of what it was, sorted.
pub(crate) fn unscanned(report: &Report) -> Vec<String> {
    let mut list = Vec::new();
    for finding in report.findings() {
        if let FindingKind::Unscanned { reason } = finding.kind {
            list.push(format!("{}: {}", report.node(finding.object), reason.name()));
        }
    }
    list.sort();
    list.dedup();
    list
}

/// The malware found, with the path of what it was found in.
pub(crate) fn malware(report: &Report) -> Vec<String> {
    let mut list = Vec::new();
    for finding in report.findings() {
        if let FindingKind::Malware { name, .. } = &finding.kind {
            list.push(format!("{}: {name}", report.node(finding.object)));
        }
    }
    list
}

/// What a test engine does.
pub(crate) enum Misbehaviour {
    /// Panics when an object holds this.
    PanicOn(&'static [u8]),
    /// Never ends before the flag is set.
    LoopUntil(StopFlag),
    /// Reports thousands of findings with long texts and spans outside the object.
    Flood,
    /// Finds something in everything.
    Find(&'static str),
}

/// A test engine.
pub(crate) struct Hostile(pub(crate) Misbehaviour);

impl ObjectEngine for Hostile {
    fn id(&self) -> EngineId {
        EngineId::Test
    }

    fn examine(&self, object: &ObjectView<'_>, _: Duration, found: &mut Vec<Detection>) -> Result<(), Unable> {
        let found_one = |name: &str, len: usize| Detection {
            kind: FindingKind::malware(name, "test", Certainty::Probable),
            span: Some(mail::span::Span::new(0, len)),
            evidence: "é".repeat(len),
        };
        match &self.0 {
            Misbehaviour::PanicOn(needle) => {
                found.push(found_one("Before.Panic", 0));
                let holds = object.bytes.windows(needle.len()).any(|window| window == *needle);
                assert!(!holds, "this engine panics on purpose");
                found.clear();
            }
            Misbehaviour::LoopUntil(stop) => {
                while !stop.is_set() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                return Err(Unable::new(EngineId::Test, mail::evidence::UnableWhy::Time, "stopped"));
            }
            Misbehaviour::Flood => found.extend((0..5_000).map(|n| found_one(&format!("Flood.{n}"), 1_000))),
            Misbehaviour::Find(name) => found.push(found_one(name, 0)),
        }
        Ok(())
    }
}
