//! Certificates: our own, and those that next hops show.

use std::path::Path;
use std::sync::Arc;

use net::certificates::{Age, Held, age, now};
use settings::{Config, Problem, is_seen, secret_file};
use wire::certificate::{self, Facts};

use super::{Finding, Level};

/// Seconds of a day.
const DAY: u64 = 86_400;
/// Most names that are shown.
const MAX_SHOWN: usize = 5;

/// Our own.
pub(super) fn all(config: &Config) -> Vec<Finding> {
    let one = |(_, held): (String, Result<Arc<Held>, String>)| match held {
        Ok(held) => own(&held),
        Err(why) => Finding::new("certificate", Level::Broken, why),
    };
    pairs(config).into_iter().map(one).collect()
}

/// What is wrong with the certificates of a configuration, whose files can be read.
pub(crate) fn problems(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    for (key, held) in pairs(config) {
        let facts = held.as_ref().map(|held| held.facts());
        match facts {
            Err(why) => found.push(Problem::error(&key, format!("{key}: {why}"))),
            Ok(Some(facts)) => match age(&facts, now()) {
                Age::Good => {}
                other => found.push(Problem::warning(&key, format!("{key}: the certificate {}", words(other, &facts)))),
            },
            Ok(None) => {}
        }
    }
    found
}

/// Each pair of files that can be looked at (a credential is given to the service only) with its key in the configuration, loaded if it can be.
fn pairs(config: &Config) -> Vec<(String, Result<Arc<Held>, String>)> {
    let load = |certificate: &Path, key: &Path| Held::load(certificate, key).map_err(|error| error.to_string());
    let own = config.smtp.iter().enumerate().filter_map(|(at, listener)| {
        let (certificate, key) = listener.tls_files().filter(|_| listener.key.as_deref().is_some_and(is_seen))?;
        Some((format!("smtp[{at}].certificate"), load(&certificate, &key)))
    });
    let more = config.tls.certificate.iter().enumerate().filter(|(_, pair)| is_seen(&pair.key));
    let more = more.map(|(at, pair)| {
        (format!("tls.certificate[{at}].certificate"), load(&pair.certificate, &secret_file(&pair.key)))
    });
    let routes = config.route.iter().enumerate();
    let routes = routes.map(|(at, r)| (format!("route[{at}].certificate"), &r.certificate, &r.key));
    let next = &config.next_hop;
    let next = [("next_hop.certificate".to_owned(), &next.certificate, &next.key)];
    let shown = routes.chain(next).filter_map(|(name, certificate, key)| {
        let (certificate, key) = certificate.as_deref().zip(key.as_deref().filter(|key| is_seen(key)))?;
        Some((name, load(certificate, &secret_file(key))))
    });
    own.chain(more).chain(shown).collect()
}

fn own(held: &Held) -> Finding {
    let file = held.path().display();
    let Some(facts) = held.facts() else {
        return Finding::new("certificate", Level::Note, format!("{file}: there is none yet"));
    };
    let at = age(&facts, now());
    let level = match at {
        Age::Good => Level::Ok,
        Age::Soon(_) => Level::Warning,
        Age::Over(_) | Age::Early(_) => Level::Broken,
    };
    Finding::new("certificate", level, format!("{file} ({}) {}", names(&facts), words(at, &facts)))
}

/// The one that a next hop shows; where certificates are not checked mail goes there all the same.
pub(super) fn peer(name: &str, der: &[u8]) -> Finding {
    let Some(facts) = certificate::read(der) else {
        return Finding::new("certificate", Level::Note, format!("{name} shows a certificate that cannot be read"));
    };
    let at = age(&facts, now());
    let level = if at == Age::Good { Level::Ok } else { Level::Warning };
    Finding::new("certificate", level, format!("{name} shows one for {}: it {}", names(&facts), words(at, &facts)))
}

fn names(facts: &Facts) -> String {
    match facts.names.len() {
        0 => "no name".to_owned(),
        count if count > MAX_SHOWN => format!("{} and others", facts.names[..MAX_SHOWN].join(", ")),
        _ => facts.names.join(", "),
    }
}

fn words(age: Age, facts: &Facts) -> String {
    match age {
        Age::Good => format!("is good for {} days", facts.not_after.saturating_sub(now()) / DAY),
        Age::Soon(left) => format!("ends in {} days: renew it", left / DAY),
        Age::Over(since) => format!("ended {} days ago", since / DAY),
        Age::Early(until) => format!("does not count for another {} days: is the clock right?", until / DAY),
    }
}

#[cfg(test)]
mod tests {
    use settings::config::Certificate;

    use super::*;

    #[test]
    fn a_certificate_is_told_with_its_names_and_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
        let end = |days: i64| {
            let mut params = rcgen::CertificateParams::new(vec!["mx.example.org".to_owned()]).unwrap();
            let now = i64::try_from(now()).unwrap();
            let at = |days: i64| {
                rcgen::date_time_ymd(1970, 1, 1)
                    + std::time::Duration::from_secs(u64::try_from(now + days * 86_400).unwrap())
            };
            (params.not_before, params.not_after) = (at(-300), at(days));
            let secret = rcgen::KeyPair::generate().unwrap();
            std::fs::write(&certificate, params.self_signed(&secret).unwrap().pem()).unwrap();
            std::fs::write(&key, secret.serialize_pem()).unwrap();
        };
        let mut config = Config::default();
        config.tls.certificate = vec![Certificate { certificate: certificate.clone(), key: key.clone() }];
        for (days, level, text) in [
            (100, Level::Ok, "(mx.example.org) is good for"),
            (5, Level::Warning, "ends in"),
            (-5, Level::Broken, "ended 5 days ago"),
        ] {
            end(days);
            let found = all(&config);
            assert!(found.len() == 1 && found[0].level == level && found[0].text.contains(text), "{found:?}");
            assert_eq!(problems(&config).len(), usize::from(level != Level::Ok));
        }
        std::fs::write(&certificate, "").unwrap();
        assert_eq!(all(&config)[0].level, Level::Broken);
        let found = problems(&config);
        assert!(found.len() == 1 && found[0].to_string().contains("no certificate in it"), "{found:?}");
    }
}
