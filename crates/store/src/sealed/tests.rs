//! Tests of the sealed file.

use std::io::{Cursor, Read as _};

use proptest::prelude::*;

use super::{Address, CHUNK, HEADER, Kind, Opened, Sealer, TAG, Trailer, broken};
use crate::entry::BackupId;
use crate::keys::Keys;
use crate::testing::entry;

fn seal(keys: &Keys, data: &[u8]) -> (Vec<u8>, Address) {
    let mut sealer = Sealer::new(Vec::new(), Kind::Content, keys).unwrap();
    data.chunks(7_000).for_each(|piece| sealer.push(piece).unwrap());
    let describe = |address: Address| {
        let entry = entry(1_700_000_000_000, data.len() as u64);
        let trailer = Trailer { id: BackupId::new(1, 2), address: address.0, entry };
        Ok(serde_json::to_vec(&trailer).unwrap())
    };
    sealer.finish(describe).unwrap()
}

/// Reads a file to its end, with reads of `step` bytes.
fn open(keys: &Keys, file: &[u8], step: usize) -> Result<Vec<u8>, &'static str> {
    let name = |e: std::io::Error| broken(&e).expect("damage has a name");
    let mut body = Opened::new(Cursor::new(file), keys).map_err(name)?.into_body(keys);
    let (mut out, mut buffer) = (Vec::new(), vec![0; step]);
    loop {
        match body.read(&mut buffer) {
            Ok(0) => return Ok(out),
            Ok(n) => out.extend_from_slice(&buffer[..n]),
            Err(e) => {
                let again = body.read(&mut buffer).expect_err("damage stays");
                assert_eq!(broken(&e), broken(&again));
                return Err(name(e));
            }
        }
    }
}

/// Bytes that do not compress, so that chunk edges lie where the sizes say.
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}

#[test]
fn sizes_around_the_edges_of_chunks_read_back() {
    let keys = Keys::random().unwrap();
    for chunks in [1, 2, 3] {
        for off in -40i64..40 {
            let data = noise((CHUNK as i64 * chunks + off) as usize, 9);
            let (file, _) = seal(&keys, &data);
            assert!(open(&keys, &file, 10_000).as_deref() == Ok(&data), "{}", data.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_read_back(size in 0usize..3 * CHUNK, seed in any::<u64>(), flat in any::<bool>(), step in 1usize..70_000) {
        let keys = Keys::random().unwrap();
        let data = if flat { vec![b'a'; size] } else { noise(size, seed) };
        let (file, _) = seal(&keys, &data);
        prop_assert!(open(&keys, &file, step.max(size / 50 + 1)).as_deref() == Ok(&data));
    }
}

#[test]
fn any_flipped_bit_and_any_cut_is_detected() {
    let keys = Keys::random().unwrap();
    let data = noise(300, 5);
    let (file, _) = seal(&keys, &data);
    assert_eq!(open(&keys, &file, 100).as_deref(), Ok(&data[..]));
    for bit in 0..file.len() * 8 {
        let mut wrong = file.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&keys, &wrong, 100).is_err(), "bit {bit}");
    }
    for length in 0..file.len() {
        assert!(open(&keys, &file[..length], 100).is_err(), "cut to {length}");
        assert!(open(&keys, &file[file.len() - length..], 100).is_err(), "only the last {length}");
    }
    for more in [&b"\0"[..], &[0; 4], &file] {
        assert!(open(&keys, &[&file, more].concat(), 100).is_err(), "{} bytes more", more.len());
    }
}

#[test]
fn chunks_cannot_be_swapped_dropped_or_mixed() {
    let keys = Keys::random().unwrap();
    let data = noise(CHUNK * 3 + 100, 7);
    let (file, _) = seal(&keys, &data);
    let (other, _) = seal(&keys, &data);
    let at = |n: usize| HEADER + n * (CHUNK + TAG);
    let piece = |n: usize| &file[at(n)..at(n + 1)];
    let (head, tail) = (&file[..HEADER], &file[at(3)..]);
    let other_piece = &other[at(1)..at(2)];
    let wrong = [
        [head, piece(1), piece(0), piece(2), tail].concat(),
        [head, piece(0), piece(2), tail].concat(),
        [head, piece(0), piece(0), piece(1), piece(2), tail].concat(),
        [head, piece(0), other_piece, piece(2), tail].concat(),
        [&other[..HEADER], piece(0), piece(1), piece(2), tail].concat(),
    ];
    assert_eq!([head, piece(0), piece(1), piece(2), tail].concat(), file);
    for (case, wrong) in wrong.iter().enumerate() {
        assert!(open(&keys, wrong, 9_999).is_err(), "case {case}");
    }
}

#[test]
fn damage_at_the_end_gives_out_no_byte_of_the_damaged_chunk() {
    let keys = Keys::random().unwrap();
    let data = noise(CHUNK * 2, 3);
    let (mut file, _) = seal(&keys, &data);
    let at = HEADER + CHUNK + TAG + 5;
    file[at] ^= 1;
    let mut body = Opened::new(Cursor::new(&file), &keys).unwrap().into_body(&keys);
    let mut out = Vec::new();
    assert!(body.read_to_end(&mut out).is_err());
    assert!(data.starts_with(&out), "what came before is the message's");
}

#[test]
fn the_address_is_of_the_content_and_the_key() {
    let (a, b) = (Keys::random().unwrap(), Keys::random().unwrap());
    assert!(seal(&a, b"x").1 == seal(&a, b"x").1);
    assert!(seal(&a, b"x").0 != seal(&a, b"x").0, "each file has its own salt");
    assert!(seal(&a, b"x").1 != seal(&a, b"y").1);
    assert!(seal(&a, b"x").1 != seal(&b, b"x").1);
    assert!(open(&b, &seal(&a, b"x").0, 10).is_err());
}

#[test]
fn nothing_of_the_message_is_readable_in_the_file() {
    let keys = Keys::random().unwrap();
    let (file, _) = seal(&keys, &b"very secret words ".repeat(20));
    for word in ["secret", "figures", "anna@example.org", "infected"] {
        assert!(!file.windows(word.len()).any(|w| w == word.as_bytes()), "{word}");
    }
}
