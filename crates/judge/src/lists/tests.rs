//! Lists: records, whom they name at which cost, and what they mean for a message.

use mail::address::Address;
use mail::arrival::{Arrival, Direction, Envelope, MessageId, Peer, Surface};
use mail::evidence::{AuthResult, Authentication, DmarcCheck, ListedBy, Standing, short};

use super::exchange::{Entry, Stamp, applied, merge};
use super::*;
use crate::policy::{Policy, RecipientMask};
use crate::site::Site;

fn value(text: &str) -> Value {
    Value::parse(text).expect(text)
}

/// `allow VALUE`, `deny VALUE`; with `to` the recipient, with `mass` the scope, with `of ADDRESS` the owner.
fn entry(text: &str) -> Entry {
    let words: Vec<&str> = text.split(' ').collect();
    let mut entry = Entry::new(List::named(words[0]).expect("a list"), value(words[1]));
    let mut rest = words[2..].iter();
    while let Some(word) = rest.next() {
        match *word {
            "to" => entry.purpose = Purpose::Recipient,
            "mass" => entry.scope = Scope::Mass,
            "of" => entry.owner = Some((*rest.next().expect("an owner")).to_owned()),
            other => panic!("{other}"),
        }
    }
    entry
}

fn records(entries: Vec<Entry>) -> Vec<Record> {
    let stamp = Stamp { by: "test".to_owned(), at_ms: 1 };
    let mut count = 0;
    let new_id = || {
        count += 1;
        format!("00000000-0000-4000-8000-{count:012x}")
    };
    applied(&Lists::default(), &merge(&Lists::default(), entries, &stamp, new_id).changes)
}

fn lists(texts: &[&str]) -> Lists {
    Lists::new(records(texts.iter().map(|text| entry(text)).collect())).expect("lists")
}

struct Mail {
    arrival: Arrival,
    authors: Vec<String>,
    auth: Option<Authentication>,
    policy: Policy,
}

/// From `from`, with the same address in the header, to one recipient.
fn mail(from: &str) -> Mail {
    let arrival = Arrival {
        id: MessageId::new(1_700_000_000_000, [1; 10]),
        surface: Surface::Smtp,
        direction: Direction::Incoming,
        peer: Peer { ip: Some("192.0.2.7".parse().unwrap()), ..Peer::default() },
        envelope: Envelope {
            mail_from: Address::parse(from),
            rcpt_to: vec![Address::parse("user@example.org").unwrap()],
            unknown: false,
        },
        received_ms: 1_700_000_000_000,
        size: 1000,
        connection: 1,
    };
    Mail { arrival, authors: vec![from.to_owned()], auth: None, policy: Policy::default() }
}

impl Mail {
    fn to(mut self, to: &[&str]) -> Self {
        self.arrival.envelope.rcpt_to = to.iter().map(|to| Address::parse(to).unwrap()).collect();
        self
    }

    fn author(mut self, from: &str) -> Self {
        self.authors = vec![from.to_owned()];
        self
    }

    /// What was found out about the author's domain and the envelope's.
    fn checked(mut self, dmarc: (&str, bool), spf: (&str, AuthResult)) -> Self {
        let check = DmarcCheck { domain: short(dmarc.0), dkim_aligned: dmarc.1, ..DmarcCheck::default() };
        let mut auth = Authentication { dmarc: vec![check], one_author: true, ..Authentication::default() };
        (auth.spf.domain, auth.spf.result) = (short(spf.0), spf.1);
        self.auth = Some(auth);
        self
    }

    fn standing(&self, lists: &Lists) -> Standing {
        let site = Site { internal_domains: vec!["example.org".to_owned()], ..Site::default() };
        let (policy, arrival) = (&self.policy, &self.arrival);
        standing(&Asked { lists, policy, site: &site, arrival, authors: &self.authors, auth: self.auth.as_ref() })
    }

    /// The entry that decides, as `LIST VALUE BY`.
    fn decided(&self, lists: &Lists) -> String {
        let listed = self.standing(lists).listed;
        listed.map_or("-".to_owned(), |it| format!("{} {} {}", it.list, it.entry, it.by.name()))
    }
}

