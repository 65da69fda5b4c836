//! A client from outside greeted with a name that has no dot.

use mail::evidence::SignGroup;

use super::{clients, private};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "greeting_without_dot",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "A client from outside greeted with a name that has no dot.",
    check,
    #[cfg(test)]
    fires: &["Received: from PCNAME (unknown [192.0.2.7]) by a.example with SMTP; x"],
    #[cfg(test)]
    quiet: &[
        "Received: from a.example (a.example [192.0.2.7]) by b.example; x",
        "Received: from PC (pc [10.0.0.3]) by b.example; x",
    ],
};

fn check(f: &Facts) -> Option<String> {
    clients(f)
        .find(|hop| !hop.from.is_empty() && !hop.from.contains(['.', ':']) && !hop.ip.is_empty() && !private(&hop.ip))
        .map(|hop| hop.from.clone())
}
