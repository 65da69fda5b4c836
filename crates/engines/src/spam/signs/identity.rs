//! Message-ID and Date.

use super::words::{digits, is_random};
use super::{sign, when};
use crate::spam::Facts;
use crate::spam::Points::{AtLeast, Fitted};
use crate::spam::Row;
use crate::spam::facts::{is_ip, registered};

/// Seconds by which a clock may be wrong.
const SKEW: i64 = 6 * 3600;
const DAY: i64 = 24 * 3600;

pub(crate) const SIGNS: &[Row] = &[
    sign!(AtLeast(170), "id_malformed", Identity, "The Message-ID is not of the form <left@right> (RFC 5322, 3.6.4).",
        |f| when(!f.message_id.is_empty() && parts(f).is_none(), f.message_id.as_str()),
        fires: ["Message-ID: 12345", "Message-ID: <12345>", "Message-ID: <@example.org>", "Message-ID: <a b@example.org>"],
        quiet: ["Message-ID: <1@example.org>", "From: a@example.org"]),
    sign!(Fitted, "id_host_without_dot", Identity, "The right side of the Message-ID is no full host name.",
        |f| parts(f).filter(|(_, host)| !host.contains('.') && !host.starts_with('[')).map(|(_, host)| host),
        fires: ["Message-ID: <1@PCNAME>"],
        quiet: ["Message-ID: <1@example.org>"]),
    sign!(Fitted, "id_host_is_local", Identity, "The Message-ID comes from localhost or an address.",
        |f| parts(f).filter(|(_, host)| host.starts_with("localhost") || is_ip(host.trim_matches(['[', ']']))).map(|(_, host)| host),
        fires: ["Message-ID: <1@localhost.localdomain>", "Message-ID: <1@[192.0.2.1]>"],
        quiet: ["Message-ID: <1@example.org>"]),
    sign!(Fitted, "id_host_other_than_sender", Identity, "The Message-ID is of another domain than the sender.",
        |f| {
            let from = f.from_domain();
            parts(f).filter(|(_, host)| !from.is_empty() && host.contains('.') && registered(host) != from).map(|(_, host)| host)
        },
        fires: ["From: a@example.org\nMessage-ID: <1@example.com>"],
        quiet: ["From: a@example.org\nMessage-ID: <1@mail.example.org>"]),
    sign!(Fitted, "id_of_recipient", Identity, "The Message-ID is of the recipient's domain: a server at the end had to make it.",
        |f| {
            let domains: Vec<String> = f.recipients().take(5).filter_map(|r| r.rsplit_once('@').map(|(_, d)| registered(&d.to_lowercase()).to_owned())).collect();
            let from = f.from_domain();
            parts(f).filter(|(_, host)| domains.iter().any(|d| d == registered(host)) && registered(host) != from).map(|(_, host)| host)
        },
        fires: ["From: a@example.org\nTo: b@example.net\nMessage-ID: <1@mx.example.net>"],
        quiet: ["From: a@example.net\nTo: b@example.net\nMessage-ID: <1@mx.example.net>", "From: a@example.org\nTo: b@example.net\nMessage-ID: <1@example.org>"]),
    sign!(Fitted, "id_host_random", Identity, "The right side of the Message-ID looks made by a program.",
        |f| parts(f).filter(|(_, host)| is_random(registered(host).split('.').next().unwrap_or(""))).map(|(_, host)| host),
        fires: ["Message-ID: <1@xkqjzvbwpt.com>"],
        quiet: ["Message-ID: <1@mail.example.org>"]),
    sign!(Fitted, "id_short", Identity, "The left side of the Message-ID is too short to be unique.",
        |f| parts(f).filter(|(left, _)| left.len() < 8).map(|(left, _)| left),
        fires: ["Message-ID: <123@example.org>"],
        quiet: ["Message-ID: <20230919121140.GA1234@example.org>"]),
    sign!(Fitted, "id_long", Identity, "The Message-ID is longer than any program makes it.",
        |f| when(f.message_id.len() > 150, format!("{} bytes", f.message_id.len())),
        fires: ["Message-ID: <aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.org>"],
        quiet: ["Message-ID: <1@example.org>"]),
    sign!(Fitted, "id_of_outlook_elsewhere", Identity, "The Message-ID has the form that Outlook makes ($ between hex groups), without Outlook.",
        |f| {
            let (left, _) = parts(f)?;
            let groups: Vec<&str> = left.split('$').collect();
            let hex = groups.len() >= 3 && groups.iter().all(|g| !g.is_empty() && g.bytes().all(|b| b.is_ascii_hexdigit()));
            let mailer = f.field("x-mailer").unwrap_or("").to_lowercase();
            when(hex && !mailer.contains("outlook") && !mailer.contains("microsoft") && !f.has("x-mimeole"), left)
        },
        fires: ["Message-ID: <000001c3a1b2$0a1b2c3d$6401a8c0@example.org>"],
        quiet: ["Message-ID: <000001c3a1b2$0a1b2c3d$6401a8c0@example.org>\nX-Mailer: Microsoft Outlook", "Message-ID: <1@example.org>"]),
    sign!(Fitted, "id_capitals_only", Identity, "The left side of the Message-ID is capitals without digits.",
        |f| parts(f).filter(|(left, _)| left.len() >= 8 && digits(left) == 0 && left.bytes().all(|b| b.is_ascii_uppercase())).map(|(left, _)| left),
        fires: ["Message-ID: <QWEKJHASDLKJ@example.org>"],
        quiet: ["Message-ID: <20230919121140.GA1234@example.org>"]),
    sign!(Fitted, "date_unreadable", Identity, "There is a Date field, and it is no date.",
        |f| when(f.has("date") && f.date.is_none(), f.field("date").unwrap_or("")),
        fires: ["Date: today"],
        quiet: ["Date: Tue, 19 Sep 2023 14:11:40 +0200"]),
    sign!(Fitted, "date_without_zone", Identity, "The date's zone is missing or a word.",
        |f| f.date.filter(|date| !date.numeric && !f.field("date").unwrap_or("").trim_end().ends_with("GMT")).map(|_| f.field("date").unwrap_or("").to_owned()),
        fires: ["Date: Tue, 19 Sep 2023 14:11:40", "Date: Tue, 19 Sep 2023 14:11:40 EST"],
        quiet: ["Date: Tue, 19 Sep 2023 14:11:40 +0200", "Date: Tue, 19 Sep 2023 14:11:40 GMT"]),
    sign!(Fitted, "date_gmt", Identity, "The date's zone is the word GMT.",
        |f| when(f.date.is_some() && f.field("date").unwrap_or("").trim_end().ends_with("GMT"), "GMT"),
        fires: ["Date: Tue, 19 Sep 2023 14:11:40 GMT"],
        quiet: ["Date: Tue, 19 Sep 2023 14:11:40 +0000"]),
    sign!(Fitted, "date_zone_impossible", Identity, "The date's zone is one that no place has.",
        |f| f.date.filter(|date| !(-720..=840).contains(&date.zone) || date.zone.checked_rem(15).is_some_and(|rest| rest != 0)).map(|date| format!("{} minutes", date.zone)),
        fires: ["Date: Tue, 19 Sep 2023 14:11:40 -1900", "Date: Tue, 19 Sep 2023 14:11:40 +0207"],
        quiet: ["Date: Tue, 19 Sep 2023 14:11:40 +0530"]),
    sign!(Fitted, "date_in_future", Identity, "The message was written after it came.",
        |f| late(f).filter(|late| *late < -SKEW).map(|late| format!("{} s ahead", late.saturating_neg())),
        fires: ["Date: Tue, 19 Sep 2023 23:11:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"],
        quiet: ["Date: Tue, 19 Sep 2023 12:11:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"]),
    sign!(Fitted, "date_in_past", Identity, "The message was written long before it came.",
        |f| late(f).filter(|late| *late > DAY).map(|late| format!("{late} s ago")),
        fires: ["Date: Tue, 12 Sep 2023 12:11:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"],
        quiet: ["Date: Tue, 19 Sep 2023 12:11:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"]),
    sign!(Fitted, "date_some_hours_off", Identity, "The date is three hours or more away from when the message came.",
        |f| late(f).filter(|late| late.saturating_abs() > 3 * 3600).map(|late| format!("{late} s")),
        fires: ["Date: Tue, 19 Sep 2023 08:11:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"],
        quiet: ["Date: Tue, 19 Sep 2023 12:01:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"]),
];

/// Left and right of the Message-ID, the right in lower case.
fn parts(f: &Facts) -> Option<(String, String)> {
    let inner = f.message_id.strip_prefix('<')?.strip_suffix('>')?;
    let (left, right) = inner.rsplit_once('@')?;
    let whole = !left.is_empty() && !right.is_empty() && !inner.contains([' ', '<', '>']);
    whole.then(|| (left.to_owned(), right.to_lowercase()))
}

/// Seconds from the message's date to when it came.
fn late(f: &Facts) -> Option<i64> {
    Some(f.arrived()?.saturating_sub(f.date?.unix))
}
