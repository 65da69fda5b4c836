//! Figures for Prometheus. Labels have few values: never an address, a domain or a name that a
//! sender chose.

mod labels;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::dns_figures::DnsFigures;

pub use labels::*;

/// Upper bounds of the duration histograms, in seconds.
const DURATION_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 20.0, 80.0];

/// Labels of the build.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

/// Every figure we count.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Messages, by what became of them.
    pub messages: Family<MessageLabels, Counter>,
    /// What monitor mode would have done.
    pub would: Family<WouldLabels, Counter>,
    /// Messages to which a rule would have applied but for monitor mode.
    pub watched: Family<WatchedLabels, Counter>,
    /// What was refused before the body of a message.
    pub early: Family<EarlyLabels, Counter>,
    /// Messages by their spam status.
    pub spam: Family<SpamLabels, Counter>,
    /// What lists in the DNS said.
    pub lists: Family<ListLabels, Counter>,
    /// Messages about which an entry of a list of senders or recipients decided.
    pub listed: Family<ListedLabels, Counter>,
    /// Entries of lists of senders and recipients.
    pub list_entries: Family<EntriesLabels, Gauge<i64, AtomicI64>>,
    /// Signs of spam that were seen.
    pub signs: Family<SignLabels, Counter>,
    /// Engines that could not look.
    pub unable: Family<EngineLabels, Counter>,
    /// Messages in which a password opened something encrypted.
    pub opened: Family<OpenedLabels, Counter>,
    /// What was taken out of files that were made anew and delivered.
    pub removed: Family<RemovedLabels, Counter>,
    /// Who sent the messages that were asked about.
    pub authentication: Family<AuthLabels, Counter>,
    /// Messages that were to be signed or sealed with a key of ours.
    pub signatures: Family<SignatureLabels, Counter>,
    /// Time from the end of a message to our decision.
    pub examination: Histogram,
    /// Time from the end of a message to our reply.
    pub reply: Histogram,
    /// SMTP sessions, by how they ended.
    pub sessions: Family<SessionLabels, Counter>,
    /// Connections now open.
    pub connections: Gauge<i64, AtomicI64>,
    /// Connections of mail servers to the milter, by how they ended.
    pub milter_sessions: Family<SessionLabels, Counter>,
    /// Connections of mail servers to the milter now open.
    pub milter_connections: Gauge<i64, AtomicI64>,
    /// Bytes of messages now in work.
    pub bytes_in_flight: Gauge<i64, AtomicI64>,
    /// Messages in Backup.
    pub backup_objects: Gauge<u64, AtomicU64>,
    /// Bytes in Backup.
    pub backup_bytes: Gauge<u64, AtomicU64>,
    /// Reports of DMARC by what became of them.
    pub dmarc_reports: Family<DmarcLabels, Counter>,
    /// Reports of DMARC that others sent.
    pub dmarc_received: Family<ReceivedLabels, Counter>,
    /// Pictures of spam that are known.
    pub known_pictures: Gauge<u64, AtomicU64>,
    /// Reloads that failed; the old configuration stays in force.
    pub reload_failures: Counter,
    /// Signatures are loaded (1), or nothing but the built-in rules (0).
    pub signatures_loaded: Gauge<i64, AtomicI64>,
    /// Whether a next hop could be reached at the last attempt.
    pub hop_up: Family<HopLabels, Gauge<i64, AtomicI64>>,
    /// Sessions with next hops, by how they began.
    pub hop_sessions: Family<HopEndLabels, Counter>,
    /// Messages handed to next hops, by what came of it.
    pub hop_messages: Family<HopEndLabels, Counter>,
    /// How sessions with next hops are encrypted.
    pub hop_tls: Family<HopTlsLabels, Counter>,
    /// What clients show that are asked for a certificate.
    pub client_certificates: Family<ClientCertificateLabels, Counter>,
    /// When a certificate of ours ends, in seconds since 1970.
    pub certificate_end: Family<CertificateLabels, Gauge<i64, AtomicI64>>,
    /// Orders of a certificate.
    pub acme_orders: Family<AcmeLabels, Counter>,
    /// Whether a certificate's files are of use as they are.
    pub certificate_loaded: Family<CertificateLabels, Gauge<i64, AtomicI64>>,
    /// Mails in the outbox.
    pub outbox_mails: Gauge<u64, AtomicU64>,
    /// Bytes in the outbox.
    pub outbox_bytes: Gauge<u64, AtomicU64>,
    /// Age of the oldest mail in the outbox, in seconds.
    pub outbox_age: Gauge<u64, AtomicU64>,
    /// Recipients that were tried from the outbox.
    pub outbox_recipients: Family<OutboxLabels, Counter>,
    /// Workers now running.
    pub workers: Gauge<i64, AtomicI64>,
    /// Workers that ended unexpectedly, were ended at a deadline, or retired, since the start.
    pub worker_ends: Family<WorkerLabels, Counter>,
    /// What resolvers did; each resolver of this process counts here.
    pub dns: Arc<net::dns::Figures>,
}

