//! Finding the objects of a document: by its tables, in its object streams, and which of them only one way of
//! reading shows.
//!
//! Limits: those of `xref.rs`.

use std::collections::BTreeSet;

use mail::evidence::UnscannedReason;

use super::crypt::Part;
use super::document::{BYTE_FUEL, Document, OBJECT_FUEL};
use super::lex::{Dict, Lexer, Value};
use super::xref::{self, Entry, MAX_OBJECTS, MAX_TABLES, Place, Table};
use crate::budget::{Budget, Limit};
use crate::bytes::{between, take};

impl Document {
    /// All that the tables of the file say.
    pub(super) fn tables(&mut self, data: &[u8], budget: &mut Budget) -> Result<Table, Limit> {
        let base = xref::base(data);
        let mut table = Table::default();
        let mut todo = xref::starts(data);
        let mut seen = BTreeSet::new();
        while let Some(at) = todo.pop() {
            if seen.len() >= MAX_TABLES || !seen.insert(at) {
                continue;
            }
            budget.burn(OBJECT_FUEL)?;
            let before = table.places.len();
            let trailer = [at, at.saturating_add(base)].into_iter().find_map(|at| {
                let window = between(data, at, at.saturating_add(64)).trim_ascii_start();
                let skip = between(data, at, at.saturating_add(64)).len().saturating_sub(window.len());
                window.starts_with(b"xref").then(|| at.saturating_add(skip).saturating_add(4))
            });
            let trailer = match trailer {
                Some(at) => xref::read_table(data, at, &mut table),
                None => self.table_stream(data, at, base, &mut table, budget)?,
            };
            budget.burn((table.places.len().saturating_sub(before) as u64).saturating_mul(OBJECT_FUEL))?;
            let Some(trailer) = trailer else { continue };
            let place = |key: &[u8]| trailer.get(key).and_then(Value::size);
            todo.extend(place(b"Prev"));
            todo.extend(place(b"XRefStm"));
            table.trailers.push(trailer);
        }
        Ok(table)
    }

    /// The table in the stream of the object at a place.
    fn table_stream(
        &mut self,
        data: &[u8],
        at: usize,
        base: usize,
        table: &mut Table,
        budget: &mut Budget,
    ) -> Result<Option<Dict>, Limit> {
        let places = [at, at.saturating_add(base)];
        let found = places.into_iter().find_map(|at| {
            let (_, _, behind) = xref::head_at(data, at)?;
            self.entries.binary_search_by_key(&(behind as u32), |entry| entry.at).ok()
        });
        let Some(place) = found else { return Ok(None) };
        let object = self.object(data, place, budget)?;
        let stream = self.stream(data, place, &object, Part::Stream, budget)?;
        xref::read_stream(object.dict(), &stream.content, table);
        Ok(object.value.dict().cloned())
    }

    /// Trailers that no table leads to.
    pub(super) fn further_trailers(&mut self, data: &[u8], budget: &mut Budget) -> Result<(), Limit> {
        for at in memchr::memmem::find_iter(data, b"trailer").take(MAX_TABLES) {
            let mut lexer = Lexer::new(between(data, 0, at.saturating_add(64 * 1024)), at.saturating_add(7));
            let (value, ..) = lexer.object();
            budget.burn((lexer.at.saturating_sub(at) as u64).saturating_mul(BYTE_FUEL))?;
            if let Value::Dict(trailer) = value
                && !self.trailers.contains(&trailer)
            {
                self.trailers.push(trailer);
            }
        }
        // The last table streams stand at the end.
        let tables = |at: &usize| {
            self.entries.get(*at).is_some_and(|entry| {
                memchr::memmem::find(
                    between(data, entry.at as usize, (entry.at as usize).saturating_add(512)),
                    b"/XRef",
                )
                .is_some()
            })
        };
        let places: Vec<usize> = (0..self.entries.len()).rev().filter(tables).take(MAX_TABLES).collect();
        for place in places {
            let object = self.object(data, place, budget)?;
            if object.dict().is(b"Type", b"XRef") && !self.trailers.contains(object.dict()) {
                self.trailers.push(object.dict().clone());
            }
        }
        Ok(())
    }

