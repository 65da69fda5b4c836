//! Undoing encryption with a password that may be the right one.
//!
//! Each trial costs fuel before it is made ([`crate::Budget::may_try`]): the numbers of rounds are a
//! sender's, so they are limited here. Nothing of a password or key is kept beyond an archive's own
//! lifetime, and nothing here has a `Debug`.

pub(crate) mod seven;
pub(crate) mod zip;

/// What one block of a hash costs, in fuel.
pub(crate) const HASH_BLOCK_FUEL: u64 = 16;

/// The forms in which programs hand a password to the cipher: in UTF-8, and where it has letters
/// beyond ASCII in the code pages that older ones use.
pub(crate) fn forms(password: &str) -> Vec<Vec<u8>> {
    let mut all = vec![password.as_bytes().to_vec()];
    if password.is_ascii() {
        return all;
    }
    let latin: Option<Vec<u8>> = password.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    all.extend(latin);
    all.extend(crate::names::encode_437(password));
    all
}
