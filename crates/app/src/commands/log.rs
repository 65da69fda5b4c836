//! `mailward log`: what became of messages, from the message log.

use mail::address::Address;
use mail::arrival::MessageId;
use mail::evidence::AuthResult;
use mail::untrusted::{Untrusted, escape};
use serde::Serialize;
use service::admin::{Request, Response, shown};
use store::{AuthCheck, LogFilter, Logged};

use super::backup::Format;
use crate::ask::{Administration, unexpected};
use crate::failure::Failure;
use crate::place::PlaceArgs;
use crate::signs::{self, SignLine};
use crate::statuses::{spam_statuses, statuses};
use crate::{terminal, when};

/// Rows of one question.
const PAGE: usize = 100;
/// Most characters of one text in a line.
const MAX_TEXT: usize = 60;

/// Find out what became of messages, newest first. Times are in UTC.
///
/// A running daemon is asked; without one the data directory is used itself. All filters that are
/// given must fit.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    /// Sender or recipient: a whole address, or `@domain`.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// In the subject, in any case.
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// With this status as to malware.
    #[arg(long, value_name = "STATUS", value_parser = statuses())]
    status: Option<String>,
    /// With which this was done: `delivered`, `labelled`, `held`, `blocked`, ….
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// To which this rule applied: `malware_infected`, ….
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// What a check of who sent it said: `dmarc=fail`, `spf=pass`, `dkim=none`, `arc=pass`, …. May be given
    /// several times.
    #[arg(long, value_name = "CHECK=RESULT", value_parser = auth)]
    auth: Vec<(AuthCheck, AuthResult)>,
    /// With this status as to spam.
    #[arg(long, value_name = "STATUS", value_parser = spam_statuses())]
    spam: Option<String>,
    /// About which an entry of a list of senders or recipients decided: its id, what it names
    /// (`*@example.org`), or `allow` or `deny` for any.
    #[arg(long, value_name = "ENTRY")]
    list: Option<String>,
    /// The message with this id, as in headers, replies and logs; with every sign of spam.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Only what monitor mode let through.
    #[arg(long)]
    monitored: bool,
    /// That came at this time or later: a date, a time, or how long ago (`7d`, `12h`).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// That came before this time.
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
///
/// # Errors
/// A filter makes no sense, there is no installation, or the log cannot be read.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    let id = args.id.as_ref().map(|text| {
        let wrong = || Failure::new(format!("--id: \"{}\" is no message's id (26 characters)", escape(text, 60)));
        MessageId::parse(text).ok_or_else(wrong)
    });
    let filter = LogFilter {
        address: args.address.clone(),
        subject: args.subject.clone(),
        status: args.status.clone(),
        id: id.transpose()?,
        action: args.action.clone(),
        rule: args.rule.clone(),
        spam: args.spam.clone(),
        list: args.list.clone(),
        monitored: args.monitored,
        auth: args.auth.clone(),
        since_ms: time("since", args.since.as_deref())?,
        until_ms: time("until", args.until.as_deref())?,
    };
    let mut administration = Administration::open(&args.place.find()?)?;
    let mut search = Search::new(filter, args.limit);
    while let Some(rows) = search.next(&mut administration)? {
        // Who asks for one message wants to know all of it.
        let all = args.format == Format::Text && args.id.is_some();
        let signs = |row: &Logged| if all { signs::lines(&row.signs, "    ") } else { String::new() };
        let text: String = rows.iter().map(|row| line(row, args.format) + &signs(row)).collect();
        terminal::put(&text)?;
    }
    if search.is_cut() {
        terminal::tell("There may be more: --limit, --until and the other filters tell which.");
    }
    Ok(0)
}

/// A check and what it said.
fn auth(text: &str) -> Result<(AuthCheck, AuthResult), String> {
    let (check, result) = text.split_once('=').unwrap_or((text, ""));
    let named = |word: &str, known: &str| word.trim().eq_ignore_ascii_case(known);
    let found = AuthCheck::ALL.into_iter().find(|known| named(check, known.name()));
    match (found, AuthResult::ALL.into_iter().find(|known| named(result, known.name()))) {
        (Some(check), Some(result)) => Ok((check, result)),
        _ => {
            let results: Vec<&str> = AuthResult::ALL.iter().map(|known| known.name()).collect();
            Err(format!("write it like dmarc=fail: spf, dkim, dmarc or arc, and one of {}", results.join(", ")))
        }
    }
}

/// A time that an option gives.
///
/// # Errors
/// How to write it.
pub(super) fn time(option: &str, text: Option<&str>) -> Result<Option<u64>, Failure> {
    let parsed = text.map(|text| when::parse(text, service::id::now_ms())).transpose();
    parsed.map_err(|how| Failure::new(format!("--{option}: {how}")))
}

/// A search through the message log, page by page.
pub(super) struct Search {
    filter: LogFilter,
    left: usize,
    before: Option<i64>,
    done: bool,
}

impl Search {
    /// For at most so many rows.
    pub(super) fn new(filter: LogFilter, limit: usize) -> Self {
        Self { filter, left: limit, before: None, done: false }
    }