/// Why a worker ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct WorkerLabels {
    /// `crashed`, `killed` or `retired`.
    pub end: &'static str,
}

/// The label of how an order of a certificate ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct AcmeLabels {
    /// `issued` or `failed`.
    pub result: &'static str,
}

/// The label of a certificate.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct CertificateLabels {
    /// Its file.
    pub file: String,
}

/// Labels of how sessions with next hops are encrypted.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct HopTlsLabels {
    /// The route's name.
    pub route: String,
    /// What the route's `tls` says.
    pub policy: &'static str,
    /// `clear`, `encrypted`, `verified`; `fell_back` to clear after TLS failed; `failed`: no session.
    pub result: &'static str,
}

/// Labels of what clients show that are asked for a certificate.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct ClientCertificateLabels {
    /// `known`, `unknown`, `none`.
    pub result: &'static str,
}

/// Labels of a next hop: both as configured.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct HopLabels {
    /// The route's name.
    pub route: String,
    /// Its address.
    pub hop: String,
}

/// Labels of what happened with a next hop.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct HopEndLabels {
    /// Its address, as configured.
    pub hop: String,
    /// Of a session: `opened`, `failed`, `refused`. Of a message: `taken`, `deferred`, `refused`, `lost`.
    pub result: &'static str,
}

