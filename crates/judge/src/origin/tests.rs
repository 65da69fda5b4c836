//! Signs about a message's origin.

use mail::address::Address;
use mail::arrival::{Arrival, Envelope};
use mail::evidence::{
    ArcCheck, ArcHop, AuthResult, Authentication, Contact, DmarcCheck, DmarcPolicy, Memory, ReverseCheck, Sign,
    SignGroup, SpfCheck, short,
};

use super::recorded::{Recorded, arrival, report, site};
use super::*;

fn ids(policy: &Policy, from: &str, auth: Option<Authentication>) -> Vec<String> {
    signs(policy, &site(), &arrival(), &report(from, auth)).into_iter().map(|sign| sign.id).collect()
}

fn author(domain: &str, result: AuthResult, policy: DmarcPolicy) -> Vec<DmarcCheck> {
    vec![DmarcCheck { domain: short(domain), result, policy, ..DmarcCheck::default() }]
}

#[test]
fn ex_09_what_fails_is_a_sign_and_what_is_unknown_is_none() {
    use AuthResult::{Fail, None, Pass, PermError, SoftFail, TempError};
    let cases: [(AuthResult, AuthResult, DmarcPolicy, &[&str]); 9] = [
        (Pass, Pass, DmarcPolicy::Reject, &[]),
        (Fail, Pass, DmarcPolicy::Reject, &[]),
        (Fail, None, DmarcPolicy::None, &["spf_fail"]),
        (SoftFail, None, DmarcPolicy::None, &["spf_softfail"]),
        (TempError, TempError, DmarcPolicy::Reject, &[]),
        (PermError, PermError, DmarcPolicy::None, &[]),
        (Pass, Fail, DmarcPolicy::None, &["dmarc_fail"]),
        (Pass, Fail, DmarcPolicy::Quarantine, &["dmarc_fail_strict"]),
        (Fail, Fail, DmarcPolicy::Reject, &["spf_fail", "dmarc_fail_strict"]),
    ];
    for (spf, dmarc, wish, expected) in cases {
        let auth = Authentication {
            spf: SpfCheck { result: spf, ..SpfCheck::default() },
            dmarc: author("example.com", dmarc, wish),
            one_author: true,
            ..Authentication::default()
        };
        assert_eq!(ids(&Policy::default(), "a@example.com", Some(auth.clone())), expected, "{spf:?} {dmarc:?}");
        let mut off = Policy::default();
        off.authentication.enabled = false;
        assert_eq!(ids(&off, "a@example.com", Some(auth)), [""; 0]);
    }
}

#[test]
fn ex_08_ex_10_the_name_of_the_address_is_looked_at() {
    use AuthResult::{Fail, Pass, TempError};
    let cases: [(AuthResult, &str, &[&str]); 9] = [
        (Fail, "", &["reverse_missing"]),
        (Fail, "host.example.com", &["reverse_elsewhere"]),
        (TempError, "", &[]),
        (Pass, "mail.example.com", &[]),
        (Pass, "192-0-2-77.pool.example.com", &["dynamic_client"]),
        (Pass, "host-77-2-0-192.example.com", &["dynamic_client"]),
        (Pass, "dsl7.example.com", &["dynamic_client"]),
        (Pass, "mail-192-0-2-77.example.com", &[]),
        (Pass, "static.192-0-2-77.example.com", &[]),
    ];
    for (result, name, expected) in cases {
        let auth = Authentication {
            ip: Some([192, 0, 2, 77].into()),
            reverse: ReverseCheck { result, name: short(name), ..ReverseCheck::default() },
            ..Authentication::default()
        };
        assert_eq!(ids(&Policy::default(), "a@example.com", Some(auth.clone())), expected, "{name}");
        // Whether the sender is asked for as well makes no difference.
        let mut off = Policy::default();
        off.authentication.enabled = false;
        let only = Authentication { reverse_only: true, ..auth };
        for auth in [&only, &Authentication { reverse_only: false, ..only.clone() }] {
            assert_eq!(ids(&off, "a@example.com", Some(auth.clone())), expected, "{name}");
        }
        assert!(report("a@example.com", Some(only)).auth().is_none(), "nobody asked who sent it");
        let mut trusted = arrival();
        trusted.peer.trusted = true;
        assert_eq!(signs(&off, &site(), &trusted, &report("a@example.com", None)), []);
    }
}

