//! The message log.

use mail::arrival::{Direction, MessageId, Surface};
use mail::evidence::AuthResult;
use store::{AuthCheck, LogFilter, Logged, LoggedAuth, Store};

use crate::{T0, foreign, mailbox, new_store};

fn logged(n: u64) -> Logged {
    Logged {
        id: MessageId::new(T0 + n, [n as u8; 10]),
        time_ms: T0 + n,
        surface: Surface::Smtp,
        direction: Direction::Incoming,
        peer_ip: "2001:db8::1".parse().ok(),
        sender: Some(mailbox("Sender@example.net")),
        recipients: vec![mailbox("anna@example.org")],
        recipient_count: 1,
        subject: Some(foreign("Hello")),
        size: 1_234,
        status: "clean".to_owned(),
        action: "delivered".to_owned(),
        reply: "250 2.0.0 queued".to_owned(),
        backup: None,
        malware: vec![],
        duration_us: 900,
        rules: vec!["default".to_owned()],
        would: None,
        opened: None,
        auth: None,
        spam: None,
        rating: None,
        spam_why: None,
        signs: Vec::new(),
        listed: None,
    }
}

/// The times of what a filter finds.
fn found(store: &Store, filter: &LogFilter) -> Vec<u64> {
    let page = store.search_messages(filter, None, 100).unwrap();
    assert_eq!(page.next, None);
    page.messages.iter().map(|m| m.time_ms - T0).collect()
}

#[test]
fn messages_are_found_by_every_filter() {
    let (_dir, store) = new_store();
    let vary = |n: u64, change: &dyn Fn(&mut Logged)| {
        let mut row = logged(n);
        change(&mut row);
        store.log_message(row).unwrap();
    };
    vary(0, &|m| m.sender = None);
    vary(1, &|m| m.recipients = vec![mailbox("Zoe@Example.COM")]);
    let auth = |spf| Some(LoggedAuth { spf, dmarc: AuthResult::Fail, ..LoggedAuth::default() });
    vary(2, &|m| {
        m.subject = Some(foreign("ÄRGER mit 100%"));
        m.auth = auth(AuthResult::Pass);
    });
    vary(3, &|m| {
        m.status = "infected".to_owned();
        m.auth = auth(AuthResult::Fail);
    });
    let some = |text: &str| Some(text.to_owned());
    let none = LogFilter::default;
    let cases = [
        (none(), vec![3, 2, 1, 0]),
        (LogFilter { address: some("sender@EXAMPLE.net"), ..none() }, vec![3, 2, 1]),
        (LogFilter { address: some("zoe@example.com"), ..none() }, vec![1]),
        (LogFilter { address: some("@example.com"), ..none() }, vec![1]),
        (LogFilter { address: some("@example"), ..none() }, vec![]),
        (LogFilter { subject: some("ärger"), ..none() }, vec![2]),
        (LogFilter { status: some("infected"), ..none() }, vec![3]),
        (LogFilter { id: Some(logged(2).id), ..none() }, vec![2]),
        (LogFilter { since_ms: Some(T0 + 1), until_ms: Some(T0 + 3), ..none() }, vec![2, 1]),
        (LogFilter { auth: vec![(AuthCheck::Dmarc, AuthResult::Fail)], ..none() }, vec![3, 2]),
        (
            LogFilter { auth: vec![(AuthCheck::Dkim, AuthResult::None), (AuthCheck::Spf, AuthResult::Pass)], ..none() },
            vec![2],
        ),
        (LogFilter { auth: vec![(AuthCheck::Arc, AuthResult::Pass)], ..none() }, vec![]),
        (LogFilter { address: some("@example.org"), subject: some("hello"), ..none() }, vec![3, 0]),
    ];
    for (filter, wanted) in cases {
        assert_eq!(found(&store, &filter), wanted, "{filter:?}");
    }
    assert_eq!(store.find_message(logged(2).id).unwrap().unwrap().subject, Some(foreign("ÄRGER mit 100%")));
    assert_eq!(store.find_message(logged(9).id).unwrap(), None);
}

#[test]
fn rows_of_one_millisecond_are_told_apart_and_pages_join() {
    let (_dir, store) = new_store();
    (0..30).for_each(|n| store.log_message(Logged { size: n, ..logged(n / 15) }).unwrap());
    let (mut sizes, mut before) = (Vec::new(), None);
    loop {
        let page = store.search_messages(&LogFilter::default(), before, 7).unwrap();
        sizes.extend(page.messages.iter().map(|m| m.size));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(sizes, (0..30).rev().collect::<Vec<_>>());
}

#[test]
fn what_is_logged_is_bounded() {
    let (_dir, store) = new_store();
    let long = "x".repeat(10_000);
    let row = Logged {
        recipients: vec![mailbox("anna@example.org"); 5_000],
        subject: Some(foreign(&long)),
        rules: vec![long.clone(); 500],
        reply: long,
        ..logged(0)
    };
    store.log_message(row).unwrap();
    let row = store.find_message(logged(0).id).unwrap().unwrap();
    assert_eq!((row.recipients.len(), row.rules.len(), row.reply.len()), (100, 100, 1_000));
    assert_eq!(row.subject.unwrap().raw().len(), 1_000);
}

#[test]
fn old_rows_expire() {
    let (_dir, store) = new_store();
    (0..10).for_each(|n| store.log_message(logged(n)).unwrap());
    assert_eq!(store.expire_messages(T0 + 6).unwrap(), 6);
    assert_eq!(found(&store, &LogFilter::default()), [9, 8, 7, 6]);
    let by_address = LogFilter { address: Some("anna@example.org".to_owned()), ..LogFilter::default() };
    assert_eq!(found(&store, &by_address), [9, 8, 7, 6]);
    assert_eq!(store::LOG_AGE_MS, 90 * 86_400_000, "D-24");
}
