//! Bytes that serialise as bytes: serde takes a plain `Vec<u8>` for a list of numbers, one call each.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Blob(pub(crate) Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Visitor)
    }
}

struct Visitor;

impl serde::de::Visitor<'_> for Visitor {
    type Value = Blob;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
        Ok(Blob(bytes.to_vec()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Blob, E> {
        Ok(Blob(bytes))
    }
}

/// For `#[serde(with)]`: bytes, each with a name.
pub(crate) mod named {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(list: &[(String, Vec<u8>)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|(name, bytes)| (name, Borrowed(bytes))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Vec<u8>)>, D::Error> {
        let list = Vec::<(String, Blob)>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|(name, blob)| (name, blob.0)).collect())
    }
}

/// For `#[serde(with)]`: bytes, or why there are none.
pub(crate) mod outcome {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Result<Vec<u8>, String>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(|bytes| Borrowed(bytes)).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Result<Vec<u8>, String>, D::Error> {
        Ok(Result::<Blob, String>::deserialize(deserializer)?.map(|blob| blob.0))
    }
}

struct Borrowed<'a>(&'a [u8]);

impl Serialize for Borrowed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
