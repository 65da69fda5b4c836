//! Who really sent a message: SPF, DKIM, DMARC, ARC and the name of the address, against a DNS server
//! with zones as text.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use judge::units::Time;
use mail::evidence::{AuthResult, Authentication, Claim, DmarcPolicy};
use mail::untrusted::Untrusted;
use net::auth::reverse_name;
use net::auth::sign::{KeyKind, Signers, generate};
use net::dns::{Figures, Resolver};
use settings::config::{Dkim, Dns, Signing};
use settings::values::DnsServer as ServerAddress;
use testkit::{DnsServer, DnsTrick};
use tokio::time::Instant;

const MESSAGE: &str = "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: Minutes\r\n\
    Date: Mon, 2 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nSee below.\r\n";

const ZONE: &str = r#"
example.org TXT "v=spf1 ip4:192.0.2.0/24 include:more.example.org -all"
more.example.org TXT "v=spf1 a:mail.example.org ~all"
mail.example.org A 198.51.100.1
_dmarc.example.org TXT "v=DMARC1; p=reject; sp=quarantine"
_dmarc.soft.example TXT "v=DMARC1; p=quarantine; t=y"
_dmarc.blank.example TXT "V = DMARC1 ; P = Reject"
_dmarc.typo.example TXT "v=DMARC1; p=foo; rua=mailto:d@typo.example"
_dmarc.unread.example TXT "v=DMARC1; p=reject; adkim=x; rua=nothing%zz!"
_dmarc.strict.example TXT "v=DMARC1; p=reject; aspf=s; adkim=s"
news.example.org TXT "v=spf1 ip4:192.0.2.7 -all"
void.example.org TXT "v=spf1 a:v1.example.org a:v2.example.org a:v3.example.org -all"
twice.example.org TXT "v=spf1 -all"
twice.example.org TXT "v=spf1 +all"
broken.example.org TXT "v=spf1 ip4:192.0.2.1 nonsense -all"
1.2.0.192.in-addr.arpa PTR mail.example.com
mail.example.com A 192.0.2.1
2.2.0.192.in-addr.arpa PTR liar.example.com
liar.example.com A 192.0.2.99
"#;

struct Site {
    server: DnsServer,
    resolver: Resolver,
    signers: Signers,
    zone: String,
    /// Holds the keys.
    _dir: tempfile::TempDir,
}

/// A DNS server, a resolver, and keys for example.org: `s1` (RSA) and `s2` (Ed25519).
async fn site(extra: &str) -> Site {
    let dir = tempfile::tempdir().unwrap();
    let keys = [("s1", KeyKind::Rsa(2048)), ("s2", KeyKind::Ed25519)].map(|(selector, kind)| {
        let path: PathBuf = dir.path().join(selector);
        std::fs::write(&path, generate(kind).unwrap()).unwrap();
        Dkim { domain: "example.org".to_owned(), selector: selector.to_owned(), key: Some(path) }
    });
    let signers = Signers::load(&keys, &Signing::default()).whole().unwrap();
    let records = signers.records();
    let lines: Vec<String> = records.iter().map(|record| format!("{} TXT {}", record.name, record.text)).collect();
    let zone = format!("{ZONE}\n{extra}\n{}", lines.join("\n"));
    let server = DnsServer::start(&zone).await;
    let config = Dns { servers: vec![ServerAddress(server.address())], timeout: Time(20_000), trust_ad: false };
    let resolver = Resolver::new(&config, Arc::new(Figures::default()));
    Site { server, resolver, signers, zone, _dir: dir }
}

impl Site {
    async fn ask(&self, ip: &str, from: &str, raw: &[u8]) -> Authentication {
        self.ask_until(ip, from, raw, Duration::from_secs(60)).await
    }

