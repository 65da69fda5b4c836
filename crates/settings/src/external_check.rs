//! What is wrong, or likely not meant, in what a policy says about lists in the DNS and borrowed names.

use judge::origin::lists::{MAX_LISTS, REACHED};
use judge::policy::Policy;

use crate::problem::Problem;

/// Lists in the DNS (EX-02..EX-14), and names that must not be borrowed.
pub(crate) fn check(policy: &Policy, found: &mut Vec<Problem>) {
    let external = &policy.spam.external;
    let sets = [
        ("dnsbl", "dnsbl_lists", external.dnsbl, &external.dnsbl_lists),
        ("surbl", "surbl_lists", external.surbl, &external.surbl_lists),
        ("urls", "url_lists", external.urls, &external.url_lists),
        ("emails", "email_lists", external.emails, &external.email_lists),
        ("files", "file_lists", external.files, &external.file_lists),
    ];
    for (set, key, on, lists) in sets {
        let key = format!("spam.external.{key}");
        if lists.len() > MAX_LISTS {
            found.push(Problem::error(&key, format!("{key} names more than {MAX_LISTS} lists")));
        }
        for list in lists {
            if !(1..=100).contains(&list.weight) {
                let message = format!("{key}: the weight of {:?} must be 1 to 100 (EX-04)", list.zone);
                found.push(Problem::error(&key, message));
            }
            if !is_zone(&list.zone) {
                found.push(Problem::error(&key, format!("{key}: {:?} is no zone of the DNS in lower case", list.zone)));
            }
        }
        let weights: u32 = lists.iter().map(|list| u32::from(list.weight)).sum();
        if on && !lists.is_empty() && weights < REACHED {
            let message = format!(
                "{key}: all weights together come to {weights}: below {REACHED} a listing is told and does nothing (D-1)"
            );
            found.push(Problem::warning(&key, message));
        }
        if on && !external.enabled {
            let message =
                format!("spam.external.{set} is on, but spam.external.enabled = false: nothing is asked (EX-01)");
            found.push(Problem::warning("spam.external.enabled", message));
        }
        if on && lists.is_empty() {
            let message = format!("spam.external.{set} is on, but {key} names no list: nothing is asked");
            found.push(Problem::warning(&format!("spam.external.{set}"), message));
        }
        if external.enabled && !on && !lists.is_empty() {
            let message = format!("{key} names lists, but spam.external.{set} is off: nothing is asked (EX-14)");
            found.push(Problem::advice(&format!("spam.external.{set}"), message));
        }
    }
    if external.dynamic_addresses && !external.enabled {
        let message = "spam.external.dynamic_addresses is on, but spam.external.enabled = false: the name of the \
                       client's address is not asked for, and nothing counts (EX-01, EX-10)";
        found.push(Problem::warning("spam.external.dynamic_addresses", message));
    }
    for person in &policy.spam.impersonation.people {
        if person.split_whitespace().count() < 2 {
            let message = format!("spam.impersonation.people: {person:?} needs two words: many share one");
            found.push(Problem::error("spam.impersonation.people", message));
        }
    }
    for domain in policy.spam.impersonation.domains.iter().filter(|domain| !is_zone(domain)) {
        let message = format!("spam.impersonation.domains: {domain:?} is no domain in lower case");
        found.push(Problem::error("spam.impersonation.domains", message));
    }
}

/// Whether a name can be that of a zone: labels of letters, digits, `-` and `_`, in lower case.
fn is_zone(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() && !c.is_uppercase() || matches!(c, '-' | '_'))
    };
    name.len() <= 200 && name.contains('.') && name.split('.').all(label)
}
