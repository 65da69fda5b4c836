//! Fields that are missing, doubled, empty or odd.

use super::words::placeholder;
use super::{sign, some, when};
use crate::spam::Facts;
use crate::spam::Points::{AtLeast, Fitted};
use crate::spam::Row;

/// More addresses than this in To and Cc is a mailing.
const MANY: usize = 15;

pub(crate) const SIGNS: &[Row] = &[
    sign!(AtLeast(20), "hr_01_to_without_address", Header, "To has no address: a mailing to blind copies (HR-01).",
        |f| when(!f.to.iter().any(|to| to.address.contains('@')) && f.cc.is_empty(), "To names nobody"),
        fires: ["From: a@example.org", "To: undisclosed-recipients:;"],
        quiet: ["To: b@example.net", "Cc: b@example.net"]),
    sign!(AtLeast(120), "missing_from", Header, "There is no From field, or it names nobody; every message has to have one (RFC 5322, 3.6).",
        |f| when(f.from.is_empty(), "no From"),
        fires: ["To: b@example.net", "From:"],
        quiet: ["From: a@example.org"]),
    sign!(Fitted, "missing_date", Header, "There is no Date field.",
        |f| when(!f.has("date"), "no Date"),
        fires: ["From: a@example.org"],
        quiet: ["Date: Tue, 19 Sep 2023 14:11:40 +0200"]),
    sign!(Fitted, "missing_message_id", Header, "There is no Message-ID field.",
        |f| when(!f.has("message-id"), "no Message-ID"),
        fires: ["From: a@example.org"],
        quiet: ["Message-ID: <1@example.org>"]),
    sign!(Fitted, "missing_subject", Header, "There is no Subject field.",
        |f| when(!f.has("subject"), "no Subject"),
        fires: ["From: a@example.org"],
        quiet: ["Subject: x", "Subject:"]),
    sign!(Fitted, "empty_subject", Header, "The subject is empty.",
        |f| when(f.has("subject") && f.subject.trim().is_empty(), "an empty Subject"),
        fires: ["Subject:"],
        quiet: ["Subject: x", "From: a@example.org"]),
    sign!(Fitted, "missing_mime_version", Header, "MIME fields stand without MIME-Version.",
        |f| when(!f.has("mime-version") && (f.has("content-type") || f.has("content-transfer-encoding")), "no MIME-Version"),
        fires: ["Content-Type: text/html"],
        quiet: ["From: a@example.org", "Content-Type: text/html\nMIME-Version: 1.0"]),
    sign!(Fitted, "doubled_field", Header, "A field that may stand once stands twice.", doubled,
        fires: ["Subject: a\nSubject: b", "From: a@example.org\nFrom: b@example.org"],
        quiet: ["Subject: a\nReceived: from a\nReceived: from b"]),
    sign!(Fitted, "raw_eight_bit_header", Header, "Subject or From has letters beyond ASCII that are not encoded.", raw_letters,
        fires: ["Subject: Grüße"],
        quiet: ["Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "X-Other: Grüße\nSubject: a"]),
    sign!(Fitted, "high_priority", Header, "The message calls itself urgent.",
        |f| {
            let first = |name: &str, words: &[&str]| {
                f.field(name).filter(|v| words.iter().any(|w| v.to_ascii_lowercase().starts_with(w))).map(str::to_owned)
            };
            first("x-priority", &["1", "2", "high"])
                .or_else(|| first("importance", &["high"]))
                .or_else(|| first("priority", &["urgent"]))
        },
        fires: ["X-Priority: 1 (Highest)", "Importance: High"],
        quiet: ["X-Priority: 3", "Importance: normal"]),
    sign!(Fitted, "many_recipients", Header, "To and Cc together name many people.",
        |f| {
            let count = f.to.len().saturating_add(f.cc.len());
            when(count > MANY, format!("{count} addresses"))
        },
        fires: ["To: a@x.example,b@x.example,c@x.example,d@x.example,e@x.example,f@x.example,g@x.example,h@x.example,i@x.example,j@x.example,k@x.example,l@x.example,m@x.example,n@x.example,o@x.example,p@x.example"],
        quiet: ["To: a@x.example, b@x.example"]),
    sign!(Fitted, "header_placeholder", Header, "A field has a place that a mailing program should have filled in.",
        |f| f.fields.iter()
            .filter(|field| matches!(field.lower.as_str(), "subject" | "from" | "to" | "reply-to" | "message-id" | "list-unsubscribe"))
            .find_map(|field| placeholder(&field.value).map(|mark| format!("{}: {mark}", field.lower))),
        fires: ["Subject: Dear {{name}}", "From: %FROM_NAME <a@example.org>"],
        quiet: ["Subject: [list] plain"]),
    sign!(Fitted, "php_script", Header, "A script of a web site wrote the message, and says which.",
        |f| f.fields.iter().find(|field| field.lower.starts_with("x-php-") || field.lower == "x-source-args")
            .map(|field| field.name.clone()),
        fires: ["X-PHP-Originating-Script: 1000:mail.php"],
        quiet: ["X-Mailer: x"]),
    sign!(Fitted, "odd_field_name", Header, "A field's name is not what a name may be, or looks made up.", odd_name,
        fires: ["X-qzvkbwpt: 1"],
        quiet: ["X-Mailer: 1", "X-MS-Exchange-CrossTenant-Id: 1"]),
    sign!(Fitted, "lower_case_fields", Header, "The names of the usual fields are in small letters: a program of its own.",
        |f| {
            let is = |name: &str| f.fields.iter().any(|field| field.name == name);
            when(is("from") || is("subject") && is("to"), "from, to or subject in small letters")
        },
        fires: ["from: a@example.org\nsubject: x"],
        quiet: ["From: a@example.org\nSubject: x"]),
    sign!(Fitted, "empty_fields", Header, "Fields that usually say something are empty.",
        |f| f.fields.iter()
            .find(|field| field.value.trim().is_empty() && matches!(field.lower.as_str(), "from" | "to" | "reply-to" | "cc" | "message-id" | "in-reply-to" | "references" | "x-mailer" | "sender" | "date" | "organization"))
            .map(|field| format!("{} is empty", field.name)),
        fires: ["Reply-To:\nFrom: a@example.org"],
        quiet: ["Reply-To: a@example.org"]),
    sign!(Fitted, "bare_ip_originator", Header, "A field gives the sender's address as that of a web mailer's user.",
        |f| some(f.field("x-originating-ip").unwrap_or("")),
        fires: ["X-Originating-IP: [192.0.2.1]"],
        quiet: ["From: a@example.org"]),
    sign!(Fitted, "few_fields", Header, "The header has hardly a field beside the necessary ones.",
        |f| {
            let own = f.fields.iter().filter(|field| !matches!(field.lower.as_str(), "received" | "return-path" | "delivered-to" | "x-received" | "authentication-results"));
            let count = own.count();
            when((1..=5).contains(&count), format!("{count} fields"))
        },
        fires: ["From: a@example.org\nTo: b@example.net\nSubject: x"],
        quiet: ["From: a@example.org\nTo: b@example.net\nSubject: x\nDate: x\nMessage-ID: <1@example.org>\nMIME-Version: 1.0"]),
    sign!(Fitted, "disposition_wanted", Header, "A receipt is asked for when the message is read.",
        |f| f.field("disposition-notification-to").or_else(|| f.field("return-receipt-to")).map(str::to_owned),
        fires: ["Disposition-Notification-To: a@example.org"],
        quiet: ["From: a@example.org"]),
];

fn doubled(f: &Facts) -> Option<String> {
    let once = ["from", "to", "subject", "date", "message-id", "reply-to", "content-type", "sender", "cc"];
    once.into_iter().find(|name| f.count(name) > 1).map(|name| format!("{} times {name}", f.count(name)))
}

fn raw_letters(f: &Facts) -> Option<String> {
    let field =
        f.fields.iter().find(|field| matches!(field.lower.as_str(), "subject" | "from") && !field.value.is_ascii())?;
    Some(format!("{} is not ASCII", field.name))
}

fn odd_name(f: &Facts) -> Option<String> {
    let odd = f.fields.iter().find(|field| {
        let name = field.name.as_str();
        let label = name.strip_prefix("X-").or_else(|| name.strip_prefix("x-")).unwrap_or("");
        let vowels =
            label.bytes().filter(|b| matches!(b.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y')).count();
        let made_up = label.len() >= 5 && label.bytes().all(|b| b.is_ascii_lowercase()) && vowels == 0;
        name.contains(' ') || made_up || name.bytes().any(|b| !(b'!'..=b'~').contains(&b))
    })?;
    Some(odd.name.clone())
}
