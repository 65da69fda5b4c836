//! A server got the message long before the one that gave it away.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hops_go_back_in_time",
    group: SignGroup::Route,
    points: Points::Fitted(20),
    about: "A server got the message long before the one that gave it away.",
    check,
    #[cfg(test)]
    fires: &["Received: from a (a.example [192.0.2.7]) by b; Tue, 19 Sep 2023 12:11:42 +0000\n\
         Received: from c (c.example [192.0.2.8]) by a; Tue, 19 Sep 2023 16:11:42 +0000"],
    #[cfg(test)]
    quiet: &["Received: from a (a.example [192.0.2.7]) by b; Tue, 19 Sep 2023 12:11:42 +0000\n\
         Received: from c (c.example [192.0.2.8]) by a; Tue, 19 Sep 2023 12:11:40 +0000"],
};

fn check(f: &Facts) -> Option<String> {
    let dates: Vec<i64> = f.route.iter().filter_map(|hop| hop.date).map(|date| date.unix).collect();
    dates.windows(2).find_map(|pair| match pair {
        [newer, older] if older.saturating_sub(*newer) > 3600 => Some(format!("by {} s", older.saturating_sub(*newer))),
        _ => None,
    })
}
