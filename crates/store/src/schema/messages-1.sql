-- Message log, version 1. key: milliseconds since 1970, then 20 bits that tell rows apart.
CREATE TABLE messages(
  key    INTEGER PRIMARY KEY,
  id     BLOB NOT NULL,
  status TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX messages_by_id ON messages(id);
CREATE INDEX messages_by_status ON messages(status, key);

-- Senders and recipients in lower case, each as a whole and as @domain.
CREATE TABLE addresses(
  address TEXT NOT NULL,
  key     INTEGER NOT NULL,
  PRIMARY KEY (address, key)
) WITHOUT ROWID, STRICT;
CREATE INDEX addresses_by_key ON addresses(key);
