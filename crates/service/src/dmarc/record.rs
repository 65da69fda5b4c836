//! Who wants reports: the addresses in a domain's DMARC record, and whether those elsewhere agree
//! (RFC 9990 section 4).

use mail::address::Address;
use net::Resolver;
use net::auth::dmarc_record;
use tokio::time::Instant;
use unpack::dmarc::Published;

/// The record of a domain; `None` if there is none, or several.
///
/// # Errors
/// The DNS does not answer.
pub(super) async fn published(
    resolver: &Resolver,
    domain: &str,
    deadline: Instant,
) -> Result<Option<Published>, String> {
    let text = dmarc_record(resolver, domain, deadline).await.map_err(|error| error.to_string())?;
    Ok(text.map(|text| Published::read(&String::from_utf8_lossy(&text))))
}

/// Whether an address takes reports about a domain: one of the domain itself does, one elsewhere has to say
/// so.
///
/// # Errors
/// The DNS does not answer.
pub(super) async fn may_report(
    resolver: &Resolver,
    domain: &str,
    to: &Address,
    deadline: Instant,
) -> Result<bool, String> {
    if to.is_in(domain) {
        return Ok(true);
    }
    let host = to.domain();
    match resolver.txt(&format!("{domain}._report._dmarc.{host}"), deadline).await {
        Ok(answer) => Ok(answer.records.iter().any(|text| text.starts_with(b"v=DMARC1"))),
        Err(error) if error.is_absent() => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}