    /// Adds the objects that stand in object streams.
    pub(super) fn object_streams(&mut self, data: &[u8], table: &Table, budget: &mut Budget) -> Result<(), Limit> {
        for place in 0..self.entries.len() {
            let object = self.object(data, place, budget)?;
            if object.stream.is_none() || !object.dict().is(b"Type", b"ObjStm") {
                continue;
            }
            let stream = self.stream(data, place, &object, Part::Stream, budget)?;
            if !stream.whole && !self.is_locked() {
                self.problem(UnscannedReason::Damaged);
            }
            let Some(holder) = self.entries.get(place).copied() else { continue };
            let objects = xref::read_object_stream(object.dict(), &stream.content);
            budget.burn((objects.len() as u64).saturating_mul(OBJECT_FUEL))?;
            self.buffers.push(stream.content);
            let buffer = self.buffers.len() as u32;
            for (index, (number, range)) in objects.into_iter().enumerate() {
                if self.entries.len() >= MAX_OBJECTS {
                    self.problem(UnscannedReason::LimitObjects);
                    return Ok(());
                }
                let listed = table.places.get(&number) == Some(&Place::In(holder.number, index));
                let (start, at) = (range.end as u32, range.start as u32);
                self.entries.push(Entry { number, generation: 0, buffer, start, at, hidden: !listed });
            }
        }
        Ok(())
    }

    /// Tells what only one of the two readings has.
    pub(super) fn mark_hidden(&mut self, data: &[u8], table: &Table, budget: &mut Budget) -> Result<(), Limit> {
        let base = xref::base(data);
        let file = self.entries.iter().take_while(|entry| entry.buffer == 0).count();
        for entry in self.entries.iter_mut().take(file) {
            let fits = |place: usize| {
                let gap = (entry.start as usize).checked_sub(place);
                gap.is_some_and(|gap| gap <= 16 && between(data, place, entry.start as usize).trim_ascii().is_empty())
            };
            let listed = match table.places.get(&entry.number) {
                Some(Place::At(place)) => fits(*place) || fits(place.saturating_add(base)),
                _ => false,
            };
            entry.hidden = !listed;
        }
        let root = table.trailers.first().and_then(|trailer| trailer.get(b"Root")).and_then(Value::reference);
        let shown = root
            .and_then(|root| self.current(root))
            .filter(|place| self.entries.get(*place).is_some_and(|entry| !entry.hidden));
        let sound = match shown {
            Some(place) => self.object(data, place, budget)?.value.dict().is_some(),
            None => false,
        };
        if sound {
            return self.only_listed(data, table, base);
        }
        // A table that leads nowhere: readers make one of what they find, and the last word counts.
        for entry in &mut self.entries {
            entry.hidden = true;
        }
        let mut last: Option<(u32, u32)> = None;
        for place in self.by_number.iter().copied().chain([u32::MAX]) {
            let number = self.entries.get(place as usize).map_or(u32::MAX, |entry| entry.number);
            if let Some((_, before)) = last.filter(|(before, _)| *before != number)
                && let Some(entry) = self.entries.get_mut(before as usize)
            {
                entry.hidden = false;
            }
            last = Some((number, place));
        }
        Ok(())
    }

    /// Adds what a table lists and the other reading did not find.
    fn only_listed(&mut self, data: &[u8], table: &Table, base: usize) -> Result<(), Limit> {
        let known: BTreeSet<u32> = self.entries.iter().filter(|e| e.buffer == 0).map(|entry| entry.at).collect();
        for (number, place) in &table.places {
            let Place::At(place) = *place else { continue };
            let shown = self.current(*number).and_then(|at| self.entries.get(at)).is_some_and(|entry| !entry.hidden);
            if shown || self.entries.len() >= MAX_OBJECTS {
                continue;
            }
            let found = [place, place.saturating_add(base)].into_iter().find_map(|place| xref::head_at(data, place));
            let Some((number, generation, at)) = found else { continue };
            if !known.contains(&(at as u32)) && take(data, at, 1).is_some() {
                let at = at as u32;
                self.entries.push(Entry { number, generation, buffer: 0, start: at, at, hidden: true });
            }
        }
        self.sort();
        Ok(())
    }
}
