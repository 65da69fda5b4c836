//! A client from outside calls itself localhost.

use mail::evidence::SignGroup;

use super::{clients, private};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "local_host_claimed",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "A client from outside calls itself localhost.",
    check,
    #[cfg(test)]
    fires: &["Received: from localhost (unknown [192.0.2.7]) by b.example; x"],
    #[cfg(test)]
    quiet: &["Received: from localhost (localhost [127.0.0.1]) by b.example; x"],
};

fn check(f: &Facts) -> Option<String> {
    clients(f)
        .find(|hop| {
            matches!(
                hop.from.to_lowercase().as_str(),
                "localhost" | "localhost.localdomain" | "user" | "friend" | "ylmf-pc"
            ) && !private(&hop.ip)
                && !hop.ip.is_empty()
        })
        .map(|hop| hop.ip.clone())
}
