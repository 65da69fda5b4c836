//! Policy revisions and small state.

use store::StoreError;

use crate::{T0, new_store};

#[test]
fn revisions_are_numbered_and_stay() {
    let (_dir, store) = new_store();
    assert_eq!(store.current_policy().unwrap(), None);
    for n in 1..=5u64 {
        assert_eq!(store.save_policy(&format!("n = {n}"), "anna", "because", T0 + n).unwrap(), n);
    }
    let current = store.current_policy().unwrap().unwrap();
    assert_eq!((current.text.as_str(), current.head.number, current.head.at_ms), ("n = 5", 5, T0 + 5));
    assert_eq!(store.policy(2).unwrap().unwrap().text, "n = 2");
    assert_eq!(store.policy(9).unwrap(), None);
    let numbers =
        |before, limit| -> Vec<u64> { store.policies(before, limit).unwrap().iter().map(|head| head.number).collect() };
    assert_eq!(numbers(None, 2), [5, 4]);
    assert_eq!(numbers(Some(4), 10), [3, 2, 1]);
    let long = "x".repeat(5 * 1024 * 1024);
    assert!(matches!(store.save_policy(&long, "a", "", T0), Err(StoreError::TooLarge { .. })));
    assert!(matches!(store.save_policy("", "a", &long, T0), Err(StoreError::TooLarge { .. })));
}

#[test]
fn state_is_set_counted_and_expires() {
    let (_dir, store) = new_store();
    store.set_state("run/retention", b"1", T0).unwrap();
    store.set_state("run/retention", b"22", T0 + 5).unwrap();
    assert_eq!(store.state("run/retention").unwrap().as_deref(), Some(&b"22"[..]));
    assert_eq!([1, 2, 3].map(|n| store.count_state("crash/ab", T0 + n).unwrap()), [1, 2, 3]);
    assert_eq!(store.count_state("crash/cd", T0 + 9).unwrap(), 1);
    assert_eq!(store.expire_state("crash/", T0 + 4).unwrap(), 1);
    assert_eq!((store.state("crash/ab").unwrap(), store.state("crash/cd").unwrap().is_some()), (None, true));
    assert!(store.state("run/retention").unwrap().is_some());
    assert!(store.remove_state("run/retention").unwrap());
    assert!(!store.remove_state("run/retention").unwrap());
}

#[test]
fn state_is_bounded() {
    let (_dir, store) = new_store();
    assert!(matches!(store.set_state(&"k".repeat(257), b"", T0), Err(StoreError::TooLarge { .. })));
    assert!(matches!(store.set_state("k", &[0; 65_537], T0), Err(StoreError::TooLarge { .. })));
    assert!(matches!(store.count_state(&"k".repeat(257), T0), Err(StoreError::TooLarge { .. })));
}
