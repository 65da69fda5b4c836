//! Entries: how they are read, whom they name, and which is more specific.

use super::*;

fn value(text: &str) -> Value {
    Value::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn subject(text: &str) -> Subject {
    Subject::parse(text).expect(text)
}

#[test]
fn wl_03_wl_04_an_entry_is_an_address_a_mask_an_ip_address_or_a_network() {
    for (text, shown, kind) in [
        ("User@Example.ORG", "user@example.org", "address"),
        (" user@example.org. ", "user@example.org", "address"),
        ("example.org", "*@example.org", "address"),
        ("@example.org", "*@example.org", "address"),
        ("*.example.org", "*@*.example.org", "address"),
        ("news**@example.org", "news*@example.org", "address"),
        ("user@[192.0.2.1]", "user@[192.0.2.1]", "address"),
        ("192.0.2.1", "192.0.2.1", "network"),
        ("::ffff:192.0.2.1", "192.0.2.1", "network"),
        ("192.0.2.77/24", "192.0.2.0/24", "network"),
        ("2001:DB8::/32", "2001:db8::/32", "network"),
    ] {
        let read = value(text);
        assert_eq!((read.to_string().as_str(), read.kind()), (shown, kind), "{text}");
        assert_eq!(value(shown), read, "what is shown reads back");
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), read);
    }
}

#[test]
fn what_is_no_entry_is_told_with_its_reason() {
    for (text, why) in [
        ("", ValueError::Empty),
        ("   ", ValueError::Empty),
        ("a b@example.org", ValueError::Character(' ')),
        ("<a@example.org>", ValueError::Character('<')),
        ("a@example.org\u{7}", ValueError::Character('\u{7}')),
        ("a@", ValueError::Domain),
        ("a@exa..org", ValueError::Domain),
        ("a@x\u{3208}.example", ValueError::Domain),
        ("a@exa/mple.org", ValueError::Domain),
        ("a@b@example.org", ValueError::Character('@')),
        ("*", ValueError::Everything),
        ("*@*", ValueError::Everything),
        ("*@*.?", ValueError::Everything),
        ("0.0.0.0/0", ValueError::Everything),
        ("192.0.2.*", ValueError::Ip),
        ("192.0.2.300", ValueError::Ip),
        ("192.0.2.1-192.0.2.9", ValueError::Ip),
        ("192.0.2.1-9", ValueError::Ip),
        ("192.0.2.X", ValueError::Ip),
        ("192.0.2.0/33", ValueError::Ip),
        ("2001:db8::zz", ValueError::Ip),
        ("a@b\u{fc}*.example", ValueError::WildLetters),
        ("*a*b*c*d*e@*f*g*h*i.example", ValueError::Stars),
    ] {
        assert_eq!(Value::parse(text), Err(why), "{text:?}");
    }
    assert_eq!(Value::parse(&format!("{}@example.org", "a".repeat(MAX_VALUE))), Err(ValueError::TooLong));
}

#[test]
fn wl_08_masks_have_stars_and_question_marks_and_reach_every_level() {
    for (mask, address, fits) in [
        ("user@example.org", "USER@EXAMPLE.ORG", true),
        ("user@example.org", "\"user\"@example.org", true),
        ("user@example.org", "users@example.org", false),
        // A quoted pair is the character behind the backslash.
        ("user@example.org", "\"u\\ser\"@example.org", true),
        ("user@example.org", "\"\\u\\s\\e\\r\"@example.org", true),
        ("user@example.org", "u\\ser@example.org", true),
        ("user@example.org", "\"us er\"@example.org", false),
        ("user@example.org", "\"us\\\\er\"@example.org", false),
        ("*@example.org", "any@example.org", true),
        ("*@example.org", "any@mail.example.org", false),
        ("*@example.org", "any@badexample.org", false),
        ("*@*.example.org", "any@mail.example.org", true),
        ("*@*.example.org", "any@a.b.c.example.org", true),
        ("*@*.example.org", "any@example.org", false),
        ("*@*example.org", "any@badexample.org", true),
        ("news-*@example.org", "news-4711@example.org", true),
        ("news-*@example.org", "news@example.org", false),
        ("user?@example.org", "user1@example.org", true),
        ("user?@example.org", "user12@example.org", false),
        ("*a*b@example.org", "xxaxxbxxb@example.org", true),
        ("*a*b@example.org", "xxaxxbxx@example.org", false),
        ("?@mail-??.example.*", "a@mail-01.example.com", true),
        // No wildcard reaches across the @.
        ("a*org", "a@example.org", false),
        ("*@example.org", "x@evil.example", false),
    ] {
        assert_eq!(value(mask).fits(&subject(address)), fits, "{mask} {address}");
    }
}

#[test]
fn wl_08_bl_04_internationalised_domains_are_compared_in_one_form() {
    for (mask, address, fits) in [
        ("info@bücher.example", "info@xn--bcher-kva.example", true),
        ("info@xn--bcher-kva.example", "info@BÜCHER.example", true),
        ("*@*.bücher.example", "ü@mail.xn--bcher-kva.example", true),
        ("ü*@example.org", "ÜBER@example.org", true),
        ("info@bücher.example", "info@bucher.example", false),
    ] {
        assert_eq!(value(mask).fits(&subject(address)), fits, "{mask} {address}");
    }
}

#[test]
fn bl_05_d9_the_more_is_spelled_out_the_more_specific_an_entry_is() {
    let falling = [
        "user@example.org",
        "*@a.mail.example.org",
        "*@mail.example.org",
        "news*@*.example.org",
        "*@*.example.org",
        "*@*.org",
        "192.0.2.1",
        "192.0.2.0/25",
        "192.0.2.0/24",
        "192.0.0.0/16",
    ];
    for pair in falling.windows(2) {
        assert!(value(pair[0]).rank() > value(pair[1]).rank(), "{pair:?}");
    }
    assert!(value("2001:db8::1").rank() > value("2001:db8::/64").rank());
    assert!(value("2001:db8::/64").rank() > value("2001:db8::/32").rank());
    assert_eq!(value("192.0.2.1").rank(), value("2001:db8::1").rank());
}

#[test]
fn a_mask_takes_at_most_the_product_of_the_lengths() {
    let text = "a".repeat(MAX_COMPARED);
    let hostile = value("*a*a*a*a*a*a*a*b@example.org");
    let started = std::time::Instant::now();
    assert!(!hostile.fits(&Subject { local: text, domain: "example.org".to_owned() }));
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "no exponential way back");
}

#[test]
fn an_address_that_needs_its_quotes_keeps_them_in_one_form() {
    for (one, other) in [
        ("\"a b\"@example.org", "\"a\\ b\"@example.org"),
        ("\"a@b\"@example.org", "\"\\a\\@b\"@example.org"),
        ("\"a\\\"b\"@example.org", "\"a\\\"\\b\"@example.org"),
    ] {
        assert_eq!(subject(one), subject(other), "{one} {other}");
        assert_eq!(subject(&subject(one).to_string()), subject(one), "it reads back");
    }
    assert_ne!(subject("\"a b\"@example.org"), subject("\"ab\"@example.org"));
    assert_eq!(subject("\"\"@example.org").to_string(), "\"\"@example.org");
}
