//! The conformance suite of RFC 7208, which is not part of this checkout.
//!
//! It comes with pyspf. `MAILWARD_SPF_SUITE` names the file (`rfc7208-tests.yml`); without that, and where nothing may
//! be missing (`MAILWARD_REQUIRE_PEERS=1`), pip fetches it once. Read with python3-yaml.
//! Explanations (`exp=`) are not compared: none are made.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use judge::units::Time;
use net::auth::spf::{self, Identity};
use net::dns::{Figures, Resolver};
use serde_json::Value;
use settings::config::Dns;
use settings::values::DnsServer as ServerAddress;
use testkit::{DnsServer, DnsTrick};
use tokio::time::Instant;

/// What we do otherwise, and why.
const DEVIATIONS: [(&str, &str); 0] = [];

/// Cases of the suite: with fewer it was not run whole.
const CASES: usize = 203;

/// Debian's own: another one lacks the modules of its packages.
const PYTHON: &str = "/usr/bin/python3";

/// The package that brings the suite, and what it has to be.
const PACKAGE: &str = "pyspf==2.0.14 --hash=sha256:57a7ef01bda090173aafb6af0106251686ed73f03db4e911fcd34c57fc347186";

const FETCH: &str = "import glob, os, subprocess, sys, tarfile, tempfile
with tempfile.TemporaryDirectory() as dir:
    with open(dir + '/wanted', 'w') as wanted:
        wanted.write(sys.argv[1])
    pip = [sys.executable, '-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir']
    pip += ['--no-deps', '--no-build-isolation', '--no-binary', ':all:', '--dest', dir, '-r', dir + '/wanted']
    subprocess.run(pip, check=True)
    with tarfile.open(glob.glob(dir + '/*.tar.gz')[0]) as archive:
        name = next(name for name in archive.getnames() if name.endswith('/rfc7208-tests.yml'))
        text = archive.extractfile(name).read()
part = sys.argv[2] + '.part'
with open(part, 'wb') as out:
    out.write(text)
os.rename(part, sys.argv[2])";

const TO_JSON: &str = "import json,sys,yaml
print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1]))), default=str))";

/// The zone of one part of the suite: lines for the server, and names that fail.
fn zone(data: &Value) -> (String, Vec<(String, DnsTrick)>) {
    let (mut lines, mut tricks) = (String::new(), Vec::new());
    for (name, records) in data.as_object().unwrap() {
        let name = name.trim_end_matches('.').replace(' ', "\\032");
        let records = records.as_array().unwrap();
        let is = |record: &Value, kind: &str| record.get(kind).is_some();
        let has_txt = records.iter().any(|record| is(record, "TXT"));
        for record in records {
            if record.as_str() == Some("TIMEOUT") {
                let trick = if records.len() == 1 { DnsTrick::Fail } else { DnsTrick::FailOthers };
                tricks.push((name.clone(), trick));
                continue;
            }
            let (kind, value) = record.as_object().unwrap().iter().next().unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let line = match kind.as_str() {
                "SPF" if has_txt => continue,
                // As the suite says: what is published as SPF is published as TXT.
                "SPF" | "TXT" if value == "NONE" => continue,
                "SPF" | "TXT" => {
                    let strings: Vec<String> = match value {
                        Value::Array(list) if list.is_empty() => vec![String::new()],
                        Value::Array(list) => list.iter().map(text).collect(),
                        one => vec![text(one)],
                    };
                    // PyYAML gives the bytes as characters of Latin-1.
                    let hex = |s: &String| {
                        let bytes: Vec<u8> = s.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
                        let chunks = if bytes.is_empty() { vec![&[][..]] } else { bytes.chunks(255).collect() };
                        chunks
                            .iter()
                            .map(|c| c.iter().map(|b| format!("{b:02x}")).collect::<String>())
                            .map(|hex| if hex.is_empty() { "-".to_owned() } else { hex })
                            .collect::<Vec<String>>()
                    };
                    format!("{name} TXTHEX {}", strings.iter().flat_map(hex).collect::<Vec<_>>().join(","))
                }
                "MX" => {
                    let host = value[1].as_str().unwrap();
                    format!("{name} MX {} {}", value[0], if host.is_empty() { "." } else { host })
                }
                kind => format!("{name} {kind} {}", value.as_str().unwrap()),
            };
            lines.push_str(&line);
            lines.push('\n');
        }
    }
    (lines, tricks)
}

/// The suite's file, if there is one or it can be had.
fn suite() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("MAILWARD_SPF_SUITE") {
        return Some(PathBuf::from(path));
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rfc7208-tests.yml");
    if !kept.exists() && std::env::var_os("MAILWARD_REQUIRE_PEERS").is_some_and(|value| value == "1") {
        let fetched = Command::new(PYTHON).args(["-c", FETCH, PACKAGE]).arg(&kept).output();
        let told = fetched.map_or_else(|e| e.to_string(), |out| String::from_utf8_lossy(&out.stderr).into_owned());
        assert!(kept.exists(), "the suite of RFC 7208 cannot be fetched: {told}");
    }
    if !kept.exists() {
        testkit::peers::skipped("the suite of RFC 7208 (MAILWARD_SPF_SUITE names no file)");
    }
    kept.exists().then_some(kept)
}

#[tokio::test]
async fn the_suite_of_rfc_7208() {
    let Some(path) = suite() else { return };
    let json = Command::new(PYTHON).args(["-c", TO_JSON]).arg(&path).output().expect("python3 runs");
    assert!(json.status.success(), "{}", String::from_utf8_lossy(&json.stderr));
    let parts: Vec<Value> = serde_json::from_slice(&json.stdout).unwrap();
    let (mut right, mut wrong) = (0, Vec::new());
    for part in &parts {
        let (lines, tricks) = zone(&part["zonedata"]);
        let server = DnsServer::start(&lines).await;
        for (name, trick) in tricks {
            server.trick(&name, trick);
        }
        let config = Dns { servers: vec![ServerAddress(server.address())], timeout: Time(20_000), trust_ad: false };
        let resolver = Resolver::new(&config, Arc::new(Figures::default()));
        for (name, case) in part["tests"].as_object().unwrap() {
            let text = |key: &str| case[key].as_str().unwrap_or_default();
            let ip: IpAddr = text("host").parse().unwrap();
            let from = text("mailfrom");
            let (local, domain) =
                from.rsplit_once('@').unwrap_or(("postmaster", if from.is_empty() { text("helo") } else { from }));
            let identity = Identity { ip, helo: text("helo"), local, domain };
            let found = spf::check(&resolver, identity, Instant::now() + Duration::from_secs(60)).await;
            let expected: Vec<&str> = match &case["result"] {
                Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
                one => one.as_str().into_iter().collect(),
            };
            if expected.contains(&found.result.name()) {
                right += 1;
            } else {
                let why = found.why.escaped(200);
                wrong.push((name.clone(), format!("{}, not {expected:?}: {why} ({from} {ip})", found.result.name())));
            }
        }
    }
    println!("{right} right, {} otherwise", wrong.len());
    for (name, how) in &wrong {
        println!("{name}: {how}");
    }
    wrong.retain(|(name, _)| !DEVIATIONS.iter().any(|(known, _)| known == name));
    assert!(right >= CASES && wrong.is_empty(), "{right} right, {wrong:#?}");
}
