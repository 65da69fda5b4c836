//! The fingerprint of a certificate.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Reader, Written};

/// SHA-256 over a certificate in DER, as `openssl x509 -fingerprint -sha256` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fingerprint(pub [u8; 32]);

written!(Fingerprint, "the SHA-256 fingerprint of a certificate", "AB:CD:…");

impl Written for Fingerprint {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is not a SHA-256 fingerprint: 64 hexadecimal digits, as \"openssl x509 -noout -fingerprint -sha256\" shows them"
            )
        };
        let digits: Vec<u8> =
            text.chars().filter(|c| *c != ':').map_while(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
        let pairs: Vec<u8> = digits.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect();
        let whole = digits.len() == text.chars().filter(|c| *c != ':').count() && digits.len().is_multiple_of(2);
        <[u8; 32]>::try_from(pairs).ok().filter(|_| whole).map(Self).ok_or_else(wrong)
    }

    fn show(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_with_or_without_colons() {
        let plain = "0123456789abcdef".repeat(4);
        let spelled: Vec<String> =
            plain.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two).to_uppercase()).collect();
        for text in [plain.clone(), spelled.join(":")] {
            assert_eq!(Fingerprint::read(&text).unwrap().show(), plain);
        }
        for wrong in [
            "",
            "ab",
            &plain[..63],
            &plain[..62],
            &format!("{plain}0"),
            &format!("{plain}00"),
            &plain.replace('f', "g"),
        ] {
            assert!(Fingerprint::read(wrong).is_err(), "{wrong}");
        }
    }
}
