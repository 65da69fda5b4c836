//! A program for people's own computers wrote it, and its computer brought it here itself.

use mail::evidence::SignGroup;

use super::private;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "direct_from_client",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "A program for people's own computers wrote it, and its computer brought it here itself.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: Microsoft Outlook Express 6\nReceived: from a (a.example [192.0.2.7]) by b; x"],
    #[cfg(test)]
    quiet: &["X-Mailer: Microsoft Outlook Express 6\nReceived: from a (a.example [192.0.2.7]) by b; x\n\
         Received: from pc (c.example [192.0.2.9]) by a; x"],
};

fn check(f: &Facts) -> Option<String> {
    let program = f.field("x-mailer").or_else(|| f.field("user-agent"))?;
    let personal = ["outlook", "thunderbird", "eudora", "the bat", "foxmail", "incredimail", "apple mail", "becky"]
        .iter()
        .any(|p| program.to_lowercase().contains(p));
    let hops = f.route.iter().filter(|hop| !hop.from.is_empty() && !private(&hop.ip)).count();
    when(personal && hops == 1, program)
}
