//! Who the message is to, and how it addresses them.

mod envelope_not_in_header;
mod greeted_by_address;
mod recipient_in_link;
mod recipient_in_subject;
mod recipient_in_text;
mod recipient_name_is_address;
mod recipient_name_is_local_part;
mod similar_recipients;
mod to_is_generic;

use crate::spam::{Facts, Row};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    recipient_in_subject::SIGN,
    greeted_by_address::SIGN,
    recipient_in_text::SIGN,
    recipient_in_link::SIGN,
    recipient_name_is_local_part::SIGN,
    recipient_name_is_address::SIGN,
    envelope_not_in_header::SIGN,
    similar_recipients::SIGN,
    to_is_generic::SIGN,
];

/// Locals that are no name of a person.
const ROLES: &[&str] = &[
    "info", "admin", "sales", "support", "contact", "office", "mail", "post", "team", "list", "dev", "user", "users",
    "all", "me", "hello",
];

/// First part and whole of each recipient in lower case, those that are no role.
fn locals(f: &Facts) -> Vec<(String, String)> {
    let all = f.recipients().take(5).filter_map(|address| {
        let whole = address.to_lowercase();
        let local = whole.rsplit_once('@')?.0.to_owned();
        let local = if local.len() < 3 || ROLES.contains(&local.as_str()) { "\0".to_owned() } else { local };
        (whole.len() >= 6).then_some((local, whole))
    });
    all.collect()
}
