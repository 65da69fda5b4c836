//! Signatures that others made, with keys and lengths that ours never have: what they are worth (RFC 6376, RFC 8301).
//!
//! They were made with dkimpy; the private keys are gone.

use std::sync::Arc;
use std::time::Duration;

use judge::units::Time;
use mail::evidence::{AuthResult, Authentication, Claim};
use net::dns::Resolver;
use settings::config::Dns;
use settings::values::DnsServer as ServerAddress;
use testkit::DnsServer;
use tokio::time::Instant;

const MESSAGE: &str = "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: Minutes\r\n\
    Date: Mon, 2 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nSee below.\r\n";

/// A key of 768 bits, and one of 1024.
const ZONE: &str = "s768._domainkey.example.org TXT v=DKIM1; k=rsa; \
    p=MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAKxiyhEll2NhW5FljFlrrt334iIZAU4GbHRIeo13gmZH5p9TfQukjD3aWKBFMnUxIFdj8ocrPsjQB/dc\
    By2u/E0WaWdDVzYAs3uhVuCVkTTmEkjWz1uxZwvPeFG29j6JqQIDAQAB\n\
    whole._domainkey.example.org TXT v=DKIM1; k=rsa; \
    p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCd5lJWI3345mh2XxrgwkhjwSZikPf8XQBDSk29eBx27BuC5QlgtiHBkr/fdEFCuTdl5//YIl1J\
    TXJWCKl4VxwPaTAliu10xggjjdyijUBls04moNVQAV0YZ5Z0rkcCpI892tgtGGA1WCYsQUfSBc8ZpwY2NY5MIj9GY9e8Qy5rKQIDAQAB\n\
    _dmarc.example.org TXT v=DMARC1; p=reject\n";

/// Valid, of a key of 768 bits.
const SHORT: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;\r\n i=@example.org; q=dns/txt; \
    s=s768; t=1795359079; h=from : subject;\r\n bh=e+QFqXlTY6C5Ja8oQbmCAwjfYufIE1b3O5qeAk1LL4A=;\r\n \
    b=ZgOnbxHJduHItc97/cqTfyD2kX1y68vl8eqZCCFlr97X+lFwKSwI/4GSQdL1CpFENCJhg\r\n \
    Fm8p+bif3ensGAJAHFv3SVrArN9iHvE9NiCZSZVjlehjnzf42p8Mj39+GAX\r\n";

/// Valid, of 12 bytes of the body: all that there are.
const WHOLE: [&str; 2] = [
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;\r\n i=@example.org; l=12; q=dns/txt; s=whole; \
     t=1795359079; h=from :\r\n subject; bh=e+QFqXlTY6C5Ja8oQbmCAwjfYufIE1b3O5qeAk1LL4A=;\r\n \
     b=TwZ3hXRT63CqpUJwR59RvUAqPEDBDwD3wg6MQbraz05iLGd2dlBlx34hDPlfB7BB7tlVy\r\n \
     k5r/LNfA9v7FXboVhZHEvk5ryKbiyXmGmeHFzLT9JMauVWJzVKesRUKjiP/o1M3R9P/gHyG\r\n \
     rg6AqHgRIt/VmQcw+crHOs4utsOUZhU=\r\n",
    "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=example.org;\r\n i=@example.org; l=12; q=dns/txt; s=whole; \
     t=1795359079; h=from :\r\n subject; bh=e+QFqXlTY6C5Ja8oQbmCAwjfYufIE1b3O5qeAk1LL4A=;\r\n \
     b=IW19Agw0fV1SMRszOZqpRyqqUDE+UzHf/QiOkqctSDfzp44G8anKhoNF6QhEfrUlK9fgY\r\n \
     l0qiiPk/Xj7Mr9PAnYtjqZcgDkYBk/D9lUGkK3/tVh5ZmoGYbhrd3cISaKGQr/gzQRAGu+C\r\n \
     WsG7URuXE49pOU/ya6gMcvKoFm97RUA=\r\n",
];

/// Valid, of an identity below the domain.
const BELOW: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;\r\n i=x@sub.example.org; q=dns/txt; \
    s=ident; t=1795372448; h=from :\r\n subject; bh=e+QFqXlTY6C5Ja8oQbmCAwjfYufIE1b3O5qeAk1LL4A=;\r\n \
    b=dfdc5XSve4bCnV4t4CJh2DMDI2wp/oNa7S3D/ZKjZjPqMhA/fm/kSO20wl+zLRyY15gdk\r\n \
    0MPElQMUNSkhqjXRwnhuclLIWSK61rW3UcCp0G+3yO5oG/FgF8HdRQ1Xgm5Ld36tqpi3utI\r\n wNvTtIEBMlmnDBUbrZJzAY22Bs8v5V0=\r\n";

/// The same of an identity in the domain itself.
const ITSELF: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;\r\n i=x@example.org; q=dns/txt; \
    s=ident; t=1795372448; h=from : subject;\r\n bh=e+QFqXlTY6C5Ja8oQbmCAwjfYufIE1b3O5qeAk1LL4A=;\r\n \
    b=dY/PzTH+Q397V8Ip5C0iIyK50tuhRCrsY4dqiqEHkJNYERCPLrnHzDJ5Ln68s3AiiqWZO\r\n \
    QEYR4ipbtX+Y9QlgYljIhrD7FUIZ3JY6jlopI3qBmkNA7U6HtwQbZAw+XLp8pBBC0ncqWQn\r\n tvvOUSmLp+mr7iEbL6sx6D7pWUIsyNk=\r\n";

