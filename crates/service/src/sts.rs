//! MTA-STS (RFC 8461): the policy of a domain for mail to it, fetched over HTTPS and kept as long as it
//! counts.
//!
//! What is kept lies in the store and survives a restart: that is what protects against somebody who hides
//! the record or the policy later. A policy is fetched again when its record changes and, so that it does not
//! run out, once a day ([`REFRESH_MS`]) or after half of its time. Where that fails the old one counts on, and
//! for [`LEAVE_ALONE`] nobody asks again. Limits: [`FETCH_LIMIT`], [`MAX_FAILED`], and those of [`wire::sts`].

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use net::Resolver;
use net::https::Https;
use store::Store;
use tokio::time::Instant;
use wire::sts::{self, Mode, Policy};

use crate::id::now_ms;

/// How long fetching a policy may take: mail waits for it.
const FETCH_LIMIT: Duration = Duration::from_secs(10);
/// How long the server of a policy is left alone that did not give it.
const LEAVE_ALONE: Duration = Duration::from_secs(300);
/// Most domains of which it is remembered that their policy could not be fetched.
const MAX_FAILED: usize = 10_000;
/// After how long a policy is fetched again, in milliseconds.
const REFRESH_MS: u64 = 86_400_000;
/// The prefix of keys in the store.
const KEY: &str = "sts/";

/// Finds policies.
#[derive(Clone)]
pub struct Finder {
    https: Https,
    store: Option<Store>,
    failed: Arc<Mutex<Failed>>,
}

/// Domains whose policy could not be fetched: the id that was announced, and until when nobody asks again.
type Failed = HashMap<String, (String, Instant)>;

impl std::fmt::Debug for Finder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finder").finish_non_exhaustive()
    }
}

/// A policy and how it was come by.
struct Kept {
    id: String,
    until_ms: u64,
    policy: Policy,
}

impl Kept {
    /// Whether it is old enough to be fetched again.
    fn is_stale(&self, now_ms: u64) -> bool {
        let lasts = self.policy.max_age.saturating_mul(1000);
        now_ms >= self.until_ms.saturating_sub(lasts).saturating_add(REFRESH_MS.min(lasts / 2))
    }
}

impl Finder {
    /// Policies are fetched from servers whose certificates are issued by somebody in `ca_file`, or by the
    /// system's issuers. Without a store nothing is kept.
    ///
    /// # Errors
    /// The file of issuers cannot be used, or the system has none.
    pub fn new(store: Option<Store>, ca_file: Option<&Path>) -> Result<Self, net::TlsError> {
        Ok(Self { https: Https::new(ca_file, FETCH_LIMIT, sts::MAX_BYTES)?, store, failed: Arc::default() })
    }

    /// The same, with servers of policies somewhere else: for tests.
    #[must_use]
    pub fn through(self, to: settings::values::HostPort) -> Self {
        Self { https: self.https.through(to), ..self }
    }

    /// The policy of a domain that counts now; `None` if it has none.
    pub async fn policy(&self, domain: &str, resolver: &Resolver, deadline: Instant) -> Option<Policy> {
        let kept = self.kept(domain);
        let id = match resolver.txt(&format!("_mta-sts.{domain}"), deadline).await {
            Ok(answer) => {
                let texts: Vec<String> =
                    answer.records.iter().filter_map(|text| String::from_utf8(text.clone()).ok()).collect();
                let ids: Vec<&str> = texts.iter().filter_map(|text| sts::id(text)).collect();
                // Of several that announce a policy none counts (RFC 8461 section 3.1).
                if let [one] = ids.as_slice() { Some((*one).to_owned()) } else { None }
            }
            Err(_) => None,
        };
        // A record that is gone or cannot be read changes nothing about what is kept (section 5.1).
        let Some(id) = id else { return kept.map(|kept| kept.policy).filter(counts) };
        let same = kept.as_ref().is_some_and(|kept| kept.id == id && !kept.is_stale(now_ms()));
        if same || self.is_left_alone(domain, &id) {
            return kept.map(|kept| kept.policy).filter(counts);
        }
        match self.fetch(domain, &id, deadline).await {
            Ok(new) => {
                self.keep(domain, &new);
                Some(new.policy).filter(counts)
            }
            Err(why) => {
                tracing::warn!(
                    domain,
                    why,
                    kept = kept.is_some(),
                    "a domain announces an MTA-STS policy, which cannot be fetched"
                );
                self.leave_alone(domain, id);
                kept.map(|kept| kept.policy).filter(counts)
            }
        }
    }

