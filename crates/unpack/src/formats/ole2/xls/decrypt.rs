//! Encrypted workbooks: which way, and the records that stand as they are (MS-XLS 2.2.10).

use mail::evidence::PasswordSource;

use super::records::Records;
use crate::budget::Budget;
use crate::bytes::{between, le16};
use crate::formats::ole2::crypt::{Closed, Legacy, Xor};

/// The record that says how it is encrypted.
const FILE_PASS: u16 = 0x002f;
/// Records that are never encrypted; of a sheet's entry its place.
const PLAIN: [u16; 7] = [0x0809, FILE_PASS, 0x0194, 0x0195, 0x00e1, 0x0196, 0x0138];
const SHEET: u16 = 0x0085;
/// How many records may stand before it.
const MAX_BEFORE: usize = 64;
/// The key of RC4 changes with each block of these bytes.
const BLOCK: usize = 1024;

/// Decrypts a stream in its place; `None` if it is not encrypted.
pub(super) fn decrypt(data: &mut [u8], budget: &mut Budget) -> Result<Option<PasswordSource>, Closed> {
    let found = Records::new(data).take(MAX_BEFORE).find(|record| record.id == FILE_PASS);
    let Some(record) = found else { return Ok(None) };
    let (at, info) = (record.at, record.body.to_vec());
    budget.burn(data.len() as u64)?;
    let source = match le16(&info, 0) {
        // Before Excel 97 there is only one way, and no number for it.
        Some(0) | None => xor(data, le16(&info, 4), budget)?,
        Some(_) if info.len() == 4 => xor(data, le16(&info, 2), budget)?,
        Some(_) => rc4(data, between(&info, 2, info.len()), budget)?,
    };
    // What is given on is not encrypted.
    if let Some(id) = data.get_mut(at..at.saturating_add(2)) {
        id.fill(0);
    }
    Ok(Some(source))
}

/// Where the encrypted bytes of each record stand: its data, and how many of its first bytes are plain.
fn encrypted(data: &[u8]) -> Vec<(usize, usize, usize)> {
    let mut all = Vec::new();
    for record in Records::new(data).filter(|record| !PLAIN.contains(&record.id) && !record.body.is_empty()) {
        let skip = if record.id == SHEET { 4 } else { 0 };
        all.push((record.at.saturating_add(4), record.body.len(), skip));
    }
    all
}

fn xor(data: &mut [u8], verifier: Option<u16>, budget: &mut Budget) -> Result<PasswordSource, Closed> {
    let (key, source) = Xor::unlock(verifier.ok_or(Closed::Damaged)?, budget)?;
    for (start, length, skip) in encrypted(data) {
        if let Some(body) = data.get_mut(start..start.saturating_add(length)) {
            key.decrypt(body, start, skip);
        }
    }
    Ok(source)
}

/// The whole stream is enciphered, and what stands as it is put back.
fn rc4(data: &mut [u8], info: &[u8], budget: &mut Budget) -> Result<PasswordSource, Closed> {
    let (key, source) = Legacy::unlock(info, budget)?;
    let places = encrypted(data);
    let mut plain = data.to_vec();
    key.decrypt(&mut plain, BLOCK, budget)?;
    for (start, length, skip) in places {
        let range = start.saturating_add(skip)..start.saturating_add(length);
        if let (Some(to), Some(from)) = (data.get_mut(range.clone()), plain.get(range)) {
            to.copy_from_slice(from);
        }
    }
    Ok(source)
}