/// The label of what became of a recipient in the outbox.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct OutboxLabels {
    /// `delivered`, `deferred` or `failed`.
    pub result: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A new set, all zero.
    pub fn new() -> Self {
        let histogram = || Histogram::new(DURATION_BUCKETS);
        let mut metrics = Self {
            registry: Registry::with_prefix("mailward"),
            messages: Family::default(),
            would: Family::default(),
            watched: Family::default(),
            early: Family::default(),
            spam: Family::default(),
            lists: Family::default(),
            listed: Family::default(),
            list_entries: Family::default(),
            signs: Family::default(),
            unable: Family::default(),
            opened: Family::default(),
            removed: Family::default(),
            authentication: Family::default(),
            signatures: Family::default(),
            examination: histogram(),
            reply: histogram(),
            sessions: Family::default(),
            connections: Gauge::default(),
            milter_sessions: Family::default(),
            milter_connections: Gauge::default(),
            bytes_in_flight: Gauge::default(),
            backup_objects: Gauge::default(),
            backup_bytes: Gauge::default(),
            dmarc_reports: Family::default(),
            dmarc_received: Family::default(),
            known_pictures: Gauge::default(),
            reload_failures: Counter::default(),
            signatures_loaded: Gauge::default(),
            hop_up: Family::default(),
            hop_sessions: Family::default(),
            hop_messages: Family::default(),
            hop_tls: Family::default(),
            client_certificates: Family::default(),
            certificate_end: Family::default(),
            certificate_loaded: Family::default(),
            acme_orders: Family::default(),
            outbox_mails: Gauge::default(),
            outbox_bytes: Gauge::default(),
            outbox_age: Gauge::default(),
            outbox_recipients: Family::default(),
            workers: Gauge::default(),
            worker_ends: Family::default(),
            dns: Arc::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("messages", "Messages by surface, direction, status and action", self.messages.clone());
        r.register(
            "monitor_would",
            "Messages that monitor mode let through, by what would have been done",
            self.would.clone(),
        );
        r.register(
            "monitor_watched",
            "Messages to which a rule would have applied but for monitor mode, by surface and rule",
            self.watched.clone(),
        );
        r.register("early", "Refused before the body, by surface, stage, rule and action", self.early.clone());
        r.register("opened", "Messages in which a password opened something, by where it stood", self.opened.clone());
        r.register("removed", "Things taken out of files that were delivered made anew, by kind", self.removed.clone());
        r.register("spam", "Messages by their spam status", self.spam.clone());
        r.register("dns_lists", "Answers of DNS lists about mail, by set and what they said", self.lists.clone());
        let listed = "Messages about which an entry of a list of senders or recipients decided";
        r.register("listed", listed, self.listed.clone());
        r.register("list_entries", "Entries of lists of senders and recipients", self.list_entries.clone());
        r.register("spam_signs", "Signs of spam that were seen, by name", self.signs.clone());
        r.register("engine_unable", "Times an engine could not look, by engine and reason", self.unable.clone());
        r.register(
            "signatures",
            "Messages signed (DKIM) or sealed (ARC) with a key of ours, or not because it failed",
            self.signatures.clone(),
        );
        r.register("authentication", "Checks of who sent a message, by method and result", self.authentication.clone());
        r.register_with_unit(
            "examination_duration",
            "Time from the end of a message to the decision",
            Unit::Seconds,
            self.examination.clone(),
        );
        r.register_with_unit(
            "reply_duration",
            "Time from the end of a message to our reply",
            Unit::Seconds,
            self.reply.clone(),
        );
        r.register("smtp_sessions", "SMTP sessions by how they ended", self.sessions.clone());
        r.register("smtp_connections", "SMTP connections now open", self.connections.clone());
        r.register("milter_sessions", "Connections of mail servers by how they ended", self.milter_sessions.clone());
        r.register("milter_connections", "Connections of mail servers now open", self.milter_connections.clone());
        r.register_with_unit("in_flight", "Bytes of messages now in work", Unit::Bytes, self.bytes_in_flight.clone());
        r.register("backup_objects", "Messages in Backup", self.backup_objects.clone());
        r.register("dmarc_reports", "Aggregate reports of DMARC by what became of them", self.dmarc_reports.clone());
        let received = "Reports of DMARC that others sent about domains of ours";
        r.register("dmarc_received", received, self.dmarc_received.clone());
        r.register("known_pictures", "Pictures of spam that were learnt", self.known_pictures.clone());
        r.register_with_unit("backup", "Bytes that Backup takes on disk", Unit::Bytes, self.backup_bytes.clone());
        r.register(
            "reload_failures",
            "Reloads that failed and left the old configuration in force",
            self.reload_failures.clone(),
        );
        r.register(
            "signatures_loaded",
            "1 when hash lists, rules of your own or clamd are in use",
            self.signatures_loaded.clone(),
        );
        r.register("hop_up", "1 when the next hop could be reached at the last attempt", self.hop_up.clone());
        r.register("hop_sessions", "Sessions with next hops by how they began", self.hop_sessions.clone());
        r.register("hop_messages", "Messages handed to next hops by what came of it", self.hop_messages.clone());
        r.register("hop_tls", "Sessions with next hops by how they are encrypted", self.hop_tls.clone());
        let shown = "TLS handshakes with clients that are asked for a certificate, by what they showed";
        r.register("client_certificates", shown, self.client_certificates.clone());
        r.register("acme_orders", "Orders of a certificate by how they ended", self.acme_orders.clone());
        let end = "When a certificate of ours ends, since 1970";
        r.register_with_unit("certificate_end", end, Unit::Seconds, self.certificate_end.clone());
        let loaded = "1 when a certificate's files are of use as they are; otherwise what was loaded before is in use";
        r.register("certificate_loaded", loaded, self.certificate_loaded.clone());
        r.register("outbox_mails", "Mails in the outbox", self.outbox_mails.clone());
        r.register_with_unit("outbox", "Bytes that the outbox takes on disk", Unit::Bytes, self.outbox_bytes.clone());
        let oldest = "Age of the oldest mail in the outbox";
        r.register_with_unit("outbox_oldest", oldest, Unit::Seconds, self.outbox_age.clone());
        r.register("outbox_recipients", "Recipients tried from the outbox by result", self.outbox_recipients.clone());
        r.register("workers", "Scan workers now running", self.workers.clone());
        r.register("worker_ends", "Scan workers that ended, by reason", self.worker_ends.clone());
        r.register_collector(Box::new(DnsFigures(Arc::clone(&self.dns))));
        let build: Family<BuildLabels, Gauge> = Family::default();
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        r.register("build_info", "The version that runs", build);
    }

    /// Records how long a decision took.
    pub fn observe_examination(&self, took: Duration) {
        self.examination.observe(took.as_secs_f64());
    }

    /// All figures in the OpenMetrics text format.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut out, &self.registry);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_stands_in_the_manual() {
        let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/manual/operation.md");
        let manual = std::fs::read_to_string(manual).unwrap();
        let registered = include_str!("metrics.rs").split("r.register").skip(1);
        let names: Vec<&str> = registered.filter_map(|call| call.split('(').nth(1)?.trim().strip_prefix('"')).collect();
        let names: Vec<&str> = names.into_iter().filter_map(|rest| rest.split('"').next()).collect();
        assert!(names.len() > 35 && names.contains(&"hop_tls"), "{names:?}");
        let missing: Vec<_> = names.iter().filter(|name| !manual.contains(&format!("`mailward_{name}"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn figures_show_with_their_labels() {
        let metrics = Metrics::new();
        let labels = MessageLabels { surface: "smtp", direction: "incoming", status: "clean", action: "delivered" };
        metrics.messages.get_or_create(&labels).inc();
        metrics.observe_examination(Duration::from_millis(3));
        metrics.dns.timeouts.fetch_add(3, std::sync::atomic::Ordering::Relaxed);
        let text = metrics.text();
        for line in [
            "mailward_messages_total{surface=\"smtp\",direction=\"incoming\",status=\"clean\",action=\"delivered\"} 1",
            "mailward_examination_duration_seconds_count 1",
            "mailward_signatures_loaded 0",
            "mailward_dns_timeouts_total 3",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
