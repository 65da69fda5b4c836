//! Lists in the DNS that tell the truth, have an error, lie, refuse, are slow, or say nothing.

use std::sync::Arc;
use std::time::Duration;

use judge::policy::DnsList;
use judge::units::Time;
use net::dns::{Figures, Resolver};
use net::lists::{Said, Subject, ask};
use settings::config::Dns;
use settings::values::DnsServer as ServerAddress;
use testkit::{DnsServer, DnsTrick};
use tokio::time::Instant;

const ZONE: &str = r#"
7.2.0.192.one.example A 127.0.0.2
7.2.0.192.two.example A 127.0.0.4
7.2.0.192.blocked.example A 127.255.255.254
7.2.0.192.parked.example A 198.51.100.1
7.2.0.192.mixed.example A 127.0.0.2
7.2.0.192.mixed.example A 127.255.255.254
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.one.example A 127.0.0.3
bad.example.com.one.example A 127.0.0.2
"#;

fn list(zone: &str, weight: u8) -> DnsList {
    DnsList { zone: zone.to_owned(), weight }
}

async fn answers(server: &DnsServer, zones: &[&str], subjects: &[Subject], limit: u64) -> (Vec<String>, Vec<Said>) {
    let config = Dns { servers: vec![ServerAddress(server.address())], timeout: Time(limit), trust_ad: false };
    let resolver = Resolver::new(&config, Arc::new(Figures::default()));
    let lists: Vec<DnsList> = zones.iter().map(|zone| list(zone, 40)).collect();
    let mut said = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    let found = ask(&resolver, &lists, subjects, deadline, |one| said.push(one)).await;
    said.sort();
    (found.listed.into_iter().map(|(what, zone, _)| format!("{what} {zone}")).collect(), said)
}

fn address() -> Vec<Subject> {
    vec![Subject::Address("192.0.2.7".parse().unwrap())]
}

#[tokio::test]
async fn ex_02_ex_12_listed_is_only_what_a_list_says_is_listed() {
    let server = DnsServer::start(ZONE).await;
    server.trick("7.2.0.192.refused.example", DnsTrick::Refuse);
    server.trick("7.2.0.192.failed.example", DnsTrick::Fail);
    let zones = [
        "one.example",
        "two.example.",
        "clean.example",
        "blocked.example",
        "parked.example",
        "mixed.example",
        "refused.example",
        "failed.example",
    ];
    let (listed, said) = answers(&server, &zones, &address(), 20_000).await;
    assert_eq!(listed, ["192.0.2.7 one.example", "192.0.2.7 two.example."]);
    let errors = said.iter().filter(|said| **said == Said::Error).count();
    assert_eq!((errors, said.len()), (5, 8), "{said:?}");
}

#[tokio::test]
async fn ex_03_links_are_asked_about_by_domain_and_addresses_backwards() {
    let server = DnsServer::start(ZONE).await;
    let subjects = [
        Subject::Host("bad.example.com".to_owned()),
        Subject::Host("192.0.2.7".to_owned()),
        Subject::Host("fine.example.com".to_owned()),
        Subject::Host("localhost".to_owned()),
        Subject::Host("a..b".to_owned()),
        Subject::Address("2001:db8::1".parse().unwrap()),
    ];
    let (listed, said) = answers(&server, &["one.example"], &subjects, 20_000).await;
    assert_eq!(listed, ["192.0.2.7 one.example", "2001:db8::1 one.example", "bad.example.com one.example"]);
    assert!(!said.contains(&Said::Error), "{said:?}");
}

#[tokio::test]
async fn ex_11_slow_silent_and_lying_lists_cost_their_time_and_no_more() {
    let server = DnsServer::start(ZONE).await;
    server.trick("7.2.0.192.silent.example", DnsTrick::Silent);
    server.trick("7.2.0.192.lying.example", DnsTrick::Lie);
    server.trick("7.2.0.192.one.example", DnsTrick::Slow(Duration::from_millis(200)));
    let begun = Instant::now();
    let zones = ["one.example", "silent.example", "lying.example"];
    let (listed, said) = answers(&server, &zones, &address(), 15_000).await;
    assert_eq!(listed, ["192.0.2.7 one.example"]);
    assert_eq!(said, [Said::Listed, Said::Error, Said::Error]);
    assert!(begun.elapsed() < Duration::from_secs(29), "they are asked at once, not one after the other");
}

