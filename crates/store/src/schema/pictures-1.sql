-- Pictures that are known: what they look like, never themselves.
CREATE TABLE pictures(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  spam INTEGER NOT NULL,
  learnt_ms INTEGER NOT NULL,
  used_ms INTEGER NOT NULL,
  hits INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  views BLOB NOT NULL
) STRICT;
CREATE INDEX pictures_by_use ON pictures(used_ms);