    async fn ask_until(&self, ip: &str, from: &str, raw: &[u8], limit: Duration) -> Authentication {
        let claim = Claim {
            ip: Some(ip.parse().unwrap()),
            helo: Untrusted::new("mail.example.com".to_owned()),
            mail_from: Untrusted::new(from.to_owned()),
        };
        let whole: Arc<[u8]> = Arc::from(raw);
        net::auth::authenticate(&self.resolver, &claim, raw, async { Ok(whole) }, Instant::now() + limit).await
    }

    fn signed(&self, raw: &str) -> Vec<u8> {
        [self.signers.sign(raw.as_bytes()).unwrap(), raw.as_bytes().to_vec()].concat()
    }
}

#[tokio::test]
async fn spf_tells_who_may_send() {
    let site = site("").await;
    use AuthResult::{Fail, None, Pass, PermError, SoftFail, TempError};
    site.server.trick("down.example.org", DnsTrick::Fail);
    let cases = [
        ("192.0.2.200", "ann@example.org", Pass),
        ("198.51.100.1", "ann@example.org", Pass),
        ("203.0.113.1", "ann@example.org", Fail),
        ("203.0.113.1", "ann@more.example.org", SoftFail),
        ("203.0.113.1", "ann@nothing.example.org", None),
        ("203.0.113.1", "ann@void.example.org", PermError),
        ("203.0.113.1", "ann@twice.example.org", PermError),
        ("192.0.2.1", "ann@broken.example.org", PermError),
        ("192.0.2.1", "ann@down.example.org", TempError),
        ("::ffff:192.0.2.1", "ann@example.org", Pass),
    ];
    for (ip, from, expected) in cases {
        assert_eq!(site.ask(ip, from, MESSAGE.as_bytes()).await.spf.result, expected, "{ip} {from}");
    }
    let null = site.ask("192.0.2.1", "", MESSAGE.as_bytes()).await;
    assert_eq!((null.spf.domain.raw().as_str(), null.spf.result), ("mail.example.com", None));
}

#[tokio::test]
async fn the_name_of_an_address_has_to_lead_back() {
    let site = site("").await;
    for (ip, result, name) in [
        ("192.0.2.1", AuthResult::Pass, "mail.example.com"),
        ("192.0.2.2", AuthResult::Fail, "liar.example.com"),
        ("192.0.2.3", AuthResult::Fail, ""),
    ] {
        let found = reverse_name(&site.resolver, ip.parse().unwrap(), Instant::now() + Duration::from_secs(60)).await;
        assert_eq!((found.result, found.name.raw().as_str()), (result, name), "{ip}");
    }
}

#[tokio::test]
async fn both_kinds_of_signature_pass_and_only_untouched() {
    let site = site("").await;
    let signed = site.signed(MESSAGE);
    let found = site.ask("203.0.113.1", "x@example.com", &signed).await;
    let kinds: Vec<(&str, AuthResult, bool)> =
        found.dkim.iter().map(|d| (d.algorithm.as_str(), d.result, d.aligned)).collect();
    let passes = |kind| (kind, AuthResult::Pass, true);
    assert_eq!(kinds, [passes("rsa-sha256"), passes("ed25519-sha256")]);
    assert_eq!(
        (found.dkim[0].bits, found.dmarc(), found.dmarc[0].policy),
        (2048, AuthResult::Pass, DmarcPolicy::Reject)
    );
    let text = String::from_utf8(signed).unwrap();
    let changed = [
        text.replace("See below", "See above"),
        text.replace("Subject: Minutes", "Subject: Hours"),
        // Signed once more than they are there.
        text.replace("To: bob", "Subject: Hours\r\nTo: bob"),
        text.replace("\r\nMessage-ID:", "\r\nFrom: x@bank.example\r\nMessage-ID:"),
        text.replace("\r\nMessage-ID:", "\r\nReply-To: x@bank.example\r\nMessage-ID:"),
    ];
    for message in changed {
        assert_ne!(message, text);
        let found = site.ask("203.0.113.1", "x@example.com", message.as_bytes()).await;
        assert!(found.dkim.iter().all(|d| d.result == AuthResult::Fail), "{message}\n{:?}", found.dkim);
        assert_ne!(found.dmarc(), AuthResult::Pass);
    }
}

