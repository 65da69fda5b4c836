//! Entry points for fuzzing: the parsers of this crate, with their invariants asserted.

/// A worker's reply, whole and byte by byte: both ways must agree.
pub fn fuzz_reply(data: &[u8]) {
    let whole = crate::frame::drive(data, data.len());
    let first = crate::frame::drive(data, 1);
    // Read whole, trailing bytes are an error; byte by byte, the reply is complete before them.
    if whole.is_some() {
        assert_eq!(whole, first);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn mutated_replies_keep_the_invariants() {
        let reply = crate::Reply { bytes: vec![1; 40], blobs: vec![vec![2; 9], vec![3; 5]] };
        let mut data = crate::frame::encode_reply(7, &reply);
        reply.blobs.iter().for_each(|blob| data.extend_from_slice(blob));
        for at in 0..data.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = data.clone();
                changed[at] = value;
                super::fuzz_reply(&changed);
                changed.truncate(at);
                super::fuzz_reply(&changed);
            }
        }
    }
}
