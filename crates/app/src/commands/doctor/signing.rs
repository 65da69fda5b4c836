//! Keys that sign outgoing mail: whether they can.

use net::auth::sign::Signers;
use settings::config::Dkim;
use settings::{Config, Problem, is_seen, secret_file};

use super::{Finding, Level};

/// The keys that can be looked at: a credential is given to the service only.
fn seen(config: &Config) -> impl Iterator<Item = (usize, &Dkim)> {
    let all = config.dkim.iter().enumerate();
    all.filter(|(_, dkim)| dkim.key.as_deref().is_some_and(|key| is_seen(key) && secret_file(key).is_file()))
}

/// Each key that cannot be used, by its place, with the reason.
fn unusable(config: &Config) -> Vec<(usize, String)> {
    let one = |(at, dkim): (usize, &Dkim)| {
        let why = Signers::load(std::slice::from_ref(dkim), &config.signing).whole().err()?;
        // It is the only one there, and knows itself as the first.
        Some((at, why.replace("dkim[0]", &format!("dkim[{at}]"))))
    };
    seen(config).filter_map(one).collect()
}

/// All of them. Files that cannot be found are told with the configuration.
pub(super) fn all(config: &Config) -> Vec<Finding> {
    let broken = unusable(config);
    let mut found: Vec<Finding> =
        broken.iter().map(|(_, why)| Finding::new("signing", Level::Warning, why.clone())).collect();
    let good = |dkim: &Dkim| format!("{} ({})", dkim.domain, dkim.selector);
    let good: Vec<String> = seen(config)
        .filter(|(at, _)| !broken.iter().any(|(other, _)| other == at))
        .map(|(_, dkim)| good(dkim))
        .collect();
    if !good.is_empty() {
        let text = format!("keys sign for {}; `mailward dkim check` compares them with the DNS", good.join(", "));
        found.push(Finding::new("signing", Level::Ok, text));
    }
    found
}

/// What is wrong with keys whose files can be read.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
    let one = |(at, why): (usize, String)| {
        let key = format!("dkim[{at}].key");
        Problem::warning(&key, format!("{key}: {why}")).hint("see signing.failure for what becomes of outgoing mail")
    };
    unusable(config).into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use net::auth::sign::{KeyKind, generate};

    use super::*;

    #[test]
    fn a_key_that_cannot_sign_is_told_and_the_others_too() {
        let dir = tempfile::tempdir().unwrap();
        let key = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            Dkim { domain: format!("{name}.example"), selector: "s".to_owned(), key: Some(path) }
        };
        let mut config = Config::default();
        assert!(all(&config).is_empty());
        let missing = Dkim { key: Some(dir.path().join("none")), ..Dkim::default() };
        config.dkim = vec![missing, key("bad", "x"), key("good", &generate(KeyKind::Ed25519).unwrap())];
        let found = all(&config);
        assert_eq!(found.iter().map(|finding| finding.level).collect::<Vec<_>>(), [Level::Warning, Level::Ok]);
        assert!(found[0].text.contains("dkim[1].key") && found[1].text.contains("good.example (s)"), "{found:?}");
        let told = problems(&config);
        assert!(told.len() == 1 && told[0].key == "dkim[1].key", "{told:?}");
    }
}
