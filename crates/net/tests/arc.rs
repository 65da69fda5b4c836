//! Seals (RFC 8617): made here and verified by others, made by others and continued here.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use judge::units::Time;
use mail::evidence::{ArcCheck, AuthResult, Authentication, Claim};
use net::auth::seal::Sealed;
use net::auth::sign::{KeyKind, Signers, generate};
use net::dns::Resolver;
use settings::config::{Dkim, Dns, Signing};
use settings::values::DnsServer as ServerAddress;
use testkit::DnsServer;
use tokio::time::Instant;

const MESSAGE: &str = "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: Minutes\r\n\
    Date: Mon, 2 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nSee below.\r\n";
const RESULTS: &str = "mx.example.net; spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org header.s=s1; \
    dmarc=pass header.from=\"example.org; arc=pass\"";

struct Site {
    _server: DnsServer,
    resolver: Resolver,
    /// Signs for example.org (`s1`) and seals for it; the other seals for example.net (`s2`).
    signers: [Signers; 2],
    zone: serde_json::Map<String, serde_json::Value>,
    dir: tempfile::TempDir,
}

/// A DNS server, a resolver, and two that seal: example.org with RSA, example.net with this kind.
async fn site(second: KeyKind) -> Site {
    let dir = tempfile::tempdir().unwrap();
    let make = |(domain, selector, kind): (&str, &str, KeyKind)| {
        let path: PathBuf = dir.path().join(selector);
        std::fs::write(&path, generate(kind).unwrap()).unwrap();
        let key = Dkim { domain: domain.to_owned(), selector: selector.to_owned(), key: Some(path) };
        let signing = Signing { seal_domain: domain.to_uppercase(), ..Signing::default() };
        Signers::load(&[key], &signing).whole().unwrap()
    };
    let signers = [("example.org", "s1", KeyKind::Rsa(2048)), ("example.net", "s2", second)].map(make);
    let records: Vec<_> = signers.iter().flat_map(Signers::records).collect();
    let lines: Vec<String> = records.iter().map(|record| format!("{} TXT {}", record.name, record.text)).collect();
    let server = DnsServer::start(&lines.join("\n")).await;
    let config = Dns { servers: vec![ServerAddress(server.address())], timeout: Time(20_000), trust_ad: false };
    let resolver = Resolver::new(&config, Arc::default());
    let zone = records.into_iter().map(|record| (record.name, record.text.into())).collect();
    Site { _server: server, resolver, signers, zone, dir }
}

impl Site {
    async fn ask(&self, raw: &[u8]) -> Authentication {
        let whole: Arc<[u8]> = Arc::from(raw);
        let deadline = Instant::now() + Duration::from_secs(60);
        net::auth::authenticate(&self.resolver, &Claim::default(), raw, async { Ok(whole) }, deadline).await
    }

    async fn arc(&self, raw: &[u8]) -> (AuthResult, u32, String) {
        let found = self.ask(raw).await.arc;
        (found.result, found.instances, found.sealer.raw().clone())
    }

    /// `raw` sealed by one of them, as the message `before` came.
    async fn try_sealed(&self, by: usize, before: &[u8], raw: &[u8]) -> Result<Vec<u8>, String> {
        let chain = self.ask(before).await.arc;
        Ok([self.signers[by].seal(Sealed { raw, before, results: RESULTS, chain: &chain })?, raw.to_vec()].concat())
    }

    async fn sealed(&self, by: usize, raw: &[u8]) -> Vec<u8> {
        self.try_sealed(by, raw, raw).await.unwrap()
    }

