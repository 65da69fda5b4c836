//! Listing entries by a filter, newest first, page by page.
//!
//! Words of three characters and more go through the trigram index. Shorter ones cannot: for them rows are
//! read newest first and compared, at most [`MAX_EXAMINED`] a call; the answer then may be short and says
//! where to go on. A filter is a value: no part of it becomes SQL text.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::entry::{BackupId, Entry, Filter, Page, Texts};
use crate::index::{COLUMNS, read_entry};

/// Most rows of one call that are read and thrown away.
const MAX_EXAMINED: usize = 20_000;
/// Most entries of one page.
pub(crate) const MAX_PAGE: usize = 1_000;
/// Shortest word that the trigram index finds.
const TRIGRAM: usize = 3;
/// Most characters of a word that count.
const MAX_WORD: usize = 200;

/// The words of a filter with the column of each; the empty name stands for all columns.
fn words(filter: &Filter) -> Vec<(&'static str, String)> {
    let fields = [
        ("sender", &filter.sender),
        ("recipient", &filter.recipient),
        ("subject", &filter.subject),
        ("", &filter.text),
    ];
    let word = |text: &String| text.chars().filter(|c| *c != '\0').take(MAX_WORD).collect::<String>();
    let given = fields.into_iter().filter_map(|(name, text)| Some((name, word(text.as_ref()?))));
    given.filter(|(_, word)| !word.is_empty()).collect()
}

/// A query and its values.
pub(crate) struct Built {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
    /// Words that the query does not look for.
    short: Vec<(&'static str, String)>,
}

/// The query of a filter, without a limit.
pub(crate) fn build(filter: &Filter, before: Option<BackupId>) -> Built {
    let (long, short): (Vec<_>, Vec<_>) = words(filter).into_iter().partition(|(_, w)| w.chars().count() >= TRIGRAM);
    let quoted = |(column, word): &(&str, String)| {
        let word = word.replace('"', "\"\"");
        if column.is_empty() { format!("\"{word}\"") } else { format!("{{{column}}} : \"{word}\"") }
    };
    let matching = long.iter().map(quoted).collect::<Vec<_>>().join(" AND ");
    let mut values: Vec<Value> = Vec::new();
    let mut wanted: Vec<&str> = Vec::new();
    let mut want = |condition, value: Value| {
        wanted.push(condition);
        values.push(value);
    };
    // The cross join keeps this order of tables: the index of words gives ids in order, and each is looked up.
    let (tables, key) = match matching.is_empty() {
        true => ("entries e", "e.id"),
        false => ("search CROSS JOIN entries e ON e.id = search.rowid", "search.rowid"),
    };
    if !matching.is_empty() {
        want("search MATCH ?", Value::Text(matching));
    }
    if let Some(message) = filter.message {
        want("e.message = ?", Value::Blob(message.as_bytes().to_vec()));
    }
    if let Some(status) = &filter.status {
        want("e.status = ?", Value::Text(status.clone()));
    }
    if let Some(spam) = &filter.spam {
        want("e.spam = ?", Value::Text(spam.clone()));
    }
    let until = filter.until_ms.map(BackupId::first_of);
    let end = [before, until].into_iter().flatten().min().map_or(i64::MAX, BackupId::key);
    let start = filter.since_ms.map_or(0, |ms| BackupId::first_of(ms).key());
    let range = format!("{key} >= ? AND {key} < ?");
    want(&range, Value::Integer(start));
    values.push(Value::Integer(end));
    let wanted = wanted.join(" AND ");
    let sql = format!(
        "SELECT {COLUMNS} FROM {tables} CROSS JOIN blobs b ON b.address = e.address WHERE {wanted} ORDER BY {key} DESC"
    );
    Built { sql, values, short }
}

/// Whether an entry has the words that the query did not look for.
fn has_words(entry: &Entry, words: &[(&'static str, String)]) -> bool {
    if words.is_empty() {
        return true;
    }
    let texts = Texts::of(&entry.entry);
    let columns = [
        ("sender", texts.sender.to_lowercase()),
        ("recipient", texts.recipient.to_lowercase()),
        ("subject", texts.subject.to_lowercase()),
        ("", texts.other.to_lowercase()),
    ];
    words.iter().all(|(column, word)| {
        let word = word.to_lowercase();
        let fits = |(name, text): &(&str, String)| (column.is_empty() || name == column) && text.contains(&word);
        columns.iter().any(fits)
    })
}

/// One page of a filter.
pub(crate) fn page(
    connection: &Connection,
    filter: &Filter,
    before: Option<BackupId>,
    limit: usize,
) -> rusqlite::Result<Page> {
    let limit = limit.clamp(1, MAX_PAGE);
    let built = build(filter, before);
    let mut query = connection.prepare_cached(&built.sql)?;
    let mut rows = query.query(params_from_iter(&built.values))?;
    let mut page = Page { entries: Vec::new(), next: None };
    let mut examined = 0usize;
    let mut last = None;
    while let Some(row) = rows.next()? {
        if page.entries.len() == limit || examined == MAX_EXAMINED {
            page.next = last;
            break;
        }
        examined = examined.saturating_add(1);
        let entry = read_entry(row)?;
        last = Some(entry.id);
        if has_words(&entry, &built.short) {
            page.entries.push(entry);
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use rusqlite::params_from_iter;

    use super::build;
    use crate::entry::{BackupId, Filter};
    use crate::index::SqliteIndex;

    /// What SQLite would do for a filter.
    fn plan(index: &SqliteIndex, filter: &Filter) -> Vec<String> {
        let built = build(filter, Some(BackupId::first_of(1_700_000_000_000)));
        let sql = format!("EXPLAIN QUERY PLAN {}", built.sql);
        let steps = index.db().read("explain", |c| {
            c.prepare(&sql)?.query_map(params_from_iter(&built.values), |row| row.get::<_, String>(3))?.collect()
        });
        steps.unwrap()
    }

    #[test]
    fn the_common_filters_use_an_index() {
        let dir = tempfile::tempdir().unwrap();
        let index = SqliteIndex::open(dir.path()).unwrap();
        let word = || Some("example".to_owned());
        let cases = [
            (Filter::default(), "e USING INTEGER PRIMARY KEY"),
            (Filter { since_ms: Some(1), until_ms: Some(2), ..Filter::default() }, "e USING INTEGER PRIMARY KEY"),
            (Filter { status: word(), ..Filter::default() }, "e USING INDEX entries_by_status"),
            (Filter { sender: word(), ..Filter::default() }, "search VIRTUAL TABLE INDEX"),
            (Filter { recipient: word(), status: word(), ..Filter::default() }, "search VIRTUAL TABLE INDEX"),
            (Filter { subject: word(), since_ms: Some(1), ..Filter::default() }, "search VIRTUAL TABLE INDEX"),
            (Filter { text: word(), ..Filter::default() }, "search VIRTUAL TABLE INDEX"),
            (
                Filter { message: Some(mail::arrival::MessageId::new(1, [0; 10])), ..Filter::default() },
                "e USING INDEX entries_by_message",
            ),
        ];
        for (filter, wanted) in cases {
            let steps = plan(&index, &filter);
            assert!(steps[0].contains(wanted), "{filter:?}: {steps:?}");
            assert!(steps[1..].iter().all(|s| s.starts_with("SEARCH")), "{filter:?}: {steps:?}");
            assert!(!steps.iter().any(|s| s.contains("TEMP B-TREE")), "sorted by the index: {filter:?}: {steps:?}");
        }
    }
}
