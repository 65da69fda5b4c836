//! The author never wrote here before, and nobody here wrote to it.

#[cfg(test)]
use mail::evidence::Contact;

use super::new_author;
use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "first_contact",
    points: 30,
    about: "The author never wrote here before, and nobody here wrote to it.",
    check,
    #[cfg(test)]
    fires: &[|it| it.new_author()],
    #[cfg(test)]
    quiet: &[
        |_| (),
        |it| {
            it.new_author();
            it.policy.spam.first_contact.enabled = false;
        },
        |it| {
            it.new_author();
            it.memory.contact = Some(Contact { settled: true, written: true, ..Contact::default() });
        },
    ],
};

fn check(origin: &Origin) -> Option<String> {
    let contact = new_author(origin)?;
    let domain = if contact.domain { "others of its domain did" } else { "nor did anybody of its domain" };
    Some(format!("the author never wrote here; {domain}"))
}
