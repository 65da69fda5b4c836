//! MTA-STS (RFC 8461): the policy of a domain for mail to it, fetched over HTTPS and kept as long as it
//! counts.
//!
//! What is kept lies in the store and survives a restart: that is what protects against somebody who hides
//! the record or the policy later. Limits: [`FETCH_LIMIT`], and those of [`wire::sts`].

use std::path::Path;
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

/// How long fetching a policy may take.
const FETCH_LIMIT: Duration = Duration::from_secs(20);
/// The prefix of keys in the store.
const KEY: &str = "sts/";

/// Finds policies.
#[derive(Clone)]
pub struct Finder {
    https: Https,
    store: Option<Store>,
}

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
    text: Vec<u8>,
}

impl Finder {
    /// Policies are fetched from servers whose certificates are issued by somebody in `ca_file`, or by the
    /// system's issuers. Without a store nothing is kept.
    ///
    /// # Errors
    /// The file of issuers cannot be used, or the system has none.
    pub fn new(store: Option<Store>, ca_file: Option<&Path>) -> Result<Self, net::TlsError> {
        Ok(Self { https: Https::new(ca_file, FETCH_LIMIT, sts::MAX_BYTES)?, store })
    }

    /// The same, with servers of policies somewhere else: for tests.
    #[must_use]
    pub fn through(self, to: settings::values::HostPort) -> Self {
        Self { https: self.https.through(to), store: self.store }
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
        if let Some(kept) = &kept
            && kept.id == id
        {
            return Some(kept.policy.clone()).filter(counts);
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
                kept.map(|kept| kept.policy).filter(counts)
            }
        }
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
        Ok(Kept { id: id.to_owned(), until_ms, policy, text })
    }

    /// What is kept of a domain and counts still. The first line is its id, the second its end.
    fn kept(&self, domain: &str) -> Option<Kept> {
        let value = self.store.as_ref()?.state(&format!("{KEY}{domain}")).ok()??;
        let mut parts = value.splitn(3, |byte| *byte == b'\n');
        let id = String::from_utf8(parts.next()?.to_vec()).ok()?;
        let until_ms = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
        let text = parts.next()?.to_vec();
        (until_ms > now_ms()).then_some(())?;
        Some(Kept { id, until_ms, policy: sts::read(&text).ok()?, text })
    }

    fn keep(&self, domain: &str, kept: &Kept) {
        let Some(store) = &self.store else { return };
        let value = [format!("{}\n{}\n", kept.id, kept.until_ms).as_bytes(), &kept.text].concat();
        if let Err(error) = store.set_state(&format!("{KEY}{domain}"), &value, now_ms()) {
            tracing::warn!(domain, %error, "an MTA-STS policy cannot be kept; it is fetched again for the next message");
        }
    }
}

/// Whether a policy says anything about mail.
fn counts(policy: &Policy) -> bool {
    policy.mode != Mode::None
}
