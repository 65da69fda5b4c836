//! What is wrong, or likely not meant, in the settings of TLS.

use std::path::Path;

use crate::config::Config;
use crate::problem::Problem;

/// Most certificates of one node.
pub(crate) const MAX_CERTIFICATES: usize = 1_000;

pub(crate) fn check(config: &Config, found: &mut Vec<Problem>) {
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
    let offers = config.smtp.iter().any(|listener| listener.certificate.is_some());
    if !tls.certificate.is_empty() && !offers {
        let message = "tls.certificate is never used: no [[smtp]] listener has a certificate of its own";
        found.push(Problem::warning("tls.certificate", message));
    }
    let asks = !tls.required_from.is_empty() || !tls.required_senders.is_empty();
    for (at, listener) in config.smtp.iter().enumerate().filter(|(_, listener)| asks && listener.certificate.is_none())
    {
        let key = format!("smtp[{at}].certificate");
        let message = format!(
            "smtp[{at}]: {} offers no TLS, so mail that tls.required_from or tls.required_senders is about is always refused there",
            listener.listen
        );
        found.push(Problem::warning(&key, message));
    }
}
