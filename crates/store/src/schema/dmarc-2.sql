-- What is seen is bytes from now on. What was counted as text is forgotten: a day's reports at most.
DROP TABLE seen;
CREATE TABLE seen(
  day INTEGER NOT NULL,
  domain TEXT NOT NULL,
  what BLOB NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(day, domain, what)
) WITHOUT ROWID, STRICT;
DELETE FROM days;
UPDATE totals SET held = 0, bytes = 0;
CREATE TRIGGER seen_added AFTER INSERT ON seen BEGIN
  UPDATE totals SET held = held + 1, bytes = bytes + octet_length(new.domain) + length(new.what);
END;
CREATE TRIGGER seen_deleted AFTER DELETE ON seen BEGIN
  UPDATE totals SET held = held - 1, bytes = bytes - octet_length(old.domain) - length(old.what);
END;
-- Reports of DMARC that others sent about domains of ours.
CREATE TABLE received(
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  domain TEXT NOT NULL,
  org TEXT NOT NULL,
  report TEXT NOT NULL,
  begin_s INTEGER NOT NULL,
  end_s INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  proven INTEGER NOT NULL,
  sender TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX received_once ON received(domain, proven, sender, org, report, begin_s);
CREATE INDEX received_by_worth ON received(proven, id);
CREATE TABLE received_totals(held INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
INSERT INTO received_totals(held, bytes) VALUES (0, 0);
CREATE TRIGGER received_added AFTER INSERT ON received BEGIN
  UPDATE received_totals SET held = held + 1, bytes = bytes
    + octet_length(new.detail) + octet_length(new.domain) + octet_length(new.sender)
    + octet_length(new.org) + octet_length(new.report);
END;
CREATE TRIGGER received_deleted AFTER DELETE ON received BEGIN
  UPDATE received_totals SET held = held - 1, bytes = bytes - (
    octet_length(old.detail) + octet_length(old.domain) + octet_length(old.sender)
    + octet_length(old.org) + octet_length(old.report));
END;
