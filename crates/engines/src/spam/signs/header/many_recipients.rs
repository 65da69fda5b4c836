//! To and Cc together name many people.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

/// More addresses than this in To and Cc is a mailing.
const MANY: usize = 15;

pub(super) const SIGN: Row = Row {
    id: "many_recipients",
    group: SignGroup::Header,
    points: Points::Fitted(0),
    about: "To and Cc together name many people.",
    check,
    #[cfg(test)]
    fires: &["To: \
         a@x.example,b@x.example,c@x.example,d@x.example,e@x.example,f@x.example,g@x.example,h@x.example,i@x.\
         example,j@x.example,k@x.example,l@x.example,m@x.example,n@x.example,o@x.example,p@x.example"],
    #[cfg(test)]
    quiet: &["To: a@x.example, b@x.example"],
};

fn check(f: &Facts) -> Option<String> {
    let count = f.to.len().saturating_add(f.cc.len());
    when(count > MANY, format!("{count} addresses"))
}
