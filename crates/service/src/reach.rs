//! One session with a server of a route, with the TLS that its policy asks for: at its address, or at those
//! that the DNS names. How it is encrypted is counted, and what fails at TLS is told, each time.

use net::upstream::{Hop, Upstream, UpstreamError};
use settings::config::HopTls;
use tokio::time::Instant;

use crate::health::share;
use crate::metrics::{HopTlsLabels, Metrics};
use crate::routes::{Route, Target};

/// Opens a session with a server, or with one of those that a domain has in the DNS.
pub(crate) async fn reach(
    route: &Route,
    target: &Target,
    metrics: &Metrics,
    until: Instant,
) -> Result<Upstream, UpstreamError> {
    let policy = target.hop.tls;
    let Some(finder) = &route.finder else {
        if target.mx || policy.is_looked_up() {
            return Err(UpstreamError::Connect("nobody is there to ask the DNS".to_owned()));
        }
        return session(route, &target.hop, policy, metrics, until).await;
    };
    if !target.mx {
        let hop = finder.named(target.hop.clone(), until).await;
        return session(
            route,
            &hop.inspect_err(|error| refused_tls(route, policy, error, metrics))?,
            policy,
            metrics,
            until,
        )
        .await;
    }
    if target.is_open() {
        return Err(UpstreamError::Connect("where mail goes depends on the recipient".to_owned()));
    }
    let hops = finder.of_domain(&target.hop, target.hop.address.host(), until).await;
    let mut hops = hops.inspect_err(|error| refused_tls(route, policy, error, metrics))?;
    // Those that failed lately come last, so that a dead one in front costs its time once.
    let now = Instant::now();
    hops.sort_by_cached_key(|hop| finder.known().pauses(&hop.address.to_string(), now));
    let (mut left, mut failed) = (hops.len(), None);
    for hop in hops {
        left = left.saturating_sub(1);
        let by = share(Instant::now(), until, hop.connect_timeout.saturating_mul(2), left);
        let opened = session(route, &hop, policy, metrics, by).await;
        finder.known().note(&hop.address.to_string(), opened.is_ok(), Instant::now());
        match opened {
            Ok(upstream) => return Ok(upstream),
            Err(error) => {
                if failed.as_ref().is_none_or(|old: &UpstreamError| old.is_permanent() && !error.is_permanent()) {
                    failed = Some(error);
                }
            }
        }
    }
    Err(failed.unwrap_or_else(|| UpstreamError::Connect("it has no mail server".to_owned())))
}

/// Counts and tells that no mail goes out for want of the TLS that it must have.
fn refused_tls(route: &Route, policy: HopTls, error: &UpstreamError, metrics: &Metrics) {
    if matches!(error, UpstreamError::Tls(_) | UpstreamError::Handshake(_)) {
        tracing::warn!(route = route.name, policy = policy.name(), %error, "no mail goes to a next hop: TLS is not as it has to be");
        let labels = HopTlsLabels { route: route.name.clone(), policy: policy.name(), result: "failed" };
        metrics.hop_tls.get_or_create(&labels).inc();
    }
}

/// Opens a session with one server as its policy of TLS says, and counts what came of it.
async fn session(
    route: &Route,
    hop: &Hop,
    policy: HopTls,
    metrics: &Metrics,
    until: Instant,
) -> Result<Upstream, UpstreamError> {
    let count = |result| {
        let labels = HopTlsLabels { route: route.name.clone(), policy: policy.name(), result };
        metrics.hop_tls.get_or_create(&labels).inc();
    };
    match Upstream::open(hop, until).await {
        Ok(upstream) => {
            count(match (upstream.tls_info(), hop.verify) {
                (None, _) => "clear",
                (Some(_), false) => "encrypted",
                (Some(_), true) => "verified",
            });
            Ok(upstream)
        }
        Err(UpstreamError::Handshake(why)) if hop.may_fall_back() => {
            tracing::warn!(route = route.name, hop = %hop.address, why, "a next hop offers TLS and fails at it: mail goes to it in clear, as tls = \"opportunistic\" allows");
            count("fell_back");
            Upstream::open(&Hop { tls: HopTls::None, ..hop.clone() }, until).await
        }
        Err(error) => {
            refused_tls(route, policy, &error, metrics);
            Err(error)
        }
    }
}
