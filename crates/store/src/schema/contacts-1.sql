-- Who wrote to us, and whom we wrote to. Keys are keyed hashes: nobody reads addresses here.
CREATE TABLE contacts(
  key BLOB PRIMARY KEY,
  last_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX contacts_by_last ON contacts(last_ms);
CREATE TABLE since(at_ms INTEGER NOT NULL);
