-- Version 2: what an entry is as to spam, out of its description; NULL where nobody looked, and before this version.
ALTER TABLE entries ADD COLUMN spam TEXT GENERATED ALWAYS AS (json_extract(detail, '$.spam.status')) VIRTUAL;
CREATE INDEX entries_by_spam ON entries(spam, id);
