//! The boundary is of the form that Microsoft's programs make, and another program is named.

use mail::evidence::SignGroup;

use super::{boundary, mailer};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "outlook_boundary_elsewhere",
    group: SignGroup::Program,
    points: Points::Fitted(150),
    about: "The boundary is of the form that Microsoft's programs make, and another program is named.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: The Bat!\nContent-Type: multipart/mixed; boundary=\"----=_NextPart_000_0000_01C3\""],
    #[cfg(test)]
    quiet: &["X-Mailer: Microsoft Outlook\n\
         Content-Type: multipart/mixed; boundary=\"----=_NextPart_000_0000_01C3\""],
};

fn check(f: &Facts) -> Option<String> {
    let named = mailer(f);
    when(
        boundary(f).starts_with("----=_NextPart_")
            && !named.is_empty()
            && !named.contains("microsoft")
            && !named.contains("outlook"),
        named,
    )
}
