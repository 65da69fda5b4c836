//! The Message-ID is that of a large service that neither carried nor signed the message.

use mail::evidence::SignGroup;

use super::carried;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

/// Services whose Message-IDs have a right side of their own, and pieces of names of their servers.
const PLACES: &[(&str, &[&str])] = &[
    ("mail.gmail.com", &["google"]),
    ("mail.yahoo.com", &["yahoo"]),
    ("prod.outlook.com", &["outlook", "microsoft", "office365"]),
    ("hotmail.com", &["hotmail", "outlook", "msn"]),
    ("aol.com", &["aol", "yahoo"]),
    ("email.amazonses.com", &["amazonses", "amazonaws"]),
    ("geopod-ismtpd", &["sendgrid"]),
    ("mandrillapp.com", &["mandrill", "mailchimp"]),
];

pub(super) const SIGN: Row = Row {
    id: "id_of_service_elsewhere",
    group: SignGroup::Program,
    points: Points::Fitted(0),
    about: "The Message-ID is that of a large service that neither carried nor signed the message.",
    check,
    #[cfg(test)]
    fires: &["Message-ID: <CAA1b2c3@mail.gmail.com>\nReceived: from a (a.example [192.0.2.7]) by mx.example.net; x"],
    #[cfg(test)]
    quiet: &[
        "Message-ID: <CAA1b2c3@mail.gmail.com>\n\
         Received: from mail-wr1-f41.google.com (mail-wr1-f41.google.com [192.0.2.7]) by mx.example.net; x",
        "Message-ID: <CAA1b2c3@mail.gmail.com>\nDKIM-Signature: v=1; d=gmail.com; s=x\n\
         Received: from a (a.example [192.0.2.7]) by mx.example.net; x",
        "Message-ID: <CAA1b2c3@mail.gmail.com>",
        "Message-ID: <1@example.org>",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let (_, right) = f.message_id.trim_end_matches('>').rsplit_once('@')?;
    let right = right.to_lowercase();
    let (place, names) = PLACES.iter().find(|(place, _)| right.ends_with(place) || right.starts_with(place))?;
    // A way that names no client tells nothing of who carried it.
    when(f.route.iter().any(|hop| !hop.from.is_empty()) && !carried(f, names), format!("{place} elsewhere"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_small_letters_and_names_something() {
        for (field, names) in PLACES {
            assert!(!names.is_empty() && *field == field.to_lowercase(), "{field}");
        }
    }
}
