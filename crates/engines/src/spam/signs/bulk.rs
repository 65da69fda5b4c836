//! Bulk delivery: newsletters, lists, what a sending service delivers. These decide about mass mail, and
//! say nothing about spam.

use super::fingerprint::sent_by_service;
use super::{sign, when};
use crate::spam::Points::Fixed;
use crate::spam::Row;

/// Fields that sending services write, and words of their servers and programs.
const SERVICES: &[&str] = &[
    "x-mailgun-",
    "x-sg-eid",
    "x-sg-id",
    "x-mc-user",
    "x-mandrill",
    "x-campaign",
    "x-csa-complaints",
    "x-sfmc",
    "x-mailer-recptid",
    "x-ses-outgoing",
    "x-pm-",
    "x-mj-",
    "x-hs-",
    "x-sib-id",
    "x-mailin",
    "x-job",
    "x-cid",
    "x-roving",
    "x-ymmv",
    "x-list-id",
    "x-report-abuse",
    "x-abuse",
    "x-feedback-id",
    "x-virtual-server",
    "x-mailingid",
    "x-emv-",
    "x-binding",
    "x-delivery",
    "x-kmail",
    "x-ms-mailer",
    "x-messageid",
    "x-subscriberid",
    "x-mailchimp",
    "x-acxm",
    "x-postmaster-msgtype",
    "x-bounce-id",
    "x-cm-",
    "x-im-",
    "x-mailjet",
    "x-apsis",
    "x-rapidmail",
    "x-cleverreach",
    "x-lists",
    "x-msys-api",
    "x-sendgrid",
    "x-smtpapi",
];

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fixed(300), "list_unsubscribe", Bulk, "List-Unsubscribe: somebody delivers in bulk and says how to leave (RFC 2369).",
        |f| f.field("list-unsubscribe").map(str::to_owned),
        fires: ["List-Unsubscribe: <mailto:x@example.org>"], quiet: ["Subject: x"]),
    sign!(Fixed(200), "list_unsubscribe_post", Bulk, "List-Unsubscribe-Post: one click leaves (RFC 8058).",
        |f| f.field("list-unsubscribe-post").map(str::to_owned),
        fires: ["List-Unsubscribe-Post: List-Unsubscribe=One-Click"], quiet: ["Subject: x"]),
    sign!(Fixed(200), "list_id", Bulk, "List-Id: a mailing list (RFC 2919).",
        |f| f.field("list-id").map(str::to_owned),
        fires: ["List-Id: <a.example.org>"], quiet: ["Subject: x"]),
    sign!(Fixed(300), "precedence_bulk", Bulk, "Precedence says bulk, list or junk.",
        |f| f.field("precedence").filter(|p| ["bulk", "list", "junk"].iter().any(|w| p.eq_ignore_ascii_case(w))).map(str::to_owned),
        fires: ["Precedence: bulk"], quiet: ["Precedence: first-class"]),
    sign!(Fixed(200), "feedback_id", Bulk, "Feedback-ID: a sending service counts complaints.",
        |f| f.field("feedback-id").map(str::to_owned),
        fires: ["Feedback-ID: a:b:c:d"], quiet: ["Subject: x"]),
    sign!(Fixed(200), "sending_service", Bulk, "A field of a sending service, or a server, Message-ID or return address of one.",
        |f| {
            let field = f.fields.iter().find(|field| SERVICES.iter().any(|s| field.lower.starts_with(s)));
            field.map(|field| field.name.clone()).or_else(|| sent_by_service(f))
        },
        fires: ["X-SG-EID: abc", "X-Mailgun-Sid: x", "Message-ID: <0100018b@email.amazonses.com>", "Received: from o1.ptr77.sendgrid.net (o1.ptr77.sendgrid.net [192.0.2.1]) by mx.example.net; x"],
        quiet: ["X-Mailer: Mutt", "Message-ID: <1@amazon.com>\nReceived: from a.example (a.example [192.0.2.1]) by mx.example.net; x"]),
    sign!(Fixed(200), "leave_in_text", Bulk, "The text says how to leave.",
        |f| {
            let words = ["unsubscribe", "abmelden", "abbestellen", "desabonner", "desinscrire", "darse de baja", "cancelar suscripcion", "descadastr", "cancelar a inscricao", "annulla l'iscrizione", "disiscriver", "uitschrijven", "afmelden", "отписаться", "配信停止", "退订", "수신거부", "opt out", "opt-out", "manage preferences", "email preferences", "wypisz", "avregistrera"];
            words.iter().find(|w| f.words.contains(**w)).map(|w| (*w).to_owned())
        },
        fires: ["Subject: x\n\nClick here to unsubscribe.\n"], quiet: ["Subject: x\n\nhello\n"]),
    sign!(Fixed(100), "view_in_browser", Bulk, "The text offers a form in the browser.",
        |f| {
            let words = ["view in browser", "view this email", "view it in your browser", "im browser ansehen", "view online", "online version", "onlineversion", "version en ligne", "ver en el navegador", "web version", "view as a web", "can't see this email", "having trouble viewing"];
            words.iter().find(|w| f.words.contains(**w)).map(|w| (*w).to_owned())
        },
        fires: ["Subject: x\n\nView this email in your browser\n"], quiet: ["Subject: x\n\nhello\n"]),
    sign!(Fixed(100), "bulk_envelope", Bulk, "The envelope's sender carries the recipient or a number, as sending services make it.",
        |f| {
            let sender = f.envelope_sender()?.to_lowercase();
            let local = sender.rsplit_once('@')?.0.to_owned();
            when(["bounce", "return", "verp", "errors", "mailer", "owner-"].iter().any(|w| sender.contains(w)) || local.contains('=') || local.len() > 40, sender.clone())
        },
        fires: ["Return-Path: <bounce-77@example.org>"], quiet: ["Return-Path: <ann@example.org>"]),
];
