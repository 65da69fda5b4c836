//! The words of filters by status: any other is refused, so that a mistyped one does not find nothing in silence.

use clap::builder::PossibleValuesParser;
use judge::spam::SpamStatus;
use judge::status::Status;

/// What a message is as to malware.
pub(crate) fn statuses() -> PossibleValuesParser {
    PossibleValuesParser::new(Status::ALL.map(Status::name))
}

/// What a message is as to spam.
pub(crate) fn spam_statuses() -> PossibleValuesParser {
    PossibleValuesParser::new(SpamStatus::ALL.map(SpamStatus::name))
}
