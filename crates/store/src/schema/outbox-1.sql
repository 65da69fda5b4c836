-- The outbox, version 1. Times are milliseconds since 1970; detail: JSON of what never changes.
CREATE TABLE mails(
  id       INTEGER PRIMARY KEY,
  detail   TEXT NOT NULL,
  size     INTEGER NOT NULL,
  stored   INTEGER NOT NULL,
  next_ms  INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  held     INTEGER NOT NULL,
  warned   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX mails_by_time ON mails(held, next_ms);

-- state: 0 waits, 1 taken by a next hop, 2 failed for good.
CREATE TABLE recipients(
  mail       INTEGER NOT NULL REFERENCES mails(id) ON DELETE CASCADE,
  number     INTEGER NOT NULL,
  address    TEXT NOT NULL,
  parameters TEXT NOT NULL,
  state      INTEGER NOT NULL DEFAULT 0,
  at_ms      INTEGER NOT NULL DEFAULT 0,
  said       TEXT NOT NULL DEFAULT '',
  hop        TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (mail, number)
) WITHOUT ROWID, STRICT;