#[test]
fn wl_05_wl_06_bl_02_a_record_has_every_field_and_what_makes_no_sense_is_refused() {
    let all = records(vec![entry("allow *@example.org to mass"), entry("deny 192.0.2.0/24")]);
    let json = serde_json::to_value(&all).unwrap();
    let fields: Vec<&str> = json[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["comment", "id", "list", "modified_by", "modified_ms", "owner", "purpose", "scope", "value"]);
    assert_eq!(serde_json::from_value::<Vec<Record>>(json).unwrap(), all);
    for (text, why) in [
        ("deny user@example.org to", RecordError::DenyRecipient),
        ("deny user@example.org mass", RecordError::DenyScope),
        ("allow 192.0.2.1 of user@example.org", RecordError::Personal),
        ("allow a@example.com to of user@example.org", RecordError::Personal),
        ("allow a@example.com of *@example.org", RecordError::Owner),
    ] {
        let made = records(vec![entry(text)]);
        assert_eq!(made[0].check(), Err(why), "{text}");
        assert!(matches!(Lists::new(made), Err(ListsError::Record(..))), "{text}");
    }
    let long = Record { comment: "x".repeat(MAX_COMMENT + 1), ..all[0].clone() };
    assert_eq!(long.check(), Err(RecordError::Text));
    let twice = vec![all[0].clone(), Record { id: "2".to_owned(), ..all[0].clone() }];
    assert!(matches!(Lists::new(twice), Err(ListsError::Twice(_))));
}

#[test]
fn d9_the_most_specific_entry_decides_and_on_a_tie_the_denylist() {
    for (entries, expected) in [
        (&["allow *@example.com", "deny a@example.com"][..], "deny a@example.com mail_from"),
        (&["deny *@example.com", "allow a@example.com"], "allow a@example.com mail_from"),
        (&["deny *@*.com", "allow *@example.com"], "allow *@example.com mail_from"),
        (&["allow *@example.com", "deny *@example.com"], "deny *@example.com mail_from"),
        (&["deny 192.0.2.7", "allow *@*.com"], "allow *@*.com mail_from"),
        (&["deny 192.0.2.0/24", "allow 192.0.2.7"], "allow 192.0.2.7 client"),
        (&["allow 192.0.2.0/24", "deny 192.0.2.0/25"], "deny 192.0.2.0/25 client"),
        (&["allow b@example.com", "deny b@example.com"], "-"),
    ] {
        assert_eq!(mail("a@example.com").decided(&lists(entries)), expected, "{entries:?}");
    }
}

#[test]
fn d9_from_denies_always_and_allows_only_where_it_is_proven() {
    let (allow, deny) = (lists(&["allow boss@example.com"]), lists(&["deny boss@example.com"]));
    let spoofed = mail("x@evil.example").author("boss@example.com");
    assert_eq!(spoofed.decided(&deny), "deny boss@example.com header_from");
    assert_eq!(spoofed.decided(&allow), "-");
    let unproven = spoofed.standing(&allow).unproven.expect("it is told why");
    assert_eq!((unproven.entry.as_str(), unproven.by), ("boss@example.com", ListedBy::HeaderFrom));
    let none = AuthResult::None;
    let of_another = spoofed.checked(("evil.example", true), ("evil.example", AuthResult::Pass));
    assert_eq!(of_another.decided(&allow), "-", "the proof is for another domain");
    let proven = of_another.checked(("example.com", true), ("evil.example", none));
    assert_eq!(proven.decided(&allow), "allow boss@example.com header_from");
    let mut trusting = proven.checked(("example.com", false), ("evil.example", none));
    assert_eq!(trusting.decided(&allow), "-");
    trusting.policy.spam.lists.prove_from = false;
    assert_eq!(trusting.decided(&allow), "allow boss@example.com header_from");
}

