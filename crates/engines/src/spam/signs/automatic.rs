//! Delivery reports and automatic replies, by structure. These decide about formal notifications, and say
//! nothing about spam.

use super::{sign, when};
use crate::spam::Points::Fixed;
use crate::spam::Row;

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fixed(600), "delivery_report", Automatic, "A delivery report by its structure (RFC 3464): multipart/report with a status.",
        |f| {
            let top = f.parts.first().is_some_and(|p| p.media == "multipart/report");
            when(top && f.parts.iter().any(|p| matches!(p.media.as_str(), "message/delivery-status" | "message/global-delivery-status")), "multipart/report")
        },
        fires: ["Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\nFinal-Recipient: rfc822; b@example.org\nAction: failed\nStatus: 5.1.1\n--b--\n"],
        quiet: ["Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n"]),
    sign!(Fixed(600), "read_report", Automatic, "A report that a message was read (RFC 8098).",
        |f| when(f.parts.iter().any(|p| p.media == "message/disposition-notification"), "disposition-notification"),
        fires: ["Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/disposition-notification\n\nx\n--b--\n"], quiet: ["Subject: x"]),
    sign!(Fixed(500), "automatic_reply", Automatic, "Auto-Submitted says that a program replied or generated (RFC 3834).",
        |f| f.field("auto-submitted").filter(|v| v.to_ascii_lowercase().starts_with("auto-")).map(str::to_owned),
        fires: ["Auto-Submitted: auto-replied"], quiet: ["Auto-Submitted: no"]),
    sign!(Fixed(300), "automatic_reply_of_old", Automatic, "X-Autoreply, X-Autorespond or Precedence: auto_reply.",
        |f| f.fields.iter().find(|field| field.lower.starts_with("x-autore") || field.lower == "precedence" && field.value.trim().eq_ignore_ascii_case("auto_reply")).map(|field| field.name.clone()),
        fires: ["X-Autoreply: yes", "Precedence: auto_reply"], quiet: ["Subject: x"]),
    sign!(Fixed(250), "null_sender", Automatic, "The envelope has no sender: a program wrote it that wants no answer.",
        |f| when(f.envelope_sender().is_some_and(|s| s.is_empty() || s.eq_ignore_ascii_case("mailer-daemon")), "<>"),
        fires: ["Return-Path: <>"], quiet: ["Return-Path: <a@example.org>", "Subject: x"]),
    sign!(Fixed(250), "from_mail_server", Automatic, "The sender is a mail server's own: mailer-daemon or postmaster.",
        |f| f.sender().filter(|from| matches!(from.local().to_lowercase().as_str(), "mailer-daemon" | "postmaster" | "mail-daemon" | "mdaemon" | "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e")).map(|from| from.address.clone()),
        fires: ["From: MAILER-DAEMON@example.org (Mail Delivery System)"], quiet: ["From: a@example.org"]),
    sign!(Fixed(250), "subject_of_report", Automatic, "The subject is that of a delivery report or an automatic reply.",
        |f| {
            let subject = &f.subject_folding.text;
            let words = ["undeliver", "delivery status notification", "returned mail", "mail delivery fail", "delivery failure", "failure notice", "delivery has failed", "mail system error", "out of office", "automatic reply", "auto-reply", "autoreply", "abwesenheit", "automatische antwort", "unzustellbar", "reponse automatique", "respuesta automatica", "non remis", "no se puede entregar", "delayed mail", "warning: could not send", "message could not be delivered", "nicht zustellbar"];
            words.iter().find(|w| subject.contains(**w)).map(|w| (*w).to_owned())
        },
        fires: ["Subject: Undelivered Mail Returned to Sender", "Subject: Automatische Antwort: x"], quiet: ["Subject: x"]),
    sign!(Fixed(150), "returned_message", Automatic, "A message is returned inside.",
        |f| when(f.has_message && f.parts.iter().any(|p| matches!(p.media.as_str(), "message/rfc822" | "text/rfc822-headers")) && f.parts.first().is_some_and(|p| p.media == "multipart/report"), "a message"),
        fires: ["Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/rfc822\n\nSubject: y\n\nz\n--b--\n"], quiet: ["Subject: x"]),
];
