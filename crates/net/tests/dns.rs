//! The resolver against a DNS server that tells the truth, lies, refuses, is slow, or says nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use judge::units::Time;
use net::dns::{DnsError, Figures, Mx, Resolver};
use settings::config::Dns;
use settings::values::DnsServer as ServerAddress;
use testkit::{DnsServer, DnsTrick};
use tokio::time::Instant;

const ZONE: &str = r#"
example.org A 192.0.2.1
example.org A 192.0.2.2
example.org AAAA 2001:db8::1
example.org MX 20 mx2.example.org
example.org MX 10 MX1.example.org
example.org TXT "v=spf1 " "-all"
null.example.org MX 0 .
www.example.org CNAME web.example.org
web.example.org A 192.0.2.3
loop.example.org CNAME loop2.example.org
loop2.example.org CNAME loop.example.org
deep.empty.example.org A 192.0.2.4
*.wild.example.org A 192.0.2.5
1.2.0.192.in-addr.arpa PTR Mail.Example.org
_25._tcp.mx1.example.org TLSA 3 1 1 00ff10
big.example.org A 192.0.2.6
"#;

fn far() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// A resolver that asks these servers; a question may take `timeout` ms.
fn resolver(servers: &[&DnsServer], timeout: u64, trust_ad: bool) -> Resolver {
    let servers = servers.iter().map(|server| ServerAddress(server.address())).collect();
    Resolver::new(&Dns { servers, timeout: Time(timeout), trust_ad }, Arc::new(Figures::default()))
}

fn count(resolver: &Resolver, name: &str) -> u64 {
    let figures = resolver.figures();
    let counter = match name {
        "questions" => &figures.questions,
        "hits" => &figures.hits,
        "timeouts" => &figures.timeouts,
        "failures" => &figures.failures,
        _ => &figures.odd,
    };
    counter.load(Ordering::Relaxed)
}

#[tokio::test]
async fn every_kind_of_record_is_read() {
    let server = DnsServer::start(ZONE).await;
    let dns = resolver(&[&server], 20_000, false);
    let a = dns.a("Example.ORG", far()).await.unwrap();
    assert_eq!(a.records, [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)]);
    assert_eq!((a.ttl, a.authenticated), (Duration::from_secs(300), false));
    assert_eq!(
        dns.aaaa("example.org.", far()).await.unwrap().records,
        ["2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap()]
    );
    let mx = |preference, host: &str| Mx { preference, host: host.to_owned() };
    let found = dns.mx("example.org", far()).await.unwrap().records;
    assert_eq!(found, [mx(10, "mx1.example.org"), mx(20, "mx2.example.org")]);
    assert_eq!(dns.mx("null.example.org", far()).await.unwrap().records, [mx(0, "")]);
    assert_eq!(dns.txt("example.org", far()).await.unwrap().records, [b"v=spf1 -all".to_vec()]);
    let address: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
    assert_eq!(dns.ptr(address, far()).await.unwrap().records, ["mail.example.org"]);
    let tlsa = dns.tlsa("_25._tcp.mx1.example.org", far()).await.unwrap().records.remove(0);
    assert_eq!((tlsa.usage, tlsa.selector, tlsa.matching, tlsa.data), (3, 1, 1, vec![0, 255, 16]));
    assert_eq!(dns.a("www.example.org", far()).await.unwrap().records, [Ipv4Addr::new(192, 0, 2, 3)]);
    assert_eq!(dns.a("any.wild.example.org", far()).await.unwrap().records, [Ipv4Addr::new(192, 0, 2, 5)]);
}

#[tokio::test]
async fn what_there_is_not_is_told_apart() {
    let server = DnsServer::start(ZONE).await;
    server.trick("refused.example.org", DnsTrick::Refuse);
    server.trick("failed.example.org", DnsTrick::Fail);
    let dns = resolver(&[&server], 20_000, false);
    let cases = [
        ("missing.example.org", DnsError::NoName),
        ("empty.example.org", DnsError::NoData),
        ("loop.example.org", DnsError::NoData),
        ("refused.example.org", DnsError::Refused("REFUSED".to_owned())),
        ("a..b", DnsError::BadName("a..b".to_owned())),
    ];
    for (name, error) in cases {
        assert_eq!(dns.a(name, far()).await.unwrap_err(), error, "{name}");
    }
    assert_eq!(dns.aaaa("web.example.org", far()).await.unwrap_err(), DnsError::NoData);
    let failed = dns.a("failed.example.org", far()).await.unwrap_err();
    assert!(matches!(failed, DnsError::Temporary(_)) && !failed.is_absent(), "{failed}");
    assert_eq!((count(&dns, "failures"), count(&dns, "timeouts")), (2, 0));
}

