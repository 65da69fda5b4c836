//! Lists of senders and recipients: entries that cannot be read, never count, or count for more than was wanted.

use judge::lists::Doubt;
use judge::policy::Policy;
use service::admin::{Request, Response};

use super::{Finding, Level};
use crate::ask::{Administration, unexpected};
use crate::failure::Failure;
use crate::place::Place;

/// Most entries that are told one by one.
const MAX_TOLD: usize = 20;

/// What the lists hold.
struct Seen {
    doubts: Vec<Doubt>,
    unreadable: Vec<String>,
    /// Entries of the organisation, and of people.
    entries: (usize, usize),
}

/// All of it; nothing before the first start.
pub(super) fn all(place: &Place, policy: &Result<Policy, String>) -> Vec<Finding> {
    if !place.data_dir().exists() {
        return Vec::new();
    }
    match ask(place) {
        Ok(seen) => told(&seen, policy.as_ref().ok()),
        Err(failure) => {
            vec![Finding::new("lists", Level::Note, format!("the lists could not be read: {}", failure.text()))]
        }
    }
}

fn ask(place: &Place) -> Result<Seen, Failure> {
    match Administration::open(place)?.ask(Request::ListsDoubts)?.0 {
        Response::ListsDoubts { doubts, unreadable, entries } => Ok(Seen { doubts, unreadable, entries }),
        _ => Err(unexpected()),
    }
}

fn told(seen: &Seen, policy: Option<&Policy>) -> Vec<Finding> {
    let mut found = Vec::new();
    for id in seen.unreadable.iter().take(MAX_TOLD) {
        let text = format!("the entry {id} cannot be read by this version and does not count");
        found.push(Finding::new("lists", Level::Warning, text));
    }
    for doubt in seen.doubts.iter().take(MAX_TOLD) {
        let text = format!("{} (entry {}): {}", doubt.entry, doubt.id, doubt.why);
        found.push(Finding::new("lists", Level::Warning, text));
    }
    let more = seen.doubts.len().saturating_sub(MAX_TOLD) + seen.unreadable.len().saturating_sub(MAX_TOLD);
    if more > 0 {
        found.push(Finding::new("lists", Level::Note, format!("{more} more entries like these")));
    }
    let (organisation, people) = seen.entries;
    if let Some(lists) = policy.map(|policy| &policy.spam.lists) {
        if !lists.enabled && organisation + people > 0 {
            let text = format!("spam.lists.enabled = false: {} entries do nothing", organisation + people);
            found.push(Finding::new("lists", Level::Warning, text));
        } else if !lists.personal && people > 0 {
            let text = format!("spam.lists.personal = false: {people} entries of people do nothing");
            found.push(Finding::new("lists", Level::Warning, text));
        }
    }
    if found.is_empty() && organisation + people > 0 {
        let text = format!("{organisation} entries of the organisation, {people} of people");
        found.push(Finding::new("lists", Level::Ok, text));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_nothing_is_told_and_only_so_much_of_it() {
        let seen = |doubts: usize, unreadable: usize, entries| Seen {
            doubts: (0..doubts)
                .map(|at| Doubt { id: at.to_string(), entry: "allow x".to_owned(), why: "odd".to_owned() })
                .collect(),
            unreadable: (0..unreadable).map(|at| at.to_string()).collect(),
            entries,
        };
        let mut policy = Policy::default();
        assert_eq!(told(&seen(0, 0, (0, 0)), Some(&policy)), [], "without entries there is nothing to tell");
        assert_eq!(told(&seen(0, 0, (2, 1)), Some(&policy))[0].level, Level::Ok);
        let many = told(&seen(30, 21, (51, 0)), Some(&policy));
        assert_eq!(many.len(), 41);
        assert_eq!(many[40].text, "11 more entries like these");
        policy.spam.lists.personal = false;
        assert!(told(&seen(0, 0, (2, 1)), Some(&policy))[0].text.contains("1 entries of people"));
        policy.spam.lists.enabled = false;
        assert!(told(&seen(0, 0, (2, 1)), Some(&policy))[0].text.contains("3 entries do nothing"));
    }
}
