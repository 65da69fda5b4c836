//! Entry points for fuzzing: each runs a parser of this crate and asserts what must always hold.

use mail::evidence::{COPY_BYTES, Picture};

use crate::image;
use crate::malware::hashlist::HashList;

/// Hash lists: any text loads or is refused with up to ten numbered lines, and takes no more
/// memory than a small multiple of the text.
pub fn fuzz_hashlist(data: &[u8]) {
    match HashList::load("fuzz", data) {
        Ok(list) => {
            assert!(list.len() <= data.len() / 32);
            assert!(list.memory() <= data.len().saturating_mul(4).saturating_add(1024));
        }
        Err(problems) => assert!((1..=10).contains(&problems.len()) && problems.iter().all(|p| p.line.is_some())),
    }
}

/// Pictures: any bytes decode within the limits or are refused, and what is described has views.
pub fn fuzz_image(data: &[u8]) {
    if let Ok(frames) = image::decode(data) {
        assert!((1..=image::MAX_FRAMES).contains(&frames.len()));
        assert!(frames.iter().all(|it| u64::from(it.width).saturating_mul(u64::from(it.height)) <= image::MAX_PIXELS));
    }
    let pictures = image::print(data, image::Views::Few);
    assert!(pictures.len() <= image::MAX_FRAMES && pictures.iter().all(|it| (1..=2).contains(&it.views.len())));
}

/// Copies of pictures: any two are compared, whatever a worker or a file of samples has in their place.
pub fn fuzz_picture_copy(data: &[u8]) {
    let view = mail::evidence::View { luma: [0x5555; 4], edge: [0x3333; 4] };
    let (one, rest) = data.split_at(data.len().min(COPY_BYTES));
    let filled = |bytes: &[u8]| bytes.iter().copied().cycle().take(COPY_BYTES).collect::<Vec<u8>>();
    for (copy, other) in [(one.to_vec(), rest.to_vec()), (filled(one), filled(rest))] {
        let known = image::Known { id: 1, spam: true, views: vec![view], copy };
        let seen = Picture { width: 64, height: 64, views: vec![view], copy: other };
        let found = image::Base::new(vec![known]).all_near(&seen);
        assert!(found.iter().all(|found| found.id == 1 && found.distance == 0) && found.len() <= 1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn any_bytes_load_or_are_refused(data in prop::collection::vec(any::<u8>(), 0..400)) {
            fuzz_hashlist(&data);
        }

        #[test]
        fn mutated_lists_load_or_are_refused(
            hashes in prop::collection::vec("[0-9a-fA-F]{32}|[0-9a-f]{40}|[0-9a-f]{64}", 1..20),
            separator in "[:*#\t 0-9]{0,4}",
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut text: Vec<u8> = hashes.join(&format!("{separator}name\r\n")).into_bytes();
            fuzz_hashlist(&text);
            let at = at.index(text.len());
            text[at] = byte;
            fuzz_hashlist(&text);
        }
    }

    proptest! {
        // Each compares two pictures.
        #![proptest_config(ProptestConfig::with_cases(20))]

        #[test]
        fn any_copies_are_compared(data in prop::collection::vec(any::<u8>(), 0..400), more in 0usize..5000) {
            fuzz_picture_copy(&data.iter().copied().cycle().take(data.len() + more).collect::<Vec<u8>>());
        }
    }
}