#[test]
fn an_envelope_that_spf_refutes_allows_nothing() {
    let allow = lists(&["allow *@example.com"]);
    for (result, aligned, expected) in [
        (AuthResult::Pass, false, "allow *@example.com mail_from"),
        (AuthResult::None, false, "allow *@example.com mail_from"),
        (AuthResult::TempError, false, "allow *@example.com mail_from"),
        (AuthResult::Fail, false, "-"),
        (AuthResult::SoftFail, false, "-"),
        (AuthResult::Fail, true, "allow *@example.com mail_from"),
    ] {
        let mut mail = mail("a@example.com").author("x@other.example");
        mail = mail.checked(("example.com", aligned), ("example.com", result));
        assert_eq!(mail.decided(&allow), expected, "{result:?} {aligned}");
        mail.policy.spam.lists.prove_envelope = false;
        assert_eq!(mail.decided(&allow), "allow *@example.com mail_from", "switched off");
    }
    let forged = mail("a@example.com").checked(("example.com", false), ("example.com", AuthResult::Fail));
    assert_eq!(forged.decided(&lists(&["deny *@example.com"])), "deny *@example.com mail_from");
}

#[test]
fn wl_01_recipients_are_spared_and_never_for_others() {
    let all = lists(&["allow abuse@example.org to", "allow *@news.example.org to mass", "deny *@evil.example"]);
    let from = |sender: &str, to: &[&str]| mail(sender).to(to).decided(&all);
    assert_eq!(from("a@example.com", &["abuse@example.org"]), "allow abuse@example.org recipient");
    assert_eq!(from("a@evil.example", &["abuse@example.org"]), "allow abuse@example.org recipient");
    assert_eq!(from("a@evil.example", &["user@example.org"]), "deny *@evil.example mail_from");
    assert_eq!(from("a@evil.example", &["x@news.example.org"]), "deny *@evil.example mail_from");
    let mass = mail("a@example.com").to(&["x@news.example.org"]).standing(&all).listed.expect("an entry");
    assert!(mass.mass_only && !mass.denies());
    // D-21: recipients that differ and cannot be told apart.
    assert_eq!(from("a@example.com", &["abuse@example.org", "user@example.org"]), "-");
    assert_eq!(from("a@evil.example", &["abuse@example.org", "user@example.org"]), "-");
}

#[test]
fn bl_04_own_entries_count_for_their_owner_and_yield_to_the_organisations_denylist() {
    let all = lists(&[
        "deny *@evil.example",
        "allow *@fine.example",
        "allow a@evil.example of user@example.org",
        "deny a@fine.example of user@example.org",
        "allow *@club.example of user@example.org",
        "deny b@club.example of user@example.org",
    ]);
    let from = |sender: &str, to: &str| mail(sender).author("x@other.example").to(&[to]).decided(&all);
    assert_eq!(from("a@evil.example", "user@example.org"), "deny *@evil.example mail_from");
    assert_eq!(from("a@fine.example", "user@example.org"), "deny a@fine.example mail_from");
    assert_eq!(from("a@fine.example", "other@example.org"), "allow *@fine.example mail_from");
    assert_eq!(from("a@club.example", "User+lists@Example.org"), "allow *@club.example mail_from");
    assert_eq!(from("b@club.example", "user@example.org"), "deny b@club.example mail_from");
    assert_eq!(from("a@club.example", "other@example.org"), "-");
    // Matched on MAIL FROM only.
    let by_header = mail("x@other.example").author("a@club.example").to(&["user@example.org"]);
    assert_eq!(by_header.decided(&all), "-");
    let mut off = mail("a@club.example").to(&["user@example.org"]);
    off.policy.spam.lists.personal = false;
    assert_eq!(off.decided(&all), "-");
}

#[test]
fn bl_04_a_person_has_at_most_500_entries() {
    let own = |count: usize| {
        let entries = (0..count).map(|at| entry(&format!("deny a{at}@example.com of user@example.org"))).collect();
        Lists::new(records(entries))
    };
    assert!(own(MAX_PERSONAL).is_ok());
    assert_eq!(own(MAX_PERSONAL + 1).err(), Some(ListsError::TooManyOf("user@example.org".to_owned())));
}

