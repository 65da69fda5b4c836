//! Examines every `.eml` below a directory with our own rules and says what was found, and how fast.
//! For measuring false positives on collections of mail, which are no part of the repository:
//! `MAILWARD_CORPORA=DIR cargo run --release -p scan --example corpora`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mail::evidence::FindingKind;
use scan::{Context, EngineSpec, Engines, Step, StopFlag, start};

fn main() {
    let Some(root) = std::env::var_os("MAILWARD_CORPORA") else {
        println!("skipped: MAILWARD_CORPORA names no directory");
        return;
    };
    let begun = Instant::now();
    let (engines, problems) = Engines::load(&EngineSpec { builtin_rules: true, ..EngineSpec::default() });
    assert!(problems.is_empty(), "{problems:?}");
    println!("rules loaded in {:?}", begun.elapsed());
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut mails, mut bytes, mut objects, mut spent, mut worst) =
        (0, 0, 0, Duration::ZERO, (Duration::ZERO, String::new()));
    let mut folders = vec![PathBuf::from(root)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "eml") {
                continue;
            }
            let raw = std::fs::read(&path).expect("a readable file");
            let begun = Instant::now();
            let Step::Done(evidence) = start(&engines, &raw, &Context::default(), &StopFlag::new()) else { continue };
            let took = begun.elapsed();
            evidence.validate().expect("valid evidence");
            let report = evidence.close(&engines.required());
            (mails, bytes, objects, spent) =
                (mails + 1, bytes + raw.len(), objects + report.objects().len(), spent + took);
            if took > worst.0 {
                worst = (took, path.display().to_string());
            }
            for finding in report.findings() {
                let what = match &finding.kind {
                    FindingKind::Malware { name, .. } => name.clone(),
                    FindingKind::Unscanned { reason } => format!("unscanned {}", reason.name()),
                    FindingKind::Active { what } => format!("active {}", what.name()),
                    FindingKind::Opened { with } => format!("opened with a password: {}", with.name()),
                };
                found.entry(what).or_default().push(format!("{} [{}]", path.display(), report.node(finding.object)));
            }
        }
    }
    println!("{mails} mails, {bytes} bytes, {objects} objects in {spent:?}; worst {:?} {}", worst.0, worst.1);
    for (what, places) in found {
        println!("{what}: {} times", places.len());
        for place in places.iter().take(8) {
            println!("    {place}");
        }
    }
}
