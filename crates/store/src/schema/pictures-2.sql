-- A small copy of each, by which pictures are told apart that hashes say are near; empty for what was learnt before.
ALTER TABLE pictures ADD COLUMN copy BLOB NOT NULL DEFAULT x'';
