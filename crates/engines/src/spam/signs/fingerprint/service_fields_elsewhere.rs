//! Fields of a sending service stand in a message that this service neither carried nor signed.

use mail::evidence::SignGroup;

use super::carried;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

/// Fields that one service writes, and pieces of names that its servers, Message-IDs, signatures or return
/// addresses carry. A customer's own name may stand in each of them, hardly in all.
const FIELDS: &[(&str, &[&str])] = &[
    ("x-sg-eid", &["sendgrid", "geopod", "ismtpd"]),
    ("x-mailgun-sid", &["mailgun", "mg.", "bounce+"]),
    ("x-ses-outgoing", &["amazonses", "amazonaws"]),
    ("x-mc-user", &["mailchimp", "mandrill", "mcsv.net", "mcdlv.net", "rsgsv.net", "mailchimpapp"]),
    ("x-mandrill-user", &["mandrill", "mailchimp"]),
    ("x-msys-api", &["sparkpost", "messagesystems", "msys"]),
    ("x-sfmc-stack", &["exacttarget", "salesforce", ".xt.local", "exct.net"]),
    ("x-pm-message-id", &["postmark", "mtasv.net"]),
    ("x-mailjet-campaign", &["mailjet"]),
    ("x-mj-mid", &["mailjet"]),
    ("x-sib-id", &["sendinblue", "brevo", "mailin"]),
    ("x-hs-cid", &["hubspot", "hs-send", "hubapi"]),
    ("x-roving-id", &["constantcontact", "ccsend", "roving"]),
];

pub(super) const SIGN: Row = Row {
    id: "service_fields_elsewhere",
    group: SignGroup::Program,
    points: Points::Fixed(80),
    about: "Fields of a sending service stand in a message that this service neither carried nor signed.",
    check,
    #[cfg(test)]
    fires: &["X-SG-EID: abc\nMessage-ID: <1@example.org>\n\
         Received: from a (a.example [192.0.2.7]) by mx.example.net; x"],
    #[cfg(test)]
    quiet: &[
        "X-SG-EID: abc\nMessage-ID: <1@geopod-ismtpd-3-0>\n\
         Received: from a (a.example [192.0.2.7]) by mx.example.net; x",
        "X-Mailgun-Sid: abc\nReturn-Path: <bounce+1.2@mg.example.org>\n\
         Received: from a (a.example [192.0.2.7]) by mx.example.net; x",
        "X-SG-EID: abc",
        "X-Mailer: x",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let (field, names) = FIELDS.iter().find(|(field, _)| f.has(field))?;
    let envelope = f.envelope_sender().unwrap_or_default().to_lowercase();
    let own = [f.message_id.to_lowercase(), envelope];
    let named = own.iter().any(|text| names.iter().any(|name| text.contains(name)));
    let told = f.route.iter().any(|hop| !hop.from.is_empty());
    when(told && !named && !carried(f, names), format!("{field} elsewhere"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_small_letters_and_names_something() {
        for (field, names) in FIELDS {
            assert!(!names.is_empty() && *field == field.to_lowercase(), "{field}");
        }
    }
}
