//! Several recipients of one domain with names that resemble each other: a list that was made up.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "similar_recipients",
    group: SignGroup::Recipient,
    points: Points::Fitted(0),
    about: "Several recipients of one domain with names that resemble each other: a list that was made up.",
    check,
    #[cfg(test)]
    fires: &["To: johna@example.net, johnb@example.net, johnc@example.net, johnd@example.net"],
    #[cfg(test)]
    quiet: &["To: ann@example.net, bob@example.net, carl@example.net, dora@example.net"],
};

fn check(f: &Facts) -> Option<String> {
    let mut all: Vec<String> = f.to.iter().chain(&f.cc).take(60).map(|m| m.address.to_lowercase()).collect();
    all.sort();
    all.dedup();
    let alike =
        all.windows(2).filter(|pair| matches!(pair, [a, b] if common(a, b) >= 4 && domain(a) == domain(b))).count();
    when(all.len() >= 4 && alike >= 3, format!("{alike} that begin alike"))
}

fn common(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y && *x != b'@').count()
}

fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}
