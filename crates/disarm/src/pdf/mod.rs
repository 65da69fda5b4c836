//! PDF without active content (ISO 32000): scripts, actions that start, send or open something, forms in
//! XML, rich media and embedded files.
//!
//! The live objects are cleaned and written into a fresh file; what nothing refers to any more, older
//! versions, and objects that no table lists are not in it. A document that opens with the empty password
//! is written without encryption. Refused: other encrypted documents, and what could not be read in
//! full. Not handled: signatures, which no longer fit.

mod clean;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use mail::evidence::{Active, FileKind, UnscannedReason};
use unpack::formats::pdf::{Live, Value, live};
use unpack::{Budget, Member};

use crate::DisarmError;
use crate::remove::{Change, Changes};
use clean::Cleaner;

/// The document without the files that change says go, and without active content of these kinds.
///
/// # Errors
/// [`DisarmError::Encrypted`], [`DisarmError::NotSound`], [`DisarmError::Limit`],
/// [`DisarmError::NothingToRemove`], and [`DisarmError::Format`] for a part that is no embedded file.
pub(crate) fn edit(
    data: &[u8],
    members: &[Member],
    changes: &Changes,
    active: &BTreeSet<Active>,
    budget: &mut Budget,
) -> Result<Vec<u8>, DisarmError> {
    let mut live = live(data, budget).map_err(|reason| match reason {
        UnscannedReason::Encrypted => DisarmError::Encrypted,
        UnscannedReason::Damaged => DisarmError::NotSound,
        _ => DisarmError::Limit,
    })?;
    let hidden = members.iter().any(|member| member.hidden);
    let mut changed = hidden;
    let mut gone = BTreeSet::new();
    for member in members.iter().filter(|member| !member.hidden) {
        let Some(change) = changes.get(&member.index) else { continue };
        let numbers: Vec<u32> =
            live.files.iter().filter(|(_, content)| **content == member.content).map(|(number, _)| *number).collect();
        if numbers.is_empty() {
            return Err(DisarmError::Format);
        }
        changed = true;
        match change {
            Change::Content { bytes, suffix: "" } => {
                numbers.iter().for_each(|number| replace(&mut live, *number, bytes))
            }
            _ => gone.extend(numbers),
        }
    }
    if active.contains(&Active::OlePackage) {
        gone.extend(live.files.iter().filter(|(_, content)| is_opened(content)).map(|(number, _)| *number));
    }
    // What is decided by the content of a file holds only for bytes that read back as that content.
    for number in live.files.keys().copied().filter(|number| !gone.contains(number)).collect::<Vec<_>>() {
        pack(&mut live, number)?;
    }
    let mut cleaner = Cleaner::new(active, gone, &live);
    cleaner.find(&live);
    let cleaned: BTreeMap<u32, Value> =
        live.objects.iter().filter_map(|(number, object)| Some((*number, cleaner.object(*number, object)?))).collect();
    changed |= cleaner.changed;
    if !changed {
        return Err(DisarmError::NothingToRemove);
    }
    write::write(&live, cleaned)
}

/// Whether an embedded file is there to be opened by somebody. Bills in XML are not.
fn is_opened(content: &[u8]) -> bool {
    !matches!(unpack::detect(content), FileKind::Text | FileKind::Xml | FileKind::Empty)
}

/// Gives an embedded file other content.
fn replace(live: &mut Live, number: u32, bytes: &[u8]) {
    live.files.insert(number, bytes.to_vec());
}

/// Writes the stream of an embedded file again from its content.
fn pack(live: &mut Live, number: u32) -> Result<(), DisarmError> {
    let (Some(object), Some(content)) = (live.objects.get_mut(&number), live.files.get(&number)) else {
        return Ok(());
    };
    if let Value::Dict(dict) = &mut object.value {
        dict.0.retain(|(key, _)| !matches!(key.as_slice(), b"Filter" | b"DecodeParms" | b"DL" | b"Params"));
    }
    let packed = write::deflated(content)?;
    if let Value::Dict(dict) = &mut object.value
        && packed.len() < content.len()
    {
        dict.0.push((b"Filter".to_vec(), Value::Name(b"FlateDecode".to_vec())));
        object.stream = Some(packed);
    } else {
        object.stream = Some(content.clone());
    }
    Ok(())
}