    fn failed(&self) -> MutexGuard<'_, Failed> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_left_alone(&self, domain: &str, id: &str) -> bool {
        self.failed().get(domain).is_some_and(|(known, until)| known == id && *until > Instant::now())
    }

    fn leave_alone(&self, domain: &str, id: String) {
        let mut failed = self.failed();
        if failed.len() >= MAX_FAILED {
            failed.clear();
        }
        failed.insert(domain.to_owned(), (id, Instant::now() + LEAVE_ALONE));
    }

    async fn fetch(&self, domain: &str, id: &str, deadline: Instant) -> Result<Kept, String> {
        let address = format!("https://mta-sts.{domain}/.well-known/mta-sts.txt");
        let request = Request::get(&address).body(Full::<Bytes>::default()).map_err(|e| e.to_string())?;
        let sent = tokio::time::timeout_at(deadline, self.https.send(request)).await;
        let answer = sent.map_err(|_| "no time is left".to_owned())?.map_err(|e| e.to_string())?;
        if answer.status() != StatusCode::OK {
            return Err(format!("{address} was answered {}", answer.status()));
        }
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/plain")) {
            return Err(format!("{address} is no text/plain"));
        }
        let Ok(body) = answer.into_body().collect().await;
        let text = body.to_bytes().to_vec();
        let policy = sts::read(&text).map_err(|why| format!("{address}: {why}"))?;
        let until_ms = now_ms().saturating_add(policy.max_age.saturating_mul(1000));
        Ok(Kept { id: id.to_owned(), until_ms, policy })
    }

    /// What is kept of a domain and counts still. The first line is its id, the second its end.
    fn kept(&self, domain: &str) -> Option<Kept> {
        let value = self.store.as_ref()?.state(&format!("{KEY}{domain}")).ok()??;
        let mut parts = value.splitn(3, |byte| *byte == b'\n');
        let id = String::from_utf8(parts.next()?.to_vec()).ok()?;
        let until_ms = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
        let text = parts.next()?;
        (until_ms > now_ms()).then_some(())?;
        Some(Kept { id, until_ms, policy: sts::read(text).ok()? })
    }

    fn keep(&self, domain: &str, kept: &Kept) {
        let Some(store) = &self.store else { return };
        // As we read it: what stands in it beside that may be more than the store takes.
        let value = format!("{}\n{}\n{}", kept.id, kept.until_ms, kept.policy.to_text());
        if let Err(error) = store.set_state(&format!("{KEY}{domain}"), value.as_bytes(), now_ms()) {
            tracing::warn!(domain, %error, "an MTA-STS policy cannot be kept; it is fetched again for the next message");
        }
    }
}

/// Whether a policy says anything about mail.
fn counts(policy: &Policy) -> bool {
    policy.mode != Mode::None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_fetched_again_after_a_day_or_half_of_its_time() {
        let day = 86_400;
        for (max_age, stale_after_s) in [(7 * day, day), (day, day / 2), (100, 50), (0, 0)] {
            let policy = Policy { mode: Mode::Enforce, servers: Vec::new(), max_age };
            let kept = Kept { id: "1".to_owned(), until_ms: 1_000_000 + max_age * 1000, policy };
            let after = |s: u64| kept.is_stale(1_000_000 + s * 1000);
            assert!(after(stale_after_s) && (stale_after_s == 0 || !after(stale_after_s - 1)), "{max_age}");
        }
    }
}
