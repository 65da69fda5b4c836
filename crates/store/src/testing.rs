//! Values for the tests of this crate.

use mail::address::Address;
use mail::arrival::{Direction, MessageId, Surface};
use mail::untrusted::Untrusted;

use crate::entry::{NewEntry, SenderType};

/// A foreign text.
pub(crate) fn foreign(text: &str) -> Untrusted<String> {
    Untrusted::new(text.to_owned())
}

/// An address.
pub(crate) fn mailbox(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// An ordinary entry of a message of `size` bytes.
pub(crate) fn entry(received_ms: u64, size: u64) -> NewEntry {
    let random = (received_ms ^ size).to_be_bytes();
    NewEntry {
        id: MessageId::new(received_ms, std::array::from_fn(|at| random[at % 8])),
        surface: Surface::Smtp,
        direction: Direction::Incoming,
        mail_from: Some(mailbox("sender@example.net")),
        recipients: vec![mailbox("anna@example.org"), mailbox("bert@example.org")],
        header_from: Some(foreign("Sender <sender@example.net>")),
        header_to: Some(foreign("anna@example.org")),
        header_cc: None,
        subject: Some(foreign("Quarterly \u{202e}figures")),
        date: Some(foreign("Tue, 1 Sep 2026 10:00:00 +0200")),
        objects: vec![foreign("figures.doc.exe")],
        status: "infected".to_owned(),
        reason: "a test file was found".to_owned(),
        malware: vec![foreign("Test.File")],
        sender_type: SenderType::External,
        peer_ip: "192.0.2.7".parse().ok(),
        connection: 42,
        size,
        spam: None,
        action: "refused".to_owned(),
        received_ms,
    }
}
