//! Greylisting's memory.

use store::{GreyRules, GreyUsage};

use crate::{T0, new_store};

const MINUTE: u64 = 60_000;
const DAY: u64 = 1_440 * MINUTE;
const RULES: GreyRules = GreyRules { delay_ms: 5 * MINUTE, window_ms: 2 * DAY, remember_ms: 35 * DAY, trust_after: 3 };

#[test]
fn who_comes_again_in_time_passes_and_is_remembered() {
    let (_dir, store) = new_store();
    let at = |time| store.greylist("192.0.2.0/24", "a\nb", &RULES, T0 + time).unwrap();
    assert!(!at(0) && !at(MINUTE) && !at(5 * MINUTE - 1), "too early");
    assert!(at(5 * MINUTE) && at(6 * MINUTE), "it came again");
    assert!(at(30 * DAY), "it is remembered");
    assert!(!at(30 * DAY + 36 * DAY), "it was forgotten");
}

#[test]
fn who_comes_too_late_begins_again() {
    let (_dir, store) = new_store();
    let at = |time| store.greylist("192.0.2.0/24", "a\nb", &RULES, T0 + time).unwrap();
    assert!(!at(0) && !at(2 * DAY + 1), "the window was over");
    assert!(at(2 * DAY + 1 + 5 * MINUTE));
}

#[test]
fn another_client_sender_or_recipient_is_another_matter() {
    let (_dir, store) = new_store();
    let at = |client, pair, time| store.greylist(client, pair, &RULES, T0 + time).unwrap();
    assert!(!at("192.0.2.0/24", "a\nb", 0));
    assert!(!at("192.0.2.0/24", "a\nc", DAY) && !at("198.51.100.0/24", "a\nb", DAY));
    assert!(at("192.0.2.0/24", "a\nb", DAY));
}

#[test]
fn a_client_that_passed_often_is_no_longer_asked() {
    let (_dir, store) = new_store();
    let at = |pair: u64, time| store.greylist("192.0.2.0/24", &pair.to_string(), &RULES, T0 + time).unwrap();
    for pair in 0..3 {
        assert!(!at(pair, 0) && at(pair, DAY + pair * MINUTE), "pair {pair}");
    }
    assert!(at(99, DAY + 3 * MINUTE), "the first attempt of a known client");
    let later = DAY + 40 * DAY;
    assert!(!at(100, later), "but not after a long time");
    assert!(at(100, later + 5 * MINUTE) && !at(101, later + 6 * MINUTE), "what it had is not given back for one");
}

#[test]
fn the_recipients_of_one_message_count_once_for_a_client() {
    let (_dir, store) = new_store();
    let at = |pair: u64, time| store.greylist("192.0.2.0/24", &pair.to_string(), &RULES, T0 + time).unwrap();
    let times = |base| (0..10u64).map(move |pair| (pair, base + pair * 1_000));
    assert!(times(0).all(|(pair, time)| !at(pair, time)));
    assert!(times(DAY).all(|(pair, time)| at(pair, time)), "one message with ten recipients");
    assert!(!at(99, DAY + MINUTE), "it has passed once");
    assert!(at(0, DAY + 2 * MINUTE) && at(0, DAY + 3 * MINUTE) && at(98, DAY + 4 * MINUTE));
}

#[test]
fn it_survives_a_restart_expires_and_is_forgotten() {
    let (dir, store) = new_store();
    assert!(!store.greylist("c", "p", &RULES, T0).unwrap());
    drop(store);
    let store = store::Store::open(&dir.path().join("data"), store::Options { create: false }).unwrap();
    assert!(store.greylist("c", "p", &RULES, T0 + 5 * MINUTE).unwrap());
    assert_eq!(store.greylist_usage().unwrap(), GreyUsage { pairs: 1, clients: 1 });
    store.expire_greylist(T0 + MINUTE).unwrap();
    assert_eq!(store.greylist_usage().unwrap().pairs, 1);
    store.expire_greylist(T0 + DAY).unwrap();
    assert_eq!(store.greylist_usage().unwrap(), GreyUsage::default());
    assert!(!store.greylist("c", "p", &RULES, T0 + DAY).unwrap());
    assert_eq!(store.forget_greylist().unwrap(), 1);
}

#[test]
fn nobody_reads_addresses_in_the_file() {
    let (dir, store) = new_store();
    store.greylist("192.0.2.0/24", "anna@example.org\nbob@example.com", &RULES, T0).unwrap();
    drop(store);
    for entry in std::fs::read_dir(dir.path().join("data")).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(!holds(b"anna@example.org") && !holds(b"192.0.2.0"), "{:?}", entry.path());
    }
}
