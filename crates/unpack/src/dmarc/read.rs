//! Reading a report: by the names of elements and where they stand, whatever else there is. Damage is what makes what
//! is shown wrong: XML that is broken, no reporter, domain or time, a source that is no address, a count that is none.

use std::net::IpAddr;

use super::{Aggregate, AuthSeen, MAX_AUTH, MAX_POLICY, MAX_REASONS, MAX_RECORDS, MAX_TEXT, Record};
use crate::xml::{Event, Reader, decode};

/// Deepest element that means something; deeper ones are passed over.
const MAX_DEPTH: usize = 8;
/// Largest count of a record; more messages nobody sends from one address in a report's time.
const MAX_COUNT: u64 = 1_000_000_000_000;
/// Latest time: the end of the year 9999, in seconds since 1970.
const MAX_TIME: u64 = 253_402_300_799;
/// How far in the root has to begin, in bytes.
const HEAD: usize = 4096;

/// The report in an XML document; `None` if its root is no `feedback`.
pub fn read(bytes: &[u8]) -> Option<Aggregate> {
    let text = decode(bytes);
    let head = text.get(..text.floor_char_boundary(HEAD)).unwrap_or("");
    if !head.trim_start_matches('\u{feff}').trim_start().starts_with('<') || !head.contains("feedback") {
        return None;
    }
    let mut reader = Reader::new(&text);
    let mut building = Building::default();
    let mut rooted = false;
    for event in reader.by_ref() {
        match event {
            Event::Start(tag) => {
                if !rooted && tag.name != "feedback" {
                    return None;
                }
                rooted = true;
                building.start(tag.name);
                if tag.empty {
                    building.end(tag.name);
                }
            }
            Event::End(name) => building.end(name),
            Event::Text(text) => building.text(&text),
            Event::Instruction(_) => {}
        }
    }
    building.damaged |= reader.is_damaged();
    rooted.then(|| building.finish())
}

#[derive(Default)]
struct Building<'a> {
    path: Vec<&'a str>,
    /// Elements below the deepest that means something.
    beyond: usize,
    value: String,
    report: Aggregate,
    begin: Option<u64>,
    end: Option<u64>,
    record: Record,
    /// What the record says, if that is a number.
    count: Option<u64>,
    seen: AuthSeen,
    damaged: bool,
}

impl<'a> Building<'a> {
    fn start(&mut self, name: &'a str) {
        self.value.clear();
        if self.path.len() >= MAX_DEPTH {
            self.beyond = self.beyond.saturating_add(1);
            return;
        }
        self.path.push(name);
        match self.path.as_slice() {
            ["feedback", "record"] => (self.record, self.count) = (Record::default(), None),
            ["feedback", "record", "auth_results", _] => self.seen = AuthSeen::default(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let room = MAX_TEXT.saturating_sub(self.value.len());
        self.value.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or(text));
    }

    /// An end that fits nothing open ends nothing.
    fn end(&mut self, name: &str) {
        if self.beyond > 0 {
            self.beyond = self.beyond.saturating_sub(1);
            return;
        }
        if self.path.last() != Some(&name) {
            self.damaged = true;
            return;
        }
        let value = std::mem::take(&mut self.value).trim().to_owned();
        self.take(value);
        self.path.pop();
    }

    /// What an element says that ends here.
    fn take(&mut self, value: String) {
        let Some((_, inner)) = self.path.split_first() else { return };
        let number = |most: u64| value.parse::<u64>().ok().filter(|number| *number <= most);
        match inner {
            ["report_metadata", "org_name"] => self.report.org = value,
            ["report_metadata", "email"] => self.report.email = value,
            ["report_metadata", "report_id"] => self.report.id = value,
            ["report_metadata", "date_range", "begin"] => self.begin = number(MAX_TIME),
            ["report_metadata", "date_range", "end"] => self.end = number(MAX_TIME),
            ["policy_published", "domain"] => self.report.domain = value,
            ["policy_published", name] if name.len() > MAX_TEXT => self.damaged = true,
            ["policy_published", name] if self.report.policy.len() < MAX_POLICY => {
                self.report.policy.push(((*name).to_owned(), value));
            }
            ["record", "row", "count"] => self.count = number(MAX_COUNT),
            ["record"] => {
                let record = Record { count: self.count.unwrap_or(0), ..std::mem::take(&mut self.record) };
                self.damaged |= self.count.is_none() || record.source.parse::<IpAddr>().is_err();
                match self.report.records.len() < MAX_RECORDS {
                    true => self.report.records.push(record),
                    false => self.damaged = true,
                }
            }
            ["record", rest @ ..] => of_record(&mut self.record, &mut self.seen, rest, value),
            _ => {}
        }
    }

    fn finish(self) -> Aggregate {
        let timed = self.begin.zip(self.end).is_some_and(|(begin, end)| begin <= end);
        let named = !self.report.org.is_empty() && !self.report.domain.is_empty();
        let damaged = self.damaged || !self.path.is_empty() || self.beyond > 0 || !timed || !named;
        Aggregate { begin: self.begin.unwrap_or(0), end: self.end.unwrap_or(0), damaged, ..self.report }
    }
}

/// What an element of a record says.
fn of_record(record: &mut Record, seen: &mut AuthSeen, path: &[&str], value: String) {
    match path {
        ["row", "source_ip"] => record.source = value,
        ["row", "policy_evaluated", "disposition"] => record.disposition = value,
        ["row", "policy_evaluated", "dkim"] => record.dkim = value,
        ["row", "policy_evaluated", "spf"] => record.spf = value,
        ["row", "policy_evaluated", "reason", "type"] if record.reasons.len() < MAX_REASONS => {
            record.reasons.push(value);
        }
        ["identifiers", "header_from"] => record.header_from = value,
        ["identifiers", "envelope_from"] => record.envelope_from = value,
        ["auth_results", _, "domain"] => seen.domain = value,
        ["auth_results", _, "selector" | "scope"] => seen.detail = value,
        ["auth_results", _, "result"] => seen.result = value,
        ["auth_results", "dkim"] if record.dkim_seen.len() < MAX_AUTH => {
            record.dkim_seen.push(std::mem::take(seen));
        }
        ["auth_results", "spf"] if record.spf_seen.len() < MAX_AUTH => {
            record.spf_seen.push(std::mem::take(seen));
        }
        _ => {}
    }
}
