//! The Received chain: who handed the message on, and whether that holds together.

use super::words::{digits, is_random};
use super::{sign, when};
use crate::spam::Facts;
use crate::spam::Points::Fitted;
use crate::spam::Row;
use crate::spam::facts::{Hop, is_ip, registered};

/// Hours that a message may lie with one server before it looks odd.
const LONG: i64 = 24 * 3600;
/// Providers whose names are borrowed in greetings.
const KNOWN: &[&str] = &[
    "yahoo.com",
    "hotmail.com",
    "aol.com",
    "msn.com",
    "gmail.com",
    "google.com",
    "outlook.com",
    "excite.com",
    "lycos.com",
    "juno.com",
    "netscape.net",
];

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fitted, "no_received", Route, "There is no Received field.",
        |f| when(f.route.is_empty(), "no Received"),
        fires: ["From: a@example.org"],
        quiet: ["Received: from a.example (a.example [192.0.2.1]) by b.example; Tue, 19 Sep 2023 12:11:42 +0000"]),
    sign!(Fitted, "greeting_is_address", Route, "A client greeted with an IP address.",
        |f| clients(f).find(|hop| is_ip(hop.from.trim_matches(['[', ']'])) && !private(&hop.ip)).map(|hop| hop.from.clone()),
        fires: ["Received: from 192.0.2.7 (unknown [192.0.2.7]) by a.example with SMTP; x"],
        quiet: ["Received: from a.example (a.example [192.0.2.7]) by b.example; x"]),
    sign!(Fitted, "greeting_without_dot", Route, "A client from outside greeted with a name that has no dot.",
        |f| clients(f).find(|hop| !hop.from.is_empty() && !hop.from.contains(['.', ':']) && !hop.ip.is_empty() && !private(&hop.ip)).map(|hop| hop.from.clone()),
        fires: ["Received: from PCNAME (unknown [192.0.2.7]) by a.example with SMTP; x"],
        quiet: ["Received: from a.example (a.example [192.0.2.7]) by b.example; x", "Received: from PC (pc [10.0.0.3]) by b.example; x"]),
    sign!(Fitted, "client_unknown", Route, "A client's address has no name.",
        |f| clients(f).find(|hop| hop.name == "unknown" && !private(&hop.ip)).map(|hop| hop.ip.clone()),
        fires: ["Received: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x"],
        quiet: ["Received: from a.example (a.example [192.0.2.7]) by b.example; x"]),
    sign!(Fitted, "client_dynamic", Route, "A client's name is that of a dial-up or home connection.",
        |f| clients(f).find(|hop| is_dynamic(&hop.name, &hop.ip)).map(|hop| hop.name.clone()),
        fires: ["Received: from x.example (dsl-7-2-0-192.pool.example.net [192.0.2.7]) by b.example with SMTP; x"],
        quiet: ["Received: from a.example (mail7.example.net [192.0.2.7]) by b.example; x"]),
    sign!(Fitted, "greeting_dynamic", Route, "A client greeted with the name of a dial-up or home connection.",
        |f| clients(f).find(|hop| is_dynamic(&hop.from.to_lowercase(), &hop.ip)).map(|hop| hop.from.clone()),
        fires: ["Received: from dsl-7-2-0-192.pool.example.net ([192.0.2.7]) by b.example with SMTP; x"],
        quiet: ["Received: from mail.example (a.example [192.0.2.7]) by b.example; x"]),
    sign!(Fitted, "greeting_borrowed", Route, "A client greeted as a well-known provider, and its name is another.",
        |f| clients(f).find(|hop| {
            let from = hop.from.to_lowercase();
            KNOWN.iter().any(|known| registered(&from) == *known && (hop.name == "unknown" || !hop.name.is_empty() && registered(&hop.name) != *known && !hop.name.contains(known.split('.').next().unwrap_or(known))))
        }).map(|hop| format!("{} is {}", hop.from, hop.name)),
        fires: ["Received: from yahoo.com (unknown [192.0.2.7]) by b.example with SMTP; x", "Received: from mail.aol.com (dsl.example.net [192.0.2.7]) by b.example; x"],
        quiet: ["Received: from mail.yahoo.com (mail.yahoo.com [192.0.2.7]) by b.example; x"]),
    sign!(Fitted, "greeting_of_recipient", Route, "A client greeted with the recipient's own domain.",
        |f| {
            let domains: Vec<String> = f.recipients().take(3).filter_map(|r| r.rsplit_once('@').map(|(_, d)| d.to_lowercase())).collect();
            clients(f).find(|hop| domains.contains(&hop.from.to_lowercase()) && registered(&hop.name) != registered(&hop.from.to_lowercase())).map(|hop| hop.from.clone())
        },
        fires: ["To: b@example.net\nReceived: from example.net (unknown [192.0.2.7]) by mx.example.net; x"],
        quiet: ["To: b@example.net\nReceived: from a.example (a.example [192.0.2.7]) by mx.example.net; x"]),
    sign!(Fitted, "random_server", Route, "A server's name looks made by a program.",
        |f| clients(f).find(|hop| registered(&hop.from.to_lowercase()).split('.').next().is_some_and(is_random)).map(|hop| hop.from.clone()),
        fires: ["Received: from xkqjzvbwpt.com (a [192.0.2.7]) by b.example; x"],
        quiet: ["Received: from mail.example.com (a [192.0.2.7]) by b.example; x"]),
    sign!(Fitted, "hops_go_back_in_time", Route, "A server got the message long before the one that gave it away.",
        |f| {
            let dates: Vec<i64> = f.route.iter().filter_map(|hop| hop.date).map(|date| date.unix).collect();
            dates.windows(2).find_map(|pair| match pair {
                [newer, older] if older.saturating_sub(*newer) > 3600 => Some(format!("by {} s", older.saturating_sub(*newer))),
                _ => None,
            })
        },
        fires: ["Received: from a (a.example [192.0.2.7]) by b; Tue, 19 Sep 2023 12:11:42 +0000\nReceived: from c (c.example [192.0.2.8]) by a; Tue, 19 Sep 2023 16:11:42 +0000"],
        quiet: ["Received: from a (a.example [192.0.2.7]) by b; Tue, 19 Sep 2023 12:11:42 +0000\nReceived: from c (c.example [192.0.2.8]) by a; Tue, 19 Sep 2023 12:11:40 +0000"]),
    sign!(Fitted, "long_way", Route, "The message was more than a day on its way.",
        |f| {
            let first = f.route.iter().rev().find_map(|hop| hop.date)?.unix;
            let took = f.arrived()?.saturating_sub(first);
            when(took > LONG, format!("{took} s"))
        },
        fires: ["Received: from a (a.example [192.0.2.7]) by b; Tue, 19 Sep 2023 12:11:42 +0000\nReceived: from c (c.example [192.0.2.8]) by a; Sat, 16 Sep 2023 16:11:42 +0000"],
        quiet: ["Received: from a (a.example [192.0.2.7]) by b; Tue, 19 Sep 2023 12:11:42 +0000"]),
    sign!(Fitted, "direct_from_client", Route, "A program for people's own computers wrote it, and its computer brought it here itself.",
        |f| {
            let program = f.field("x-mailer").or_else(|| f.field("user-agent"))?;
            let personal = ["outlook", "thunderbird", "eudora", "the bat", "foxmail", "incredimail", "apple mail", "becky"].iter().any(|p| program.to_lowercase().contains(p));
            let hops = f.route.iter().filter(|hop| !hop.from.is_empty() && !private(&hop.ip)).count();
            when(personal && hops == 1, program)
        },
        fires: ["X-Mailer: Microsoft Outlook Express 6\nReceived: from a (a.example [192.0.2.7]) by b; x"],
        quiet: ["X-Mailer: Microsoft Outlook Express 6\nReceived: from a (a.example [192.0.2.7]) by b; x\nReceived: from pc (c.example [192.0.2.9]) by a; x"]),
    sign!(Fitted, "one_hop", Route, "Only one server is named: the message came straight from where it was written.",
        |f| when(f.route.len() == 1, "one Received"),
        fires: ["Received: from a (a.example [192.0.2.7]) by b; x"],
        quiet: ["From: a@example.org", "Received: from a by b; x\nReceived: from c by a; x"]),
    sign!(Fitted, "sender_not_on_route", Route, "The sender's domain is on no server's name.",
        |f| {
            let from = f.from_domain();
            let seen = f.route.iter().any(|hop| hop.text.to_lowercase().contains(&from));
            when(!f.route.is_empty() && from.contains('.') && !seen, from)
        },
        fires: ["From: a@example.org\nReceived: from mail.example.com (mail.example.com [192.0.2.7]) by mx.example.net; x"],
        quiet: ["From: a@example.org\nReceived: from mail.example.org (mail.example.org [192.0.2.7]) by mx.example.net; x", "From: a@example.org"]),
    sign!(Fitted, "claimed_provider_not_on_route", Route, "The sender is at a large free mail provider that never saw the message.",
        |f| {
            let from = f.sender()?.domain();
            let provider = match from.split('.').next()? {
                "gmail" | "googlemail" => "google",
                "hotmail" | "live" | "msn" | "outlook" => return claimed(f, &["hotmail", "outlook", "msn.com", "live.com"], &from),
                "yahoo" | "ymail" | "rocketmail" => "yahoo",
                "aol" | "aim" => return claimed(f, &["aol", "yahoo"], &from),
                "icloud" | "me" | "mac" => return claimed(f, &["apple", "icloud", "mac.com", "me.com"], &from),
                _ => return None,
            };
            claimed(f, &[provider], &from)
        },
        fires: ["From: a@yahoo.com\nReceived: from mail.example.com (mail.example.com [192.0.2.7]) by mx.example.net; x"],
        quiet: ["From: a@yahoo.com\nReceived: from mail.yahoo.com (mail.yahoo.com [192.0.2.7]) by mx.example.net; x", "From: a@example.org\nReceived: from mail.example.com by mx.example.net; x"]),
    sign!(Fitted, "odd_received", Route, "A Received field names no server that took the message, or has no date.",
        |f| f.route.iter().find(|hop| !hop.from.is_empty() && (hop.by.is_empty() || hop.date.is_none())).map(|hop| hop.text.chars().take(80).collect()),
        fires: ["Received: from a.example with SMTP"],
        quiet: ["Received: from a.example by b.example; Tue, 19 Sep 2023 12:11:42 +0000"]),
    sign!(Fitted, "local_host_claimed", Route, "A client from outside calls itself localhost.",
        |f| clients(f).find(|hop| matches!(hop.from.to_lowercase().as_str(), "localhost" | "localhost.localdomain" | "user" | "friend" | "ylmf-pc") && !private(&hop.ip) && !hop.ip.is_empty()).map(|hop| hop.ip.clone()),
        fires: ["Received: from localhost (unknown [192.0.2.7]) by b.example; x"],
        quiet: ["Received: from localhost (localhost [127.0.0.1]) by b.example; x"]),
    sign!(Fitted, "cloud_client", Route, "The message was written on a rented machine that has its provider's name.",
        |f| clients(f).find(|hop| ["compute", "amazonaws.com", "vps", ".cloud", "linode", "contabo", "ovh.", "hetzner", "your-server.de", "digitalocean", "azure", "secureserver.net", "googleusercontent", "clients.your", "kvm", "sakura.ne.jp", "vultr", "server."].iter().any(|w| hop.name.contains(w) || hop.from.to_lowercase().contains(w))).map(|hop| format!("{} {}", hop.from, hop.name)),
        fires: ["Received: from x (vps77.example.com [192.0.2.7]) by b.example; x"],
        quiet: ["Received: from mail.example.com (mail.example.com [192.0.2.7]) by b.example; x"]),
];

/// The hops that tell of a client.
fn clients(f: &Facts) -> impl Iterator<Item = &Hop> {
    f.route.iter().filter(|hop| !hop.from.is_empty())
}

fn claimed(f: &Facts, names: &[&str], from: &str) -> Option<String> {
    let known = f.route.iter().any(|hop| {
        let lower = hop.text.to_lowercase();
        names.iter().any(|name| {
            lower.contains(&format!("{name}.")) && (hop.name.contains(name) || hop.by.contains(name))
                || hop.from.to_lowercase().contains(name) && hop.name.is_empty()
        })
    });
    when(!f.route.is_empty() && !known, from)
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
