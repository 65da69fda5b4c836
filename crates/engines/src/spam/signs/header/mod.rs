//! Fields that are missing, doubled, empty or odd.

mod bare_ip_originator;
mod disposition_wanted;
mod doubled_field;
mod empty_fields;
mod empty_subject;
mod few_fields;
mod header_placeholder;
mod high_priority;
mod hr_01_to_without_address;
mod lower_case_fields;
mod many_recipients;
mod missing_date;
mod missing_from;
mod missing_message_id;
mod missing_mime_version;
mod missing_subject;
mod odd_field_name;
mod php_script;
mod raw_eight_bit_header;

use crate::spam::Row;

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    hr_01_to_without_address::SIGN,
    missing_from::SIGN,
    missing_date::SIGN,
    missing_message_id::SIGN,
    missing_subject::SIGN,
    empty_subject::SIGN,
    missing_mime_version::SIGN,
    doubled_field::SIGN,
    raw_eight_bit_header::SIGN,
    high_priority::SIGN,
    many_recipients::SIGN,
    header_placeholder::SIGN,
    php_script::SIGN,
    odd_field_name::SIGN,
    lower_case_fields::SIGN,
    empty_fields::SIGN,
    bare_ip_originator::SIGN,
    few_fields::SIGN,
    disposition_wanted::SIGN,
];
