//! Our own rules against samples: each rule has files that it must match and near misses that no
//! rule may match.
//!
//! A sample is `testdata/<rule>.<hit|miss>.<n>.b64`: optionally a line `name: FILE NAME`, then the
//! content in base64, so that no file here is what a rule looks for. All are harmless: texts that
//! only look the part, with example domains and documentation addresses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use engines::malware::yara::{BUILTIN, Yara};
use engines::{ObjectEngine, ObjectView};
use mail::evidence::{FileKind, FindingKind};

struct Sample {
    stem: String,
    rule: String,
    hit: bool,
    name: Option<String>,
    content: Vec<u8>,
}

fn read(path: PathBuf) -> Sample {
    let stem = path.file_name().unwrap().to_str().unwrap().strip_suffix(".b64").unwrap().to_owned();
    let fields: Vec<&str> = stem.split('.').collect();
    let [rule, verdict, _number] = fields[..] else { panic!("{stem}: not RULE.hit|miss.N") };
    let hit = match verdict {
        "hit" => true,
        "miss" => false,
        other => panic!("{stem}: {other}"),
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let (name, body) = match text.strip_prefix("name: ").and_then(|rest| rest.split_once('\n')) {
        Some((name, body)) => (Some(name.to_owned()), body),
        None => (None, text.as_str()),
    };
    let base64: String = body.split_whitespace().collect();
    let content = base64_simd::STANDARD.decode_to_vec(base64).unwrap();
    Sample { rule: rule.to_owned(), hit, name, content, stem }
}

fn samples() -> Vec<Sample> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata")).unwrap();
    let mut samples: Vec<Sample> = folder.map(|entry| read(entry.unwrap().path())).collect();
    samples.sort_by(|a, b| a.stem.cmp(&b.stem));
    samples
}

fn builtin() -> Yara {
    let (yara, problems) = Yara::compile(BUILTIN.iter().copied());
    assert_eq!(problems, []);
    yara
}

fn matches(yara: &Yara, name: Option<&str>, bytes: &[u8]) -> Vec<String> {
    let object =
        ObjectView { bytes, kind: FileKind::Unknown, name, other_names: &[], sha256: &[0; 32], depth: 1, root: false };
    let mut found = Vec::new();
    yara.examine(&object, Duration::from_secs(30), &mut found).unwrap();
    let name = |kind: &FindingKind| match kind {
        FindingKind::Malware { name, .. } => name.strip_prefix("YARA.").unwrap().to_owned(),
        other => panic!("{other:?}"),
    };
    found.iter().map(|detection| name(&detection.kind)).collect()
}

#[test]
fn every_rule_has_samples_that_hit_and_near_misses() {
    let mut have: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for sample in samples() {
        let counts = have.entry(sample.rule).or_default();
        if sample.hit { counts.0 += 1 } else { counts.1 += 1 }
    }
    let rules = builtin().rule_names();
    for rule in &rules {
        let (hits, misses) = have.get(rule).copied().unwrap_or_default();
        assert!(hits > 0 && misses > 0, "{rule}: {hits} hits, {misses} misses");
    }
    assert_eq!(have.len(), rules.len(), "samples of a rule that is not there: {have:?}");
}

#[test]
fn samples_hit_their_rule_and_near_misses_hit_none() {
    let yara = builtin();
    let mut wrong = Vec::new();
    for sample in samples() {
        let found = matches(&yara, sample.name.as_deref(), &sample.content);
        let right = if sample.hit { found.contains(&sample.rule) } else { found.is_empty() };
        if !right {
            wrong.push(format!("{}: {found:?}", sample.stem));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_rule_says_what_it_found_in_one_sentence() {
    let yara = builtin();
    for sample in samples().into_iter().filter(|sample| sample.hit) {
        let object = ObjectView {
            bytes: &sample.content,
            kind: FileKind::Unknown,
            name: sample.name.as_deref(),
            other_names: &[],
            sha256: &[0; 32],
            depth: 1,
            root: false,
        };
        let mut found = Vec::new();
        yara.examine(&object, Duration::from_secs(30), &mut found).unwrap();
        for detection in found {
            assert!(!detection.evidence.starts_with("rule "), "{}", detection.evidence);
            assert!(detection.span.is_none_or(|span| span.fits(sample.content.len())), "{}", sample.stem);
        }
    }
}

#[test]
fn rules_stay_fast_on_hostile_input() {
    let yara = builtin();
    let repeat = |text: &str| text.repeat((1 << 20) / text.len());
    let inputs = [
        repeat("a"),
        repeat("powershell -e "),
        repeat("powershell -w hidden "),
        repeat("<script>atob("),
        repeat("cmd|'"),
        repeat("=cmd|' /C "),
        repeat("/S /Launch /F ("),
        repeat("curl -o "),
        repeat("eval($_POST"),
        repeat("eval(base64_decode("),
        repeat("socket.socket(.connect((\"a\",1))dup2("),
        repeat("<Relationship /attachedTemplate\" Target=\"http:"),
        repeat("nc -e -e -e -e "),
        repeat("[InternetShortcut]\r\nURL=file://x/"),
        repeat("CreateObject("),
        repeat("\n  "),
    ];
    for input in inputs {
        let start = std::time::Instant::now();
        matches(&yara, Some("a.sh"), input.as_bytes());
        let took = start.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?} for 1 MiB of {:?}", &input[..12]);
        if std::env::var_os("MAILWARD_TIMES").is_some() {
            println!("{took:?} {:?}", &input[..12]);
        }
    }
}
