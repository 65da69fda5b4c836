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
CREATE UNIQUE INDEX received_once ON received(domain, sender, org, report, begin_s);
CREATE INDEX received_by_worth ON received(proven, id);
CREATE TABLE received_totals(held INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
INSERT INTO received_totals(held, bytes) VALUES (0, 0);
CREATE TRIGGER received_added AFTER INSERT ON received BEGIN
  UPDATE received_totals SET held = held + 1, bytes = bytes + length(new.detail);
END;
CREATE TRIGGER received_deleted AFTER DELETE ON received BEGIN
  UPDATE received_totals SET held = held - 1, bytes = bytes - length(old.detail);
END;