    /// Runs a piece of Python with dkimpy; the DNS is this site's.
    fn python(&self, code: &str, message: &[u8]) -> Vec<u8> {
        let mut python = Command::new("/usr/bin/python3")
            .args(["-c", &format!("{DKIMPY}{code}")])
            .env("ZONE", serde_json::Value::Object(self.zone.clone()).to_string())
            .env("KEY", self.dir.path().join("s1"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        python.stdin.take().unwrap().write_all(message).unwrap();
        let done = python.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    }

    fn dkimpy_says(&self, message: &[u8]) -> String {
        String::from_utf8(self.python(VERIFY, message)).unwrap().trim().to_owned()
    }
}

/// The DNS is a JSON object of the environment.
const DKIMPY: &str = r#"
import json, os, sys
import dkim
zone = json.loads(os.environ["ZONE"])
raw = sys.stdin.buffer.read()
answer = lambda name, timeout=5: zone.get((name.decode() if isinstance(name, bytes) else name).rstrip("."), "").encode() or None
"#;

/// Says `pass`, or `fail` with the reason.
const VERIFY: &str = r#"
cv, results, reason = dkim.arc_verify(raw, dnsfunc=answer)
print(cv.decode() if cv == b"pass" else (cv, reason))
"#;

/// Seals as example.org what carries Authentication-Results of lists.example.org.
const SEAL: &str = r#"
key = open(os.environ["KEY"], "rb").read()
fields = dkim.arc_sign(raw, b"s1", b"example.org", key, b"lists.example.org")
assert fields, "no seal"
sys.stdout.buffer.write(b"".join(fields) + raw)
"#;

fn has_dkimpy() -> bool {
    for (package, file) in [("python3-dkim", "dkim"), ("python3-authres", "authres")] {
        if !std::path::Path::new(&format!("/usr/lib/python3/dist-packages/{file}/__init__.py")).exists() {
            testkit::peers::skipped(package);
            return false;
        }
    }
    true
}

fn text(raw: &[u8]) -> String {
    String::from_utf8(raw.to_vec()).unwrap()
}

#[tokio::test]
async fn a_chain_of_our_own_grows_and_holds() {
    let site = site(KeyKind::Ed25519).await;
    let mut message = MESSAGE.as_bytes().to_vec();
    for round in 0..5u32 {
        let by = usize::try_from(round % 2).unwrap();
        let domain = ["example.org", "example.net"][by];
        message = site.sealed(by, &message).await;
        assert_eq!(site.arc(&message).await, (AuthResult::Pass, round + 1, domain.to_owned()), "{}", text(&message));
        // What is put above does no harm; what stands in the message may change before the next seal.
        message = [b"Received: from a by b; x\r\n", message.as_slice()].concat();
    }
    let whole = text(&message);
    assert!(whole.lines().all(|line| line.len() < 100), "{whole}");
    for changed in [
        whole.replace("See below", "See above"),
        whole.replace("Subject: Minutes", "Subject: Hours"),
        whole.replace("To: bob", "Subject: Hours\r\nTo: bob"),
        // What an earlier hop found out.
        whole.replacen("i=1; mx.example.net; spf=pass", "i=1; mx.example.net; spf=none", 1),
        whole.replacen("i=3; ", "i=4; ", 1),
        whole.replacen("cv=pass", "cv=none", 1),
        // A set without its signature.
        whole.replace("ARC-Message-Signature", "X"),
        whole.replacen("ARC-Message-Signature: i=2", "X: i=2", 1),
    ] {
        assert_ne!(changed, whole);
        assert_eq!(site.arc(changed.as_bytes()).await.0, AuthResult::Fail, "{changed}");
    }
}

#[tokio::test]
async fn a_seal_covers_what_was_changed_here() {
    let site = site(KeyKind::Rsa(2048)).await;
    let signed = [site.signers[0].sign(MESSAGE.as_bytes()).unwrap(), MESSAGE.into()].concat();
    assert_eq!(site.ask(&signed).await.dkim(), AuthResult::Pass);
    let changed = text(&signed).replace("Subject: Minutes", "Subject: [infected] Minutes").replace("below", "above");
    let sealed = site.try_sealed(1, &signed, changed.as_bytes()).await.unwrap();
    let found = site.ask(&sealed).await;
    assert_eq!((found.dkim(), found.arc.result, found.arc.instances), (AuthResult::Fail, AuthResult::Pass, 1));
    assert!(text(&sealed).starts_with("ARC-Seal: i=1; a=rsa-sha256; cv=none;\r\n\td=example.net; s=s2; t="));
}

#[tokio::test]
async fn what_is_no_whole_chain_is_not_continued() {
    let site = site(KeyKind::Rsa(2048)).await;
    let sealed = site.sealed(0, MESSAGE.as_bytes()).await;
    let whole = text(&sealed);
    // As it came the chain holds; it does not leave so.
    let lost = whole.replace("ARC-Authentication-Results", "X-Removed");
    let folded = whole.replacen("cv=none;", "CV=none;", 1);
    for leaves in [lost.clone(), folded] {
        let why = site.try_sealed(1, &sealed, leaves.as_bytes()).await.unwrap_err();
        assert!(why.contains("chain"), "{why}");
    }
    // It came broken.
    for broken in [lost, whole.replace("See below", "See above"), whole.replace("ARC-Message-Signature", "X")] {
        let why = site.try_sealed(1, broken.as_bytes(), broken.as_bytes()).await.unwrap_err();
        assert_eq!(why, "its chain is fail");
    }
    // Fields that look like a chain, of which nothing was verified.
    let alone = format!("ARC-Authentication-Results: i=1; x; none\r\n{MESSAGE}");
    assert_eq!(site.arc(alone.as_bytes()).await.0, AuthResult::Fail);
    let raw = alone.as_bytes();
    let what = Sealed { raw, before: raw, results: RESULTS, chain: &ArcCheck::default() };
    assert!(site.signers[1].seal(what).is_err());
    assert_eq!(Signers::default().seal(what).unwrap(), b"");
}

#[tokio::test]
async fn whatever_is_sealed_holds() {
    let site = site(KeyKind::Ed25519).await;
    let sealed = site.sealed(0, MESSAGE.as_bytes()).await;
    let mut state = 0x2545_f491_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let (mut made, mut refused) = (0, 0);
    for round in 0..300 {
        let mut message = if round % 2 == 0 { sealed.clone() } else { MESSAGE.as_bytes().to_vec() };
        for _ in 0..=random(4) {
            let at = random(message.len());
            match random(4) {
                0 => message[at] = u8::try_from(random(256)).unwrap(),
                1 => drop(message.remove(at)),
                2 => message.insert(at, b"\r\n\t :;="[random(7)]),
                _ => message.truncate(at.max(1)),
            }
        }
        match site.try_sealed(1, &message, &message).await {
            Ok(again) => {
                made += 1;
                let found = site.arc(&again).await;
                let why = site.ask(&again).await.arc.why;
                assert_eq!(found.0, AuthResult::Pass, "{why:?} {:?}", String::from_utf8_lossy(&again));
            }
            Err(_) => refused += 1,
        }
    }
    assert!(made > 100 && refused > 50, "{made} made, {refused} refused");
}

#[test]
fn dkimpy_verifies_our_seals() {
    if !has_dkimpy() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let site = runtime.block_on(site(KeyKind::Rsa(2048)));
    let odd = MESSAGE
        .replace("Subject: Minutes", "subject:  Minutes \r\n\tof  May\r\nDKIM-Signature: not one;\r\nCc: a@example.org")
        .replace("See below.\r\n", " a  b\t\r\n.\r\n\r\n\r\n");
    for message in [MESSAGE, odd.as_str()] {
        let once = runtime.block_on(site.sealed(0, message.as_bytes()));
        assert_eq!(site.dkimpy_says(&once), "pass", "{}", text(&once));
        let twice = runtime.block_on(site.sealed(1, &once));
        assert_eq!(site.dkimpy_says(&twice), "pass", "{}", text(&twice));
        let changed = text(&twice).replace("bob@example.net", "eve@example.net");
        assert!(site.dkimpy_says(changed.as_bytes()).contains("fail"));
    }
}

#[test]
fn a_chain_that_dkimpy_began_goes_on_and_the_other_way_round() {
    if !has_dkimpy() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let site = runtime.block_on(site(KeyKind::Rsa(2048)));
    let first = site.python(
        SEAL,
        format!("Authentication-Results: lists.example.org; spf=pass smtp.mailfrom=example.org\r\n{MESSAGE}")
            .as_bytes(),
    );
    let found = runtime.block_on(site.arc(&first));
    assert_eq!(found, (AuthResult::Pass, 1, "example.org".to_owned()), "{}", text(&first));
    let changed = text(&first).replace("See below", "See above");
    let second = runtime.block_on(site.try_sealed(1, &first, changed.as_bytes())).unwrap();
    assert!(text(&second).starts_with("ARC-Seal: i=2; a=rsa-sha256; cv=pass;"));
    assert_eq!(site.dkimpy_says(&second), "pass", "{}", text(&second));
    // And a third one of dkimpy's, which we verify.
    let passed = format!("Authentication-Results: lists.example.org; arc=pass\r\n{}", text(&second));
    let third = site.python(
        SEAL,
        passed
            .replace("Authentication-Results: lists.example.org; spf=pass smtp.mailfrom=example.org\r\nFrom", "From")
            .as_bytes(),
    );
    let found = runtime.block_on(site.arc(&third));
    assert_eq!(found, (AuthResult::Pass, 3, "example.org".to_owned()), "{}", text(&third));
}
