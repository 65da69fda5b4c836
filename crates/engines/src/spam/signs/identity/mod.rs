//! Message-ID and Date.

mod date_gmt;
mod date_in_future;
mod date_in_past;
mod date_some_hours_off;
mod date_unreadable;
mod date_without_zone;
mod date_zone_impossible;
mod id_capitals_only;
mod id_host_is_local;
mod id_host_other_than_sender;
mod id_host_random;
mod id_host_without_dot;
mod id_long;
mod id_malformed;
mod id_of_outlook_elsewhere;
mod id_of_recipient;
mod id_short;

use crate::spam::{Facts, Row};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    id_malformed::SIGN,
    id_host_without_dot::SIGN,
    id_host_is_local::SIGN,
    id_host_other_than_sender::SIGN,
    id_of_recipient::SIGN,
    id_host_random::SIGN,
    id_short::SIGN,
    id_long::SIGN,
    id_of_outlook_elsewhere::SIGN,
    id_capitals_only::SIGN,
    date_unreadable::SIGN,
    date_without_zone::SIGN,
    date_gmt::SIGN,
    date_zone_impossible::SIGN,
    date_in_future::SIGN,
    date_in_past::SIGN,
    date_some_hours_off::SIGN,
];

/// Left and right of the Message-ID, the right in lower case.
fn parts(f: &Facts) -> Option<(String, String)> {
    let inner = f.message_id.strip_prefix('<')?.strip_suffix('>')?;
    let (left, right) = inner.rsplit_once('@')?;
    let whole = !left.is_empty() && !right.is_empty() && !inner.contains([' ', '<', '>']);
    whole.then(|| (left.to_owned(), right.to_lowercase()))
}

/// Seconds from the message's date to when it came.
fn late(f: &Facts) -> Option<i64> {
    Some(f.arrived()?.saturating_sub(f.date?.unix))
}