/// The key of both.
const IDENT: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC/hGIhJoXzLSE6bSag4Bi+d37awTQjUHMpkU0J0mlKRXaHJXgfM1Tvy0t0JLF+\
    z0TPTxCgoUa0tcFY9I9xJe4IZB53lKqJ28oczf0/vSO+A47CBA0qU26RbR/91ggkmNHD1v0m90zHSFs+DK6Uh96EOPsfW/LPfL9POfMT44bQfwIDAQAB";

async fn look(message: &str) -> Authentication {
    look_in(ZONE, message).await
}

async fn look_in(zone: &str, message: &str) -> Authentication {
    let server = DnsServer::start(zone).await;
    let config = Dns { servers: vec![ServerAddress(server.address())], timeout: Time(20_000), trust_ad: false };
    let resolver = Resolver::new(&config, Arc::default());
    let whole: Arc<[u8]> = Arc::from(message.as_bytes());
    let deadline = Instant::now() + Duration::from_secs(60);
    net::auth::authenticate(&resolver, &Claim::default(), message.as_bytes(), async { Ok(whole) }, deadline).await
}

fn results(found: &Authentication) -> Vec<AuthResult> {
    found.dkim.iter().map(|check| check.result).collect()
}

#[tokio::test]
async fn a_signature_of_a_key_that_is_too_short_to_be_verified_is_policy() {
    let found = look(&format!("{SHORT}{MESSAGE}")).await;
    assert_eq!((results(&found), found.dkim[0].bits), (vec![AuthResult::Policy], 768), "{:?}", found.dkim);
    assert!(found.dkim[0].why.raw().contains("1024 bits"), "{:?}", found.dkim);
    assert_eq!(found.dmarc(), AuthResult::Fail);
    // What the body alone tells is told.
    let changed = look(&format!("{SHORT}{MESSAGE}").replace("below", "above")).await;
    assert_eq!(results(&changed), [AuthResult::Fail]);
}

#[tokio::test]
async fn a_length_counts_as_none_where_it_is_that_of_the_whole_body() {
    for signature in WHOLE {
        let message = format!("{signature}{MESSAGE}");
        let found = look(&message).await;
        assert_eq!((results(&found), found.dmarc()), (vec![AuthResult::Pass], AuthResult::Pass), "{:?}", found.dkim);
        // With more behind it a part is signed; with less, or else, nothing is.
        let cases = [
            (format!("{message}Pay here.\r\n"), AuthResult::Policy),
            (message.replace("See below.", "See."), AuthResult::Policy),
            (message.replace("See below.", "See above."), AuthResult::Fail),
            (message.replace("Subject: Minutes", "Subject: Hours"), AuthResult::Fail),
        ];
        for (other, result) in cases {
            let found = look(&other).await;
            assert_eq!((results(&found), found.dmarc()), (vec![result], AuthResult::Fail), "{other}");
        }
    }
}

#[tokio::test]
async fn a_whole_length_stands_among_others_in_its_order_and_hides_none() {
    let [relaxed, simple] = WHOLE;
    let part = relaxed.replace("l=12", "l=3");
    // Lengths of parts, more than are looked at, and two of the whole before and behind them.
    let found = look(&format!("{relaxed}{}{SHORT}{simple}{MESSAGE}", part.repeat(3))).await;
    use AuthResult::{Pass, Policy};
    assert_eq!(results(&found), [Pass, Policy, Policy, Policy, Policy, Pass], "{:?}", found.dkim);
    let found = look(&format!("{}{SHORT}{relaxed}{MESSAGE}", part.repeat(30))).await;
    assert_eq!(found.dkim.len() + usize::try_from(found.dkim_left).expect("few"), 32);
    assert!(results(&found).iter().all(|result| *result != Pass), "{:?}", found.dkim);
}

#[tokio::test]
async fn a_key_that_is_not_for_this_use_makes_no_signature_pass() {
    use AuthResult::{Fail, Pass, PermError};
    let below = |tags: &str| format!("ident._domainkey.example.org TXT v=DKIM1; {tags} p={IDENT}\n");
    let cases = [
        ("", ITSELF, vec![Pass]),
        ("s=*;", ITSELF, vec![Pass]),
        ("s=foo:email;", ITSELF, vec![Pass]),
        ("s=foo;", ITSELF, vec![PermError]),
        ("h=sha256;", ITSELF, vec![Pass]),
        ("h=sha1:sha256;", ITSELF, vec![Pass]),
        ("h=sha1;", ITSELF, vec![PermError]),
        ("h=sha512;", ITSELF, vec![PermError]),
        ("t=y;", ITSELF, vec![Pass]),
        ("t=s;", ITSELF, vec![Pass]),
        ("", BELOW, vec![Pass]),
        ("t=y:s;", BELOW, vec![Fail]),
    ];
    for (tags, signature, expected) in cases {
        let zone = format!("{}_dmarc.example.org TXT v=DMARC1; p=reject\n", below(tags));
        let found = look_in(&zone, &format!("{signature}{MESSAGE}")).await;
        assert_eq!(results(&found), expected, "{tags} {:?}", found.dkim);
        assert_eq!(found.dmarc() == Pass, expected == [Pass], "{tags} {:?}", found.dmarc);
    }
    // A key for mail beside one that is for something else.
    let zone = [below("s=foo;"), below("s=email;")].concat();
    assert_eq!(results(&look_in(&zone, &format!("{ITSELF}{MESSAGE}")).await), [Pass]);
}
