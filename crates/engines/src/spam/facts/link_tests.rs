//! Links are found, taken apart and bounded.

use super::*;

#[test]
fn links_are_found_and_taken_apart() {
    let mut found = Links::default();
    in_text("see http://a.example/x?y, HTTPS://b.example:8080/ (www.c.example) xwww.d.example http:// e", &mut found);
    let found = found.list;
    let hosts: Vec<&str> = found.iter().map(|link| link.host.as_str()).collect();
    assert_eq!(hosts, ["a.example", "b.example", "www.c.example"]);
    assert_eq!((found[1].port.as_str(), found[1].scheme.as_str()), ("8080", "https"));
    let link = Link::read("http://www.bank.example@192.0.2.1/login").unwrap();
    assert_eq!(
        (link.user.as_str(), link.host.as_str(), link.path.as_str()),
        ("www.bank.example", "192.0.2.1", "/login")
    );
    assert_eq!(Link::read("cid:1@x"), None);
    assert!(!Link::read("mailto:a@example.org").unwrap().is_web());
}

#[test]
fn a_link_is_relative_to_its_page_as_in_browsers() {
    let base = Link::read("http://a.example/d/p.html?q/r").unwrap();
    let cases =
        [("y", "/d/y"), ("x/../y?z", "/d/x/../y?z"), ("/y", "/y"), ("?y", "/d/p.html?y"), ("#y", "/d/p.html#y")];
    for (written, path) in cases {
        let link = Link::within(written, Some(&base)).unwrap();
        assert_eq!((link.host.as_str(), link.path.as_str()), ("a.example", path), "{written}");
    }
    let bare = Link::read("http://a.example").unwrap();
    assert_eq!(["y", "?y"].map(|it| Link::within(it, Some(&bare)).unwrap().path), ["/y", "/?y"]);
}

#[test]
fn registered_names_are_found_by_rule_of_thumb() {
    let cases = [
        ("www.example.org", "example.org"),
        ("example.org", "example.org"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("localhost", "localhost"),
        ("", ""),
    ];
    for (host, expected) in cases {
        assert_eq!(registered(host), expected, "{host}");
    }
}

#[test]
fn no_piece_of_a_word_of_a_megabyte_is_longer_than_the_limit() {
    let long = |letters: &str| letters.repeat((1 << 20) / letters.len());
    let cases = [
        (format!("http://{}.bad.example/x", long("a")), ".bad.example"),
        (format!("http://{}@bad.example:80/x", long("a")), "bad.example"),
        (format!("http://bad.example:{}/x", long("7")), "bad.example"),
        (format!("http://bad.example/{}", long("%")), "bad.example"),
        (format!("http://{}bad.example", long("\u{ad}")), "bad.example"),
        (format!("http://{}.bad.example", long("%C4%B0")), ".bad.example"),
        (format!("http://bad.example{}", long(".,")), "bad.example"),
    ];
    for (address, host) in cases {
        let mut found = Links::default();
        in_text(&address, &mut found);
        let [link] = found.list.as_slice() else { panic!("{} links", found.list.len()) };
        let pieces = [&link.raw, &link.user, &link.host, &link.written, &link.port, &link.path];
        assert!(pieces.iter().all(|piece| piece.len() <= MAX_LENGTH), "{host}");
        assert!(link.host.ends_with(host), "{host}: {}", link.host);
    }
}

#[test]
fn many_colons_take_linear_time() {
    let begun = testkit::CpuClock::now();
    let mut found = Links::default();
    in_text(&":.".repeat(500_000), &mut found);
    in_text(&"www.".repeat(300_000), &mut found);
    assert!(begun.elapsed().as_secs() < 20);
}
