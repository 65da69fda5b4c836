//! The coders of a folder, put one into another.
//!
//! Limits: those of the decoders; a chain is at most [`MAX_CODERS`] deep.

use std::io::{self, Read};
use std::rc::Rc;

use lzma_rust2::filter::{bcj::BcjReader, bcj2::Bcj2Reader, delta::DeltaReader};
use lzma_rust2::{Lzma2Reader, LzmaReader};

use super::header::{Coder, Folder, Input, MAX_CODERS};
use crate::bytes::le32;
use crate::decode::{Guarded, MAX_DICTIONARY, ppmd, zstd};
use crate::decrypt::seven::Parameters;
use crate::formats::shared::Shared;

/// The method PPMd.
const PPMD: u64 = 0x0003_0401;
/// The method AES-256.
const AES: u64 = 0x06f1_0701;
/// Most keys that are kept.
const MAX_KEYS: usize = 16;
/// How much work a folder is, in fuel.
const FOLDER_FUEL: u64 = 64 * 1024;

/// A chain that cannot be built.
pub(super) enum Fault {
    /// It has a password.
    Encrypted,
    /// A method that is not read here.
    Unknown,
    /// A limit, or damage.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

type Chain = Box<dyn Read>;

/// A password, and the keys that were made of it. There is no `Debug`.
pub(super) struct Keys {
    pub(super) password: String,
    made: Vec<(Parameters, [u8; 32])>,
}

impl Keys {
    pub(super) fn new(password: &str) -> Self {
        Self { password: password.to_owned(), made: Vec::new() }
    }

    /// What the keys of a folder that are still to be made cost, in fuel; `None`: more than is spent.
    pub(super) fn fuel(&self, folder: &Folder) -> Option<u64> {
        let mut fuel = 0_u64;
        for coder in folder.coders.iter().filter(|coder| coder.id == AES) {
            let parameters = Parameters::read(&coder.properties)?;
            if !self.made.iter().any(|(known, _)| known.same_key(&parameters)) {
                fuel = fuel.saturating_add(parameters.fuel(&self.password)?);
            }
        }
        Some(fuel)
    }

