//! Finding the password of an encrypted folder.
//!
//! A password is proven by the checksum of the folder's first file. Limits: [`MAX_FAILED`], [`PROOF`],
//! and the share of the budget that trials have.

use std::io::Read;
use std::rc::Rc;

use mail::evidence::UnscannedReason;

use super::SevenZip;
use super::folder::{self, Keys};
use super::header::Folder;
use crate::budget::Budget;
use crate::bytes::between;
use crate::decode::CHUNK;
use crate::formats::shared::Shared;

/// So many folders that no password opened; further ones are tried with the known password only.
const MAX_FAILED: u32 = 4;
/// How much of a folder a password that opened another one has to decode without error, in bytes.
const PROOF: u64 = 1024 * 1024;

impl SevenZip {
    /// Finds the password of a folder, if it has one.
    pub(super) fn unlock(
        &mut self,
        folder: &Folder,
        shared: &Rc<Shared>,
        budget: &mut Budget,
    ) -> Result<(), UnscannedReason> {
        if !folder::is_sealed(folder) {
            return Ok(());
        }
        if let Some((keys, _)) = self.keys.as_mut()
            && fits(folder, shared, keys, PROOF, budget)
        {
            return Ok(());
        }
        let passwords = budget.passwords();
        for (password, source) in passwords.iter().take(if self.failed < MAX_FAILED { usize::MAX } else { 0 }) {
            let mut keys = Keys::new(password);
            if fits(folder, shared, &mut keys, u64::MAX, budget) {
                self.keys = Some((keys, source));
                return Ok(());
            }
        }
        self.failed = self.failed.saturating_add(1);
        Err(UnscannedReason::Encrypted)
    }
}

/// Whether a password opens a folder; after `enough` bytes without error it does.
fn fits(folder: &Folder, shared: &Rc<Shared>, keys: &mut Keys, enough: u64, budget: &mut Budget) -> bool {
    let fuel = keys.fuel(folder).map(|fuel| fuel.saturating_add(folder::trial_fuel(folder)));
    if !fuel.is_some_and(|fuel| budget.may_try(fuel)) {
        return false;
    }
    let Ok(mut content) = folder::open(folder, shared, Some(keys)) else { return false };
    let mut chunk = vec![0; CHUNK];
    let mut done = 0_u64;
    for (size, sum) in &folder.files {
        let (mut left, mut hash) = (*size, crc32fast::Hasher::new());
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let read = content.read(chunk.get_mut(..most).unwrap_or_default()).unwrap_or(0);
            if read == 0 || !budget.may_try(read as u64) {
                return false;
            }
            hash.update(between(&chunk, 0, read));
            left = left.saturating_sub(read as u64);
            done = done.saturating_add(read as u64);
            if done >= enough {
                return true;
            }
        }
        if let Some(sum) = sum {
            return hash.finalize() == *sum;
        }
    }
    false
}