    /// The next rows, perhaps none of this page; `None` at the end.
    pub(super) fn next(&mut self, administration: &mut Administration) -> Result<Option<Vec<Logged>>, Failure> {
        if self.done || self.left == 0 {
            return Ok(None);
        }
        let request =
            Request::MessageLog { filter: self.filter.clone(), before: self.before, limit: self.left.min(PAGE) };
        let Response::Messages { messages, next } = administration.ask(request)?.0 else { return Err(unexpected()) };
        self.left = self.left.saturating_sub(messages.len());
        (self.before, self.done) = (next, next.is_none());
        Ok(Some(messages))
    }

    /// Whether there may be more than was asked for.
    pub(super) fn is_cut(&self) -> bool {
        !self.done
    }
}

/// A row for programs: keys are only added. Texts are as their sender wrote them.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    time: String,
    surface: &'a str,
    direction: &'a str,
    client: Option<std::net::IpAddr>,
    /// `null` for the null sender.
    sender: Option<&'a str>,
    recipients: Vec<&'a str>,
    recipient_count: u64,
    subject: Option<&'a str>,
    size: u64,
    status: &'a str,
    action: &'a str,
    /// What would have been done but for monitor mode.
    would: Option<&'a str>,
    rules: &'a [String],
    malware: Vec<&'a str>,
    /// Where the password came from that opened something in it: `message` or `configured`.
    opened: Option<&'a str>,
    /// Who really sent it: `spf`, `dkim`, `dmarc`, `arc`; `null` where it was not asked.
    auth: Option<store::LoggedAuth>,
    /// What it is as to spam, and its rating.
    spam: Option<&'a str>,
    rating: Option<u8>,
    /// Why it was not examined for spam: `size_exceeded`, `timeout`, …
    spam_why: Option<&'a str>,
    /// The signs of spam that were seen; of messages from before they were kept none.
    signs: Vec<SignLine<'a>>,
    /// The entry of a list that decided.
    listed: Option<&'a store::LoggedEntry>,
    /// The entry of Backup.
    backup: Option<String>,
    reply: &'a str,
    /// From the message's end to our decision.
    milliseconds: u64,
}

fn line(row: &Logged, format: Format) -> String {
    let sender = row.sender.as_ref().map(Address::as_str);
    if format == Format::Text {
        return text_line(row, sender);
    }
    terminal::json_line(&Line {
        id: row.id.to_string(),
        time: when::rfc3339(row.time_ms),
        surface: row.surface.name(),
        direction: row.direction.name(),
        client: row.peer_ip,
        sender,
        recipients: row.recipients.iter().map(Address::as_str).collect(),
        recipient_count: row.recipient_count,
        subject: row.subject.as_ref().map(|subject| subject.raw().as_str()),
        size: row.size,
        status: &row.status,
        action: &row.action,
        would: row.would.as_deref(),
        rules: &row.rules,
        malware: row.malware.iter().map(|name| name.raw().as_str()).collect(),
        opened: row.opened.as_deref(),
        auth: row.auth,
        spam: row.spam.as_deref(),
        rating: row.rating,
        spam_why: row.spam_why.as_deref(),
        signs: row.signs.iter().map(SignLine::of).collect(),
        listed: row.listed.as_ref(),
        backup: row.backup.map(|id| id.to_string()),
        reply: &row.reply,
        milliseconds: row.duration_us / 1000,
    })
}

fn text_line(row: &Logged, sender: Option<&str>) -> String {
    let sender = sender.map_or_else(|| "<>".to_owned(), |sender| escape(sender, MAX_TEXT));
    let to = row.recipients.first().map_or_else(|| "-".to_owned(), |to| escape(to.as_str(), MAX_TEXT));
    let others = row.recipient_count.saturating_sub(1);
    let others = if others > 0 { format!(" +{others}") } else { String::new() };
    let would = row.would.as_ref().map_or_else(String::new, |would| format!(" (would be {})", escape(would, MAX_TEXT)));
    let opened = row.opened.as_ref().map_or_else(String::new, |with| match with.as_str() {
        "message" => "  opened with a password that stands in it".to_owned(),
        _ => "  opened with a configured password".to_owned(),
    });
    let spam = row.spam.as_ref().filter(|spam| !signs::is_quiet(spam));
    let rating = row.rating.map_or_else(String::new, |rating| format!(" {rating}"));
    let why = row.spam_why.as_ref().filter(|why| signs::is_told(why));
    let why = why.map_or_else(String::new, |why| format!("  not examined for spam: {}", signs::words(why)));
    let spam = spam.map_or_else(String::new, |spam| format!("  {}{rating}", escape(spam, MAX_TEXT)));
    let listed = row.listed.as_ref();
    let listed = listed.map_or_else(String::new, |it| format!("  list: {} {}", it.list, escape(&it.entry, MAX_TEXT)));
    let auth = match row.auth {
        Some(auth) if auth.dmarc == AuthResult::Fail => "  dmarc=fail",
        _ => "",
    };
    let names: Vec<String> = row.malware.iter().map(|name| Untrusted::escaped(name, MAX_TEXT)).collect();
    let names = if names.is_empty() { String::new() } else { format!("  [{}]", names.join(", ")) };
    format!(
        "{}  {}  {:<17} {}{would}  {sender} -> {to}{others}  {}{names}{opened}{auth}{spam}{why}{listed}\n",
        when::shown(row.time_ms),
        row.id,
        escape(&row.status, MAX_TEXT),
        escape(&row.action, MAX_TEXT),
        shown(row.subject.as_ref(), MAX_TEXT),
    )
}
