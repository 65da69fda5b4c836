//! The catalogue: a folder a family of signs, a file a sign.
//!
//! A sign's file has its name. A family's `mod.rs` lists its signs in the order of the documentation, and holds
//! what several of them need; `words.rs` is for several families.

mod attachment;
mod automatic;
mod bulk;
mod composite;
mod disguise;
mod fingerprint;
mod header;
mod html;
mod identity;
mod language;
mod link;
mod phrase;
mod program;
mod recipient;
mod route;
mod sender;
mod structure;
mod subject;
mod words;

use super::facts::registered;
use super::{Facts, Row};

/// Every family.
pub(crate) const TABLES: &[&[Row]] = &[
    header::SIGNS,
    sender::SIGNS,
    recipient::SIGNS,
    subject::SIGNS,
    route::SIGNS,
    identity::SIGNS,
    program::SIGNS,
    fingerprint::SIGNS,
    structure::SIGNS,
    html::SIGNS,
    link::SIGNS,
    phrase::SIGNS,
    disguise::SIGNS,
    language::SIGNS,
    attachment::SIGNS,
    composite::SIGNS,
    bulk::SIGNS,
    automatic::SIGNS,
];

/// What was seen, if it was.
pub(crate) fn when(seen: bool, what: impl Into<String>) -> Option<String> {
    seen.then(|| what.into())
}

/// The domain that a DKIM signature names (RFC 6376, section 3.5), in small letters.
pub(crate) fn signer(value: &str) -> Option<String> {
    let mut tags = value.split(';').filter_map(|tag| tag.split_once('='));
    tags.find(|(name, _)| name.trim() == "d").map(|(_, domain)| domain.trim().to_lowercase())
}

/// The registered domains that say that they signed the message; whether the signatures hold is not known here.
pub(crate) fn signers(f: &Facts) -> impl Iterator<Item = String> {
    let domains =
        f.fields.iter().filter(|field| field.lower == "dkim-signature").filter_map(|field| signer(&field.value));
    domains.map(|domain| registered(&domain).to_owned()).filter(|domain| !domain.is_empty())
}

/// Whether somebody says that he signed the message.
pub(crate) fn is_signed(f: &Facts) -> bool {
    signers(f).next().is_some()
}

/// The text, if there is any.
pub(crate) fn some(text: &str) -> Option<String> {
    when(!text.is_empty(), text)
}
