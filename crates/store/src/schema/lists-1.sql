-- Lists of senders and recipients, version 1. Times are milliseconds since 1970; owner is empty for the organisation.
CREATE TABLE entries(
  id          TEXT PRIMARY KEY,
  list        TEXT NOT NULL,
  owner       TEXT NOT NULL,
  purpose     TEXT NOT NULL,
  value       TEXT NOT NULL,
  scope       TEXT NOT NULL,
  comment     TEXT NOT NULL,
  modified_by TEXT NOT NULL,
  modified_ms INTEGER NOT NULL,
  UNIQUE (list, owner, purpose, value)
) WITHOUT ROWID, STRICT;

-- Every change of an entry: what it was and what it became, as JSON; null where there was none.
CREATE TABLE changes(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms  INTEGER NOT NULL,
  author TEXT NOT NULL,
  how    TEXT NOT NULL,
  entry  TEXT NOT NULL,
  before TEXT,
  after  TEXT
) STRICT;
CREATE INDEX changes_by_entry ON changes(entry, number);