#[test]
fn mail_from_outside_in_our_own_name_needs_a_proof() {
    use AuthResult::{Fail, None, Pass, TempError};
    let with = |result, aligned, arc| Authentication {
        dmarc: vec![DmarcCheck {
            domain: short("mail.example.org"),
            result,
            spf_aligned: aligned,
            ..Default::default()
        }],
        one_author: true,
        arc: ArcCheck { result: arc, ..ArcCheck::default() },
        ..Authentication::default()
    };
    let cases = [
        (with(None, false, None), true),
        (with(Fail, false, None), true),
        (with(None, true, None), false),
        (with(None, false, Pass), true),
        (with(Pass, false, None), false),
        (with(TempError, false, None), false),
    ];
    for (auth, expected) in cases {
        let found = ids(&Policy::default(), "a@mail.example.org", Some(auth.clone()));
        assert_eq!(found.iter().any(|id| id == "own_domain_unproven"), expected, "{auth:?}");
    }
}

#[test]
fn who_is_vouched_for_by_a_sealer_whom_the_policy_believes_is_no_stranger() {
    let hop = ArcHop { sealer: short("list.example"), passed: vec![short("example.org")] };
    let auth = Authentication {
        spf: SpfCheck { result: AuthResult::Fail, ..SpfCheck::default() },
        dmarc: author("example.org", AuthResult::Fail, DmarcPolicy::Reject),
        one_author: true,
        arc: ArcCheck { result: AuthResult::Pass, hops: vec![hop], ..ArcCheck::default() },
        ..Authentication::default()
    };
    let mut policy = Policy::default();
    let from = "a@example.org";
    assert_eq!(ids(&policy, from, Some(auth.clone())), ["spf_fail", "dmarc_fail_strict", "own_domain_unproven"]);
    policy.authentication.trusted_sealers = vec!["list.example".to_owned()];
    assert_eq!(ids(&policy, from, Some(auth.clone())), [""; 0]);
    // Of two authors it vouches for one.
    let mut two = auth.clone();
    two.dmarc.extend(author("bank.example", AuthResult::Fail, DmarcPolicy::None));
    assert_eq!(ids(&policy, from, Some(two)), ["spf_fail", "dmarc_fail"]);
    let mut broken = auth;
    broken.arc.result = AuthResult::Fail;
    assert_eq!(ids(&policy, from, Some(broken)), ["spf_fail", "dmarc_fail_strict", "own_domain_unproven"]);
}

#[test]
fn authors_of_several_domains_are_a_sign() {
    let with = |domains: &[&str], one_author| Authentication {
        dmarc: domains.iter().flat_map(|domain| author(domain, AuthResult::None, DmarcPolicy::None)).collect(),
        one_author,
        ..Authentication::default()
    };
    let of = |auth| ids(&Policy::default(), "a@example.com", Some(auth));
    assert_eq!(of(with(&["a.example", "b.example"], false)), ["authors_of_several_domains"]);
    assert_eq!(of(with(&["a.example"], false)), [""; 0]);
    assert_eq!(of(with(&["a.example"], true)), [""; 0]);
}

#[test]
fn borrowed_names_of_people_and_domains_are_seen() {
    let mut policy = Policy::default();
    policy.spam.impersonation.people = vec!["Ann B. Doe".to_owned(), "Bo".to_owned()];
    policy.spam.impersonation.domains = vec!["partner.example".to_owned()];
    let long = format!("({}) Ann B. Doe <x@example.com>", "x".repeat(1100));
    let cases: [(&str, &[&str]); 18] = [
        ("\"Ann B. Doe\" <ceo@example.com>", &["borrowed_person"]),
        ("DOE, ANN B <ceo@example.com>", &["borrowed_person"]),
        ("Αnn B Dое <ceo@example.com>", &["borrowed_person"]),
        ("Ann B. Doe <x@example.com> (<a@example.org>)", &["borrowed_person"]),
        ("x@example.com (Ann B. Doe)", &["borrowed_person"]),
        ("Ann B. Doe <x@example.com>, <b@example.com>", &["borrowed_person"]),
        (&long, &["borrowed_person"]),
        ("=?utf-8?q?Ann_B=2E_Doe_=3Ca=40example=2Eorg=3E?= <x@example.com>", &["borrowed_person"]),
        ("=?utf-8?q?Ann_B=2E_Doe?= <x@example.com>", &["borrowed_person"]),
        ("b@example.com, a@examp1e.org", &["lookalike_domain"]),
        ("a@example.org\r\nFrom: Ann Doe B <x@example.com>", &["borrowed_person"]),
        ("Ann B. Doe <ann@example.org>", &[]),
        ("Ann B. Doe <ann@partner.example>", &[]),
        ("Ann Other <ann@example.com>", &[]),
        ("Bo <bo@example.com>", &[]),
        ("A <a@examp1e.org>", &["lookalike_domain"]),
        ("a@partner-example.com", &["lookalike_domain"]),
        ("a@раrtner.example", &["lookalike_domain"]),
    ];
    for (from, expected) in cases {
        assert_eq!(ids(&policy, from, None), expected, "{from}");
    }
}

