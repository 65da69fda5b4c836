//! Several TOML texts as one tree: the file and its fragments.
//!
//! Every text has a range of places of its own, so that a place tells its text. Tables of the same name
//! become one, lists of tables one after the other; any other key may stand in one text only.

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::problem::Problem;
use crate::tree::{MAX_FILE, join};

/// How far the places of one text lie from those of the next; more than a text can have.
const STRIDE: usize = MAX_FILE * 2;

/// A text and its name.
#[derive(Clone, Debug)]
pub(crate) struct Text<'t> {
    /// Where it comes from, for people.
    pub(crate) origin: &'t str,
    /// The text.
    pub(crate) text: &'t str,
}

/// Where the places of a text begin.
fn base(number: usize) -> usize {
    number.saturating_mul(STRIDE)
}

/// The number of the text that a place is in, and the place in it.
pub(crate) fn locate(place: usize) -> (usize, usize) {
    (place / STRIDE, place % STRIDE)
}

/// A tree of one text with its places among all places.
pub(crate) fn placed<'t>(root: Spanned<DeTable<'t>>, number: usize) -> Spanned<DeTable<'t>> {
    if number == 0 {
        return root;
    }
    let by = base(number);
    let span = moved(root.span(), by);
    Spanned::new(span, table(root.into_inner(), by))
}

fn moved(span: std::ops::Range<usize>, by: usize) -> std::ops::Range<usize> {
    span.start.saturating_add(by)..span.end.saturating_add(by)
}

/// Recurses as deep as the TOML parser lets a text be nested.
fn table<'t>(old: DeTable<'t>, by: usize) -> DeTable<'t> {
    let mut new = DeTable::new();
    for (key, value) in old {
        let key = Spanned::new(moved(key.span(), by), key.into_inner());
        new.insert(key, item(value, by));
    }
    new
}

fn item<'t>(old: Spanned<DeValue<'t>>, by: usize) -> Spanned<DeValue<'t>> {
    let span = moved(old.span(), by);
    let value = match old.into_inner() {
        DeValue::Table(inner) => DeValue::Table(table(inner, by)),
        DeValue::Array(items) => {
            let mut array = DeArray::new();
            for old in items {
                array.push(item(old, by));
            }
            DeValue::Array(array)
        }
        other => other,
    };
    Spanned::new(span, value)
}

/// A key that stands in two texts: its name, and both places.
pub(crate) struct Twice {
    pub(crate) key: String,
    pub(crate) first: usize,
    pub(crate) second: usize,
}

impl Twice {
    /// The problem, at the second place.
    pub(crate) fn problem(&self, first: &str) -> Problem {
        Problem::error(&self.key, format!("{} is set in {first} too", self.key))
            .hint("write it in one of the two files".to_owned())
    }
}

/// Puts what another text says into the tree. Recurses as deep as the texts are nested.
pub(crate) fn add<'t>(into: &mut DeTable<'t>, from: DeTable<'t>, path: &str, twice: &mut Vec<Twice>) {
    for (key, value) in from {
        let name = join(path, key.get_ref());
        let second = value.span().start;
        let Some(present) = into.get_mut(key.get_ref().as_ref()) else {
            into.insert(key, value);
            continue;
        };
        let first = present.span().start;
        match (present.get_mut(), value.into_inner()) {
            (DeValue::Table(inner), DeValue::Table(more)) => add(inner, more, &name, twice),
            (DeValue::Array(items), DeValue::Array(more)) if of_tables(items) && of_tables(&more) => {
                for item in more {
                    items.push(item);
                }
            }
            _ => twice.push(Twice { key: name, first, second }),
        }
    }
}

/// Whether a list is one of tables: `[[smtp]]`.
fn of_tables(items: &DeArray<'_>) -> bool {
    !items.is_empty() && items.iter().all(|item| item.get_ref().is_table())
}
