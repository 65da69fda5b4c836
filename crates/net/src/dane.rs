//! DANE for SMTP (RFC 7672): what a server's certificate has to be, as its DNS zone says it.
//!
//! Only records from a zone whose signatures were checked count; who asks for them sees to that. Usages 2
//! and 3 are of use, 0 and 1 are not (RFC 7672 section 3.1.3). Limit: [`MAX_RECORDS`]. Not handled: a
//! digest of a trust anchor that the server does not send (it must, RFC 7672 section 3.1.2).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use wire::certificate;

use crate::certificates::Held;
use crate::dns::Tlsa;
use crate::tls::{TlsError, provider, showing};

/// Most records of one server that are used.
pub const MAX_RECORDS: usize = 32;

/// A trust anchor: the certificate, or its issuer's, or theirs.
const ANCHOR: u8 = 2;
/// The server's own certificate.
const OWN: u8 = 3;

/// Whether a record can be used at all.
pub fn is_usable(record: &Tlsa) -> bool {
    let length = match record.matching {
        0 => !record.data.is_empty(),
        1 => record.data.len() == 32,
        2 => record.data.len() == 64,
        _ => false,
    };
    matches!(record.usage, ANCHOR | OWN) && record.selector <= 1 && length
}

/// Whether a record is about this certificate.
fn fits(record: &Tlsa, der: &[u8]) -> bool {
    let key = || certificate::read(der).and_then(|facts| der.get(facts.key));
    let Some(selected) = (if record.selector == 0 { Some(der) } else { key() }) else { return false };
    match record.matching {
        0 => record.data == selected,
        1 => digest(&SHA256, selected).as_ref() == record.data,
        2 => digest(&SHA512, selected).as_ref() == record.data,
        _ => false,
    }
}

/// The settings of a client that takes only a certificate that one of these records is about. `names` are
/// the server's and its domain's: below a trust anchor the certificate must be for one of them. `own` is shown
/// to servers that ask for one.
///
/// # Errors
/// Only what is no fault of the records; without a usable one no certificate fits.
pub fn client_config(
    records: &[Tlsa],
    names: Vec<ServerName<'static>>,
    own: Option<Arc<Held>>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = provider();
    let records = records.iter().filter(|record| is_usable(record)).take(MAX_RECORDS).cloned().collect();
    let verifier = Arc::new(Verifier { records, names, provider: Arc::clone(&provider) });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Other(error.to_string()))?;
    Ok(Arc::new(showing(builder.dangerous().with_custom_certificate_verifier(verifier), own)))
}

struct Verifier {
    records: Vec<Tlsa>,
    names: Vec<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("records", &self.records.len()).finish_non_exhaustive()
    }
}

impl Verifier {
    /// Whether the chain leads to a trust anchor that a record is about, in time and for our names.
    fn below_anchor(&self, own: &CertificateDer<'_>, chain: &[CertificateDer<'_>], now: UnixTime) -> bool {
        let anchors = |der: &&CertificateDer<'_>| self.records.iter().any(|r| r.usage == ANCHOR && fits(r, der));
        let mut roots = RootCertStore::empty();
        for der in std::iter::once(own).chain(chain).filter(anchors) {
            // One that cannot be an anchor is none; another may be.
            let _ = roots.add(der.clone().into_owned());
        }
        if roots.is_empty() {
            return false;
        }
        let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider)).build();
        let Ok(verifier) = built else { return false };
        self.names.iter().any(|name| verifier.verify_server_cert(own, chain, name, &[], now).is_ok())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // Of the server's own certificate neither name nor time count (RFC 7672 section 3.1.1).
        if self.records.iter().any(|record| record.usage == OWN && fits(record, own))
            || self.below_anchor(own, chain, now)
        {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    crate::tls::handshake_signatures!(provider);
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    /// An issuer's certificate, and one for mx.example.net below it.
    fn chain() -> (CertificateDer<'static>, CertificateDer<'static>) {
        let mut above = CertificateParams::new(Vec::<String>::new()).unwrap();
        above.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(above, KeyPair::generate().unwrap()).unwrap();
        let params = CertificateParams::new(["mx.example.net".to_owned()]).unwrap();
        let own = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        (issuer.der().clone(), own.der().clone())
    }

    /// What a record says of a certificate: all of it or its key, as it is or its digest.
    fn record(usage: u8, selector: u8, matching: u8, der: &[u8]) -> Tlsa {
        let selected = if selector == 0 { der } else { &der[certificate::read(der).unwrap().key] };
        let data = match matching {
            0 => selected.to_vec(),
            1 => digest(&SHA256, selected).as_ref().to_vec(),
            _ => digest(&SHA512, selected).as_ref().to_vec(),
        };
        Tlsa { usage, selector, matching, data }
    }

    /// Whether the certificate is taken, with these names wanted.
    fn takes(record: Tlsa, own: &CertificateDer<'_>, chain: &[CertificateDer<'_>], name: &str) -> bool {
        assert!(is_usable(&record));
        let names = vec![crate::tls::server_name(name).unwrap()];
        let verifier = Verifier { records: vec![record], names: names.clone(), provider: provider() };
        verifier.verify_server_cert(own, chain, &names[0], &[], UnixTime::now()).is_ok()
    }

    #[test]
    fn every_form_of_a_record_takes_its_certificate_and_no_other() {
        let (issuer, own) = chain();
        let (other_issuer, other) = chain();
        let sent = [issuer.clone()];
        for selector in 0..=1 {
            for matching in 0..=2 {
                let what = format!("{selector} {matching}");
                let of = |usage, der: &CertificateDer<'_>| record(usage, selector, matching, der);
                // The server's own: its name does not count.
                assert!(takes(of(OWN, &own), &own, &[], "other.example.net"), "3 {what}");
                assert!(!takes(of(OWN, &other), &own, &sent, "mx.example.net"), "3 {what}");
                // An issuer that it sends: its name counts.
                assert!(takes(of(ANCHOR, &issuer), &own, &sent, "mx.example.net"), "2 {what}");
                assert!(!takes(of(ANCHOR, &issuer), &own, &sent, "other.example.net"), "2 {what}");
                assert!(!takes(of(ANCHOR, &issuer), &own, &[], "mx.example.net"), "2 {what}");
                assert!(!takes(of(ANCHOR, &other_issuer), &own, &sent, "mx.example.net"), "2 {what}");
                // It is sent, and has not signed.
                let beside = [other_issuer.clone()];
                assert!(!takes(of(ANCHOR, &other_issuer), &own, &beside, "mx.example.net"), "2 {what}");
            }
        }
    }
}
