//! Entries of lists, and what was changed in them, as lines.

use judge::lists::exchange::Change;
use judge::lists::{Purpose, Record, Scope};
use mail::untrusted::escape;
use store::{ListAudit, ListRow};

use crate::commands::backup::Format;
use crate::failure::Failure;
use crate::terminal;
use crate::when;

/// Most characters of one text in a line.
const MAX_TEXT: usize = 400;

fn shown(text: &str) -> String {
    escape(text, MAX_TEXT)
}

/// Shows entries.
pub(super) fn entries(records: &[Record], format: Format) -> Result<(), Failure> {
    let text: String = records
        .iter()
        .map(|record| if format == Format::Json { terminal::json_line(record) } else { line(record) })
        .collect();
    Ok(terminal::put(&text)?)
}

/// What an entry is about, in words: `sender *@example.org, bulk mail only, of ann@example.org`.
fn about(purpose: &str, value: &str, scope: &str, owner: &str, comment: &str) -> String {
    let scope = if scope == Scope::Mass.name() { ", bulk mail only" } else { "" };
    let owner = if owner.is_empty() { String::new() } else { format!(", of {}", shown(owner)) };
    let comment = if comment.is_empty() { String::new() } else { format!("  ({})", shown(comment)) };
    let purpose = if purpose == Purpose::Recipient.name() { "recipient " } else { "" };
    format!("{purpose}{}{scope}{owner}{comment}", shown(value))
}

fn of_record(record: &Record) -> String {
    let (purpose, scope) = (record.purpose.name(), record.scope.name());
    about(purpose, &record.value.to_string(), scope, record.owner.as_deref().unwrap_or_default(), &record.comment)
}

fn of_row(row: &ListRow) -> String {
    format!("{:<5} {}", shown(&row.list), about(&row.purpose, &row.value, &row.scope, &row.owner, &row.comment))
}

fn line(record: &Record) -> String {
    let (at, by) = (when::shown(record.modified_ms), shown(&record.modified_by));
    format!("{}  {:<5} {}  {at} by {by}\n", record.id, record.list.name(), of_record(record))
}

/// One change of a list.
pub(super) fn change(change: &Change) -> String {
    let told = |record: &Record| format!("{:<5} {}", record.list.name(), of_record(record));
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("~ {}  {} -> {}\n", after.id, told(before), of_record(after)),
        (None, Some(after)) => format!("+ {}  {}\n", after.id, told(after)),
        (Some(before), None) => format!("- {}  {}\n", before.id, told(before)),
        (None, None) => String::new(),
    }
}

/// One row of the trail.
pub(super) fn audit(row: &ListAudit, format: Format) -> String {
    if format == Format::Json {
        return terminal::json_line(row);
    }
    let what = match (&row.before, &row.after) {
        (Some(before), Some(after)) => format!("~ {}  {} -> {}", after.id, of_row(before), of_row(after)),
        (None, Some(after)) => format!("+ {}  {}", after.id, of_row(after)),
        (Some(before), None) => format!("- {}  {}", before.id, of_row(before)),
        (None, None) => "?".to_owned(),
    };
    format!("{:>6}  {}  {} ({})  {what}\n", row.number, when::shown(row.at_ms), shown(&row.author), shown(&row.how))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_moves_the_cursor_or_hides() {
        let hostile = "a\u{202e}\u{1b}[2J";
        let row = ListRow { comment: hostile.to_owned(), value: hostile.to_owned(), ..ListRow::default() };
        let trail = ListAudit {
            number: 1,
            at_ms: 0,
            author: hostile.to_owned(),
            how: "import".to_owned(),
            before: Some(row.clone()),
            after: Some(row),
        };
        for format in [Format::Text, Format::Json] {
            let text = audit(&trail, format);
            assert!(!text.contains(['\u{202e}', '\u{1b}']), "{text:?}");
        }
    }
}
