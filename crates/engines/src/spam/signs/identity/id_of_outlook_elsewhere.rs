//! The Message-ID has the form that Outlook makes ($ between hex groups), without Outlook.

use mail::evidence::SignGroup;

use super::parts;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "id_of_outlook_elsewhere",
    group: SignGroup::Identity,
    points: Points::Fitted(120),
    about: "The Message-ID has the form that Outlook makes ($ between hex groups), without Outlook.",
    check,
    #[cfg(test)]
    fires: &["Message-ID: <000001c3a1b2$0a1b2c3d$6401a8c0@example.org>"],
    #[cfg(test)]
    quiet: &[
        "Message-ID: <000001c3a1b2$0a1b2c3d$6401a8c0@example.org>\nX-Mailer: Microsoft Outlook",
        "Message-ID: <1@example.org>",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let (left, _) = parts(f)?;
    let groups: Vec<&str> = left.split('$').collect();
    let hex = groups.len() >= 3 && groups.iter().all(|g| !g.is_empty() && g.bytes().all(|b| b.is_ascii_hexdigit()));
    let mailer = f.field("x-mailer").unwrap_or("").to_lowercase();
    when(hex && !mailer.contains("outlook") && !mailer.contains("microsoft") && !f.has("x-mimeole"), left)
}
