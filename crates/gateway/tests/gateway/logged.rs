//! Everything that is logged, at every level, as field names and texts.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::prelude::*;

static EVENTS: Mutex<Vec<Event>> = Mutex::new(Vec::new());

/// One event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Event {
    pub(crate) target: &'static str,
    fields: BTreeMap<&'static str, String>,
}

impl Event {
    /// A field's text; panics when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.fields.get(name).map(String::as_str).unwrap_or_else(|| panic!("no field {name} in {self:?}"))
    }
}

impl Visit for Event {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

struct Collect;

impl<S: tracing::Subscriber> Layer<S> for Collect {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut seen = Event { target: event.metadata().target(), ..Event::default() };
        event.record(&mut seen);
        events().push(seen);
    }
}

fn events() -> MutexGuard<'static, Vec<Event>> {
    EVENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn start() {
    tracing_subscriber::registry().with(Collect).init();
}

pub(crate) fn clear() {
    events().clear();
}

/// All events since the case began.
pub(crate) fn all() -> Vec<Event> {
    events().clone()
}

/// The lines of messages, once there are that many.
pub(crate) async fn messages(count: usize) -> Vec<Event> {
    let lines = || -> Vec<Event> { all().into_iter().filter(|event| event.target == "message").collect() };
    testkit::wait_until("the lines of messages", testkit::PATIENCE, || lines().len() >= count).await;
    let lines = lines();
    assert_eq!(lines.len(), count, "one line a message: {lines:#?}");
    lines
}

/// The line of the only message.
pub(crate) async fn message() -> Event {
    messages(1).await.remove(0)
}
