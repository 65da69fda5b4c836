//! Lists of senders and recipients, and their trail.

use store::{ListChange, ListRow, Options, Store};

use crate::fast_dir;

fn open(dir: &std::path::Path) -> Store {
    Store::open(&dir.join("data"), Options::default()).unwrap()
}

fn row(id: &str, value: &str) -> ListRow {
    ListRow {
        id: id.to_owned(),
        list: "deny".to_owned(),
        purpose: "sender".to_owned(),
        value: value.to_owned(),
        scope: "all".to_owned(),
        modified_by: "ann".to_owned(),
        modified_ms: 5,
        ..ListRow::default()
    }
}

fn added(row: ListRow) -> ListChange {
    ListChange { before: None, after: Some(row) }
}

fn values(store: &Store) -> Vec<String> {
    let mut values: Vec<String> = store.lists().unwrap().into_iter().map(|row| row.value).collect();
    values.sort();
    values
}

#[test]
fn entries_survive_a_restart_and_every_change_is_remembered() {
    let dir = fast_dir();
    let store = open(dir.path());
    store.change_lists(&[added(row("1", "a")), added(row("2", "b"))], "ann", "import", 5).unwrap();
    let changed = ListRow { comment: "new".to_owned(), ..row("1", "a") };
    let change = ListChange { before: Some(row("1", "a")), after: Some(changed.clone()) };
    store.change_lists(std::slice::from_ref(&change), "bob", "change", 6).unwrap();
    let gone = ListChange { before: Some(row("2", "b")), after: None };
    store.change_lists(&[gone], "bob", "remove", 7).unwrap();
    drop(store);

    let store = open(dir.path());
    assert_eq!(store.lists().unwrap(), std::slice::from_ref(&changed));
    let trail = store.list_changes(None, None, 10).unwrap();
    let told: Vec<(u64, &str, &str, u64)> =
        trail.iter().map(|row| (row.number, row.author.as_str(), row.how.as_str(), row.at_ms)).collect();
    let expected = [(4, "bob", "remove", 7), (3, "bob", "change", 6), (2, "ann", "import", 5), (1, "ann", "import", 5)];
    assert_eq!(told, expected);
    assert_eq!((trail[0].before.clone(), trail[0].after.clone()), (Some(row("2", "b")), None));
    assert_eq!((trail[1].before.clone(), trail[1].after.clone()), (change.before, Some(changed)));
    assert_eq!(store.list_changes(None, Some(3), 1).unwrap()[0].number, 2);
    let of_one: Vec<u64> = store.list_changes(Some("1"), None, 10).unwrap().iter().map(|row| row.number).collect();
    assert_eq!(of_one, [3, 1]);
}

#[test]
fn all_changes_of_a_call_are_made_or_none() {
    let dir = fast_dir();
    let store = open(dir.path());
    store.change_lists(&[added(row("1", "a"))], "ann", "add", 5).unwrap();
    for bad in [added(row("1", "other")), added(row("3", "a")), ListChange { before: Some(row("9", "z")), after: None }]
    {
        assert!(store.change_lists(&[added(row("2", "b")), bad.clone()], "ann", "add", 6).is_err(), "{bad:?}");
        assert_eq!(values(&store), ["a"]);
    }
    assert_eq!(store.list_changes(None, None, 10).unwrap().len(), 1);
    let long = "x".repeat(5_000);
    assert!(store.change_lists(&[added(row("2", &long))], "ann", "add", 6).is_err());
}
