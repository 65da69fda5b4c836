//! It says Outlook, and the boundary is not of Outlook's form.

use mail::evidence::SignGroup;

use super::{boundary, mailer};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "outlook_with_other_boundary",
    group: SignGroup::Program,
    points: Points::Fitted(27),
    about: "It says Outlook, and the boundary is not of Outlook's form.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: Microsoft Outlook Express 6\nContent-Type: multipart/mixed; boundary=\"xyz\""],
    #[cfg(test)]
    quiet: &[
        "X-Mailer: Microsoft Outlook\n\
         Content-Type: multipart/mixed; boundary=\"----=_NextPart_000_0000_01C3\"",
        "X-Mailer: Microsoft Outlook",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(
        (mailer(f).contains("outlook") && !mailer(f).contains("imo"))
            && !boundary(f).is_empty()
            && !boundary(f).starts_with("----=_NextPart_")
            && !boundary(f).starts_with("_00"),
        boundary(f),
    )
}