/// SHA-1 of "seller@example.com", and base32 of the SHA-256 of "x".
const HASHED: &str = "\
580e71ec21abff01b67406cbc5988e6957715548.mails.example A 127.0.0.2
fvyrmqvxe2yeialcpsu7xlbs6xefgd5rsa6mjwycewdrpeq2jcaq.files.example A 127.0.0.2
";

#[tokio::test]
async fn ex_04_addresses_and_files_are_asked_about_by_their_hashes() {
    let address = "Seller@Example.com";
    let server = DnsServer::start(HASHED).await;
    let mails = [Subject::Mail(address.to_owned()), Subject::Mail("other@example.com".to_owned())];
    let (listed, said) = answers(&server, &["mails.example"], &mails, 20_000).await;
    assert_eq!((listed, said), (vec![format!("{address} mails.example")], vec![Said::Listed, Said::Absent]));
    let hex = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
    let file = Subject::File(std::array::from_fn(byte));
    let (listed, _) = answers(&server, &["files.example"], &[file, Subject::File([7; 32])], 20_000).await;
    assert_eq!(listed, ["2d711642b726 files.example"]);
}

/// Base32 of the SHA-256 of what stands behind each.
fn hashed_urls() -> String {
    let forms = [
        ("z5bnmafxtkt2xl2gffzz5uvclx2kxjs3ih2mojt2bto357n32bgq", "xn--bcher-kva.example:8080/a?b=1"),
        ("a3q5qtgcthhwelbjmyfkehr24fuxe2gxnyunc4apzy2gbewwgcna", "sites.example/u/page"),
        ("ln7vd42cunuzlo7ab73joislzp5bjfi4obevzyz3ltnn437f4kwq", "shop.example/"),
    ];
    forms.iter().map(|(hash, _)| format!("{hash}.urls.example A 127.0.0.2\n")).collect()
}

#[tokio::test]
async fn ex_04_links_are_asked_about_by_hash_whole_without_query_and_by_host() {
    let cases = [
        ("b\u{fc}cher.example:8080/a?b=1", Some("xn--bcher-kva.example:8080/a?b=1")),
        ("b\u{fc}cher.example:8080/a?b=2", None),
        ("sites.example/u/page?id=7", Some("sites.example/u/page")),
        ("sites.example/u/Page", None),
        ("shop.example:81/any/thing?x", Some("shop.example/")),
        ("shop.example/", Some("shop.example/")),
        ("www.shop.example/", None),
        ("[2001:db8::1]:81/x", None),
    ];
    let server = DnsServer::start(&hashed_urls()).await;
    for (url, listed) in cases {
        let subjects = Subject::of_url(url);
        let (found, said) = answers(&server, &["urls.example"], &subjects, 20_000).await;
        let expected: Vec<String> = listed.iter().map(|form| format!("{form} urls.example")).collect();
        assert_eq!(found, expected, "{url}");
        assert_eq!(said.len(), subjects.len(), "{url}: {said:?}");
    }
    assert_eq!(Subject::of_url("shop.example/").len(), 1);
    assert_eq!(Subject::of_url("shop.example/a").len(), 2);
}

#[tokio::test]
async fn ex_11_ex_12_a_list_of_links_that_lies_refuses_or_is_silent_lists_nothing() {
    let server = DnsServer::start(&hashed_urls()).await;
    let hash = "ln7vd42cunuzlo7ab73joislzp5bjfi4obevzyz3ltnn437f4kwq";
    for (zone, trick) in [
        ("refused.example", DnsTrick::Refuse),
        ("failed.example", DnsTrick::Fail),
        ("silent.example", DnsTrick::Silent),
        ("lying.example", DnsTrick::Lie),
    ] {
        server.trick(&format!("{hash}.{zone}"), trick);
    }
    server.trick(&format!("{hash}.urls.example"), DnsTrick::Slow(Duration::from_millis(200)));
    let zones = ["refused.example", "failed.example", "silent.example", "lying.example", "urls.example"];
    let (found, said) = answers(&server, &zones, &Subject::of_url("shop.example/"), 15_000).await;
    assert_eq!(found, ["shop.example/ urls.example"]);
    assert_eq!(said, [Said::Listed, Said::Error, Said::Error, Said::Error, Said::Error]);
}