#[tokio::test]
async fn what_does_not_count_is_no_pass() {
    let site = site("").await;
    let text = String::from_utf8(site.signed(MESSAGE)).unwrap();
    for message in [text.replace("; d=example.org", "; l=3; d=example.org"), text.replace("v=1;", "v=2;")] {
        assert_ne!(message, text);
        let found = site.ask("203.0.113.1", "x@example.com", message.as_bytes()).await;
        assert!(found.dkim.iter().all(|d| d.result != AuthResult::Pass), "{:?}", found.dkim);
    }
    let many =
        format!("{}{MESSAGE}", String::from_utf8(site.signers.sign(MESSAGE.as_bytes()).unwrap()).unwrap().repeat(8));
    let found = site.ask("203.0.113.1", "x@example.com", many.as_bytes()).await;
    assert_eq!((found.dkim.len(), found.dkim_left), (10, 6));
}

/// Two signatures: a short one, so that its key is looked up, and one of so many names.
fn with_names(count: usize, kind: &str) -> String {
    let names: String = (0..count).map(|at| format!(":n{at:x}")).collect();
    let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let short = format!(
        "{kind}: i=1; v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s1; h=From; bh={hash}; b=AAAA\r\n"
    );
    let short = if kind == "DKIM-Signature" { short.replace("i=1; ", "") } else { short };
    format!("{short}{}From: a@example.org\r\n\r\n", short.replace("h=From", &format!("h=From{names}")))
}

#[tokio::test]
async fn a_signature_of_a_hundred_thousand_names_takes_no_time() {
    let site = site("").await;
    let start = Instant::now();
    let found = site.ask("203.0.113.1", "x@example.com", with_names(100_000, "DKIM-Signature").as_bytes()).await;
    let results: Vec<(AuthResult, &str)> = found.dkim.iter().map(|d| (d.result, d.why.raw().as_str())).collect();
    assert_eq!(results.len(), 2, "{results:?}");
    assert_eq!(results[1], (AuthResult::PermError, "more is signed than is verified"));
    assert_eq!(found.dkim[1].domain.raw(), "example.org");
    // The same of a chain.
    let whole = with_names(100_000, "ARC-Message-Signature");
    let second =
        whole.find("ARC-Message-Signature: i=1; v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s1; h=From:");
    let sealed = format!(
        "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=example.org; s=s1; b=AAAA\r\n\
         ARC-Authentication-Results: i=1; mx.example.org; none\r\n{}",
        &whole[second.expect("the long one")..]
    );
    let found = site.ask("203.0.113.1", "x@example.com", sealed.as_bytes()).await;
    assert_eq!((found.arc.result, found.arc.why.raw().as_str()), (AuthResult::Fail, "more is signed than is verified"));
    // Verified, either would take minutes.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_header_that_is_longer_than_is_verified_is_permanent() {
    let site = site("").await;
    let signed = site.signed(MESSAGE);
    let text = String::from_utf8(signed.clone()).unwrap();
    for filler in ["X: y\r\n".repeat(20_001), format!("X: {}\r\n", "y".repeat(1 << 20))] {
        let message = text.replacen("\r\n\r\n", &format!("\r\n{filler}\r\n"), 1);
        let found = site.ask("203.0.113.1", "ann@example.org", message.as_bytes()).await;
        assert_eq!(found.dkim[0].why.raw(), "the header is longer than is verified");
        assert_eq!((found.dkim[0].result, found.dmarc()), (AuthResult::PermError, AuthResult::Fail));
    }
    let within = [format!("X: {}\r\n", "y".repeat(900_000)).as_bytes(), &signed].concat();
    let found = site.ask("203.0.113.1", "ann@example.org", &within).await;
    assert!(found.dkim.iter().all(|d| d.result == AuthResult::Pass), "{:?}", found.dkim);
}