#[test]
fn every_sign_is_in_the_catalogue_once() {
    let names: std::collections::BTreeSet<&str> = catalogue().map(|(id, ..)| id).collect();
    assert_eq!(names.len(), catalogue().count());
    for (id, _, about) in catalogue() {
        assert!(sign_name(id) == Some(id) && about.ends_with('.'), "{id}");
    }
    for row in signs::ALL {
        // That lists are not asked about everything says nothing about a message.
        let counts = row.id != "not_all_asked";
        assert!((row.points > 0) == counts && row.points < 500, "{}", row.id);
    }
}

#[test]
fn every_sign_is_there_where_it_should_be_and_nowhere_else() {
    for row in signs::ALL {
        assert!(!row.fires.is_empty() && !row.quiet.is_empty(), "{}: has no cases", row.id);
        for (at, case) in row.fires.iter().enumerate() {
            let found = Recorded::of(*case).signs();
            assert!(found.iter().any(|id| id == row.id), "{}: is not there in case {at}: {found:?}", row.id);
        }
        for (at, case) in row.quiet.iter().enumerate() {
            let found = Recorded::of(*case).signs();
            assert!(!found.iter().any(|id| id == row.id), "{}: is there in quiet case {at}", row.id);
        }
    }
    assert_eq!(Recorded::of(|_| ()).signs(), [""; 0]);
}

