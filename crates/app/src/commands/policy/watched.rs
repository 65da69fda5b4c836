//! `mailward policy watched`: what monitor mode let through (D-26), counted from the message log.

use std::collections::BTreeMap;

use serde::Serialize;
use store::LogFilter;

use crate::ask::Administration;
use crate::commands::backup::Format;
use crate::commands::log::{Search, time};
use crate::failure::Failure;
use crate::place::PlaceArgs;
use crate::terminal;

/// Most rows of the log that are counted.
const MAX_ROWS: usize = 1_000_000;

/// Count what monitor mode let through, by surface, rule and what would have been done.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// From this time on: a date, a time, or how long ago (`7d`, `12h`).
    #[arg(long, value_name = "TIME", default_value = "7d")]
    since: String,
    /// The form.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

/// A line for programs.
#[derive(Serialize)]
struct Line<'a> {
    surface: &'a str,
    rule: &'a str,
    would: &'a str,
    messages: u64,
}

/// Runs it.
pub(super) fn run(place: &PlaceArgs, args: &Args) -> Result<(), Failure> {
    let filter = LogFilter { monitored: true, since_ms: time("since", Some(&args.since))?, ..LogFilter::default() };
    let mut administration = Administration::open(&place.find()?)?;
    let mut counts: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    let mut search = Search::new(filter, MAX_ROWS);
    while let Some(rows) = search.next(&mut administration)? {
        for row in rows {
            let would = row.would.unwrap_or_default();
            for rule in row.rules {
                let count = counts.entry((row.surface.name().to_owned(), rule, would.clone())).or_default();
                *count = count.saturating_add(1);
            }
        }
    }
    let text: String = counts
        .iter()
        .map(|((surface, rule, would), messages)| match args.format {
            Format::Json => terminal::json_line(&Line { surface, rule, would, messages: *messages }),
            Format::Text => format!("{messages:>8}  {surface:<8}  {rule:<28}  {would}\n"),
        })
        .collect();
    if text.is_empty() && args.format == Format::Text {
        terminal::tell("Monitor mode let nothing through that a rule would have stopped or changed.");
    }
    if search.is_cut() {
        terminal::tell("There are more rows than are counted: --since tells from when.");
    }
    Ok(terminal::put(&text)?)
}
