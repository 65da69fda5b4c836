//! `mailward dmarc`: aggregate reports that others sent about our domains, and what waits for ours.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use mail::untrusted::escape;
use serde::Serialize;
use service::admin::{Request, Response};
use store::{DmarcDay, ReceivedReport, ReportFilter};
use unpack::dmarc::{Aggregate, AuthSeen, Found, Record, find};

use crate::ask::{Administration, unexpected};
use crate::failure::{ERROR, Failure};
use crate::looking::{Item, paths};
use crate::place::PlaceArgs;
use crate::{terminal, when};

/// Most characters of a foreign text.
const MAX_TEXT: usize = 80;
/// Most rows of a report that are shown as text; JSON has all.
const MAX_ROWS: usize = 1_000;
/// Rows of one question.
const PAGE: usize = 500;
/// The exit code when something failed DMARC.
const FAILED: u8 = 1;

/// Show aggregate reports of DMARC: who sent mail in the name of a domain, and what came of it.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Show reports in files (messages, mailboxes, Maildirs, zip, gzip, or XML), or reports that were kept.
    ///
    /// The sources of each report are shown, those that fail first. Exit code: 1 if a message failed
    /// DMARC, 2 if a file holds no report, or cannot be read, or not all of it.
    Show {
        /// Files or directories; `-` is standard input.
        #[arg(required_unless_present = "id", value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// A report that was kept, by its number in `mailward dmarc list`. May be given several times.
        #[arg(long, value_name = "NUMBER")]
        id: Vec<i64>,
        /// The form of the output.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Format,
    },
    /// List reports that came to an address of ours (`authentication.reports.received_at` in the policy), newest first.
    ///
    /// A running daemon is asked; without one the data directory is used itself.
    List {
        /// About this domain.
        #[arg(long, value_name = "DOMAIN")]
        domain: Option<String>,
        /// Only those that tell of messages that failed.
        #[arg(long)]
        failed: bool,
        /// That came at this time or later: a date, a time, or how long ago (`7d`, `12h`).
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,
        /// The form of the output.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Format,
    },
    /// Show what was counted for reports of our own that are not sent yet
    /// (`authentication.reports` in the policy).
    Reports,
}

/// The form of the output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Format {
    /// A table a report, for people.
    #[default]
    Text,
    /// One JSON object a report and line, for programs.
    Json,
}

/// Runs it.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    let (files, ids, format) = match &args.verb {
        Verb::Show { paths, id, format } => (paths, id, format),
        Verb::List { domain, failed, since, limit, format } => {
            let since_ms = super::log::time("since", since.as_deref())?;
            let filter = ReportFilter { domain: domain.clone(), failed: *failed, since_ms };
            return list(&args.place, filter, *limit, *format);
        }
        Verb::Reports => return waiting(&args.place),
    };
    let mut code = kept(&args.place, ids, *format)?;
    let mut outcome = Ok(());
    paths::each(files, &std::env::temp_dir(), &mut |item| {
        let (text, one) = show(item, *format);
        code = code.max(one);
        outcome = terminal::put(&text);
        outcome.is_ok()
    });
    outcome?;
    Ok(code)
}

/// A kept report for programs: keys are only added.
#[derive(Serialize)]
struct Kept<'a> {
    id: i64,
    time: String,
    #[serde(flatten)]
    report: &'a ReceivedReport,
}

/// The reports that were kept.
fn list(place: &PlaceArgs, filter: ReportFilter, limit: usize, format: Format) -> Result<u8, Failure> {
    let mut administration = Administration::open(&place.find()?)?;
    let (mut left, mut before) = (limit, None);
    while left > 0 {
        let request = Request::DmarcReceived { filter: filter.clone(), before, limit: left.min(PAGE) };
        let Response::DmarcReceived { reports } = administration.ask(request)?.0 else { return Err(unexpected()) };
        let Some((last, _)) = reports.last() else { break };
        (before, left) = (Some(*last), left.saturating_sub(reports.len()));
        let line = |(id, report): &(i64, ReceivedReport)| match format {
            Format::Json => terminal::json_line(&Kept { id: *id, time: when::rfc3339(report.at_ms), report }),
            Format::Text => one_line(*id, report),
        };
        terminal::put(&reports.iter().map(line).collect::<String>())?;
    }
    Ok(0)
}

/// A kept report for people.
fn one_line(id: i64, report: &ReceivedReport) -> String {
    let shown = |text: &str| escape(text, MAX_TEXT);
    let day = when::day(report.begin.saturating_mul(1000));
    let proven = if report.proven { "" } else { "  (nothing proves the sender)" };
    format!(
        "{id:>6}  {day}  {}: {} pass, {} fail, says {} by {}{proven}\n",
        shown(&report.domain),
        report.passed,
        report.failed,
        shown(&report.org),
        shown(&report.sender)
    )
}

