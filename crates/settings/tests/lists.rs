//! Lists in the DNS as a policy names them.

use judge::policy::{DnsList, External, Policy};
use settings::{Severity, check_policy, parse_policy, policy_to_toml};

fn list(zone: &str, weight: u8) -> DnsList {
    DnsList { zone: zone.to_owned(), weight }
}

/// Switches a set on and gives its lists.
type Lists = fn(&mut External) -> (&mut bool, &mut Vec<DnsList>);

const SETS: [(&str, Lists); 5] = [
    ("dnsbl_lists", |e| (&mut e.dnsbl, &mut e.dnsbl_lists)),
    ("surbl_lists", |e| (&mut e.surbl, &mut e.surbl_lists)),
    ("url_lists", |e| (&mut e.urls, &mut e.url_lists)),
    ("email_lists", |e| (&mut e.emails, &mut e.email_lists)),
    ("file_lists", |e| (&mut e.files, &mut e.file_lists)),
];

#[test]
fn ex_04_weights_are_1_to_100_and_names_are_zones_in_every_set() {
    for (key, lists) in SETS {
        for (one, wrong) in [
            (list("a.list.example", 1), false),
            (list("_file.list.example", 100), false),
            (list("a.list.example", 0), true),
            (list("a.list.example", 101), true),
            (list("no zone", 50), true),
        ] {
            let mut policy = Policy::default();
            let (on, named) = lists(&mut policy.spam.external);
            *on = true;
            named.push(one.clone());
            let problems = check_policy(&policy);
            let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
            let found: Vec<_> = errors.map(|problem| (problem.key.as_str(), problem.severity)).collect();
            let key = format!("spam.external.{key}");
            let expected: Vec<_> = wrong.then_some((key.as_str(), Severity::Error)).into_iter().collect();
            assert_eq!(found, expected, "{one:?}");
        }
    }
}

#[test]
fn ex_05_lists_go_out_and_come_in_with_the_policy() {
    let mut policy = Policy::default();
    for (at, (_, lists)) in SETS.into_iter().enumerate() {
        let (on, named) = lists(&mut policy.spam.external);
        *on = at % 2 == 0;
        named.extend([list(&format!("one{at}.example"), 60), list("two.example", 40)]);
    }
    let written = policy_to_toml(&policy, false);
    let read = parse_policy(&written, "test").expect("what was written can be read");
    assert_eq!(read.spam.external, policy.spam.external);
}

#[test]
fn ex_05_a_group_has_lists_of_its_own_whole() {
    let text = "[spam.external]\ndnsbl_lists = [{ zone = \"a.example\", weight = 60 }, { zone = \"b.example\", weight = 40 }]\n\
                [[group]]\nname = \"staff\"\nrecipients = [\"example.org\"]\n\
                [group.spam.external]\ndnsbl_lists = [{ zone = \"a.example\", weight = 60 }, { zone = \"b.example\", weight = 50 }]\n";
    let policy = parse_policy(text, "test").expect("a policy");
    let written = policy_to_toml(&policy, false);
    assert!(written.contains("[[group.spam.external.dnsbl_lists]]"), "{written}");
    assert_eq!(parse_policy(&written, "test").expect("what was written can be read"), policy);
}
