//! Every verification in dkimpy's own tests, made again by us: the same messages and the same DNS have to
//! give the same results, but for what does not count here.
//!
//! Nothing of theirs is here: the tests are those that python3-dkim installs, and `dkimpy.py` tells what
//! happens in them.

use std::sync::Arc;
use std::time::Duration;

use judge::units::Time;
use mail::evidence::{AuthResult, Authentication, Claim};
use net::dns::Resolver;
use serde_json::Value;
use settings::config::Dns;
use settings::values::DnsServer as ServerAddress;
use testkit::DnsServer;
use tokio::time::Instant;

const RECORD: &str = include_str!("dkimpy.py");

/// Verifications that have to be there: with fewer the tests were not run.
const AT_LEAST: usize = 100;

fn bytes(text: &Value) -> Vec<u8> {
    base64_simd::STANDARD.decode_to_vec(text.as_str().expect("text")).expect("base64")
}

/// One verification of theirs.
struct Theirs {
    kind: String,
    index: usize,
    passes: bool,
    raw: Vec<u8>,
    /// A line of the server's for each name that they asked for.
    zone: String,
}

fn recorded() -> Option<Vec<Theirs>> {
    if !std::path::Path::new("/usr/lib/python3/dist-packages/dkim/tests/__init__.py").exists() {
        testkit::peers::skipped("python3-dkim");
        return None;
    }
    let out = std::process::Command::new("/usr/bin/python3").args(["-c", RECORD]).output().expect("it runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let all: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let one = |case: &Value| {
        let line = |(name, text): (&String, &Value)| {
            let hex: String = bytes(text).chunks(255).map(|part| hex(part) + ",").collect();
            let hex = hex.trim_end_matches(',');
            format!("{} TXTHEX {}\n", name.trim_end_matches('.'), if hex.is_empty() { "-" } else { hex })
        };
        Theirs {
            kind: case["kind"].as_str().expect("text").to_owned(),
            index: usize::try_from(case["index"].as_u64().expect("a number")).expect("small"),
            passes: case["passes"].as_bool().expect("a truth"),
            raw: with_crlf(&bytes(&case["raw"])),
            zone: case["zone"].as_object().expect("an object").iter().map(line).collect(),
        }
    };
    Some(all["cases"].as_array().expect("a list").iter().map(one).collect())
}

/// The message as SMTP carries it: theirs have other line ends in part, and dkimpy reads those alike.
fn with_crlf(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, byte) in raw.iter().enumerate() {
        if *byte == b'\n' && at.checked_sub(1).and_then(|at| raw.get(at)) != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn ours(case: &Theirs) -> Authentication {
    // A name that cannot be asked for in the DNS has no record.
    let zone = if case.zone.contains('(') { "" } else { case.zone.as_str() };
    let server = DnsServer::start(zone).await;
    let config = Dns { servers: vec![ServerAddress(server.address())], timeout: Time(20_000), trust_ad: false };
    let resolver = Resolver::new(&config, Arc::default());
    let whole: Arc<[u8]> = Arc::from(case.raw.as_slice());
    let deadline = Instant::now() + Duration::from_secs(60);
    net::auth::authenticate(&resolver, &Claim::default(), &case.raw, async { Ok(whole) }, deadline).await
}

/// Where we say otherwise, and why we are to.
fn known(case: &Theirs, found: &Authentication) -> Option<&'static str> {
    let check = found.dkim.get(case.index).filter(|_| case.passes)?;
    match check.why.raw().as_str() {
        _ if (1..1024).contains(&check.bits) => Some("a key under 1024 bits does not count"),
        why if why.contains("'l='") => Some("a signature of a part of the body does not count"),
        _ => None,
    }
}

#[tokio::test]
async fn what_dkimpy_verifies_in_its_tests_we_verify_alike() {
    let Some(cases) = recorded() else { return };
    assert!(cases.len() >= AT_LEAST, "only {} verifications", cases.len());
    let (mut same, mut otherwise) = (0, Vec::new());
    let mut told = std::collections::BTreeMap::new();
    for (at, case) in cases.iter().enumerate() {
        let found = ours(case).await;
        let result = match case.kind.as_str() {
            "arc" => found.arc.result,
            _ => found.dkim.get(case.index).map_or(AuthResult::None, |check| check.result),
        };
        if (result == AuthResult::Pass) == case.passes {
            same += 1;
        } else if let Some(why) = known(case, &found) {
            *told.entry(why).or_insert(0) += 1;
        } else {
            let said: Vec<(&str, &str, u32)> =
                found.dkim.iter().map(|it| (it.result.name(), it.why.raw().as_str(), it.bits)).collect();
            let arc = (found.arc.result, &found.arc.why);
            let (kind, passes) = (&case.kind, case.passes);
            otherwise.push(format!("{at} {kind} {}: theirs {passes}, ours {said:?} {arc:?}", case.index));
        }
    }
    println!("{same} alike; {told:?}");
    assert!(otherwise.is_empty(), "{}\n{} of {}", otherwise.join("\n"), otherwise.len(), cases.len());
}
