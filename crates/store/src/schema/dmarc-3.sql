-- Reports of others go when they are old: found without reading all of them.
CREATE INDEX received_by_age ON received(at_ms);
