//! What happens by itself: retention, clean-up, figures (spec BK-06: every minute).

use std::sync::Arc;
use std::time::Duration;

use store::Limits;
use tokio::sync::watch;

use crate::metrics::{Metrics, WorkerLabels};
use crate::{Service, crashes, id};

/// How often retention is enforced.
const INTERVAL: Duration = Duration::from_secs(60);

/// Runs until `stop` becomes true.
pub async fn run(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let mut before = confine::Status::default();
    loop {
        once(&service).await;
        worker_figures(&service, &mut before);
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Enforces retention once and updates the figures.
pub async fn once(service: &Arc<Service>) {
    let policy = Arc::clone(&service.current().policy.load().policy);
    let (store, metrics) = (service.store().clone(), Arc::clone(service.metrics()));
    let work = move || {
        let now = id::now_ms();
        let unlimited = |value: u64| if value == 0 { u64::MAX } else { value };
        let limits = Limits {
            max_objects: policy.backup.max_objects,
            max_bytes: unlimited(policy.backup.max_size.0),
            max_age_ms: unlimited(policy.backup.max_age.0),
        };
        let retired = store.enforce_retention(now, &limits)?;
        if retired.objects > 0 {
            tracing::info!(objects = retired.objects, bytes = retired.bytes, "retention removed messages from Backup");
        }
        if policy.message_log.max_age.0 > 0 {
            store.expire_messages(now.saturating_sub(policy.message_log.max_age.0))?;
        }
        if policy.authentication.reports.max_age.0 > 0 {
            store.expire_reports(now.saturating_sub(policy.authentication.reports.max_age.0))?;
        }
        crashes::expire(&store, now)?;
        if policy.before.greylist.enabled {
            store.expire_greylist(now.saturating_sub(policy.before.greylist.remember.0))?;
        }
        if policy.spam.first_contact.enabled {
            store.expire_contacts(now.saturating_sub(policy.spam.first_contact.remember.0))?;
        }
        let usage = store.usage()?;
        metrics.known_pictures.set(store.picture_usage()?.spam);
        metrics.backup_objects.set(usage.objects);
        metrics.backup_bytes.set(usage.bytes);
        Ok::<(), store::StoreError>(())
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "Backup's upkeep failed; it is tried again in a minute"),
        Err(crash) => tracing::error!(%crash, "Backup's upkeep crashed; it is tried again in a minute"),
    }
}

/// Counters of the workers since the last look.
fn worker_figures(service: &Service, before: &mut confine::Status) {
    let examiner = service.current().examiner.load_full();
    let now = examiner.pool().status();
    let metrics: &Metrics = service.metrics();
    metrics.signatures_loaded.set(i64::from(examiner.has_database()));
    metrics.workers.set(i64::try_from(now.workers).unwrap_or(i64::MAX));
    for (end, new, old) in [
        ("crashed", now.crashes, before.crashes),
        ("killed", now.kills, before.kills),
        ("retired", now.retired, before.retired),
    ] {
        metrics.worker_ends.get_or_create(&WorkerLabels { end }).inc_by(new.saturating_sub(old));
    }
    *before = now;
}