/// Kept reports, and the worst of their exit codes.
fn kept(place: &PlaceArgs, ids: &[i64], format: Format) -> Result<u8, Failure> {
    let mut code = 0;
    if ids.is_empty() {
        return Ok(code);
    }
    let mut administration = Administration::open(&place.find()?)?;
    for id in ids {
        let answer = administration.ask(Request::DmarcReport { id: *id })?.0;
        let Response::DmarcReport { received, report } = answer else { return Err(unexpected()) };
        let text = match format {
            Format::Json => terminal::json_line(&report),
            Format::Text => one_line(*id, &received) + &table(&report),
        };
        terminal::put(&text)?;
        code = code.max(exit_code(&report));
    }
    Ok(code)
}

/// What was counted and is not reported yet.
fn waiting(place: &PlaceArgs) -> Result<u8, Failure> {
    let mut administration = Administration::open(&place.find()?)?;
    let request = Request::DmarcWaiting { limit: MAX_ROWS };
    let Response::DmarcWaiting { days } = administration.ask(request)?.0 else { return Err(unexpected()) };
    let mut text = String::new();
    for DmarcDay { day, domain, rows, messages } in &days {
        let date = when::day(day.saturating_mul(86_400_000));
        let _ = writeln!(text, "{date}  {}: {messages} messages in {rows} records", escape(domain, MAX_TEXT));
    }
    let _ = writeln!(text, "{} reports wait", days.len());
    terminal::put(&text)?;
    Ok(0)
}

/// The reports in one file, and its exit code.
fn show(item: Item, format: Format) -> (String, u8) {
    let place = escape(&item.path, 4096);
    let bytes = item.content.and_then(|content| content.spool.bytes().map_err(|error| error.to_string()));
    let Found { reports, more } = match bytes {
        Ok(bytes) => find(&bytes),
        Err(why) => {
            terminal::tell(&format!("mailward: {place}: {}", escape(&why, 4096)));
            return (String::new(), ERROR);
        }
    };
    if more {
        terminal::tell(&format!(
            "mailward: {place}: not all of it could be looked at: there may be more reports in it"
        ));
    }
    if reports.is_empty() {
        terminal::tell(&format!("mailward: {place}: no aggregate report in it"));
        return (String::new(), ERROR);
    }
    let text = reports.iter().map(|report| match format {
        Format::Json => terminal::json_line(report),
        Format::Text => table(report),
    });
    let unseen = if more { ERROR } else { 0 };
    (text.collect(), reports.iter().map(exit_code).fold(unseen, u8::max))
}

/// What a report's exit code is: the worst of those of several is theirs.
fn exit_code(report: &Aggregate) -> u8 {
    match report.records.iter().all(Record::passes) {
        _ if report.damaged => ERROR,
        true => 0,
        false => FAILED,
    }
}

/// A report for people.
fn table(report: &Aggregate) -> String {
    let shown = |text: &str| escape(text, MAX_TEXT);
    let time = |seconds: u64| when::shown(seconds.saturating_mul(1000));
    let policy: Vec<String> =
        report.policy.iter().map(|(name, value)| format!("{}={}", shown(name), shown(value))).collect();
    let mut out = format!(
        "{}: from {} ({}), {} to {}, report {}\n  policy: {}\n",
        shown(&report.domain),
        shown(&report.org),
        shown(&report.email),
        time(report.begin),
        time(report.end),
        shown(&report.id),
        policy.join(" ")
    );
    if report.damaged {
        out.push_str("  the report is damaged, or larger than what is read: some of it may be missing or wrong\n");
    }
    let mut records: Vec<&Record> = report.records.iter().collect();
    records.sort_by_key(|record| (record.passes(), std::cmp::Reverse(record.count)));
    for record in records.iter().take(MAX_ROWS) {
        row(record, &mut out);
    }
    if records.len() > MAX_ROWS {
        let _ = writeln!(out, "  … and {} more sources", records.len() - MAX_ROWS);
    }
    let (passed, failed) = report.sums();
    let _ = writeln!(out, "  {passed} messages pass, {failed} fail\n");
    out
}

fn row(record: &Record, out: &mut String) {
    let shown = |text: &str| escape(text, MAX_TEXT);
    let result = if record.passes() { "pass" } else { "FAIL" };
    let seen = |method: &str, list: &[AuthSeen]| -> Vec<String> {
        list.iter().map(|one| format!("{method} {} {}", shown(&one.domain), shown(&one.result))).collect()
    };
    let found = [seen("spf", &record.spf_seen), seen("dkim", &record.dkim_seen)].concat();
    let _ = writeln!(
        out,
        "  {:>8}  {result}  {:<39}  {:<10}  dkim={} spf={}  from {}  ({})",
        record.count,
        shown(&record.source),
        shown(&record.disposition),
        shown(&record.dkim),
        shown(&record.spf),
        shown(&record.header_from),
        found.join(", ")
    );
}
