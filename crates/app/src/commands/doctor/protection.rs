//! What is not protected, and why: engines, policy, and doors that stand open.

use std::net::IpAddr;

use judge::policy::{EngineFailure, Policy, Scope};
use settings::Config;

use super::{Finding, Level};

/// All of it; "everything is examined" if there is nothing to tell.
pub(super) fn all(config: &Config, policy: &Result<Policy, String>) -> Vec<Finding> {
    let mut found: Vec<Finding> = engines(config).into_iter().collect();
    match policy {
        Ok(policy) => {
            found.extend(judged(policy));
            let together = crate::commands::config::together(config, policy).into_iter();
            found.extend(together.map(|problem| Finding::new("protection", Level::Warning, problem.to_string())));
        }
        Err(why) => found.push(Finding::new("protection", Level::Note, format!("the policy could not be read: {why}"))),
    }
    found.extend(doors(config));
    if found.is_empty() {
        found.push(Finding::new("protection", Level::Ok, "all mail is examined and judged"));
    }
    found
}

fn engines(config: &Config) -> Option<Finding> {
    let engines = &config.engines;
    let none = config.clamd.address.is_none() && engines.hash_lists.is_empty() && engines.yara.is_empty();
    none.then(|| {
        let text = "no signature database: only the EICAR test and a few rules of our own look for malware; set \
                    clamd.address, engines.hash_lists or engines.yara";
        Finding::new("protection", Level::Warning, text)
    })
}

fn judged(policy: &Policy) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut tell = |level, text: &str| found.push(Finding::new("protection", level, text));
    if !policy.malware.enabled {
        tell(Level::Warning, "malware.enabled = false: nothing is examined");
    }
    if policy.malware.scope == Scope::NotOutgoing {
        tell(Level::Note, "malware.scope: outgoing mail is not examined");
    }
    if policy.monitor.enabled {
        tell(Level::Warning, "monitor.enabled = true: everything is delivered, malware too");
    }
    if !policy.monitor.enabled && !policy.monitor.surfaces.is_empty() {
        tell(Level::Warning, "monitor.surfaces: what comes there is delivered, malware too");
    }
    if !policy.monitor.rules.is_empty() {
        tell(Level::Note, "monitor.rules: some rules are only watched");
    }
    if policy.unscannable.engine_failed == EngineFailure::Label {
        tell(Level::Warning, "unscannable.engine_failed = \"label\": while an engine is away, mail passes unseen");
    }
    found
}

/// Listeners that others than this machine can reach.
fn doors(config: &Config) -> Vec<Finding> {
    let open = |ip: IpAddr| !ip.is_loopback();
    let mut found = Vec::new();
    for listener in &config.smtp {
        let Some(address) = listener.listen.inet().filter(|address| open(address.ip())) else { continue };
        if !listener.has_tls() {
            let text = format!("{address} is open to the network and has no certificate: mail comes unencrypted");
            found.push(Finding::new("protection", Level::Note, text));
        }
    }
    if let Some(listen) = config.http.listen.as_ref().filter(|listen| open(listen.0.ip())) {
        let text = format!("http.listen = {}: health and figures are open to the network, without a login", listen.0);
        found.push(Finding::new("protection", Level::Warning, text));
    }
    found
}

#[cfg(test)]
mod tests {
    use judge::policy::Profile;

    use super::*;

    #[test]
    fn what_lets_mail_pass_unseen_is_told() {
        let quiet = judged(&Policy::of(Profile::Recommended));
        assert!(quiet.iter().all(|finding| finding.level < Level::Warning), "{quiet:?}");
        type Change = fn(&mut Policy);
        let cases: [(Change, &str); 4] = [
            (|p| p.malware.enabled = false, "nothing is examined"),
            (|p| p.monitor.enabled = true, "malware too"),
            (|p| p.unscannable.engine_failed = EngineFailure::Label, "passes unseen"),
            (|p| p.malware.scope = Scope::NotOutgoing, "outgoing mail is not examined"),
        ];
        for (change, text) in cases {
            let mut policy = Policy::default();
            change(&mut policy);
            assert!(judged(&policy).iter().any(|finding| finding.text.contains(text)), "{text}");
        }
    }

    #[test]
    fn a_seal_that_is_never_made_is_told() {
        let mut config = Config::default();
        config.signing.seal_domain = "example.org".to_owned();
        let mut policy = Policy::default();
        let told = |policy: &Policy| {
            let found = all(&config, &Ok(policy.clone()));
            found.iter().any(|finding| finding.text.contains("signing.seal_domain has no effect"))
        };
        assert!(!told(&policy));
        policy.authentication.enabled = false;
        assert!(told(&policy));
    }

    #[test]
    fn open_doors_are_told() {
        let mut config = Config::default();
        assert!(doors(&config).is_empty());
        config.smtp[0].listen = "0.0.0.0:10024".parse().unwrap();
        assert_eq!(doors(&config).len(), 1);
        config.smtp[0].acme = true;
        assert!(doors(&config).is_empty(), "its certificate is fetched");
    }
}
