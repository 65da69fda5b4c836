//! All engines on one object.
//!
//! An engine's panic is its own failure, not ours. What was looked at already is not looked at again, if
//! all that engines are told of it is the same: its names, kind and place count, since rules see them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ::engines::{Detection, ObjectEngine, ObjectView};
use mail::evidence::{Coverage, EngineId, FileKind, ObjectId, Seen, UnableWhy};
use unpack::Budget;

use crate::engines::Engines;
use crate::table::Table;

/// Longest time one engine gets for one object. The watchdog's deadline is far below the sum.
const ENGINE_TIME: Duration = Duration::from_secs(10);
/// Most detections of one engine in one object.
const MAX_DETECTIONS: usize = 200;

/// Which engines an object is shown to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scope {
    /// To all.
    All,
    /// To the lists of hashes only: a message, whose parts are objects of their own.
    Hashes,
    /// To none: a multipart, which has no content of its own.
    None,
}

/// What engines said of one object.
#[derive(Clone, Default)]
struct Looked {
    found: Vec<(EngineId, Detection)>,
    coverage: Vec<Coverage>,
}

/// All that engines are told of an object.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    sha256: [u8; 32],
    kind: FileKind,
    name: Option<String>,
    other_names: Vec<String>,
    depth: u16,
    root: bool,
}

impl Key {
    fn of(view: &ObjectView<'_>) -> Self {
        Self {
            sha256: *view.sha256,
            kind: view.kind,
            name: view.name.map(str::to_owned),
            other_names: view.other_names.iter().map(|name| (*name).to_owned()).collect(),
            depth: view.depth,
            root: view.root,
        }
    }
}

/// Objects seen before.
#[derive(Default)]
pub(crate) struct Looks(BTreeMap<Key, Looked>);

impl Looks {
    /// Shows an object to the engines and puts what they say into the table.
    pub(crate) fn look(
        &mut self,
        engines: &Engines,
        view: &ObjectView<'_>,
        scope: Scope,
        budget: &mut Budget,
        table: &mut Table,
        id: ObjectId,
    ) {
        let key = Key::of(view);
        let looked = match self.0.get(&key).filter(|_| scope == Scope::All) {
            Some(before) => before.clone(),
            None => look(engines, view, scope, budget),
        };
        for (engine, detection) in &looked.found {
            table.detected(id, *engine, detection);
        }
        for coverage in &looked.coverage {
            table.cover(id, coverage.engine, coverage.seen);
        }
        if scope == Scope::All && looked.coverage.iter().all(|coverage| coverage.seen == Seen::Examined) {
            self.0.entry(key).or_insert(looked);
        }
    }
}

fn look(engines: &Engines, view: &ObjectView<'_>, scope: Scope, budget: &mut Budget) -> Looked {
    let mut looked = Looked::default();
    for engine in &engines.objects {
        let id = engine.id();
        let wanted = match scope {
            Scope::All => true,
            Scope::Hashes => id == EngineId::HashList,
            Scope::None => false,
        };
        let seen = if wanted { run(engine.as_ref(), view, budget, &mut looked.found) } else { Seen::Examined };
        looked.coverage.push(Coverage { engine: id, seen });
    }
    looked
}

/// One engine on one object.
fn run(
    engine: &dyn ObjectEngine,
    view: &ObjectView<'_>,
    budget: &mut Budget,
    found: &mut Vec<(EngineId, Detection)>,
) -> Seen {
    if budget.burn(view.bytes.len() as u64).is_err() {
        return out_of_time(budget);
    }
    let mut detections = Vec::new();
    let result = catch_unwind(AssertUnwindSafe(|| engine.examine(view, ENGINE_TIME, &mut detections)));
    detections.truncate(MAX_DETECTIONS);
    found.extend(detections.into_iter().map(|detection| (engine.id(), detection)));
    match result {
        Ok(Ok(())) => Seen::Examined,
        Ok(Err(unable)) => Seen::Unable(unable.why),
        Err(_panic) => Seen::Unable(UnableWhy::Crashed),
    }
}

/// What it means for an object that no work is left: the time limit of its archive excludes it
/// (spec AR-02, D-12), the limit of the examination or the watchdog leaves it unexamined.
pub(crate) fn out_of_time(budget: &Budget) -> Seen {
    if budget.stop_flag().is_set() || budget.fuel_used() > budget.limits().fuel {
        Seen::Unable(UnableWhy::Time)
    } else {
        Seen::Excluded
    }
}
