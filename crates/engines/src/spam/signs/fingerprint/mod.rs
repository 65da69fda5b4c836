//! Fingerprints of programs, servers and sending services: what each writes in a form of its own, against what
//! the message claims.
//!
//! Every table names forms that are documented by their makers or stand in all mail of theirs. A program that is
//! not in a table says nothing. Servers add a Message-ID where a program left it out, so that one of a server on
//! the way is nobody's false claim.

mod address_impossible;
mod boundary_not_of_program;
mod id_not_of_program;
mod id_of_service_elsewhere;
mod server_id_odd;
mod service_fields_elsewhere;

use crate::spam::signs::signer;
use crate::spam::{Facts, Row};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    id_not_of_program::SIGN,
    boundary_not_of_program::SIGN,
    id_of_service_elsewhere::SIGN,
    service_fields_elsewhere::SIGN,
    server_id_odd::SIGN,
    address_impossible::SIGN,
];

/// Whether a server with one of these names stands on the way, or a signature is of one of them.
fn carried(f: &Facts, names: &[&str]) -> bool {
    let holds = |text: &str| names.iter().any(|name| text.contains(name));
    let signed = f.fields.iter().filter(|field| field.lower.ends_with("dkim-signature"));
    let is_theirs = |value: &str| {
        let domain = signer(value).unwrap_or_default();
        holds(&domain) || names.contains(&"google") && domain == "gmail.com"
    };
    f.route.iter().any(|hop| holds(&hop.text.to_lowercase())) || signed.into_iter().any(|field| is_theirs(&field.value))
}
