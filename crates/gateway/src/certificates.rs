//! Certificates of clients in a session: whether we know one, and what it makes of the client.

use net::stream::Stream;
use rustls::pki_types::UnixTime;
use service::metrics::ClientCertificateLabels;
use settings::config::{ClientCertificate, ClientTrust};
use wire::smtp::reply::Reply;

use crate::listen::ListenerTls;
use crate::session::Session;

impl Session<'_> {
    /// After a handshake: what the peer has shown, and what that makes it.
    pub(crate) fn note_certificate(&mut self, tls: &ListenerTls, stream: &Stream) {
        let Some(clients) = &tls.clients else { return };
        self.certificate = clients.judge(stream.peer_certificates(), UnixTime::now());
        let result = match &self.certificate {
            None => "none",
            Some(shown) if shown.unknown.is_some() => "unknown",
            Some(_) => "known",
        };
        self.gateway.service.metrics().client_certificates.get_or_create(&ClientCertificateLabels { result }).inc();
        if let Some((name, why)) =
            self.certificate.as_ref().and_then(|shown| Some((&shown.name, shown.unknown.as_ref()?)))
        {
            tracing::info!(connection = self.connection, peer = %self.client.peer, certificate = name, why, "a client's certificate is not known");
        }
        let Some(name) = self.known_certificate().map(str::to_owned) else { return };
        tracing::debug!(connection = self.connection, peer = %self.client.peer, certificate = name, "a client's certificate is known");
        match self.listener.client_trust {
            ClientTrust::None => {}
            ClientTrust::Client => self.client.vouched = Some(name.clone()),
            ClientTrust::Relay => {
                self.relay = true;
                self.server.set_trusted(true);
            }
        }
        self.client.certificate = Some(name);
    }

    /// The name of the certificate that the peer has shown and we know.
    fn known_certificate(&self) -> Option<&str> {
        self.certificate.as_ref().filter(|shown| shown.unknown.is_none()).map(|shown| shown.name.as_str())
    }

    /// Whether the peer has to show a certificate that we know, and has not.
    pub(crate) fn lacks_certificate(&self) -> bool {
        self.listener.client_certificate == ClientCertificate::Require && self.known_certificate().is_none()
    }

    /// The refusal of a peer that has to show a certificate, and has not.
    pub(crate) fn refuse_without_certificate(&self) -> Option<Reply> {
        if !self.lacks_certificate() {
            return None;
        }
        if !self.is_tls() {
            return Some(Reply::say(530, "5.7.0 Must issue a STARTTLS command first"));
        }
        let why = match &self.certificate {
            None => "no client certificate was shown",
            Some(_) => "the client certificate is not known here",
        };
        tracing::info!(connection = self.connection, peer = %self.client.peer, why, "mail was refused: smtp.client_certificate requires one");
        Some(Reply::say(550, &format!("5.7.0 Not allowed here: {why}")))
    }
}
