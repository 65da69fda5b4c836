//! A PDF written from its objects: numbered from 1, one table, no object streams, no encryption.
//!
//! Readers look for objects anywhere in a damaged file. So that they find none within a string or a stream, a
//! string in which there is a word of the file's structure is written in hexadecimal, and such a stream is
//! compressed once more.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use unpack::formats::pdf::{Dict, Live, Value, references};

use crate::DisarmError;

/// Words of which a file is made.
const STRUCTURE: [&[u8]; 5] = [b"obj", b"endstream", b"trailer", b"xref", b"%%EOF"];

/// Writes what the trailer still leads to.
///
/// # Errors
/// [`DisarmError::NothingLeft`] without a catalogue, [`DisarmError::TooLarge`].
pub(super) fn write(live: &Live, cleaned: BTreeMap<u32, Value>) -> Result<Vec<u8>, DisarmError> {
    let mut waiting = Vec::new();
    references(&Value::Dict(live.trailer.clone()), &mut waiting);
    let mut used = BTreeSet::new();
    while let Some(number) = waiting.pop() {
        if let Some(value) = cleaned.get(&number)
            && used.insert(number)
        {
            references(value, &mut waiting);
        }
    }
    let numbers: BTreeMap<u32, u32> = used.iter().copied().zip(1_u32..).collect();
    let root = live.trailer.get(b"Root").and_then(Value::reference);
    if root.is_none_or(|root| !numbers.contains_key(&root)) {
        return Err(DisarmError::NothingLeft);
    }
    let mut out = format!("%PDF-{}\n%", live.version).into_bytes();
    out.extend([0xe2, 0xe3, 0xcf, 0xd3, b'\n']);
    let mut places = Vec::new();
    for (old, new) in &numbers {
        places.push(out.len());
        let Some(value) = cleaned.get(old) else { continue };
        out.extend(format!("{new} 0 obj\n").into_bytes());
        match live.objects.get(old).and_then(|object| object.stream.as_ref()) {
            Some(stream) => {
                let mut dict = value.dict().cloned().unwrap_or_default();
                let wrapped = if is_structure(stream) { Some(wrap(&mut dict, stream)?) } else { None };
                let stream = wrapped.as_ref().unwrap_or(stream);
                dict.0.retain(|(key, _)| key != b"Length");
                dict.0.push((b"Length".to_vec(), Value::Number(stream.len() as f64)));
                put(&Value::Dict(dict), &numbers, &mut out);
                out.extend(b"\nstream\n");
                out.extend_from_slice(stream);
                out.extend(b"\nendstream");
            }
            None => put(value, &numbers, &mut out),
        }
        out.extend(b"\nendobj\n");
    }
    let table = out.len();
    // The table has ten digits for a place.
    if table > 9_999_999_999 {
        return Err(DisarmError::TooLarge);
    }
    let size = places.len().saturating_add(1);
    out.extend(format!("xref\n0 {size}\n0000000000 65535 f \n").into_bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    let mut trailer = live.trailer.clone();
    trailer.0.push((b"Size".to_vec(), Value::Number(size as f64)));
    out.extend(b"trailer\n");
    put(&Value::Dict(trailer), &numbers, &mut out);
    out.extend(format!("\nstartxref\n{table}\n%%EOF\n").into_bytes());
    Ok(out)
}

/// Whether bytes hold a word by which a reader finds objects and tables.
fn is_structure(bytes: &[u8]) -> bool {
    STRUCTURE.iter().any(|word| memchr::memmem::find(bytes, word).is_some())
}

/// A stream compressed once more, as its dictionary says then.
fn wrap(dict: &mut Dict, stream: &[u8]) -> Result<Vec<u8>, DisarmError> {
    for (key, first) in [(&b"Filter"[..], Value::Name(b"FlateDecode".to_vec())), (b"DecodeParms", Value::Null)] {
        let old = dict.get(key).cloned();
        dict.0.retain(|(name, _)| name != key);
        let list = match old {
            Some(Value::Array(items)) => [vec![first], items].concat(),
            Some(one) => vec![first, one],
            None => vec![first],
        };
        dict.0.push((key.to_vec(), Value::Array(list)));
    }
    deflated(stream)
}

/// Compressed as `FlateDecode` has it.
pub(super) fn deflated(content: &[u8]) -> Result<Vec<u8>, DisarmError> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).and_then(|()| encoder.finish()).map_err(|_| DisarmError::TooLarge)
}

/// What is still to be written of a value.
enum Step<'a> {
    Value(&'a Value),
    Name(&'a [u8]),
    Word(&'static [u8]),
}

/// Writes a value.
fn put(value: &Value, numbers: &BTreeMap<u32, u32>, out: &mut Vec<u8>) {
    let mut steps = vec![Step::Value(value)];
    while let Some(step) = steps.pop() {
        let value = match step {
            Step::Value(value) => value,
            Step::Name(name) => {
                put_name(name, out);
                out.push(b' ');
                continue;
            }
            Step::Word(word) => {
                out.extend(word);
                continue;
            }
        };
        match value {
            Value::Null => out.extend(b"null"),
            Value::Bool(value) => out.extend(value.to_string().into_bytes()),
            // Rust writes no exponents here, which the format does not know.
            Value::Number(number) if number.is_finite() => out.extend(number.to_string().into_bytes()),
            Value::Number(_) => out.push(b'0'),
            Value::Name(name) => put_name(name, out),
            Value::Text(text) => put_text(text, out),
            Value::Reference(number) => match numbers.get(number) {
                Some(new) => out.extend(format!("{new} 0 R").into_bytes()),
                None => out.extend(b"null"),
            },
            Value::Array(items) => {
                out.push(b'[');
                steps.push(Step::Word(b"]"));
                for item in items.iter().rev() {
                    steps.push(Step::Word(b" "));
                    steps.push(Step::Value(item));
                }
            }
            Value::Dict(Dict(pairs)) => {
                out.extend(b"<<");
                steps.push(Step::Word(b">>"));
                for (key, value) in pairs.iter().rev() {
                    steps.push(Step::Word(b"\n"));
                    steps.push(Step::Value(value));
                    steps.push(Step::Name(key));
                }
            }
        }
    }
}

fn put_name(name: &[u8], out: &mut Vec<u8>) {
    out.push(b'/');
    for byte in name {
        if byte.is_ascii_graphic() && !b"()<>[]{}/%#".contains(byte) {
            out.push(*byte);
        } else {
            out.extend(format!("#{byte:02X}").into_bytes());
        }
    }
}

fn put_text(text: &[u8], out: &mut Vec<u8>) {
    if is_structure(text) {
        let digits: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
        return out.extend(format!("<{digits}>").into_bytes());
    }
    out.push(b'(');
    for byte in text {
        match byte {
            b'(' | b')' | b'\\' => out.extend([b'\\', *byte]),
            b'\r' => out.extend(b"\\r"),
            byte => out.push(*byte),
        }
    }
    out.push(b')');
}
