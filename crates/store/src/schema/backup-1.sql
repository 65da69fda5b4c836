-- Backup's index, version 1. Times are inside the ids (see entry.rs); addresses are keyed, 32 bytes.
CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;

-- One row a sealed content. owner: the entry whose description lies inside the file.
CREATE TABLE blobs(
  address BLOB PRIMARY KEY,
  owner   INTEGER NOT NULL,
  stored  INTEGER NOT NULL,
  size    INTEGER NOT NULL,
  damaged TEXT
) WITHOUT ROWID, STRICT;

-- One row an entry. note: bytes of its own small file, 0 for the owner. released: JSON array.
CREATE TABLE entries(
  id        INTEGER PRIMARY KEY,
  address   BLOB NOT NULL REFERENCES blobs(address),
  message   BLOB NOT NULL,
  status    TEXT NOT NULL,
  detail    TEXT NOT NULL,
  released  TEXT NOT NULL DEFAULT '[]',
  note      INTEGER NOT NULL,
  recovered INTEGER NOT NULL
) STRICT;
CREATE INDEX entries_by_address ON entries(address);
CREATE INDEX entries_by_message ON entries(message);
CREATE INDEX entries_by_status ON entries(status, id);

-- Any three characters or more are found anywhere in a text, in any case.
CREATE VIRTUAL TABLE search USING fts5(
  sender, recipient, subject, other,
  content='', contentless_delete=1, tokenize='trigram'
);

-- Files whose rows are gone and that are to be removed.
CREATE TABLE doomed(name TEXT PRIMARY KEY) STRICT;

CREATE TABLE totals(one INTEGER PRIMARY KEY CHECK (one = 1), entries INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
INSERT INTO totals VALUES (1, 0, 0);
CREATE TRIGGER entries_added AFTER INSERT ON entries BEGIN
  UPDATE totals SET entries = entries + 1, bytes = bytes + new.note;
END;
CREATE TRIGGER entries_changed AFTER UPDATE OF note ON entries BEGIN
  UPDATE totals SET bytes = bytes - old.note + new.note;
END;
CREATE TRIGGER entries_deleted AFTER DELETE ON entries BEGIN
  UPDATE totals SET entries = entries - 1, bytes = bytes - old.note;
END;
CREATE TRIGGER blobs_added AFTER INSERT ON blobs BEGIN
  UPDATE totals SET bytes = bytes + new.stored;
END;
CREATE TRIGGER blobs_changed AFTER UPDATE OF stored ON blobs BEGIN
  UPDATE totals SET bytes = bytes - old.stored + new.stored;
END;
CREATE TRIGGER blobs_deleted AFTER DELETE ON blobs BEGIN
  UPDATE totals SET bytes = bytes - old.stored;
END;
