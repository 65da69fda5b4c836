//! Program or Message-ID are claimed falsely, and so is the way.

use mail::evidence::SignGroup;

use super::at_least;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "program_and_way_false",
    group: SignGroup::Composite,
    points: Points::Fitted(149),
    about: "Program or Message-ID are claimed falsely, and so is the way.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: Microsoft Outlook Express 6.00\n\
         Received: from 192.0.2.7 (unknown [192.0.2.7]) by a.example with SMTP; x"],
    #[cfg(test)]
    quiet: &["X-Mailer: Microsoft Outlook Express 6.00"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        at_least(
            f,
            &[
                "express_without_mime_ole",
                "outlook_boundary_elsewhere",
                "outlook_with_other_boundary",
                "id_of_outlook_elsewhere",
                "ms_priority_without_ole",
                "id_malformed",
                "program_random",
                "date_zone_impossible",
            ],
            1,
        ) && at_least(
            f,
            &[
                "greeting_borrowed",
                "greeting_is_address",
                "greeting_of_recipient",
                "claimed_provider_not_on_route",
                "client_unknown",
                "client_dynamic",
                "greeting_dynamic",
            ],
            1,
        ),
        "a false program on a false way",
    )
}
