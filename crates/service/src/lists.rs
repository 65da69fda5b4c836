//! The lists of senders and recipients in force: from the store, to a message's standing.

use std::sync::Arc;

use judge::lists::exchange::Change;
use judge::lists::{self, Asked, List, Lists, ListsError, Purpose, Record, Scope, Value};
use judge::policy::Policy;
use mail::arrival::Arrival;
use mail::evidence::{Report, Standing};
use net::auth::{MAX_HEAD, from_addresses};
use store::{ListChange, ListRow, Store, StoreError};

use crate::examine::off_thread;
use crate::flow::Bench;
use crate::metrics::{EntriesLabels, Metrics};
use crate::spool::Spool;

/// Why there are no lists, or new ones are refused.
#[derive(Debug)]
pub enum ListFailure {
    /// The store.
    Store(StoreError),
    /// What they would hold.
    Lists(ListsError),
}

impl std::fmt::Display for ListFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => write!(f, "{error}"),
            Self::Lists(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ListFailure {}

/// The lists of a data directory. An entry that this version cannot read is told in the log and left out.
///
/// # Errors
/// The store.
pub fn load(store: &Store) -> Result<Lists, StoreError> {
    let mut records: Vec<Record> = Vec::new();
    for row in store.lists()? {
        match record(&row) {
            Some(record) => records.push(record),
            None => {
                tracing::error!(entry = %row.id, "an entry of a list cannot be read by this version; it does not count")
            }
        }
    }
    sort(&mut records);
    match Lists::new(records) {
        Ok(lists) => Ok(lists),
        Err(error) => {
            // Only a store that another version, or somebody by hand, has written.
            tracing::error!(%error, "the lists of senders cannot be used; none of them counts");
            Ok(Lists::default())
        }
    }
}

/// The entries of a data directory that this version cannot read, by their names.
///
/// # Errors
/// The store.
pub fn unreadable(store: &Store) -> Result<Vec<String>, StoreError> {
    Ok(store.lists()?.into_iter().filter(|row| record(row).is_none()).map(|row| row.id).collect())
}

/// Shows how many entries there are.
pub(crate) fn count(metrics: &Metrics, lists: &Lists) {
    for list in List::ALL {
        let (organisation, person) = lists.count(list);
        for (owner, entries) in [("organisation", organisation), ("person", person)] {
            let labels = EntriesLabels { list: list.name(), owner };
            metrics.list_entries.get_or_create(&labels).set(i64::try_from(entries).unwrap_or(i64::MAX));
        }
    }
}

/// In the order in which they are shown.
fn sort(records: &mut [Record]) {
    records.sort_by(|a, b| (a.list, &a.owner, a.purpose, &a.value).cmp(&(b.list, &b.owner, b.purpose, &b.value)));
}

fn record(row: &ListRow) -> Option<Record> {
    Some(Record {
        id: row.id.clone(),
        list: List::named(&row.list)?,
        value: Value::parse(&row.value).ok()?,
        purpose: Purpose::named(&row.purpose)?,
        scope: Scope::named(&row.scope)?,
        owner: Some(row.owner.clone()).filter(|owner| !owner.is_empty()),
        comment: row.comment.clone(),
        modified_by: row.modified_by.clone(),
        modified_ms: row.modified_ms,
    })
}

fn row(record: &Record) -> ListRow {
    ListRow {
        id: record.id.clone(),
        list: record.list.name().to_owned(),
        owner: record.owner.clone().unwrap_or_default(),
        purpose: record.purpose.name().to_owned(),
        value: record.value.to_string(),
        scope: record.scope.name().to_owned(),
        comment: record.comment.clone(),
        modified_by: record.modified_by.clone(),
        modified_ms: record.modified_ms,
    }
}

/// The lists after some changes, which are checked and nothing else.
///
/// # Errors
/// What they would hold cannot be.
pub fn changed(lists: &Lists, changes: &[Change]) -> Result<Lists, ListFailure> {
    let mut records = lists::exchange::applied(lists, changes);
    sort(&mut records);
    Lists::new(records).map_err(ListFailure::Lists)
}

/// Makes changes in the name of `author`, by `how` (`add`, `change`, `remove`, `import`): all of them, durably and with their trail, or none. Gives the lists from now on.
///
/// # Errors
/// What the lists would hold cannot be, or the store.
pub fn change(store: &Store, lists: &Lists, changes: &[Change], author: &str, how: &str) -> Result<Lists, ListFailure> {
    let new = changed(lists, changes)?;
    let rows: Vec<ListChange> = changes
        .iter()
        .map(|change| ListChange { before: change.before.as_ref().map(row), after: change.after.as_ref().map(row) })
        .collect();
    let now = crate::id::now_ms();
    store.change_lists(&rows, author, how, now).map_err(ListFailure::Store)?;
    Ok(new)
}

/// Every mailbox in From, as written, of a header's first MiB; none where no list asks for it. What is left out has the
/// sign `not_all_read`. Read on a thread for such work.
pub async fn authors(lists: &Lists, spool: &Spool) -> Vec<String> {
    if lists.is_empty() {
        return Vec::new();
    }
    // A message that cannot be read is not delivered either.
    let spool = spool.clone();
    off_thread(move || from_addresses(&spool.read_at(0, MAX_HEAD).unwrap_or_default())).await
}

/// How a message's recipients stand.
pub fn standing(
    lists: &Arc<Lists>,
    policy: &Policy,
    site: &judge::site::Site,
    arrival: &Arrival,
    report: &Report,
    authors: &[String],
) -> Standing {
    lists::standing(&Asked { lists, policy, site, arrival, authors, auth: report.auth() })
}

/// The report of a message with how its recipients stand.
pub(crate) fn with_standing(bench: Bench<'_>, arrival: &Arrival, report: Report, authors: &[String]) -> Report {
    let standing = standing(bench.lists, bench.policy, bench.site, arrival, &report, authors);
    report.with_standing(standing)
}