#[test]
fn out_05_internal_and_listed_recipients_of_outgoing_mail() {
    let all = lists(&["allow partner@example.com to", "deny *@example.org"]);
    let outgoing = |to: &[&str]| {
        let mut mail = mail("user@example.org").to(to);
        mail.arrival.direction = Direction::Outgoing;
        mail.standing(&all)
    };
    let standing = outgoing(&["boss@example.org"]);
    assert!(standing.internal && standing.listed.is_none(), "OUT-07: the denylist is ignored");
    assert!(!outgoing(&["boss@example.org", "x@example.net"]).internal, "D-21");
    let listed = outgoing(&["partner@example.com"]).listed.expect("an entry");
    assert_eq!((listed.by, listed.denies()), (ListedBy::Recipient, false));
}

#[test]
fn out_05_entries_about_the_sender_spare_nothing_of_outgoing_mail() {
    for text in ["allow user@example.org", "allow *@example.org", "allow *@example.org mass", "allow 192.0.2.0/24"] {
        let all = lists(&[text]);
        let mut mail = mail("user@example.org").to(&["x@example.net"]);
        assert!(mail.standing(&all).listed.is_some(), "{text}: of incoming mail");
        mail.arrival.direction = Direction::Outgoing;
        assert_eq!(mail.standing(&all), Standing::default(), "{text}");
    }
}

#[test]
fn d20_an_address_that_only_received_names_is_denied_and_never_allowed() {
    let mut mail = mail("a@example.com");
    mail.arrival.peer.from_received = true;
    assert_eq!(mail.decided(&lists(&["allow 192.0.2.0/24"])), "-");
    assert_eq!(mail.standing(&lists(&["allow 192.0.2.0/24"])).unproven.map(|it| it.by), Some(ListedBy::Client));
    assert_eq!(mail.decided(&lists(&["deny 192.0.2.0/24"])), "deny 192.0.2.0/24 client");
}

fn lane_of(all: &Lists, change: impl Fn(&mut Policy), coming: (&str, bool, bool), to: &str) -> Lane {
    let mut policy = Policy::default();
    change(&mut policy);
    let site = Site { internal_domains: vec!["example.org".to_owned()], ..Site::default() };
    let sender = Address::parse(coming.0);
    let coming = Coming { sender: sender.as_ref(), may_leave: coming.1, trusted: coming.2 };
    lane(all, (&policy.malware, &policy.spam), &site, &coming, &Address::parse(to).unwrap())
}

#[test]
fn d21_lanes_set_recipients_apart_only_where_something_differs() {
    let all = lists(&[
        "allow abuse@example.org to",
        "allow news@example.org to mass",
        "deny *@evil.example of ann@example.org",
        "allow *@evil.example of bob@example.org",
    ]);
    let usual = Lane::default();
    let skip = |skip: Skip| Lane { skip, ..usual };
    let outside = ("a@evil.example", false, false);
    for (to, expected) in [
        ("Postmaster@example.org", skip(Skip::Postmaster)),
        ("\"postmaster\"@example.org", skip(Skip::Postmaster)),
        ("\"Post\\master\"@example.org", skip(Skip::Postmaster)),
        ("\"post master\"@example.org", usual),
        ("abuse@example.org", skip(Skip::Listed)),
        ("news@example.org", Lane { mass: true, ..usual }),
        ("ann@example.org", Lane { personal: Some(Personal::Deny), ..usual }),
        ("bob@example.org", Lane { personal: Some(Personal::Allow), ..usual }),
        ("user@example.org", usual),
    ] {
        assert_eq!(lane_of(&all, |_| {}, outside, to), expected, "{to}");
        assert_eq!(lane_of(&all, |p| p.spam.enabled = false, outside, to), usual, "{to}: nothing is examined");
        assert_eq!(lane_of(&all, |_| {}, ("a@evil.example", true, true), to), usual, "{to}: over a trusted connection");
    }
    assert_eq!(lane_of(&all, |_| {}, ("a@other.example", false, false), "ann@example.org"), usual);
    assert_eq!(lane_of(&all, |p| p.spam.skip_postmaster = false, outside, "postmaster@example.org"), usual);
    let leaving = ("user@example.org", true, true);
    let on = |p: &mut Policy| p.spam.outgoing = true;
    assert_eq!(lane_of(&all, on, leaving, "boss@example.org"), skip(Skip::Internal));
    assert_eq!(lane_of(&all, on, leaving, "x@example.com"), usual);
    assert_eq!(lane_of(&all, on, leaving, "postmaster@example.com"), usual, "another's postmaster");
    assert_eq!(lane_of(&all, on, leaving, "postmaster@example.org"), skip(Skip::Postmaster));
    let trusting = |p: &mut Policy| p.malware.trusted_recipients.extend(RecipientMask::parse("lab@example.org"));
    let lab = Lane { trusted: true, ..usual };
    assert_eq!(lane_of(&all, trusting, outside, "lab@example.org"), lab, "WL-13");
    assert_eq!(lane_of(&all, trusting, ("", false, true), "lab@example.org"), lab, "whatever is done about spam");
    assert_eq!(lane_of(&all, trusting, outside, "user@example.org"), usual);
}

