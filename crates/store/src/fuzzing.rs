//! Entry points for fuzzing: each takes any bytes and asserts what must hold.

use std::io::{Cursor, Read as _};

use crate::entry::BackupId;
use crate::keys::{KeyText, Keys};
use crate::sealed::Opened;

/// A sealed file of foreign bytes under a random key: never opens, never panics.
pub fn fuzz_sealed(data: &[u8]) {
    let Ok(keys) = Keys::random() else { return };
    if let Ok(opened) = Opened::new(Cursor::new(data), &keys) {
        let mut out = Vec::new();
        let read = opened.into_body(&keys).read_to_end(&mut out);
        assert!(read.is_err(), "a file that nobody sealed was opened");
    }
}

/// Texts that people and mail bring: names, printed keys, release markers.
pub fn fuzz_texts(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(id) = text.parse::<BackupId>() {
        assert!(id.to_string().parse() == Ok(id));
    }
    if let Ok(keys) = Keys::import(&KeyText::new(&text)) {
        assert!(Keys::import(&keys.export()).is_ok_and(|again| again.check == keys.check));
    }
    if let Some((_, mac)) = crate::release::parse(&text) {
        assert!(mac.len() == 32);
    }
}

#[cfg(test)]
mod tests {
    use super::{fuzz_sealed, fuzz_texts};

    fn mutated(seed: &[u8], number: usize) -> Vec<u8> {
        testkit::mutated(seed, number, b"=;01A")
    }

    #[test]
    fn hundreds_of_mutations_hold_the_invariants() {
        let mut sealed = b"MWB1\x01\x01\0\0".to_vec();
        sealed.extend([7; 200]);
        sealed.extend([0, 0, 0, 40]);
        let key = crate::keys::Keys::random().unwrap().export().expose().to_owned();
        let marker = format!("v=1; x=1700000000; m={}", "A".repeat(43));
        for number in 0..300 {
            fuzz_sealed(&mutated(&sealed, number));
            for seed in [key.as_str(), &marker, "01H0000000000", "x"] {
                fuzz_texts(&mutated(seed.as_bytes(), number));
            }
        }
    }
}