#[tokio::test]
async fn what_was_asked_is_not_asked_again() {
    let server = DnsServer::start(ZONE).await;
    server.trick("failed.example.org", DnsTrick::Fail);
    let dns = resolver(&[&server], 20_000, false);
    for _ in 0..3 {
        dns.a("example.org", far()).await.unwrap();
        dns.a("EXAMPLE.org.", far()).await.unwrap();
        assert_eq!(dns.a("missing.example.org", far()).await.unwrap_err(), DnsError::NoName);
        dns.a("failed.example.org", far()).await.unwrap_err();
    }
    let asked = |name: &str| server.asked().iter().filter(|asked| *asked == name).count();
    assert_eq!((asked("example.org. A"), asked("missing.example.org. A")), (1, 1));
    // Twice in one go, then the failure holds for a moment.
    assert_eq!(asked("failed.example.org. A"), 2);
    assert_eq!((count(&dns, "questions"), count(&dns, "hits")), (12, 9));
}

#[tokio::test]
async fn only_the_answer_to_the_question_counts() {
    let server = DnsServer::start(ZONE).await;
    server.trick("example.org", DnsTrick::LieFirst);
    server.trick("web.example.org", DnsTrick::Lie);
    let dns = resolver(&[&server], 2_000, false);
    assert_eq!(dns.a("example.org", far()).await.unwrap().records.len(), 2);
    assert_eq!(count(&dns, "odd"), 3);
    assert!(matches!(dns.a("web.example.org", far()).await, Err(DnsError::Temporary(_))));
    assert_eq!(count(&dns, "timeouts"), 1);
}

#[tokio::test]
async fn an_answer_that_was_cut_comes_over_tcp() {
    let server = DnsServer::start(ZONE).await;
    server.trick("big.example.org", DnsTrick::Cut);
    let dns = resolver(&[&server], 20_000, false);
    assert_eq!(dns.a("big.example.org", far()).await.unwrap().records, [Ipv4Addr::new(192, 0, 2, 6)]);
    assert_eq!(server.asked(), ["big.example.org. A", "big.example.org. A"]);
}

#[tokio::test]
async fn a_server_that_is_silent_or_refuses_leaves_the_question_to_the_next() {
    let (first, second) = (DnsServer::start(ZONE).await, DnsServer::start(ZONE).await);
    first.trick("example.org", DnsTrick::Silent);
    first.trick("web.example.org", DnsTrick::Refuse);
    let dns = resolver(&[&first, &second], 4_000, false);
    assert_eq!(dns.a("web.example.org", far()).await.unwrap().records.len(), 1);
    assert_eq!(dns.a("example.org", far()).await.unwrap().records.len(), 2);
    // The one that answered is asked first from now on.
    dns.a("deep.empty.example.org", far()).await.unwrap();
    assert!(!first.asked().contains(&"deep.empty.example.org. A".to_owned()));
}

#[tokio::test]
async fn silence_ends_at_the_limit_and_at_the_deadline() {
    let server = DnsServer::start(ZONE).await;
    for name in ["one.example.org", "two.example.org"] {
        server.trick(name, DnsTrick::Silent);
    }
    let dns = resolver(&[&server], 1_000, false);
    let start = Instant::now();
    assert!(matches!(dns.a("one.example.org", far()).await, Err(DnsError::Temporary(_))));
    assert!(start.elapsed() < Duration::from_secs(20));
    let slow = resolver(&[&server], 600_000, false);
    let deadline = Instant::now() + Duration::from_millis(300);
    assert!(matches!(slow.a("two.example.org", deadline).await, Err(DnsError::Temporary(_))));
    assert!(deadline.elapsed() < Duration::from_secs(20));
    assert_eq!(count(&slow, "timeouts"), 1);
    server.trick("late.example.org", DnsTrick::Slow(Duration::from_millis(200)));
    server.set("late.example.org A 192.0.2.7");
    assert_eq!(resolver(&[&server], 20_000, false).a("late.example.org", far()).await.unwrap().records.len(), 1);
}

#[tokio::test]
async fn signed_is_what_a_trusted_server_says_is_signed() {
    let server = DnsServer::start(ZONE).await;
    for (says, trust, expected) in [(true, true, true), (true, false, false), (false, true, false)] {
        server.authenticated(says);
        let answer = resolver(&[&server], 20_000, trust).tlsa("_25._tcp.mx1.example.org", far()).await.unwrap();
        assert_eq!(answer.authenticated, expected, "the server says {says}, trust {trust}");
    }
}

#[tokio::test]
async fn without_a_server_questions_fail_at_once() {
    let gone = DnsServer::start(ZONE).await;
    let address = gone.address();
    drop(gone);
    let config = Dns { servers: vec![ServerAddress(address)], timeout: Time(20_000), trust_ad: false };
    let dns = Resolver::new(&config, Arc::new(Figures::default()));
    let start = Instant::now();
    assert!(matches!(dns.a("example.org", far()).await, Err(DnsError::Temporary(_))));
    assert!(start.elapsed() < Duration::from_secs(15), "a closed port says so");
}