#[tokio::test]
async fn a_signature_far_down_in_the_header_is_a_failure_and_no_delay() {
    let site = site("").await;
    let far = format!(
        "DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; s=k; h=From; bh=AAAA; b=AAAA\r\nX: {}\r\n\
         DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=x; h=From; \
         bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\nFrom: a@example.org\r\n\r\n",
        "y".repeat(260 << 10)
    );
    let found = site.ask("203.0.113.1", "x@example.com", far.as_bytes()).await;
    assert_eq!(found.dkim.len(), 2);
    assert_eq!((found.dmarc(), found.wish()), (AuthResult::Fail, DmarcPolicy::Reject), "{found:#?}");
    // Even where nobody asks for the key of it: only a part of the header was given.
    let claim = Claim { ip: Some([203, 0, 113, 1].into()), ..Claim::default() };
    let (whole, head): (Arc<[u8]>, &[u8]) = (Arc::from(far.as_bytes()), &far.as_bytes()[..1000]);
    let until = Instant::now() + Duration::from_secs(60);
    let found = net::auth::authenticate(&site.resolver, &claim, head, async { Ok(whole) }, until).await;
    assert!(found.dkim.iter().all(|d| d.result != AuthResult::TempError), "{:?}", found.dkim);
}

#[tokio::test]
async fn broken_signatures_hide_no_good_one_and_are_counted() {
    let site = site("").await;
    let signed = site.signed(MESSAGE);
    let broken =
        ["v=2; a=rsa-sha256", "v=1; a=rsa-sha256; d=example.org; s=x; h=From; l=3; bh=AAAA; b=AAAA", "nothing"];
    for kind in broken {
        let ten = format!("DKIM-Signature: {kind}\r\n").repeat(10);
        for message in [[ten.as_bytes(), &signed].concat(), [&signed[..], b""].concat().repeat(1)] {
            let found = site.ask("203.0.113.1", "x@example.com", &message).await;
            let passed = found.dkim.iter().filter(|d| d.result == AuthResult::Pass).count();
            assert_eq!((passed, found.dmarc()), (2, AuthResult::Pass), "{kind}: {:?}", found.dkim);
            let total = if message.len() > signed.len() { 12 } else { 2 };
            assert_eq!(found.dkim.len() + usize::try_from(found.dkim_left).unwrap(), total, "{kind}");
            assert!(found.dkim.len() <= 10);
            // In the order of the header: the good ones are the last.
            assert!(found.dkim.iter().rev().take(2).all(|d| d.result == AuthResult::Pass), "{kind}: {:?}", found.dkim);
        }
    }
}

#[tokio::test]
async fn a_ninth_author_is_not_overlooked() {
    let site = site("").await;
    let many: Vec<String> = (0..8).map(|at| format!("a@d{at}.example")).collect();
    let from = |value: &str| MESSAGE.replace("Ann <ann@example.org>", value);
    for value in [format!("{}\r\nFrom: ceo@example.org", many.join(",")), format!("{},ceo@example.org", many.join(","))]
    {
        let found = site.ask("203.0.113.1", "x@example.com", from(&value).as_bytes()).await;
        assert_eq!((found.dmarc(), found.wish()), (AuthResult::Fail, DmarcPolicy::Reject), "{value}\n{found:#?}");
    }
    let nine: Vec<String> = (0..9).map(|at| format!("a@d{at}.example")).collect();
    let found = site.ask("203.0.113.1", "x@example.com", from(&nine.join(",")).as_bytes()).await;
    assert_eq!((found.dmarc(), found.dmarc.len()), (AuthResult::PermError, 9));
    assert!(found.dmarc[8].why.raw().contains("more domains"), "{found:#?}");
}

