//! The certificates that we show: looked at again and again for new files, and for their end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use net::certificates::{Age, Held, Refreshed, age, now};
use settings::config::Acme;
use tokio::sync::{Notify, watch};

use crate::Service;
use crate::metrics::{CertificateLabels, Metrics};

/// How often files are looked at. A change is believed at the second look.
const LOOK: Duration = Duration::from_secs(5);
/// How often the log tells of a certificate that ends soon or has ended, in seconds: once a day.
const TELL: u64 = 86_400;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// All certificates that are in use.
#[derive(Debug, Default)]
pub struct Certificates {
    held: ArcSwap<Vec<Arc<Held>>>,
    acme: ArcSwapOption<Acme>,
    changed: Notify,
}

impl Certificates {
    /// All of them.
    pub fn all(&self) -> Arc<Vec<Arc<Held>>> {
        self.held.load_full()
    }

    /// What is fetched from an authority; `None` if nothing is.
    pub fn acme(&self) -> Option<Arc<Acme>> {
        self.acme.load_full()
    }

    /// Until the next configuration.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes those of a new configuration.
    pub fn set(&self, held: Vec<Arc<Held>>, acme: &Acme, metrics: &Metrics) {
        self.held.store(Arc::new(held));
        self.acme.store(acme.is_on().then(|| Arc::new(acme.clone())));
        self.changed.notify_one();
        metrics.certificate_loaded.clear();
        metrics.certificate_end.clear();
        self.count(metrics);
    }

    /// Writes them into the figures.
    pub fn count(&self, metrics: &Metrics) {
        for held in self.held.load().iter() {
            let labels = CertificateLabels { file: held.path().display().to_string() };
            let well = held.is_ready() && held.problem().is_none();
            metrics.certificate_loaded.get_or_create(&labels).set(i64::from(well));
            if let Some(facts) = held.facts() {
                let end = i64::try_from(facts.not_after).unwrap_or(i64::MAX);
                metrics.certificate_end.get_or_create(&labels).set(end);
            }
        }
    }
}

/// Looks at the files until `stop` becomes true. What changed is used from the next handshake on.
pub async fn watch(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let mut told: HashMap<PathBuf, u64> = HashMap::new();
    loop {
        for held in service.certificates().all().iter() {
            let looked = {
                let held = Arc::clone(held);
                tokio::task::spawn_blocking(move || held.refresh()).await
            };
            tell(held, looked.unwrap_or(Refreshed::Unchanged));
            remind(held, &mut told);
        }
        service.certificates().count(service.metrics());
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

fn tell(held: &Held, refreshed: Refreshed) {
    let file = held.path().display();
    match refreshed {
        Refreshed::Unchanged => {}
        Refreshed::Renewed => {
            let days = held.facts().map_or(0, |facts| facts.not_after.saturating_sub(now()) / DAY);
            tracing::info!(%file, days, "a new certificate is in use");
        }
        Refreshed::Broken(why) => {
            tracing::error!(%file, why, "a certificate's files changed and are of no use; the certificate that was loaded before stays in use");
        }
    }
}

/// Once a day: a certificate that ends soon, or has ended.
fn remind(held: &Held, told: &mut HashMap<PathBuf, u64>) {
    let Some(facts) = held.facts() else { return };
    let file = held.path();
    if told.get(file).is_some_and(|at| now().saturating_sub(*at) < TELL) {
        return;
    }
    match age(&facts, now()) {
        Age::Good => return,
        Age::Soon(left) => {
            tracing::warn!(file = %file.display(), days = left / DAY, "a certificate ends soon: renew it");
        }
        Age::Over(since) => {
            tracing::error!(file = %file.display(), days = since / DAY, "a certificate has ended: peers that check it send us no mail");
        }
        Age::Early(until) => {
            tracing::warn!(file = %file.display(), days = until / DAY, "a certificate does not count yet");
        }
    }
    told.insert(file.to_owned(), now());
}
