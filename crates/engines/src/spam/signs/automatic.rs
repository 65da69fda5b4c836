//! Delivery reports and automatic replies, by structure. These decide about formal notifications, and say
//! nothing about spam.

use super::{sign, when};
use crate::spam::Facts;
use crate::spam::Points::Fixed;
use crate::spam::Row;
use crate::spam::facts::registered;

/// In how much of the text the words of a report stand, in bytes.
const START: usize = 2000;

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
    sign!(Fixed(300), "report_in_words", Automatic, "A delivery report in plain text, as qmail and Exim write it: their words, and a copy of the message.",
        |f| {
            let text = f.folding.text.get(..f.folding.text.floor_char_boundary(START)).unwrap_or("");
            let words = ["this is the qmail-send program", "this message was created automatically by mail delivery software", "a message that you sent could not be delivered", "this is a permanent error; i've given up", "this message was created automatically by the mail system", "your message did not reach some or all of the intended recipients", "i'm afraid i wasn't able to deliver your message"];
            words.iter().find(|w| text.contains(**w)).map(|w| (*w).to_owned())
        },
        fires: ["Subject: failure notice\n\nHi. This is the qmail-send program at example.org.\n"], quiet: ["Subject: x\n\nhello\n"]),
    sign!(Fixed(250), "failed_recipients", Automatic, "A field names recipients that could not be reached, or forbids automatic answers.",
        |f| f.field("x-failed-recipients").or_else(|| f.field("x-auto-response-suppress")).map(str::to_owned),
        fires: ["X-Failed-Recipients: b@example.org", "X-Auto-Response-Suppress: All"], quiet: ["Subject: x"]),
    sign!(Fixed(-1000), "report_of_another", Automatic, "What a delivery report returns names its recipient's domain nowhere: it is not about our mail (backscatter).", of_another,
        fires: ["To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/rfc822\n\nFrom: a@example.org\nMessage-ID: <1@example.org>\nSubject: y\n\nz\n--b--\n"],
        quiet: ["To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/rfc822\n\nFrom: b@example.net\nMessage-ID: <1@example.org>\nSubject: y\n\nz\n--b--\n", "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/rfc822\n\nFrom: b@gmail.com\nMessage-ID: <1@mx.example.net>\nSubject: y\n\nz\n--b--\n"]),
    sign!(Fixed(150), "returned_message", Automatic, "A message is returned inside.",
        |f| when(f.has_message && f.parts.iter().any(|p| matches!(p.media.as_str(), "message/rfc822" | "text/rfc822-headers")) && f.parts.first().is_some_and(|p| p.media == "multipart/report"), "a message"),
        fires: ["Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/rfc822\n\nSubject: y\n\nz\n--b--\n"], quiet: ["Subject: x"]),
];

/// Whether the returned header is of a message that nobody here wrote: no field of it has the domain of the
/// recipient. One that was cut down to a few fields tells nothing, and so does a report without one.
fn of_another(f: &Facts) -> Option<String> {
    let report = f.parts.first().is_some_and(|p| p.media == "multipart/report");
    let header = f.returned.to_lowercase();
    let telling = header.lines().any(|line| line.starts_with("from:"))
        && header.lines().any(|line| line.starts_with("message-id:") || line.starts_with("return-path:"));
    let domains: Vec<String> = f
        .recipients()
        .filter_map(|r| r.rsplit_once('@'))
        .map(|(_, d)| registered(&d.to_lowercase()).to_owned())
        .collect();
    let foreign = !domains.is_empty() && !domains.iter().any(|domain| header.contains(domain.as_str()));
    let from = header.lines().find(|line| line.starts_with("from:")).unwrap_or("");
    when(report && telling && foreign, from.trim())
}
