//! Delivery reports and automatic replies, by structure. These decide about formal notifications, and say
//! nothing about spam.

mod automatic_reply;
mod automatic_reply_of_old;
mod delivery_report;
mod failed_recipients;
mod from_mail_server;
mod null_sender;
mod read_report;
mod report_in_words;
mod report_of_another;
mod returned_message;
mod subject_of_report;

use crate::spam::Row;

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    delivery_report::SIGN,
    read_report::SIGN,
    automatic_reply::SIGN,
    automatic_reply_of_old::SIGN,
    null_sender::SIGN,
    from_mail_server::SIGN,
    subject_of_report::SIGN,
    report_in_words::SIGN,
    failed_recipients::SIGN,
    report_of_another::SIGN,
    returned_message::SIGN,
];
