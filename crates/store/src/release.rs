//! The marker on mail that was released from Backup, so that it is not caught again (spec BK-14).
//!
//! `v=1; x=EXPIRY; m=MAC`: the MAC (HMAC-SHA256 under a key of its own) is over the version, the expiry, the
//! one recipient that the mail was released to, and the SHA-256 of the message's bytes below the marker.
//! So a marker fits neither another message, nor another recipient, nor a later time. Not handled:
//! several recipients under one marker; release to each of them in a transaction of its own.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64_simd::URL_SAFE_NO_PAD;
use mail::address::Address;

/// Longest marker that is looked at, in bytes; a real one has at most 74.
const MAX_VALUE: usize = 128;
/// Version of the marker, first byte under the MAC.
const VERSION: u8 = 1;

/// Makes and checks markers; cheap to clone.
#[derive(Clone)]
pub struct ReleaseMarker {
    key: Arc<hmac::Key>,
}

impl ReleaseMarker {
    /// Under the release key of this installation.
    pub(crate) fn new(key: hmac::Key) -> Self {
        Self { key: Arc::new(key) }
    }

    /// The value of a marker header. `expiry` is in seconds since 1970 and the first second at which the
    /// marker does not count any more; `below` is the SHA-256 of the message below the marker header.
    pub fn make(&self, recipient: &Address, expiry: u64, below: &[u8; 32]) -> String {
        let tag = hmac::sign(&self.key, &signed(recipient, expiry, below));
        format!("v=1; x={expiry}; m={}", URL_SAFE_NO_PAD.encode_to_string(tag.as_ref()))
    }

    /// Whether `value` is a marker of ours for this message, this time (`now`, in seconds since 1970) and
    /// every one of the recipients; `false` without recipients. Anything else in the header is `false`
    /// as well. The comparison takes the same time wherever a wrong MAC differs.
    pub fn check(&self, value: &str, recipients: &[Address], below: &[u8; 32], now: u64) -> bool {
        let Some((expiry, mac)) = parse(value) else { return false };
        let good = |to: &Address| hmac::verify(&self.key, &signed(to, expiry, below), &mac).is_ok();
        now < expiry && !recipients.is_empty() && recipients.iter().all(good)
    }
}

/// The bytes under the MAC; the address stands last because it alone has no fixed length.
fn signed(recipient: &Address, expiry: u64, below: &[u8; 32]) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend(expiry.to_be_bytes());
    out.extend(below);
    out.extend(recipient.as_str().to_lowercase().bytes());
    out
}

/// Reads `v=1; x=…; m=…`, in this order and spelling only (surrounding white space aside).
pub(crate) fn parse(value: &str) -> Option<(u64, Vec<u8>)> {
    let value = value.trim_matches([' ', '\t', '\r', '\n']);
    if value.len() > MAX_VALUE {
        return None;
    }
    let (expiry, mac) = value.strip_prefix("v=1; x=")?.split_once("; m=")?;
    if expiry.is_empty() || !expiry.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mac = URL_SAFE_NO_PAD.decode_to_vec(mac.as_bytes()).ok()?;
    (mac.len() == 32).then_some((expiry.parse().ok()?, mac))
}

#[cfg(test)]
mod tests {
    use mail::address::Address;

    use crate::keys::Keys;

    fn to(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn a_marker_fits_its_message_recipient_and_time_only() {
        let marker = Keys::random().unwrap().release;
        let (anna, bert) = (to("anna@example.org"), to("bert@example.org"));
        let value = marker.make(&anna, 1_000, &[7; 32]);
        let check = |value: &str, to: &[Address], below, now| marker.check(value, to, &[below; 32], now);
        assert!(check(&value, std::slice::from_ref(&anna), 7, 999));
        assert!(check(&value, &[to("Anna@Example.org")], 7, 0), "case does not matter");
        assert!(check(&format!(" {value}\r\n"), std::slice::from_ref(&anna), 7, 0));
        assert!(!check(&value, std::slice::from_ref(&anna), 7, 1_000), "expired");
        assert!(!check(&value, std::slice::from_ref(&anna), 8, 999), "another message");
        assert!(!check(&value, std::slice::from_ref(&bert), 7, 999), "another recipient");
        assert!(!check(&value, &[anna.clone(), bert], 7, 999), "one recipient too many");
        assert!(!check(&value, &[], 7, 999), "nobody");
        assert!(!check(&value.replace("1000", "2000"), std::slice::from_ref(&anna), 7, 999), "expiry changed");
        let other = Keys::random().unwrap().release;
        assert!(!other.check(&value, &[anna], &[7; 32], 999), "another installation");
    }

    #[test]
    fn what_is_no_marker_is_refused() {
        let marker = Keys::random().unwrap().release;
        let anna = [to("anna@example.org")];
        let good = marker.make(&anna[0], 1_000, &[7; 32]);
        let bad = [
            String::new(),
            "v=1".to_owned(),
            good.replace("v=1", "v=2"),
            good.replace("x=", "x=+"),
            good.replace("x=1000", "x=99999999999999999999999"),
            good.replace("x=1000", "x=01000 "),
            good[..good.len() - 2].to_owned(),
            format!("{good}A"),
            format!("{good}{}", " ;".repeat(100)),
        ];
        for value in bad {
            assert!(!marker.check(&value, &anna, &[7; 32], 1), "{value}");
        }
    }

    #[test]
    fn any_changed_character_spoils_it() {
        let marker = Keys::random().unwrap().release;
        let anna = [to("anna@example.org")];
        let good = marker.make(&anna[0], 1_000, &[7; 32]);
        for at in 0..good.len() {
            let mut wrong = good.clone();
            wrong.replace_range(at..=at, if good.as_bytes()[at] == b'8' { "9" } else { "8" });
            assert!(!marker.check(&wrong, &anna, &[7; 32], 1), "{wrong}");
        }
    }
}
