//! What is wrong with the keys that sign.

use std::collections::BTreeSet;

use crate::config::{Config, ListenerDirection};
use crate::problem::Problem;
use crate::values::is_host;

/// Most keys.
const MAX_KEYS: usize = 256;

pub(crate) fn check_dkim(config: &Config, found: &mut Vec<Problem>) {
    if config.dkim.len() > MAX_KEYS {
        found.push(Problem::error("dkim", format!("more than {MAX_KEYS} keys")));
    }
    let mut names = BTreeSet::new();
    for (at, dkim) in config.dkim.iter().enumerate().take(MAX_KEYS) {
        let key = format!("dkim[{at}]");
        for (name, value) in [("domain", &dkim.domain), ("selector", &dkim.selector)] {
            if !is_host(value) {
                let message = format!("{key}.{name}: {value:?} is no name in the DNS");
                let hint =
                    if name == "domain" { "write it like \"example.org\"" } else { "write it like \"mail2026\"" };
                found.push(Problem::error(&format!("{key}.{name}"), message).hint(hint));
            }
        }
        if dkim.key.is_none() {
            let message = format!("{key}.key is not set: nothing to sign with");
            found.push(Problem::error(&format!("{key}.key"), message).hint("make one with `mailward dkim keygen`"));
        }
        if !names.insert((dkim.domain.to_lowercase(), dkim.selector.to_lowercase())) {
            let message = format!("{key}: the selector {:?} of {:?} is taken", dkim.selector, dkim.domain);
            found.push(Problem::error(&format!("{key}.selector"), message));
        }
    }
    let seals = config.signing.seal_domain.trim_end_matches('.');
    let of_key = |dkim: &crate::config::Dkim| dkim.domain.trim_end_matches('.').eq_ignore_ascii_case(seals);
    if !seals.is_empty() && !config.dkim.iter().any(of_key) {
        let message = format!("signing.seal_domain: no key of [[dkim]] is of {seals:?}");
        found.push(Problem::error("signing.seal_domain", message).hint("name the domain of one of them"));
    }
    let mut directions = config.smtp.iter().map(|l| l.direction).chain(config.milter.iter().map(|l| l.direction));
    if !seals.is_empty() && directions.all(|direction| direction == ListenerDirection::Outgoing) {
        let message = "signing.seal_domain has no effect: only incoming mail is sealed, and all listeners are outgoing";
        found.push(Problem::warning("signing.seal_domain", message));
    }
}
