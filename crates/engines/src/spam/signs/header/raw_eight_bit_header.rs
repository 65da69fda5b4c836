//! Subject or From has letters beyond ASCII that are not encoded.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "raw_eight_bit_header",
    group: SignGroup::Header,
    points: Points::Fitted(120),
    about: "Subject or From has letters beyond ASCII that are not encoded.",
    check,
    #[cfg(test)]
    fires: &["Subject: Grüße"],
    #[cfg(test)]
    quiet: &["Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "X-Other: Grüße\nSubject: a"],
};

fn check(f: &Facts) -> Option<String> {
    let field =
        f.fields.iter().find(|field| matches!(field.lower.as_str(), "subject" | "from") && !field.value.is_ascii())?;
    Some(format!("{} is not ASCII", field.name))
}