/// How many tables and masks are looked at for some addresses.
fn looks(all: &Lists) -> u32 {
    let addresses = ["user77@host77.example", "news-1@a.b.c.example.org", "nobody@nowhere.example"];
    let found = addresses.iter().map(|text| all.senders.find(&Subject::parse(text).unwrap()));
    let ips = ["192.0.2.7", "2001:db8::7"].iter().map(|ip| all.senders.find_ip(ip.parse().unwrap()));
    found.chain(ips).map(|best| best.looks).sum()
}

#[test]
fn a_hundred_thousand_entries_cost_what_a_hundred_do() {
    let of = |count: usize| {
        let entry = |at: usize| {
            let list = if at.is_multiple_of(2) { "allow" } else { "deny" };
            entry(&match at % 5 {
                0 => format!("{list} user{at}@host{at}.example"),
                1 => format!("{list} *@host{at}.example"),
                2 => format!("{list} *@*.host{at}.example"),
                3 => format!("{list} news-*@host{at}.example"),
                _ => format!("{list} 10.{}.{}.{}/{}", at >> 16 & 255, at >> 8 & 255, at & 255, 25 + at % 8),
            })
        };
        let lists = Lists::new(records((0..count).map(entry).collect())).expect("lists");
        (looks(&lists), lists.records().len())
    };
    let ((few, _), (many, held)) = (of(100), of(100_000));
    assert!(held > 95_000, "{held}: networks that are the same are one");
    assert!(many <= few + 2, "{few} looks among 100 entries, {many} among 100,000");
}

#[test]
fn masks_of_one_domain_are_bounded_and_those_of_others_are_not_looked_at() {
    let masks = |count: usize| {
        let entries = (0..count).map(|at| entry(&format!("deny n{at}-*@example.org"))).collect();
        Lists::new(records(entries))
    };
    assert!(matches!(masks(MAX_ALIKE + 1), Err(ListsError::TooManyAlike(value)) if value == "n500-*@example.org"));
    let full = masks(MAX_ALIKE).expect("as many as there may be");
    let of = |text: &str| full.senders.find(&Subject::parse(text).unwrap());
    assert!(of("n7-x@example.org").deny.is_some());
    assert!(of("n7-x@example.com").looks < 20 && of("n7-x@example.com").deny.is_none());
}

#[test]
fn a_very_long_domain_costs_no_more_than_an_entry_is_long() {
    let all = lists(&["deny *@*.example.org", "deny news*@*.org"]);
    let deep = Subject::of(&Address::parse(&format!("a@{}example.org", "a.".repeat(480))).unwrap()).unwrap();
    let found = all.senders.find(&deep);
    assert!(found.deny.is_some() && found.looks < 500, "{}", found.looks);
}
