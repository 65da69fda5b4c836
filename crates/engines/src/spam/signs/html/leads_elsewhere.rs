//! HTML leads to another page by itself, or changes what links are relative to.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "leads_elsewhere",
    group: SignGroup::Html,
    points: Points::Fitted(0),
    about: "HTML leads to another page by itself, or changes what links are relative to.",
    check,
    #[cfg(test)]
    fires: &[
        "Content-Type: text/html\n\n<meta http-equiv=refresh content='0;url=http://a.example/'>x\n",
        "Content-Type: text/html\n\n<base href=http://a.example/>x\n",
    ],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.refreshes > 0 || f.html.bases > 0, "meta refresh or base")
}
