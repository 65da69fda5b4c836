//! The author is new, and has a name or domain that looks like one we know.

use super::new_author;
use crate::origin::{Origin, OriginSign};

/// Signs of a borrowed name.
const BORROWED: [&str; 4] = ["lookalike_domain", "borrowed_person", "borrowed_domain", "own_domain_unproven"];

pub(super) const SIGN: OriginSign = OriginSign {
    id: "first_contact_borrowed",
    points: 150,
    about: "The author is new, and has a name or domain that looks like one we know.",
    check,
    #[cfg(test)]
    fires: &[|it| {
        it.new_author();
        it.from = "Ann <ann@examp1e.org>";
    }],
    #[cfg(test)]
    quiet: &[|it| it.new_author(), |it| it.from = "Ann <ann@examp1e.org>"],
};

fn check(origin: &Origin) -> Option<String> {
    new_author(origin)?;
    let other = origin.found.iter().find(|it| BORROWED.contains(&it.id.as_str()))?;
    Some(format!("with {}", other.id))
}