    fn key(&mut self, parameters: &Parameters) -> [u8; 32] {
        if let Some((_, key)) = self.made.iter().find(|(known, _)| known.same_key(parameters)) {
            return *key;
        }
        let key = parameters.key(&self.password);
        if self.made.len() < MAX_KEYS {
            self.made.push((parameters.clone(), key));
        }
        key
    }
}

/// Whether a folder is encrypted.
pub(super) fn is_sealed(folder: &Folder) -> bool {
    folder.coders.iter().any(|coder| coder.id == AES)
}

/// The content of a folder; one that is encrypted needs keys.
pub(super) fn open(folder: &Folder, source: &Rc<Shared>, keys: Option<&mut Keys>) -> Result<Chain, Fault> {
    chain(folder, folder.last, source, keys, MAX_CODERS)
}

/// How much work it is to make the decoders, in fuel, beside what they read and give.
pub(super) fn fuel(folder: &Folder) -> u64 {
    let models = folder.coders.iter().filter(|coder| coder.id == PPMD);
    let memory = models.map(|coder| u64::from(le32(&coder.properties, 1).unwrap_or(0)));
    memory.fold(FOLDER_FUEL, |sum, memory| sum.saturating_add(memory >> 3))
}

/// How much work it is to make the decoders for a trial, where nothing else counts their windows.
pub(super) fn trial_fuel(folder: &Folder) -> u64 {
    let largest = folder.coders.iter().map(|coder| coder.size.min(u64::from(MAX_DICTIONARY))).max().unwrap_or(0);
    fuel(folder).saturating_add(largest >> 4)
}

/// What a coder gives; `depth` bounds the chain below it.
fn chain(
    folder: &Folder,
    index: usize,
    source: &Rc<Shared>,
    mut keys: Option<&mut Keys>,
    depth: u64,
) -> Result<Chain, Fault> {
    let bad = || Fault::Io(io::ErrorKind::InvalidData.into());
    let depth = depth.checked_sub(1).ok_or_else(bad)?;
    let coder = folder.coders.get(index).ok_or_else(bad)?;
    let mut inputs = Vec::new();
    for input in &coder.inputs {
        inputs.push(match input {
            Input::Packed(range) => Box::new(source.part(range.clone())) as Chain,
            Input::Coder(from) => chain(folder, *from, source, keys.as_deref_mut(), depth)?,
        });
    }
    if coder.id == 0x0303_011b {
        return Ok(Box::new(Guarded(Some(Bcj2Reader::try_new(inputs, coder.size)?))));
    }
    let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else { return Err(bad()) };
    let made = coder.size;
    // A coder gives what it is said to give, and no more.
    if coder.id == AES {
        let keys = keys.ok_or(Fault::Encrypted)?;
        let parameters = Parameters::read(&coder.properties).ok_or_else(bad)?;
        let key = keys.key(&parameters);
        return Ok(Box::new(parameters.reader(&key, input).take(made)));
    }
    Ok(Box::new(single(coder, input)?.take(made)))
}

/// The coders that have one input.
fn single(coder: &Coder, input: Chain) -> Result<Chain, Fault> {
    let property = |at: usize| coder.properties.get(at).copied().ok_or(io::Error::from(io::ErrorKind::InvalidData));
    let word = |at: usize| le32(&coder.properties, at).ok_or(io::Error::from(io::ErrorKind::InvalidData));
    Ok(match coder.id {
        0 => input,
        0x21 => {
            let dictionary = dictionary(lzma2_dictionary(property(0)?)?, coder.size)?;
            Box::new(Guarded(Some(Lzma2Reader::new(input, dictionary, None))))
        }
        0x0003_0101 => {
            let dictionary = dictionary(word(1)?, coder.size)?;
            let properties = property(0)?;
            let reader = LzmaReader::new_with_props(input, coder.size, properties, dictionary, None)?;
            Box::new(Guarded(Some(reader)))
        }
        PPMD => {
            let (order, memory) = (property(0)?, word(1)?);
            ppmd::of_7z(input, order.into(), memory, coder.size)?
        }
        0x0004_0108 => Box::new(flate2::read::DeflateDecoder::new(input)),
        0x0004_0109 => Box::new(Guarded(Some(deflate64::Deflate64Decoder::new(input)))),
        0x0004_0202 => Box::new(Guarded(Some(bzip2::read::MultiBzDecoder::new(input)))),
        0x04f7_1101 => zstd::reader(input)?,
        3 => Box::new(DeltaReader::new(input, usize::from(property(0)?).saturating_add(1))),
        4 | 0x0303_0103 => Box::new(Guarded(Some(BcjReader::new_x86(input, 0)))),
        5 | 0x0303_0205 => Box::new(Guarded(Some(BcjReader::new_ppc(input, 0)))),
        6 | 0x0303_0401 => Box::new(Guarded(Some(BcjReader::new_ia64(input, 0)))),
        7 | 0x0303_0501 => Box::new(Guarded(Some(BcjReader::new_arm(input, 0)))),
        8 | 0x0303_0701 => Box::new(Guarded(Some(BcjReader::new_arm_thumb(input, 0)))),
        9 | 0x0303_0805 => Box::new(Guarded(Some(BcjReader::new_sparc(input, 0)))),
        10 => Box::new(Guarded(Some(BcjReader::new_arm64(input, 0)))),
        11 => Box::new(Guarded(Some(BcjReader::new_riscv(input, 0)))),
        _ => return Err(Fault::Unknown),
    })
}

/// The dictionary of LZMA2, in bytes, as its property says.
fn lzma2_dictionary(property: u8) -> io::Result<u32> {
    match property {
        0..40 => Ok((2 | u32::from(property & 1)) << u32::from(property >> 1).saturating_add(11)),
        40 => Ok(u32::MAX),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// As much of a dictionary as the content can reach; an error when that is too much.
fn dictionary(stated: u32, size: u64) -> io::Result<u32> {
    let needed = u64::from(stated).min(size.max(4096));
    if needed > u64::from(MAX_DICTIONARY) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    Ok(u32::try_from(needed).unwrap_or(MAX_DICTIONARY))
}
