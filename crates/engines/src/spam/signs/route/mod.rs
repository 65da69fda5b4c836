//! The Received chain: who handed the message on, and whether that holds together.

mod claimed_provider_not_on_route;
mod client_dynamic;
mod client_unknown;
mod cloud_client;
mod direct_from_client;
mod greeting_borrowed;
mod greeting_dynamic;
mod greeting_is_address;
mod greeting_of_recipient;
mod greeting_without_dot;
mod hops_go_back_in_time;
mod local_host_claimed;
mod long_way;
mod no_received;
mod odd_received;
mod one_hop;
mod random_server;
mod sender_not_on_route;

use crate::spam::facts::Hop;
use crate::spam::signs::words::digits;
use crate::spam::{Facts, Row};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    no_received::SIGN,
    greeting_is_address::SIGN,
    greeting_without_dot::SIGN,
    client_unknown::SIGN,
    client_dynamic::SIGN,
    greeting_dynamic::SIGN,
    greeting_borrowed::SIGN,
    greeting_of_recipient::SIGN,
    random_server::SIGN,
    hops_go_back_in_time::SIGN,
    long_way::SIGN,
    direct_from_client::SIGN,
    one_hop::SIGN,
    sender_not_on_route::SIGN,
    claimed_provider_not_on_route::SIGN,
    odd_received::SIGN,
    local_host_claimed::SIGN,
    cloud_client::SIGN,
];

/// The hops that tell of a client. Who fetches mail from a mailbox writes the mailbox's server there, which was
/// nobody's client.
fn clients(f: &Facts) -> impl Iterator<Item = &Hop> {
    let fetched = |hop: &&Hop| ["IMAP", "POP3"].iter().any(|protocol| hop.with.starts_with(protocol));
    f.route.iter().filter(move |hop| !hop.from.is_empty() && !fetched(hop))
}

/// Addresses of networks that are nobody's.
fn private(ip: &str) -> bool {
    match ip.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(v4)) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        Ok(std::net::IpAddr::V6(v6)) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        Err(_) => ip.is_empty(),
    }
}

/// Names that providers give to the connections of their customers: with the address in them, or a word.
fn is_dynamic(name: &str, ip: &str) -> bool {
    let words = [
        "dsl",
        "dyn",
        "dial",
        "ppp",
        "pool",
        "dhcp",
        "cable",
        "client",
        "cust",
        "broadband",
        "catv",
        "user",
        "home",
        "res.",
        "modem",
        "adsl",
        "vdsl",
        "fttx",
        "ip-",
        "mobile",
        "wireless",
        "hsd1",
    ];
    let mail = ["mail", "smtp", "mx", "mta", "relay", "out", "static", "server"];
    let first = name.split('.').next().unwrap_or("");
    let parts: Vec<&str> = ip.split('.').collect();
    let holds_ip = parts.len() == 4
        && parts
            .iter()
            .filter(|part| first.split(|c: char| !c.is_ascii_digit()).any(|n| n.trim_start_matches('0') == **part))
            .count()
            >= 3;
    let word = words.iter().any(|w| name.contains(w)) && digits(first) >= 2;
    name.contains('.') && (holds_ip || word) && !mail.iter().any(|w| first.contains(w))
}
