//! Certificates and TLS settings: TLS 1.2 and 1.3 with aws-lc-rs.
//!
//! Limits: [`MAX_PEM`] bytes a file. Not handled: encrypted private keys, revocation lists.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig};

use crate::certificates::{Chooser, Held};
use crate::clients::KnownClients;

/// Largest PEM file, in bytes; a bundle of all public issuers is about 250 KB.
pub const MAX_PEM: u64 = 4 << 20;

/// Why TLS cannot be set up. The text names the file and says what is wrong with it.
#[derive(Debug)]
pub enum TlsError {
    /// A file cannot be read.
    Read(PathBuf, io::Error),
    /// A file is larger than [`MAX_PEM`].
    TooLarge(PathBuf),
    /// A file is not PEM, or what is in it is not what it says.
    BadPem(PathBuf, String),
    /// There is no certificate in a file.
    NoCertificate(PathBuf),
    /// There is no private key in a file.
    NoKey(PathBuf),
    /// The private key does not belong to the certificate, or is of a kind that is not used.
    Pair(PathBuf, PathBuf, String),
    /// There is no issuer to trust on this system.
    NoIssuers(String),
    /// Anything else.
    Other(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(file, error) => write!(f, "{}: {error}", file.display()),
            Self::TooLarge(file) => write!(f, "{}: larger than {MAX_PEM} bytes: not a certificate", file.display()),
            Self::BadPem(file, why) => write!(f, "{}: not valid PEM: {why}", file.display()),
            Self::NoCertificate(file) => {
                write!(f, "{}: no certificate in it (BEGIN CERTIFICATE is missing)", file.display())
            }
            Self::NoKey(file) => {
                write!(
                    f,
                    "{}: no private key in it (BEGIN PRIVATE KEY is missing; an encrypted key cannot be used)",
                    file.display()
                )
            }
            Self::Pair(certificate, key, why) => {
                write!(f, "{} with the key {}: {why}", certificate.display(), key.display())
            }
            Self::NoIssuers(why) => write!(f, "no certificate issuers to trust on this system: {why}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for TlsError {}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// What a server needs: the certificates that it shows, which may change while it is in use, and whom it asks
/// clients for, if it does.
///
/// # Errors
/// Only what is no fault of the certificates.
pub fn server_config(
    certificates: Arc<Chooser>,
    clients: Option<Arc<KnownClients>>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Other(error.to_string()))?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(clients),
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(builder.with_cert_resolver(certificates)))
}

/// What a client needs. With `verify`, the server's certificate must be valid for its name and
/// issued by somebody in `ca_file`, or by one of the system's issuers if there is no file.
/// Without, any certificate is taken: that keeps out listeners, not impostors (RFC 7435). `own` is shown to
/// servers that ask for a certificate.
///
/// # Errors
/// The file of issuers cannot be used, or the system has none.
pub fn client_config(
    verify: bool,
    ca_file: Option<&Path>,
    own: Option<Arc<Held>>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = provider();
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Other(error.to_string()))?;
    let builder = if verify {
        builder.with_root_certificates(issuers(ca_file)?)
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
    };
    Ok(Arc::new(showing(builder, own)))
}

/// With our own certificate for servers that ask, or without.
pub(crate) fn showing(builder: ConfigBuilder<ClientConfig, WantsClientCert>, own: Option<Arc<Held>>) -> ClientConfig {
    match own {
        Some(own) => builder.with_client_cert_resolver(own),
        None => builder.with_no_client_auth(),
    }
}

/// The name to check in a server's certificate: a host name or an IP address.
///
/// # Errors
/// The text is neither.
pub fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    let host = host.strip_suffix('.').unwrap_or(host);
    ServerName::try_from(host.to_owned())
        .map_err(|_| TlsError::Other(format!("{host:?} cannot be the name in a certificate")))
}

pub(crate) fn issuers(ca_file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    if let Some(path) = ca_file {
        for issuer in certificates(path)? {
            store.add(issuer).map_err(|error| TlsError::BadPem(path.to_owned(), error.to_string()))?;
        }
        return Ok(store);
    }
    let found = rustls_native_certs::load_native_certs();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let why = found.errors.first().map_or("install ca-certificates or set ca_file".to_owned(), ToString::to_string);
        return Err(TlsError::NoIssuers(why));
    }
    Ok(store)
}

/// The whole file, if it is not too large.
fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let fail = |error| TlsError::Read(path.to_owned(), error);
    let mut bytes = Vec::new();
    File::open(path).map_err(fail)?.take(MAX_PEM + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > MAX_PEM {
        return Err(TlsError::TooLarge(path.to_owned()));
    }
    Ok(bytes)
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|error| TlsError::BadPem(path.to_owned(), error.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(path.to_owned()));
    }
    Ok(chain)
}

pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    use rustls::pki_types::pem::Error;
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| match error {
        Error::NoItemsFound => TlsError::NoKey(path.to_owned()),
        other => TlsError::BadPem(path.to_owned(), other.to_string()),
    })
}

/// The methods of a verifier that hold the handshake to the key of the certificate, by the provider in a field. What
/// makes one verifier unlike another is only which certificates it takes.
macro_rules! handshake_signatures {
    ($provider:tt) => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signature: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let algorithms = &self.$provider.signature_verification_algorithms;
            rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signature: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let algorithms = &self.$provider.signature_verification_algorithms;
            rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            self.$provider.signature_verification_algorithms.supported_schemes()
        }
    };
}
pub(crate) use handshake_signatures;

/// Takes any certificate, but not a handshake that its key did not sign.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    crate::tls::handshake_signatures!(0);
}

/// A certificate that vouches for itself: for tests and the demonstration.
pub struct SelfSigned {
    /// The certificate, PEM.
    pub certificate: String,
    /// Its private key, PEM.
    pub key: String,
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// Makes a certificate for these host names and IP addresses.
///
/// # Errors
/// A name cannot stand in a certificate.
pub fn self_signed(names: &[&str]) -> Result<SelfSigned, TlsError> {
    let fail = |error: rcgen::Error| TlsError::Other(format!("certificate: {error}"));
    let alternatives: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(alternatives).map_err(fail)?;
    // A name of its own: two such certificates must not look like one issuer.
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, names.first().copied().unwrap_or("localhost"));
    let key = rcgen::KeyPair::generate().map_err(fail)?;
    let certificate = params.self_signed(&key).map_err(fail)?;
    Ok(SelfSigned { certificate: certificate.pem(), key: key.serialize_pem() })
}
