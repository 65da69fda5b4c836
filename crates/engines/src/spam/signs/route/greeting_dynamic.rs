//! A client greeted with the name of a dial-up or home connection.

use mail::evidence::SignGroup;

use super::{clients, is_dynamic};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "greeting_dynamic",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "A client greeted with the name of a dial-up or home connection.",
    check,
    #[cfg(test)]
    fires: &["Received: from dsl-7-2-0-192.pool.example.net ([192.0.2.7]) by b.example with SMTP; x"],
    #[cfg(test)]
    quiet: &["Received: from mail.example (a.example [192.0.2.7]) by b.example; x"],
};

fn check(f: &Facts) -> Option<String> {
    clients(f).find(|hop| is_dynamic(&hop.from.to_lowercase(), &hop.ip)).map(|hop| hop.from.clone())
}