#[tokio::test]
async fn headers_made_to_keep_a_verifier_busy_end_soon() {
    let site = site("").await;
    let start = Instant::now();
    let signature = "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s1; h=From; bh=AAAA; b=AAAA\r\n";
    for name in
        ["From", "DKIM-Signature", "ARC-Seal", "ARC-Authentication-Results", "DKIM2-Signature", "Message-Instance"]
    {
        for piece in ["(", "<", "\"", ",", ";", ":", "=", "a=b;", "\r\n ", "=?a?q?", "@", "\\"] {
            let message = format!("{signature}{name}: {}\r\n\r\nx\r\n", piece.repeat(200_000 / piece.len()));
            site.ask("203.0.113.1", "x@example.com", message.as_bytes()).await;
        }
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[tokio::test]
async fn dmarc_is_about_the_author_and_all_authors() {
    let site = site("example.com TXT \"v=spf1 ip4:192.0.2.1 -all\"\n").await;
    use AuthResult::{Fail, None, Pass, PermError};
    let from = |value: &str| MESSAGE.replace("Ann <ann@example.org>", value);
    let cases = [
        ("192.0.2.1", "a@example.org", from("a@example.org"), Pass, DmarcPolicy::None),
        // A domain below ours speaks for us, and the other way round.
        ("192.0.2.7", "a@news.example.org", from("a@example.org"), Pass, DmarcPolicy::None),
        ("192.0.2.7", "a@example.org", from("a@news.example.org"), Pass, DmarcPolicy::None),
        ("192.0.2.1", "a@example.com", from("a@example.org"), Fail, DmarcPolicy::Reject),
        ("192.0.2.1", "a@example.com", from("a@news.example.org"), Fail, DmarcPolicy::Quarantine),
        ("192.0.2.1", "a@example.com", from("a@soft.example"), Fail, DmarcPolicy::None),
        ("192.0.2.1", "a@example.com", from("a@sub.strict.example"), Fail, DmarcPolicy::Reject),
        ("192.0.2.1", "a@example.com", from("a@nothing.example"), None, DmarcPolicy::None),
        ("192.0.2.1", "a@example.com", from("a@blank.example"), Fail, DmarcPolicy::Reject),
        ("192.0.2.1", "a@example.com", from("a@typo.example"), Fail, DmarcPolicy::None),
        ("192.0.2.1", "a@example.com", from("a@unread.example"), Fail, DmarcPolicy::Reject),
        // Not exactly one author: never a pass.
        ("192.0.2.1", "a@example.org", from("a@example.org, b@example.org"), PermError, DmarcPolicy::None),
        ("192.0.2.1", "a@example.com", from("a@nothing.example, b@example.org"), Fail, DmarcPolicy::Reject),
        ("192.0.2.1", "a@example.com", from("b@example.org <a@nothing.example>"), Fail, DmarcPolicy::Reject),
        ("192.0.2.1", "a@example.com", from("a@nothing.example\r\nFrom: b@example.org"), Fail, DmarcPolicy::Reject),
    ];
    for (ip, sender, message, result, wish) in cases {
        let found = site.ask(ip, sender, message.as_bytes()).await;
        assert_eq!((found.dmarc(), found.wish()), (result, wish), "{sender} {message}\n{found:#?}");
        assert_eq!(found.dmarc.iter().any(|check| check.result == Pass), result == Pass, "{message}\n{found:#?}");
    }
    // Where programs find the author that the form hides, it is asked for; whoever names nobody passes nothing.
    for value in ["\"a@example.org\"", "\"Ann <a@example.org>", "a@.example.org", "a@example.org@"] {
        let found = site.ask("192.0.2.1", "x@example.com", from(value).as_bytes()).await;
        assert_eq!((found.dmarc(), found.wish()), (Fail, DmarcPolicy::Reject), "{value}\n{found:#?}");
    }
    for value in ["Ann", "", "<>", "\"Ann <ann>"] {
        let found = site.ask("192.0.2.1", "a@example.org", from(value).as_bytes()).await;
        assert_eq!((found.dmarc(), found.dmarc.len()), (PermError, 1), "{value}\n{found:#?}");
        assert!(found.dmarc[0].why.raw().contains("no domain"), "{value}\n{found:#?}");
    }
    let two = from("a@example.org, x@bank.example");
    let found = site.ask("192.0.2.1", "a@example.org", two.as_bytes()).await;
    let each: Vec<AuthResult> = found.dmarc.iter().map(|check| check.result).collect();
    assert_eq!(each, [PermError, None], "{found:#?}");
}

#[tokio::test]
async fn what_cannot_be_found_out_is_neither_pass_nor_fail_and_ends_in_time() {
    let site = site("").await;
    let signed = site.signed(MESSAGE);
    site.server.trick("example.org", DnsTrick::Silent);
    site.server.trick("s1._domainkey.example.org", DnsTrick::Silent);
    site.server.trick("s2._domainkey.example.org", DnsTrick::Fail);
    site.server.trick("1.2.0.192.in-addr.arpa", DnsTrick::Silent);
    let start = Instant::now();
    let found = site.ask_until("192.0.2.1", "a@example.org", &signed, Duration::from_millis(500)).await;
    assert!(start.elapsed() < Duration::from_secs(20));
    let name = reverse_name(&site.resolver, [192, 0, 2, 1].into(), Instant::now() + Duration::from_millis(500)).await;
    assert_eq!((found.spf.result, name.result), (AuthResult::TempError, AuthResult::TempError));
    assert!(found.dkim.iter().all(|d| d.result == AuthResult::TempError), "{:?}", found.dkim);
    assert_eq!((found.dmarc(), found.wish()), (AuthResult::TempError, DmarcPolicy::None));
}

#[tokio::test]
async fn names_that_answer_slowly_do_not_switch_off_a_policy() {
    let site = site("slow.example TXT \"v=spf1 -all\"\n").await;
    let slow = DnsTrick::Slow(Duration::from_secs(600));
    for name in ["1.2.0.192.in-addr.arpa", "mail.example.com", "slow.example", "_dmarc.slow.example"] {
        site.server.trick(name, slow);
    }
    // A signature whose key does not come, and an author beside the one that is forged.
    site.server.trick("k._domainkey.slow.example", slow);
    let signature = "DKIM-Signature: v=1; a=rsa-sha256; d=slow.example; s=k; h=From; bh=AAAA; b=AAAA\r\n";
    let beside = MESSAGE.replace("Ann <ann@example.org>", "x@slow.example, ann@example.org");
    for message in [MESSAGE, &beside] {
        let message = format!("{signature}{message}");
        let found = site.ask_until("192.0.2.1", "a@slow.example", message.as_bytes(), Duration::from_secs(8)).await;
        assert_eq!((found.dmarc(), found.wish()), (AuthResult::Fail, DmarcPolicy::Reject), "{found:#?}");
    }
}

#[tokio::test]
async fn servers_may_add_a_date_and_a_message_id_and_nobody_a_second_one() {
    let site = site("").await;
    let bare: String = MESSAGE
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Date:") && !line.starts_with("Message-ID:"))
        .collect();
    let added = "Date: Mon, 2 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n";
    let message = [added.as_bytes(), &site.signed(&bare)].concat();
    let found = site.ask("203.0.113.1", "x@example.com", &message).await;
    assert_eq!(found.dkim.len(), 2);
    assert!(found.dkim.iter().all(|d| d.result == AuthResult::Pass), "{:?}", found.dkim);
    // Those that were there are signed, and that there are no more.
    let signed = String::from_utf8(site.signed(MESSAGE)).unwrap();
    let changed = [
        signed.replace("<1@example.org>", "<2@example.org>"),
        format!("Date: Mon, 1 Jan 2001 00:00:00 +0000\r\n{signed}"),
        format!("Message-ID: <2@example.org>\r\n{signed}"),
    ];
    for message in changed {
        let found = site.ask("203.0.113.1", "x@example.com", message.as_bytes()).await;
        assert!(found.dkim.iter().all(|d| d.result == AuthResult::Fail), "{message}\n{:?}", found.dkim);
    }
}

#[tokio::test]
async fn a_key_that_is_gone_is_permanent() {
    let site = site("").await;
    let signed = site.signed(MESSAGE);
    let without: Vec<&str> = site.zone.lines().filter(|line| !line.starts_with("s1.")).collect();
    site.server.set(&without.join("\n"));
    let found = site.ask("203.0.113.1", "x@example.com", &signed).await;
    let results: Vec<AuthResult> = found.dkim.iter().map(|d| d.result).collect();
    assert_eq!(results, [AuthResult::PermError, AuthResult::Pass]);
}

#[tokio::test]
async fn some_hundred_damaged_messages_are_answered() {
    let site = site("").await;
    let signed = site.signed(MESSAGE);
    let mut state = 0x9e37_79b9_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    // What the signatures are about: everything behind them.
    let from = signed.windows(6).position(|at| at == b"From: ").unwrap();
    let (mut passed, mut failed) = (0, 0);
    for round in 0..300 {
        let mut message = signed.clone();
        let only_signed = round % 2 == 0;
        for _ in 0..=random(4) {
            let low = if only_signed { from } else { 0 };
            let at = low + random(message.len().saturating_sub(low).max(1));
            match random(3) {
                // A letter for another, so that no canonical form can be the same.
                _ if only_signed && at < message.len() => {
                    let letter = message[at].is_ascii_alphanumeric();
                    message[at] = if letter { if message[at] == b'x' { b'y' } else { b'x' } } else { message[at] };
                }
                0 if at < message.len() => message[at] = u8::try_from(random(256)).unwrap(),
                1 if at < message.len() => drop(message.remove(at)),
                _ => message.truncate(at.max(1)),
            }
        }
        let found = site.ask("203.0.113.1", "x@example.com", &message).await;
        assert!(found.dkim.len() <= 10);
        if only_signed {
            let same = message.eq_ignore_ascii_case(&signed) && message == signed;
            let passes = found.dkim.iter().filter(|d| d.result == AuthResult::Pass).count();
            // Whoever did not sign exactly this does not pass for it.
            assert_eq!(passes, if same { 2 } else { 0 }, "{}", String::from_utf8_lossy(&message));
            (passed, failed) = (passed + u32::from(same), failed + u32::from(!same));
        }
    }
    assert!(passed > 0 && failed > 50, "{passed} {failed}");
}

/// Verifies each signature of the message on standard input; the DNS is a JSON object of the environment.
const DKIMPY: &str = r#"
import json, os, sys
import dkim
zone = json.loads(os.environ["ZONE"])
raw = sys.stdin.buffer.read()
answer = lambda name, timeout=5: zone.get((name.decode() if isinstance(name, bytes) else name).rstrip(".") , "").encode() or None
for index in range(int(os.environ["COUNT"])):
    print(dkim.DKIM(raw).verify(idx=index, dnsfunc=answer))
"#;

#[test]
fn dkimpy_verifies_both_kinds_of_signature() {
    if !std::path::Path::new("/usr/lib/python3/dist-packages/dkim/__init__.py").exists() {
        testkit::peers::skipped("python3-dkim");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let site = runtime.block_on(site(""));
    let zone: serde_json::Map<String, serde_json::Value> =
        site.signers.records().into_iter().map(|record| (record.name, record.text.into())).collect();
    let verified = |message: &[u8]| {
        use std::io::Write;
        let mut python = std::process::Command::new("/usr/bin/python3")
            .args(["-c", DKIMPY])
            .env("ZONE", serde_json::Value::Object(zone.clone()).to_string())
            .env("COUNT", "2")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        python.stdin.take().unwrap().write_all(message).unwrap();
        let done = python.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let odd = MESSAGE
        .replace("Subject: Minutes", "subject:  Minutes \r\n\tof  May")
        .replace("See below.\r\n", " a  b\t\r\n.\r\n\r\n\r\n");
    for message in [MESSAGE, &odd] {
        let signed = site.signed(message);
        assert_eq!(verified(&signed), "True\nTrue\n");
        let changed = String::from_utf8(signed).unwrap().replace("bob@example.net", "eve@example.net");
        assert_eq!(verified(changed.as_bytes()), "False\nFalse\n");
    }
}
