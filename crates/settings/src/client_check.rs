//! What is wrong, or likely not meant, about certificates of clients: those that we ask for, and our own.

use std::path::Path;

use crate::config::{ClientCertificate, ClientTrust, HopTls, Listener};
use crate::problem::Problem;

/// A listener that asks for certificates, or should.
pub(crate) fn check_clients(listener: &Listener, key: &str, found: &mut Vec<Problem>) {
    let sub = |name: &str| format!("{key}.{name}");
    let knows = listener.client_ca_file.is_some() || !listener.client_fingerprints.is_empty();
    if listener.client_certificate == ClientCertificate::None {
        if knows || !listener.client_names.is_empty() || listener.client_trust != ClientTrust::None {
            let message = format!("{key}: client_certificate = \"none\": clients are not asked for certificates");
            let problem = Problem::warning(&sub("client_certificate"), message);
            found.push(problem.hint("write client_certificate = \"ask\" or \"require\""));
        }
        return;
    }
    if !listener.has_tls() {
        let message = format!("{key}: client_certificate without certificate: only TLS has certificates of clients");
        found.push(Problem::error(&sub("client_certificate"), message));
    }
    if !knows {
        let message =
            format!("{key}: client_certificate without client_ca_file and client_fingerprints: none is known");
        let (key, hint) = (sub("client_certificate"), "set client_ca_file to the issuers that you trust");
        let problem = match listener.client_certificate {
            ClientCertificate::Require => Problem::error(&key, format!("{message}, no client could ever send mail")),
            _ => Problem::warning(&key, message),
        };
        found.push(problem.hint(hint));
    }
    if !listener.client_names.is_empty() && listener.client_ca_file.is_none() {
        let message = format!("{key}: client_names without client_ca_file: names count only where the issuer is known");
        found.push(Problem::error(&sub("client_names"), message));
    }
    let anybody = listener.client_ca_file.is_some() && listener.client_names.is_empty();
    if listener.client_trust != ClientTrust::None && anybody {
        let message =
            format!("{key}: client_trust without client_names: every certificate of these issuers is trusted");
        found.push(Problem::advice(&sub("client_trust"), message).hint("right for an authority of your own only"));
    }
}

/// Our own certificate for next hops.
pub(crate) fn check_own(
    certificate: Option<&Path>,
    secret: Option<&Path>,
    tls: HopTls,
    key: &str,
    found: &mut Vec<Problem>,
) {
    let sub = |name: &str| format!("{key}.{name}");
    match (certificate, secret) {
        (Some(_), None) => found.push(Problem::error(&sub("certificate"), format!("{key}: certificate without key"))),
        (None, Some(_)) => found.push(Problem::error(&sub("key"), format!("{key}: key without certificate"))),
        (Some(_), Some(_)) if tls == HopTls::None => {
            let message = format!("{key}: certificate with tls = \"none\": it is never shown");
            found.push(Problem::warning(&sub("certificate"), message));
        }
        _ => {}
    }
}
