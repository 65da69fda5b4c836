//! Certificates of clients: which of those that they show we know.
//!
//! In the handshake a client has to prove that a certificate is its own, and no more: whether we know it is
//! found out afterwards, so that a client that is refused is told so in words, and one that may come without
//! comes all the same. A resumed session is judged anew. Not handled: revocation lists; a name in the subject
//! alone, which counts nowhere any more (RFC 9525).

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::DistinguishedName;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use settings::values::{DomainMask, Fingerprint};
use wire::certificate::{self, Facts};

use crate::tls::{TlsError, issuers, provider};

/// Whose certificates we know.
#[derive(Debug)]
pub struct KnownClients {
    /// Certificates by these issuers, within their time; `None`: by nobody.
    issued: Option<Arc<dyn ClientCertVerifier>>,
    /// And of these names only; empty: of any.
    names: Vec<DomainMask>,
    /// These, whoever issued them.
    fingerprints: Vec<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

/// A certificate that a client showed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// What it is called: the name for which we know it, else its first one, else its fingerprint.
    pub name: String,
    /// Why we do not know it; `None` if we do.
    pub unknown: Option<String>,
}

impl KnownClients {
    /// Those by the issuers in a file, for one of these names if there are any, and those with these
    /// fingerprints.
    ///
    /// # Errors
    /// The file of issuers cannot be used.
    pub fn load(
        ca_file: Option<&Path>,
        names: Vec<DomainMask>,
        fingerprints: Vec<Fingerprint>,
    ) -> Result<Arc<Self>, TlsError> {
        let provider = provider();
        let verifier = |path| {
            let roots = Arc::new(issuers(Some(path))?);
            let built = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            built.map_err(|error| TlsError::BadPem(path.to_owned(), error.to_string()))
        };
        let issued = ca_file.map(verifier).transpose()?;
        Ok(Arc::new(Self { issued, names, fingerprints, provider }))
    }

    /// What a client has shown, its own certificate first; `None` if it has shown nothing.
    pub fn judge(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Option<Shown> {
        let (own, others) = chain.split_first()?;
        let print = fingerprint(own);
        let facts = certificate::read(own);
        let first = facts.as_ref().and_then(|facts| facts.names.first().cloned());
        let name = first.unwrap_or_else(|| format!("sha256:{print}"));
        if self.fingerprints.contains(&print) {
            return Some(Shown { name, unknown: None });
        }
        Some(match self.by_issuer(own, others, facts.as_ref(), now) {
            Ok(known) => Shown { name: known.unwrap_or(name), unknown: None },
            Err(why) => Shown { name, unknown: Some(why) },
        })
    }

    /// The name for which it is known, if it had to be for one.
    fn by_issuer(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        facts: Option<&Facts>,
        now: UnixTime,
    ) -> Result<Option<String>, String> {
        let Some(issued) = &self.issued else { return Err("its fingerprint is not listed".to_owned()) };
        issued.verify_client_cert(own, others, now).map_err(|error| error.to_string())?;
        if self.names.is_empty() {
            return Ok(None);
        }
        let listed = |name: &&String| self.names.iter().any(|mask| mask.fits(name).is_some());
        let known = facts.and_then(|facts| facts.names.iter().find(listed));
        known.cloned().map(Some).ok_or_else(|| "it is for none of the names that are listed".to_owned())
    }
}

/// SHA-256 over a certificate.
fn fingerprint(der: &[u8]) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, der).as_ref());
    Fingerprint(bytes)
}

impl ClientCertVerifier for KnownClients {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Who is known by a fingerprint may have any issuer.
        match &self.issued {
            Some(issued) if self.fingerprints.is_empty() => issued.root_hint_subjects(),
            _ => &[],
        }
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    crate::tls::handshake_signatures!(provider);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Authority {
        issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
    }

    impl Authority {
        fn new(name: &str) -> Self {
            let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            Self { issuer: rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap() }
        }

        fn issue(&self, names: &[&str]) -> CertificateDer<'static> {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let params = rcgen::CertificateParams::new(names).unwrap();
            params.signed_by(&rcgen::KeyPair::generate().unwrap(), &self.issuer).unwrap().der().clone()
        }
    }

    fn masks(list: &[&str]) -> Vec<DomainMask> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_certificate_is_known_by_issuer_and_name_or_by_fingerprint() {
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.pem");
        std::fs::write(&file, ours.issuer.pem()).unwrap();
        let relay = ours.issue(&["a.example.org", "relay.example.org"]);
        let other = ours.issue(&["other.example.net"]);
        let forged = theirs.issue(&["relay.example.org"]);
        let nameless = ours.issue(&[]);
        let judge = |known: &KnownClients, der: &CertificateDer<'static>| {
            let shown = known.judge(std::slice::from_ref(der), UnixTime::now()).unwrap();
            (shown.name, shown.unknown.is_none())
        };
        let any = KnownClients::load(Some(&file), Vec::new(), Vec::new()).unwrap();
        let named = KnownClients::load(Some(&file), masks(&["relay.example.org"]), Vec::new()).unwrap();
        let below = KnownClients::load(Some(&file), masks(&["*.example.net"]), Vec::new()).unwrap();
        let listed = KnownClients::load(None, Vec::new(), vec![fingerprint(&forged)]).unwrap();
        let said = |name: &str, known| (name.to_owned(), known);
        assert_eq!(judge(&any, &relay), said("a.example.org", true));
        assert_eq!(judge(&any, &other), said("other.example.net", true));
        assert_eq!(judge(&any, &nameless), (format!("sha256:{}", fingerprint(&nameless)), true));
        assert_eq!(judge(&any, &forged), said("relay.example.org", false));
        assert_eq!(judge(&named, &relay), said("relay.example.org", true));
        assert_eq!(judge(&named, &other), said("other.example.net", false));
        assert!(!judge(&named, &nameless).1 && !judge(&named, &forged).1);
        assert!(judge(&below, &other).1 && !judge(&below, &relay).1);
        assert!(judge(&listed, &forged).1 && !judge(&listed, &relay).1);
        assert_eq!(any.judge(&[], UnixTime::now()), None);
        let later = UnixTime::since_unix_epoch(std::time::Duration::from_secs(100_000_000_000));
        let over = any.judge(std::slice::from_ref(&relay), later).unwrap();
        assert!(over.unknown.is_some_and(|why| why.contains("expired")));
        assert!(KnownClients::load(Some(&dir.path().join("none.pem")), Vec::new(), Vec::new()).is_err());
    }
}
