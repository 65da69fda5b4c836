//! The MIME structure: what parts there are, and whether they fit each other.

mod alternative_of_one;
mod ascii_that_is_none;
mod attachment_without_text;
mod base64_for_nothing;
mod base64_text;
mod charset_of_elsewhere;
mod documents_not_all_read;
mod empty_text;
mod html_only;
mod html_only_unsigned;
mod link_and_little_text;
mod mixed_of_one;
mod no_charset;
mod not_all_read;
mod odd_media_type;
mod plain_differs_from_html;
mod plain_empty_beside_html;
mod related_without_picture;
mod unknown_charset;

use crate::spam::Row;

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    html_only::SIGN,
    html_only_unsigned::SIGN,
    plain_empty_beside_html::SIGN,
    plain_differs_from_html::SIGN,
    alternative_of_one::SIGN,
    mixed_of_one::SIGN,
    base64_for_nothing::SIGN,
    base64_text::SIGN,
    no_charset::SIGN,
    ascii_that_is_none::SIGN,
    unknown_charset::SIGN,
    charset_of_elsewhere::SIGN,
    empty_text::SIGN,
    link_and_little_text::SIGN,
    odd_media_type::SIGN,
    related_without_picture::SIGN,
    attachment_without_text::SIGN,
    not_all_read::SIGN,
    documents_not_all_read::SIGN,
];
