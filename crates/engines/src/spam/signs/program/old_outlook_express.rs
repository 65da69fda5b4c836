//! It says a version of Outlook Express that hardly anybody has: 5.00 or 4.72, or Outlook 6 build 2600.

use mail::evidence::SignGroup;

use crate::spam::signs::some;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "old_outlook_express",
    group: SignGroup::Program,
    points: Points::Fitted(74),
    about: "It says a version of Outlook Express that hardly anybody has: 5.00 or 4.72, or Outlook 6 build 2600.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: Microsoft Outlook Express 5.00.2615.200"],
    #[cfg(test)]
    quiet: &["X-Mailer: Microsoft Outlook Express 6.00.2800.1106"],
};

fn check(f: &Facts) -> Option<String> {
    some(
        f.field("x-mailer")
            .filter(|m| {
                [
                    "Express 5.00.26",
                    "Express 4.72",
                    "Express 5.50.4133",
                    "Express 6.00.2462",
                    "Outlook, Build 10.0.26",
                    "Outlook 8.5",
                    "CDO for Windows 2000",
                    "Outlook IMO, Build 9.0.2416",
                    "Express V6.00.2900",
                ]
                .iter()
                .any(|v| m.contains(v))
            })
            .unwrap_or(""),
    )
}
