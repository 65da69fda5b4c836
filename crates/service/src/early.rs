//! What is decided before the body of a message comes: counts, looks up, asks `judge`, tells.

use std::sync::Arc;

use judge::early::{self, Facts, Moment, Ruling, Visitor};
use mail::arrival::Surface;
use store::GreyRules;

use crate::metrics::EarlyLabels;
use crate::{Service, id};

/// The word for a moment in log and figures.
fn stage(moment: &Moment<'_>) -> &'static str {
    match moment {
        Moment::Connected { .. } => "connect",
        Moment::Greeted => "greeting",
        Moment::Sender(_) => "sender",
        Moment::Recipient { .. } => "recipient",
    }
}

impl Service {
    /// What is refused at this moment, and how; `None` to go on. What is refused is logged and counted; in
    /// monitor mode it is only that.
    pub async fn early(&self, surface: Surface, visitor: &Visitor<'_>, moment: &Moment<'_>) -> Option<Ruling> {
        let policy = self.current().policy.load_full();
        let before = &policy.policy.before;
        let site = self.current().site.load_full();
        let charges = early::charges(before, visitor, moment);
        let over = if charges.is_empty() { None } else { self.rates.take(&charges, id::now_ms()) };
        let unknown = match moment {
            Moment::Recipient { to, .. } if site.is_internal(to) || site.internal_domains.is_empty() => {
                self.current().recipients.load().as_ref().is_some_and(|list| list.lacks(to))
            }
            _ => false,
        };
        let mut facts = Facts { over, grey: false, unknown };
        let mut found = early::rules(before, &site.hostname, visitor, moment, facts);
        let monitor = &policy.policy.monitor;
        let watched = |ruling: &Ruling| {
            monitor.enabled || monitor.surfaces.contains(&surface) || monitor.rules.contains(&ruling.rule)
        };
        // A client that is refused anyway is not remembered.
        if found.iter().all(watched)
            && let Some(grey) = early::grey(before, visitor, moment)
        {
            facts.grey = self.has_to_wait(grey, before).await;
            found = early::rules(before, &site.hostname, visitor, moment, facts);
        }
        for ruling in found {
            let watched = watched(&ruling);
            self.tell(surface, visitor, moment, &ruling, facts, watched);
            if !watched {
                return Some(ruling);
            }
        }
        None
    }

    /// Asks greylisting. When its memory fails, nobody has to wait.
    async fn has_to_wait(&self, grey: early::Grey, before: &judge::policy::Before) -> bool {
        let list = &before.greylist;
        let rules = GreyRules {
            delay_ms: list.delay.0,
            window_ms: list.window.0,
            remember_ms: list.remember.0,
            trust_after: list.trust_after,
        };
        let store = self.store().clone();
        let work = move || store.greylist(&grey.client, &grey.pair, &rules, id::now_ms());
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(passes)) => !passes,
            Ok(Err(error)) => {
                tracing::error!(%error, "greylisting's memory failed; nobody is asked to wait");
                false
            }
            Err(crash) => {
                tracing::error!(%crash, "greylisting crashed; nobody is asked to wait");
                false
            }
        }
    }

    fn tell(
        &self,
        surface: Surface,
        visitor: &Visitor<'_>,
        moment: &Moment<'_>,
        ruling: &Ruling,
        facts: Facts,
        watched: bool,
    ) {
        let (rule, stage) = (ruling.rule.name(), stage(moment));
        let action = match (watched, ruling.code) {
            (true, _) => "watched",
            (false, 500..) => "refused",
            (false, _) => "deferred",
        };
        let labels = EarlyLabels { surface: surface.name(), stage, rule, action };
        self.metrics().early.get_or_create(&labels).inc();
        let redact = self.current().redact.load(std::sync::atomic::Ordering::Relaxed);
        let shown = |text: &str| if redact { "-".to_owned() } else { mail::untrusted::escape(text, 256) };
        let (from, to) = match moment {
            Moment::Sender(sender) => (sender.map(|a| shown(a.as_str())), None),
            Moment::Recipient { sender, to, .. } => (sender.map(|a| shown(a.as_str())), Some(shown(to.as_str()))),
            _ => (None, None),
        };
        tracing::info!(
            target: "early",
            surface = surface.name(),
            stage,
            rule,
            action,
            peer = %visitor.ip,
            helo = %shown(visitor.helo.unwrap_or("-")),
            from = %from.unwrap_or_else(|| "-".to_owned()),
            to = %to.unwrap_or_else(|| "-".to_owned()),
            limit = facts.over.unwrap_or("-"),
            code = ruling.code,
        );
    }

    /// Another list of our recipients, or none.
    pub fn set_recipients(&self, list: Option<crate::recipients::RecipientList>) {
        self.current().recipients.store(list.map(Arc::new));
    }
}
