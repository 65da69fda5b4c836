//! `golden/<stem>.eml` (or `.eml.b64`, where the message holds the test file) and the report it must
//! give, `<stem>.report`. `MAILWARD_BLESS=1` writes the reports anew; read them before committing.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use mail::evidence::{Certainty, FindingKind, Origin, Report, Seen};
use mail::untrusted::Untrusted;
use scan::{Context, EngineSpec, Engines};

use crate::support::report;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Some cases have limits of their own.
fn context(stem: &str) -> Context {
    match stem {
        "oversize_archive" => Context { archive_max_size: Some(1000), ..Context::default() },
        _ => Context::default(),
    }
}

fn read(path: &Path) -> Option<(String, Vec<u8>)> {
    let name = path.file_name()?.to_str()?;
    let bytes = std::fs::read(path).unwrap();
    if let Some(stem) = name.strip_suffix(".eml.b64") {
        let text: Vec<u8> = bytes.into_iter().filter(|b| !b.is_ascii_whitespace()).collect();
        return Some((stem.to_owned(), base64_simd::STANDARD.decode_to_vec(text).unwrap()));
    }
    Some((name.strip_suffix(".eml")?.to_owned(), bytes))
}

fn seen(seen: Seen) -> String {
    match seen {
        Seen::Examined => "examined".to_owned(),
        Seen::Excluded => "excluded".to_owned(),
        Seen::Unable(why) => format!("unable({})", why.name()),
    }
}

fn dump(report: &Report) -> String {
    let mut out = String::new();
    let facts = report.facts();
    for (name, fact) in [("subject", &facts.subject), ("from", &facts.from), ("message-id", &facts.message_id)] {
        let text = fact.as_ref().map_or("-".to_owned(), |fact| fact.escaped(100));
        writeln!(out, "{name}: {text}").unwrap();
    }
    writeln!(out, "ambiguity: {}", report.evidence().ambiguity.name()).unwrap();
    writeln!(out, "clean: {}\n", report.is_clean()).unwrap();
    for (id, object) in report.objects().iter().enumerate() {
        let origin = match object.origin {
            Origin::Root => "root".to_owned(),
            Origin::Entity(entity) => format!("entity {}", entity.0),
            Origin::Member(index) => format!("member {index}"),
        };
        let parent = object.parent.map_or("-".to_owned(), |parent| parent.0.to_string());
        let declared = object.declared.as_ref().map_or("-".to_owned(), |declared| declared.escaped(60));
        let name = object.name.as_ref().map_or("-".to_owned(), |name| name.escaped(60));
        let attachment = if object.attachment { " attachment" } else { "" };
        let kind = object.kind.name();
        writeln!(
            out,
            "{id} < {parent} depth {} {origin} part {:?} name {name} declared {declared}{attachment}",
            object.depth, object.part
        )
        .unwrap();
        let hash: String = object.sha256[..4].iter().map(|b| format!("{b:02x}")).collect();
        let coverage: Vec<_> =
            object.coverage.iter().map(|c| format!("{} {}", c.engine.name(), seen(c.seen))).collect();
        writeln!(out, "  {kind}, {} bytes, {hash}; {}", object.size, coverage.join(", ")).unwrap();
        for defect in &object.defects {
            writeln!(out, "  defect {} {}..{}", defect.code.name(), defect.span.start, defect.span.end).unwrap();
        }
    }
    writeln!(out).unwrap();
    for finding in report.findings() {
        let what = match &finding.kind {
            FindingKind::Malware { name, kind, certainty: Certainty::Certain } => format!("malware {name} ({kind})"),
            FindingKind::Malware { name, kind, certainty: Certainty::Probable } => format!("probably {name} ({kind})"),
            FindingKind::Unscanned { reason } => format!("unscanned {}", reason.name()),
            FindingKind::Active { what } => format!("active {}", what.name()),
            FindingKind::Opened { with } => format!("opened with a password: {}", with.name()),
        };
        let span = finding.span.map_or(String::new(), |span| format!(" at {}..{}", span.start, span.end));
        let text = Untrusted::escaped(&finding.evidence, 200);
        let node = report.node(finding.object);
        writeln!(out, "{}: {what} by {} in [{node}]{span}: {text}", finding.object.0, finding.engine.name()).unwrap();
    }
    out
}

#[test]
fn every_golden_message_gives_its_report_twice() {
    let spec = EngineSpec { builtin_rules: true, ..EngineSpec::default() };
    let (engines, problems) = Engines::load(&spec);
    assert_eq!(problems, []);
    let mut cases = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let Some((stem, raw)) = read(&entry.unwrap().path()) else { continue };
        cases += 1;
        let first = dump(&report(&engines, &raw, &context(&stem)));
        let second = dump(&report(&engines, &raw, &context(&stem)));
        assert_eq!(first, second, "{stem}: not the same twice");
        let path = folder().join(format!("{stem}.report"));
        if std::env::var_os("MAILWARD_BLESS").is_some() {
            std::fs::write(&path, &first).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != first {
            wrong.push(format!("{stem}:\n{first}"));
        }
    }
    assert!(cases >= 15, "only {cases} golden messages");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
