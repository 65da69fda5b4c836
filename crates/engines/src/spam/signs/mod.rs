//! The catalogue: a file a family of signs, a row a sign.

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

use super::Row;
pub(crate) use phrase::find as find_phrases;

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

/// One row. The cases are for tests only.
macro_rules! sign {
    ($points:expr, $id:literal, $group:ident, $about:expr, $check:expr,
     fires: [$($fires:expr),* $(,)?], quiet: [$($quiet:expr),* $(,)?]) => {
        $crate::spam::Row {
            id: $id,
            group: mail::evidence::SignGroup::$group,
            about: $about,
            points: $points,
            check: $check,
            #[cfg(test)]
            fires: &[$($fires),*],
            #[cfg(test)]
            quiet: &[$($quiet),*],
        }
    };
}
pub(crate) use sign;

/// What was seen, if it was.
pub(crate) fn when(seen: bool, what: impl Into<String>) -> Option<String> {
    seen.then(|| what.into())
}

/// The text, if there is any.
pub(crate) fn some(text: &str) -> Option<String> {
    when(!text.is_empty(), text)
}
