//! Names for messages: the clock and the system's random numbers.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::TimeZone;
use mail::arrival::MessageId;

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// A time as a date of RFC 5322, in UTC.
pub fn date(unix_ms: u64) -> String {
    let at = Timestamp::from_second(i64::try_from(unix_ms / 1000).unwrap_or(0)).unwrap_or_default();
    let mut out = String::new();
    // Writing to a string cannot fail, and every time in range has a date.
    let _ = DateTimePrinter::new().print_zoned(&at.to_zoned(TimeZone::UTC), &mut out);
    out
}

/// A new name.
pub fn message_id() -> MessageId {
    MessageId::new(now_ms(), random())
}

/// A new GUID, as text (RFC 9562, version 4).
pub fn guid() -> String {
    let mut bytes: [u8; 16] = random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// A random number below `limit`; 0 for a limit of 0.
pub(crate) fn random_below(limit: u32) -> u32 {
    // The bias is one in 2^32 over the limit: nothing for a choice among some servers.
    u32::from_be_bytes(random()).checked_rem(limit).unwrap_or(0)
}

/// Some random letters for a temporary file's name.
pub(crate) fn random_suffix() -> String {
    random::<10>().iter().map(|b| format!("{b:02x}")).collect()
}

/// Random bytes from the system; early in the boot this waits until there are some.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        // Only an interruption can fail here, and then the next round goes on.
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()).unwrap_or(0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_differ() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| super::message_id()).collect();
        assert_eq!(ids.len(), 1000);
    }

    #[test]
    fn guids_are_guids() {
        let ids: std::collections::HashSet<_> = (0..100).map(|_| super::guid()).collect();
        assert!(ids.len() == 100 && ids.iter().all(|id| judge::lists::exchange::is_guid(id)), "{ids:?}");
    }
}
