-- What DMARC came to, by day and policy domain, until the day's report was sent.
CREATE TABLE seen(
  day INTEGER NOT NULL,
  domain TEXT NOT NULL,
  what TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(day, domain, what)
) WITHOUT ROWID, STRICT;
-- The same by day and domain, so that nothing is counted by reading all of it.
CREATE TABLE days(
  day INTEGER NOT NULL,
  domain TEXT NOT NULL,
  held INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  PRIMARY KEY(day, domain)
) WITHOUT ROWID, STRICT;
CREATE TABLE totals(held INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
INSERT INTO totals(held, bytes) VALUES (0, 0);
CREATE TRIGGER seen_added AFTER INSERT ON seen BEGIN
  UPDATE totals SET held = held + 1, bytes = bytes + length(new.domain) + length(new.what);
END;
CREATE TRIGGER seen_deleted AFTER DELETE ON seen BEGIN
  UPDATE totals SET held = held - 1, bytes = bytes - length(old.domain) - length(old.what);
END;
