//! A 7z archive written anew: one block of all files, compressed with LZMA2, and a plain header.
//!
//! Names and contents stay; times, attributes and empty folders do not, and the order of the files is
//! the same. Encrypted archives are refused before.

use std::io::Write;

use lzma_rust2::{Lzma2Options, Lzma2Writer};

use crate::DisarmError;

/// Starts an archive: magic and version 0.4.
const MAGIC: &[u8] = b"7z\xbc\xaf\x27\x1c\0\x04";
/// Level of compression: quick, and small enough.
const LEVEL: u32 = 3;
/// The property byte of LZMA2 for a dictionary of 4 MiB (level 3): 2^22 is number 20.
const DICTIONARY: u8 = 20;

/// An archive of these files, by name and content.
///
/// # Errors
/// [`DisarmError::TooLarge`] when it cannot be written.
pub(crate) fn write(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, DisarmError> {
    let plain: Vec<u8> = files.iter().flat_map(|(_, content)| content).copied().collect();
    let mut options = Lzma2Options::with_preset(LEVEL);
    options.lzma_options.dict_size = 1 << 22;
    let mut encoder = Lzma2Writer::new(Vec::new(), options);
    let packed = encoder.write_all(&plain).and_then(|()| encoder.finish()).map_err(|_| DisarmError::TooLarge)?;
    let header = header(files, plain.len(), if plain.is_empty() { None } else { Some(packed.len()) });
    let packed = if plain.is_empty() { Vec::new() } else { packed };
    let mut start = Vec::new();
    start.extend((packed.len() as u64).to_le_bytes());
    start.extend((header.len() as u64).to_le_bytes());
    start.extend(crc32fast::hash(&header).to_le_bytes());
    Ok([MAGIC, &crc32fast::hash(&start).to_le_bytes(), &start, &packed, &header].concat())
}

fn header(files: &[(String, Vec<u8>)], plain: usize, packed: Option<usize>) -> Vec<u8> {
    let mut out = vec![0x01];
    let full: Vec<&[u8]> = files.iter().map(|(_, content)| content.as_slice()).filter(|c| !c.is_empty()).collect();
    if let Some(packed) = packed {
        // Pack information: one stream, and its size.
        out.extend([0x04, 0x06, 0x00, 0x01, 0x09]);
        number(&mut out, packed);
        out.push(0x00);
        // Folders: one, with one coder of one property byte.
        out.extend([0x07, 0x0b, 0x01, 0x00, 0x01, 0x21, 0x21, 0x01, DICTIONARY, 0x0c]);
        number(&mut out, plain);
        out.push(0x00);
        // Files in it: how many, the sizes of all but the last, checksums of all.
        out.extend([0x08, 0x0d]);
        number(&mut out, full.len());
        if full.len() > 1 {
            out.push(0x09);
            for content in full.iter().take(full.len().saturating_sub(1)) {
                number(&mut out, content.len());
            }
        }
        out.extend([0x0a, 0x01]);
        for content in &full {
            out.extend(crc32fast::hash(content).to_le_bytes());
        }
        out.extend([0x00, 0x00]);
    }
    out.push(0x05);
    number(&mut out, files.len());
    let empty: Vec<bool> = files.iter().map(|(_, content)| content.is_empty()).collect();
    if empty.contains(&true) {
        property(&mut out, 0x0e, &bits(&empty));
        // Empty files, not folders.
        property(&mut out, 0x0f, &bits(&vec![true; empty.iter().filter(|empty| **empty).count()]));
    }
    let mut names = vec![0];
    for (name, _) in files {
        names.extend(name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    }
    property(&mut out, 0x11, &names);
    out.extend([0x00, 0x00]);
    out
}

fn property(out: &mut Vec<u8>, id: u8, bytes: &[u8]) {
    out.push(id);
    number(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Bits, the first one in the highest place.
fn bits(values: &[bool]) -> Vec<u8> {
    let byte = |chunk: &[bool]| {
        chunk.iter().zip([128, 64, 32, 16, 8, 4, 2, 1]).fold(0, |sum, (set, bit)| if *set { sum | bit } else { sum })
    };
    values.chunks(8).map(byte).collect()
}

/// A number: one byte below 128, else all eight bytes behind 0xff.
fn number(out: &mut Vec<u8>, value: usize) {
    match u8::try_from(value) {
        Ok(small) if small < 0x80 => out.push(small),
        _ => {
            out.push(0xff);
            out.extend((value as u64).to_le_bytes());
        }
    }
}
