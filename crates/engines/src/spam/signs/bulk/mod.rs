//! Bulk delivery: newsletters, lists, what a sending service delivers. These decide about mass mail, and
//! say nothing about spam.

mod bulk_envelope;
mod feedback_id;
mod leave_in_text;
mod list_id;
mod list_unsubscribe;
mod list_unsubscribe_post;
mod precedence_bulk;
mod sending_service;
mod view_in_browser;

use crate::spam::Row;

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    list_unsubscribe::SIGN,
    list_unsubscribe_post::SIGN,
    list_id::SIGN,
    precedence_bulk::SIGN,
    feedback_id::SIGN,
    sending_service::SIGN,
    leave_in_text::SIGN,
    view_in_browser::SIGN,
    bulk_envelope::SIGN,
];
