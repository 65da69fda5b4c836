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

/// Most characters `@` behind which a domain is looked for.
const MAX_AT: usize = 1000;

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

/// Whether a link leads to the author's own domain, as in newsletters that somebody asked for. That of a provider of
/// free mail is no place of the author's: many of their footers lead there.
pub(crate) fn leads_to_author(f: &Facts) -> bool {
    let from = f.from_domain();
    !from.is_empty() && !words::is_free_mail(&from) && f.clicks().any(|link| registered(&link.host) == from)
}

/// Whether plain text quotes what it answers: a line begins with `>` or `|`.
pub(crate) fn quotes(f: &Facts) -> bool {
    f.plain.lines().any(|line| line.trim_start().starts_with(['>', '|']))
}

/// Whether a mail address at the author's own domain is shown, as below letters of firms.
fn shows_address_of_author(f: &Facts) -> bool {
    let from = f.from_domain();
    let is_own = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').unwrap_or(rest.len());
        let host = rest.get(..end).unwrap_or("").trim_end_matches('.').to_ascii_lowercase();
        registered(&host) == from
    };
    let shown = [f.plain.as_str(), f.shown()].into_iter();
    let written = f.links.iter().filter(|link| link.scheme == "mailto").map(|link| link.raw.as_str());
    let mut rests = shown.chain(written).flat_map(|text| text.split('@').skip(1)).take(MAX_AT);
    !from.is_empty() && !words::is_free_mail(&from) && rests.any(is_own)
}

/// Whether nothing shows who sells: neither a link nor an address is of the author's domain, the header does not say
/// how to leave, and nobody is quoted. Shops, clubs and lists use the same words as spam, but seldom so.
pub(crate) fn sells_unnamed(f: &Facts) -> bool {
    !f.has("list-unsubscribe") && !leads_to_author(f) && !shows_address_of_author(f) && !quotes(f)
}

/// The text, if there is any.
pub(crate) fn some(text: &str) -> Option<String> {
    when(!text.is_empty(), text)
}
