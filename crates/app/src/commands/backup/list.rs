//! `mailward backup list`.

use std::io::Write;

use mail::address::Address;
use mail::untrusted::escape;
use service::admin::{ListFilter, Request, Response, Shown, shown};
use store::KeptSpam;

use super::Format;
use crate::ask::{Administration, unexpected};
use crate::failure::Failure;
use crate::signs;
use crate::statuses::{spam_statuses, statuses};
use crate::{terminal, when};

/// Entries of one question.
const PAGE: usize = 500;
/// Most characters of one address or subject in a line.
const MAX_TEXT: usize = 60;

/// List entries, newest first. Texts are looked for anywhere, in any case; times are in UTC.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// In the sender's addresses.
    #[arg(long, value_name = "TEXT")]
    sender: Option<String>,
    /// In the recipients' addresses.
    #[arg(long, value_name = "TEXT")]
    recipient: Option<String>,
    /// In the subject.
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// In any of these, in names of attachments or malware, the reason, the client's address.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// With this status as to malware.
    #[arg(long, value_name = "STATUS", value_parser = statuses())]
    status: Option<String>,
    /// With this status as to spam.
    #[arg(long, value_name = "STATUS", value_parser = spam_statuses())]
    spam: Option<String>,
    /// Received at this time or later: a date, a time, or how long ago (`7d`, `12h`).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Received before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    /// The form.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

/// Runs it.
pub(super) fn run(args: &Args, administration: &mut Administration) -> Result<(), Failure> {
    let now = service::id::now_ms();
    let time = |name: &str, text: &Option<String>| {
        let parsed = text.as_ref().map(|text| when::parse(text, now)).transpose();
        parsed.map_err(|how| Failure::new(format!("--{name}: {how}")))
    };
    let filter = ListFilter {
        sender: args.sender.clone(),
        recipient: args.recipient.clone(),
        subject: args.subject.clone(),
        text: args.text.clone(),
        status: args.status.clone(),
        spam: args.spam.clone(),
        since_ms: time("since", &args.since)?,
        until_ms: time("until", &args.until)?,
    };
    let (mut before, mut left) = (None, args.limit);
    loop {
        let request = Request::BackupList { filter: filter.clone(), before, limit: left.min(PAGE) };
        let Response::Entries { entries, next } = administration.ask(request)?.0 else { return Err(unexpected()) };
        let mut out = std::io::stdout().lock();
        for entry in entries.iter().take(left) {
            out.write_all(line(entry, args.format).as_bytes())?;
        }
        left = left.saturating_sub(entries.len());
        match next {
            None => return Ok(()),
            Some(_) if left == 0 => {
                terminal::tell("There may be more: --limit, --until and the other filters tell which.");
                return Ok(());
            }
            next => before = next,
        }
    }
}

fn line(entry: &Shown, format: Format) -> String {
    if format == Format::Json {
        return super::line::json(entry);
    }
    let known = &entry.entry;
    let sender = known.mail_from.as_ref().map_or_else(|| "<>".to_owned(), |a| escape(a.as_str(), MAX_TEXT));
    let to = known.recipients.first().map(Address::as_str).unwrap_or("-");
    let others = known.recipients.len().saturating_sub(1);
    let others = if others > 0 { format!(" +{others}") } else { String::new() };
    let mut marks = String::new();
    let spam = known.spam.as_ref().filter(|spam| !signs::is_quiet(&spam.status));
    if let Some(spam) = spam {
        marks.push_str(&format!(" ({})", as_to_spam(spam)));
    }
    if !entry.released.is_empty() {
        marks.push_str(" (released)");
    }
    if entry.damaged.is_some() {
        marks.push_str(" (damaged)");
    }
    format!(
        "{}  {}  {:<17} {:>9}  {sender} -> {}{others}  {}{marks}\n",
        entry.id,
        when::shown(known.received_ms),
        escape(&known.status, MAX_TEXT),
        terminal::size(known.size),
        escape(to, MAX_TEXT),
        shown(known.subject.as_ref(), MAX_TEXT),
    )
}

/// `probable spam, rating 83`.
pub(super) fn as_to_spam(spam: &KeptSpam) -> String {
    let status = escape(&spam.status, MAX_TEXT).replace('_', " ");
    match (spam.rating, &spam.why) {
        (Some(rating), _) => format!("{status}, rating {rating}"),
        (None, Some(why)) => format!("{status}: {}", signs::words(why)),
        (None, None) => status,
    }
}
