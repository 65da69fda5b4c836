-- Greylisting: who tried when. Keys are keyed hashes: nobody reads addresses here.
CREATE TABLE pairs(
  key BLOB PRIMARY KEY,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  passed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX pairs_by_last ON pairs(last_ms);
CREATE TABLE clients(
  key BLOB PRIMARY KEY,
  last_ms INTEGER NOT NULL,
  passed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX clients_by_last ON clients(last_ms);
