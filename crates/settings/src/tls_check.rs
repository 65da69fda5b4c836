//! What is wrong, or likely not meant, in the settings of TLS.

use std::path::Path;

use crate::config::{Config, Listener};
use crate::problem::Problem;
use crate::values::is_host;

/// Most names of a certificate that is fetched: what common authorities allow.
const MAX_NAMES: usize = 100;
/// Most certificates of one node.
pub(crate) const MAX_CERTIFICATES: usize = 1_000;

pub(crate) fn check(config: &Config, found: &mut Vec<Problem>) {
    check_acme(config, found);
    let tls = &config.tls;
    if tls.certificate.len() > MAX_CERTIFICATES {
        found.push(Problem::error("tls.certificate", format!("more than {MAX_CERTIFICATES} certificates")));
    }
    for (at, pair) in tls.certificate.iter().enumerate().take(MAX_CERTIFICATES) {
        let key = format!("tls.certificate[{at}]");
        for (name, path) in [("certificate", &pair.certificate), ("key", &pair.key)] {
            if path == Path::new("") {
                found.push(Problem::error(&format!("{key}.{name}"), format!("{key}: {name} is not set")));
            }
        }
    }
    let offers = config.smtp.iter().any(Listener::has_tls);
    if !tls.certificate.is_empty() && !offers {
        let message = "tls.certificate is never used: no [[smtp]] listener has a certificate of its own";
        found.push(Problem::warning("tls.certificate", message));
    }
    let asks = !tls.required_from.is_empty() || !tls.required_senders.is_empty();
    for (at, listener) in config.smtp.iter().enumerate().filter(|(_, listener)| asks && !listener.has_tls()) {
        let key = format!("smtp[{at}].certificate");
        let message = format!(
            "smtp[{at}]: {} offers no TLS, so mail that tls.required_from or tls.required_senders is about is always refused there",
            listener.listen
        );
        found.push(Problem::warning(&key, message));
    }
}

fn check_acme(config: &Config, found: &mut Vec<Problem>) {
    let acme = &config.acme;
    let mut error = |key: &str, message: String| found.push(Problem::error(key, message));
    if acme.names.len() > MAX_NAMES {
        error("acme.names", format!("acme.names: more than {MAX_NAMES} names"));
    }
    for name in &acme.names {
        let form = is_host(name) && name.contains('.') && name.parse::<std::net::IpAddr>().is_err();
        if !form {
            let why = if name.starts_with("*.") {
                "an authority does not look for * over HTTP"
            } else {
                "it is no host name"
            };
            error("acme.names", format!("acme.names: {name:?}: {why}"));
        }
    }
    if !acme.names.is_empty() && !acme.agree_to_terms {
        error(
            "acme.agree_to_terms",
            "acme: read the authority's terms of service, then write agree_to_terms = true".to_owned(),
        );
    }
    if !acme.directory.starts_with("https://") {
        error("acme.directory", format!("acme.directory: {:?} is no https: address", acme.directory));
    }
    if !acme.contact.is_empty() && !acme.contact.contains('@') {
        error("acme.contact", format!("acme.contact: {:?} is no mail address", acme.contact));
    }
    for (at, listener) in config.smtp.iter().enumerate().filter(|(_, listener)| listener.acme) {
        let key = format!("smtp[{at}].acme");
        if acme.names.is_empty() {
            error(&key, format!("{key} without acme.names: there is nothing to show"));
        }
        if listener.certificate.is_some() {
            error(&key, format!("{key} beside a certificate: write one of them"));
        }
    }
    if !acme.names.is_empty() && !config.smtp.iter().any(|listener| listener.acme) {
        let message = "acme.names: a certificate is fetched, but no [[smtp]] listener with acme = true shows it";
        found.push(Problem::warning("acme.names", message));
    }
}
