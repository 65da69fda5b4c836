//! The conformance suite of RFC 7208, which is not part of this checkout.
//!
//! `pip download --no-deps --no-binary :all: pyspf` brings it (`test/rfc7208-tests.yml`). Then, with
//! python3-yaml installed: `MAILWARD_SPF_SUITE=…/rfc7208-tests.yml cargo test -p net --test spf_suite -- --ignored --nocapture`.
//! Explanations (`exp=`) are not compared: none are made.

use std::net::IpAddr;
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

#[tokio::test]
#[ignore = "needs the suite, which comes with pyspf"]
async fn the_suite_of_rfc_7208() {
    let path = std::env::var("MAILWARD_SPF_SUITE").expect("MAILWARD_SPF_SUITE names rfc7208-tests.yml");
    let json = Command::new("python3").args(["-c", TO_JSON, &path]).output().expect("python3 runs");
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
    assert!(right > 150 && wrong.is_empty(), "{wrong:#?}");
}