#[test]
fn who_is_new_is_a_small_sign_and_a_larger_one_beside_others() {
    let on = |enabled| {
        let mut policy = Policy::default();
        policy.spam.first_contact.enabled = enabled;
        policy
    };
    let new = Contact { settled: true, ..Contact::default() };
    let ann = "Ann <ann@example.net>";
    type Case = (bool, Contact, &'static str, &'static [&'static str], &'static [&'static str]);
    let cases: [Case; 8] = [
        (true, new, ann, &[], &["first_contact"]),
        (false, new, ann, &[], &[]),
        (true, Contact::default(), ann, &[], &[]),
        (true, Contact { address: true, ..new }, ann, &[], &[]),
        (true, Contact { written: true, ..new }, ann, &[], &[]),
        (true, new, "Ann <ann@examp1e.org>", &[], &["lookalike_domain", "first_contact", "first_contact_borrowed"]),
        (true, new, ann, &["invoice_2"], &["first_contact", "first_contact_payment"]),
        (true, new, ann, &["invoice", "dear_2"], &["first_contact"]),
    ];
    for (enabled, contact, from, phrases, expected) in cases {
        let seen = phrases.iter().map(|id| Sign::new(id, SignGroup::Phrase, 50, "")).collect();
        let memory = Memory { contact: Some(contact), ..Memory::default() };
        let report = report(from, None).with_signs(seen).with_memory(Some(memory));
        let found: Vec<String> =
            signs(&on(enabled), &site(), &arrival(), &report).into_iter().map(|sign| sign.id).collect();
        assert_eq!(found, expected, "{enabled} {contact:?} {from} {phrases:?}");
    }
}

/// A message from a stranger to one of us.
fn incoming() -> Arrival {
    let rcpt_to = vec![Address::parse("user@example.org").unwrap()];
    Arrival { envelope: Envelope { rcpt_to, ..Envelope::default() }, ..arrival() }
}

#[test]
fn an_author_is_proven_by_what_stands_behind_its_own_domain() {
    use AuthResult::{Fail, None, Pass};
    let mut policy = Policy::default();
    policy.spam.first_contact.enabled = true;
    let spf = |domain: &str, result| SpfCheck { domain: short(domain), result, ..SpfCheck::default() };
    let cases = [
        (author("example.net", Pass, DmarcPolicy::None), spf("", None), true, false),
        (author("example.net", Fail, DmarcPolicy::None), spf("example.net", Pass), false, true),
        (author("example.net", None, DmarcPolicy::None), spf("example.net", Pass), true, false),
        (author("example.net", None, DmarcPolicy::None), spf("other.net", Pass), false, false),
    ];
    for (dmarc, spf, proven, forged) in cases {
        let auth = Authentication { dmarc, spf, one_author: true, ..Authentication::default() };
        let report = report("Ann <Ann@Example.Net>", Some(auth));
        let found = parties(&policy.spam.first_contact, &incoming(), &report).unwrap();
        assert_eq!((found.address.as_str(), found.domain.as_str()), ("ann@example.net", "example.net"));
        assert_eq!((found.proven, found.forged), (proven, forged), "{:?}", report.auth());
    }
}

#[test]
fn one_correspondent_is_remembered_by_one_address_however_it_is_written() {
    let mut policy = Policy::default();
    policy.spam.first_contact.enabled = true;
    let to = |to: &str| {
        let mut arrival = incoming();
        arrival.envelope.rcpt_to = vec![Address::parse(to).unwrap()];
        arrival
    };
    let found = |from: &str, rcpt: &str| {
        parties(&policy.spam.first_contact, &to(rcpt), &report(from, None))
            .map(|it| (it.address, it.domain, it.recipients))
    };
    let first = found("ann@xn--bcher-kva.example", "bob@xn--exmple-cua.org").unwrap();
    assert_eq!((first.0.as_str(), first.1.as_str()), ("ann@xn--bcher-kva.example", "xn--bcher-kva.example"));
    assert_eq!(first.2, ["bob@xn--exmple-cua.org"]);
    for (from, rcpt) in [
        ("Ann@bücher.example", "bob@exämple.org"),
        ("ANN@BÜCHER.Example", "Bob@EXÄMPLE.ORG."),
        ("Ann <ann@bu\u{308}cher.example>", "bob@XN--exmple-cua.org"),
    ] {
        assert_eq!(found(from, rcpt).as_ref(), Some(&first), "{from} to {rcpt}");
    }
}

#[test]
fn twenty_ways_to_borrow_a_name_are_seen() {
    let mut policy = Policy::default();
    policy.spam.impersonation.people = vec!["Ann Doe".to_owned(), "José García".to_owned()];
    let seen = [
        "Ann Doe",
        "ANN DOE",
        "Doe, Ann",
        "Doe Ann",
        "\"Ann Doe\"",
        "'Ann Doe'",
        "Ann B. Doe",
        "Ann.Doe",
        "AnnDoe",
        "Ann Doe (CEO)",
        "Ann Doe, Chief Executive Officer",
        "Dr. Ann Doe, PhD",
        "Ann D0e",
        "Аnn Dое",
        "Ann\u{200b} D\u{200b}oe",
        "Ａｎｎ Ｄｏｅ",
        "𝐀𝐧𝐧 𝐃𝐨𝐞",
        "Ann Doe ann.doe@example.org",
        "Ann-Doe",
        "Jose Garcia",
    ];
    for name in seen {
        let found = ids(&policy, &format!("{name} <x@example.net>"), None);
        assert_eq!(found, ["borrowed_person"], "{name}");
    }
    let honest =
        ["Ann", "Ann Dorn", "Joan Doe", "Ann Doering", "John Doe and Ann Smith", "Ann Doe via Widgets", "Doe Family"];
    for name in honest {
        assert_eq!(ids(&policy, &format!("{name} <x@example.net>"), None), [""; 0], "{name}");
    }
    assert_eq!(ids(&policy, "Ann Doe <ann@example.org>", None), [""; 0]);
}

#[test]
fn tc_01_of_a_trusted_connection_the_names_count_and_the_address_does_not() {
    let auth = Authentication {
        ip: Some([192, 0, 2, 77].into()),
        spf: SpfCheck { result: AuthResult::Fail, ..SpfCheck::default() },
        reverse: ReverseCheck { result: AuthResult::Fail, ..ReverseCheck::default() },
        ..Authentication::default()
    };
    let mut trusted = arrival();
    trusted.peer.ip = auth.ip;
    let of = |arrival: &Arrival| -> Vec<String> {
        let found = signs(&Policy::default(), &site(), arrival, &report("a@examp1e.org", Some(auth.clone())));
        found.into_iter().map(|sign| sign.id).collect()
    };
    let mut policy = Policy::default();
    policy.spam.trusted_connections = true;
    assert_eq!(of(&trusted), ["spf_fail", "reverse_missing", "lookalike_domain"]);
    assert_eq!(lists::client(&policy, &trusted), auth.ip);
    trusted.peer.trusted = true;
    assert_eq!(of(&trusted), ["lookalike_domain"]);
    assert_eq!(lists::client(&policy, &trusted), None);
}
