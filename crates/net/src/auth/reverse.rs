//! The name of an address, and whether the name leads back to it (RFC 8601 section 2.7.3; EX-08).

use std::net::IpAddr;

use mail::evidence::{AuthResult, ReverseCheck, short};
use tokio::time::Instant;

use crate::dns::Resolver;

/// Most names of one address that are looked up.
const MAX_NAMES: usize = 10;

/// Checks an address.
pub(super) async fn check(resolver: &Resolver, ip: IpAddr, deadline: Instant) -> ReverseCheck {
    let ip = ip.to_canonical();
    let done = |result, name: &str, why: String| ReverseCheck { result, name: short(name), why: short(why) };
    let names = match resolver.ptr(ip, deadline).await {
        Ok(answer) => answer.records,
        Err(error) if error.is_absent() => return done(AuthResult::Fail, "", "the address has no name".to_owned()),
        Err(error) => return done(AuthResult::TempError, "", error.to_string()),
    };
    let mut unknown = None;
    for name in names.iter().take(MAX_NAMES) {
        let found = match ip {
            IpAddr::V4(ip) => resolver.a(name, deadline).await.map(|answer| answer.records.contains(&ip)),
            IpAddr::V6(ip) => resolver.aaaa(name, deadline).await.map(|answer| answer.records.contains(&ip)),
        };
        match found {
            Ok(true) => return done(AuthResult::Pass, name, String::new()),
            Ok(false) => {}
            Err(error) if error.is_absent() => {}
            Err(error) => unknown = Some(error),
        }
    }
    let first = names.first().map_or("", String::as_str);
    match unknown {
        Some(error) => done(AuthResult::TempError, first, error.to_string()),
        None => done(AuthResult::Fail, first, "its name does not lead back to the address".to_owned()),
    }
}
