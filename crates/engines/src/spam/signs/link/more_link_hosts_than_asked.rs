//! Links lead to more than 20 places; lists in the DNS are asked about 20 of them.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "more_link_hosts_than_asked",
    group: SignGroup::Link,
    points: Points::Fixed(20),
    about: "Links lead to more than 20 places; lists in the DNS are asked about 20 of them.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttp://a.example http://b.example http://c.example http://d.example http://e.example \
         http://f.example http://g.example http://h.example http://i.example http://j.example \
         http://k.example http://l.example http://m.example http://n.example http://o.example \
         http://p.example http://q.example http://r.example http://s.example http://t.example \
         http://u.example\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example http://www.a.example\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.more_hosts, format!("{} are asked about", f.hosts.len()))
}
