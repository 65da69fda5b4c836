//! `mailward backup show`.

use std::fmt::Write;

use mail::address::Address;
use mail::untrusted::{Untrusted, escape};
use service::admin::{Request, Response, Shown, shown};

use super::Format;
use super::list::as_to_spam;
use crate::ask::{Administration, unexpected};
use crate::failure::Failure;
use crate::{terminal, when};

/// Most characters of one text.
const MAX_TEXT: usize = 2000;

/// Runs it.
pub(super) fn run(id: &str, format: Format, administration: &mut Administration) -> Result<(), Failure> {
    let request = Request::BackupShow { id: id.to_owned() };
    let Response::Entry { entry } = administration.ask(request)?.0 else { return Err(unexpected()) };
    let text = if format == Format::Json { super::line::json(&entry) } else { text(&entry) };
    Ok(terminal::put(&text)?)
}

fn text(entry: &Shown) -> String {
    let known = &entry.entry;
    let mut out = String::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(out, "{name:<14} {value}");
        }
    };
    row("Entry", entry.id.to_string());
    row("Message", known.id.to_string());
    row("Received", format!("{} UTC", when::shown(known.received_ms)));
    row("Status", escape(&known.status, MAX_TEXT));
    row("As to spam", known.spam.as_ref().map(as_to_spam).unwrap_or_default());
    row("Action", escape(&known.action, MAX_TEXT));
    for (at, reason) in known.reason.lines().enumerate() {
        row(if at == 0 { "Reason" } else { "" }, escape(reason, MAX_TEXT));
    }
    row("Found", texts(&known.malware));
    row("Objects", texts(&known.objects));
    row("Sender", known.mail_from.as_ref().map_or_else(|| "<>".to_owned(), |a| escape(a.as_str(), MAX_TEXT)));
    row("Sender is", known.sender_type.name().to_owned());
    row("Recipients", addresses(&known.recipients));
    row("From", shown(known.header_from.as_ref(), MAX_TEXT));
    row("To", shown(known.header_to.as_ref(), MAX_TEXT));
    row("Cc", shown(known.header_cc.as_ref(), MAX_TEXT));
    row("Subject", shown(known.subject.as_ref(), MAX_TEXT));
    row("Date", shown(known.date.as_ref(), MAX_TEXT));
    row("Came by", format!("{}, {}", known.surface.name(), known.direction.name()));
    row("Client", known.peer_ip.map_or_else(String::new, |ip| ip.to_string()));
    row("Size", format!("{} ({} bytes)", terminal::size(known.size), known.size));
    row("On disk", terminal::size(entry.stored));
    for release in &entry.released {
        row("Released", format!("{} UTC to {}", when::shown(release.when_ms), addresses(&release.to)));
    }
    row("Damaged", entry.damaged.as_ref().map_or_else(String::new, |why| escape(why, MAX_TEXT)));
    if let Some(spam) = known.spam.as_ref().filter(|spam| !spam.signs.is_empty()) {
        out.push_str("Signs of spam\n");
        out.push_str(&crate::signs::lines(&spam.signs, "  "));
    }
    out
}

fn texts(texts: &[Untrusted<String>]) -> String {
    let shown: Vec<String> = texts.iter().map(|text| text.escaped(MAX_TEXT)).collect();
    shown.join(", ")
}

fn addresses(addresses: &[Address]) -> String {
    let shown: Vec<String> = addresses.iter().map(|address| escape(address.as_str(), MAX_TEXT)).collect();
    shown.join(", ")
}
