-- Policy revisions and small state, version 1. Times are milliseconds since 1970.
CREATE TABLE revisions(
  number  INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms   INTEGER NOT NULL,
  author  TEXT NOT NULL,
  comment TEXT NOT NULL,
  text    TEXT NOT NULL
) STRICT;

CREATE TABLE state(
  key   TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  value BLOB NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX state_by_time ON state(at_ms);
