//! The text of a document: its pages in their order, then what no page tree leads to (hidden).
//!
//! Limits: [`MAX_PAGES`], [`MAX_FONTS`], [`MAX_TEXT`], [`MAX_CONTENTS`],
//! [`MAX_AGAIN`], [`MAX_CONTENT`].

mod font;
mod glyphs;
mod matrix;
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use mail::evidence::UnscannedReason;

use self::font::Font;
use self::page::{Painter, Place, Texts};
use super::crypt::Part;
use super::document::{Document, Object};
use super::lex::{Dict, Value};
use crate::budget::{Budget, Limit};

/// Most pages whose text is read.
const MAX_PAGES: usize = 10_000;
/// Most fonts that are kept.
const MAX_FONTS: usize = 4096;
/// Most text, in bytes.
const MAX_TEXT: usize = 16 << 20;
/// How much is drawn more than once, on all pages together, in bytes.
const MAX_AGAIN: usize = 16 << 20;
/// Most content of one page, in bytes.
const MAX_CONTENT: usize = 128 << 20;
/// Most streams and annotations of one page.
const MAX_CONTENTS: usize = 4096;

/// What pages inherit (7.7.3.4).
#[derive(Clone, Default)]
struct Inherited {
    resources: Option<Value>,
    area: Option<Value>,
}

/// What is known from earlier pages.
#[derive(Default)]
struct Known {
    /// Fonts that were read, by the number of their object.
    fonts: BTreeMap<u32, Rc<Font>>,
    /// Streams that were drawn, with their sizes.
    drawn: BTreeMap<usize, usize>,
    /// How much was drawn more than once, in bytes.
    again: usize,
}

impl Known {
    /// Whether a stream is to be drawn: once, and again as long as what is drawn again is not too much.
    /// On a hidden page once is enough.
    fn draws(&mut self, place: usize, unseen: bool) -> bool {
        let Some(size) = self.drawn.get(&place) else { return true };
        self.again = self.again.saturating_add(*size).saturating_add(1);
        !unseen && self.again <= MAX_AGAIN
    }

    /// A stream of so many bytes is drawn.
    fn drew(&mut self, place: usize, size: usize) {
        self.drawn.insert(place, size);
    }

    /// The font of a name.
    fn font(
        &mut self,
        document: &mut Document,
        data: &[u8],
        resources: &Dict,
        name: &[u8],
        budget: &mut Budget,
    ) -> Result<Option<Rc<Font>>, Limit> {
        let Value::Dict(all) = document.get(data, resources, b"Font", budget)? else { return Ok(None) };
        let Some(value) = all.get(name) else { return Ok(None) };
        if let Some(font) = value.reference().and_then(|number| self.fonts.get(&number)) {
            return Ok(Some(Rc::clone(font)));
        }
        let Value::Dict(dict) = document.resolve(data, value, budget)? else { return Ok(None) };
        let font = Rc::new(Font::read(document, data, &dict, budget)?);
        if let Some(number) = value.reference().filter(|_| self.fonts.len() < MAX_FONTS) {
            self.fonts.insert(number, Rc::clone(&font));
        }
        Ok(Some(font))
    }
}

/// What is shown, and what is hidden.
///
/// # Errors
/// The limit that was reached.
pub(super) fn read(
    document: &mut Document,
    data: &[u8],
    others: &[usize],
    budget: &mut Budget,
) -> Result<(String, String), Limit> {
    let mut texts = Texts::default();
    let mut things = Known::default();
    let mut pages = tree(document, data, budget)?;
    let known: BTreeSet<usize> = pages.iter().map(|(place, ..)| *place).collect();
    let more = others.iter().filter(|place| !known.contains(place));
    pages.extend(more.map(|place| (*place, Inherited::default(), true)));
    if pages.len() > MAX_PAGES {
        document.problem(UnscannedReason::LimitObjects);
    }
    for (place, inherited, unseen) in pages.into_iter().take(MAX_PAGES) {
        if texts.shown.text.len().saturating_add(texts.hidden.text.len()) > MAX_TEXT {
            document.problem(UnscannedReason::LimitBytes);
            break;
        }
        let at = Place { document: &mut *document, data, budget: &mut *budget };
        draw(at, place, &inherited, unseen, &mut things, &mut texts)?;
        texts.shown.line();
        texts.hidden.line();
    }
    Ok((texts.shown.text, texts.hidden.text))
}

/// The pages that the tree of the current catalog leads to, in their order.
fn tree(document: &mut Document, data: &[u8], budget: &mut Budget) -> Result<Vec<(usize, Inherited, bool)>, Limit> {
    let mut pages = Vec::new();
    let roots: Vec<Value> = document.trailers.iter().filter_map(|trailer| trailer.get(b"Root").cloned()).collect();
    let mut stack = Vec::new();
    for root in roots.iter().take(1) {
        if let Value::Dict(catalog) = document.resolve(data, root, budget)? {
            stack.extend(catalog.get(b"Pages").and_then(Value::reference).map(|number| (number, Inherited::default())));
        }
    }
    let mut seen = BTreeSet::new();
    while let Some((number, mut inherited)) = stack.pop() {
        let Some(place) = document.current(number).filter(|place| seen.insert(*place)) else { continue };
        let object = document.object(data, place, budget)?;
        let dict = object.dict();
        inherit(dict, &mut inherited);
        match document.get(data, dict, b"Kids", budget)? {
            Value::Array(kids) => {
                stack.extend(kids.iter().rev().filter_map(Value::reference).map(|kid| (kid, inherited.clone())));
            }
            _ if pages.len() <= MAX_PAGES => pages.push((place, inherited, false)),
            _ => break,
        }
    }
    Ok(pages)
}

fn inherit(dict: &Dict, inherited: &mut Inherited) {
    if let Some(resources) = dict.get(b"Resources") {
        inherited.resources = Some(resources.clone());
    }
    if let Some(area) = dict.get(b"CropBox").or(dict.get(b"MediaBox")) {
        inherited.area = Some(area.clone());
    }
}

/// One page: its contents as one, then what its annotations show.
fn draw(
    at: Place<'_>,
    place: usize,
    inherited: &Inherited,
    unseen: bool,
    things: &mut Known,
    texts: &mut Texts,
) -> Result<(), Limit> {
    let Place { document, data, budget } = at;
    let object = document.object(data, place, budget)?;
    let mut inherited = inherited.clone();
    inherit(object.dict(), &mut inherited);
    let resources = match &inherited.resources {
        Some(resources) => document.resolve(data, resources, budget)?,
        None => Value::Null,
    };
    let resources = if let Value::Dict(resources) = resources { resources } else { Dict::default() };
    let area = match &inherited.area {
        Some(area) => document.resolve(data, area, budget)?,
        None => Value::Null,
    };
    let mut content = Vec::new();
    for place in streams(document, data, object.dict(), budget)? {
        if !things.draws(place, unseen) {
            continue;
        }
        let object = document.object(data, place, budget)?;
        let piece = self::content(document, data, place, &object, budget)?;
        things.drew(place, piece.len());
        if content.len().saturating_add(piece.len()) > MAX_CONTENT {
            document.problem(UnscannedReason::LimitBytes);
            break;
        }
        content.extend(piece);
        content.push(b'\n');
    }
    let annotations = annotations(document, data, object.dict(), budget)?;
    let mut painter = Painter::new(Place { document, data, budget }, things, texts);
    painter.area = area.array().and_then(area_of);
    painter.unseen = unseen;
    painter.paint(content, resources.clone())?;
    painter.area = None;
    for (content, own) in annotations {
        painter.texts.shown.line();
        painter.paint(content, own.unwrap_or_else(|| resources.clone()))?;
    }
    Ok(())
}

/// The streams of a page.
fn streams(document: &mut Document, data: &[u8], dict: &Dict, budget: &mut Budget) -> Result<Vec<usize>, Limit> {
    let Some(value) = dict.get(b"Contents") else { return Ok(Vec::new()) };
    let values = match document.resolve(data, value, budget)? {
        Value::Array(values) => values,
        _ => vec![value.clone()],
    };
    let numbers = values.iter().take(MAX_CONTENTS).filter_map(Value::reference);
    Ok(numbers.filter_map(|number| document.current(number)).collect())
}

/// A content with resources of its own.
type Appearance = (Vec<u8>, Option<Dict>);

/// The appearances of a page's annotations, with their resources.
fn annotations(
    document: &mut Document,
    data: &[u8],
    dict: &Dict,
    budget: &mut Budget,
) -> Result<Vec<Appearance>, Limit> {
    let Value::Array(all) = document.get(data, dict, b"Annots", budget)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for annotation in all.iter().take(MAX_CONTENTS) {
        let Value::Dict(annotation) = document.resolve(data, annotation, budget)? else { continue };
        let Value::Dict(looks) = document.get(data, &annotation, b"AP", budget)? else { continue };
        let Some(number) = looks.get(b"N").and_then(Value::reference) else { continue };
        let Some(place) = document.current(number) else { continue };
        let object = document.object(data, place, budget)?;
        if object.stream.is_some() {
            let own = document.get(data, object.dict(), b"Resources", budget)?;
            let own = if let Value::Dict(own) = own { Some(own) } else { None };
            found.push((content(document, data, place, &object, budget)?, own));
        }
    }
    Ok(found)
}

/// A content; what is broken in it is told.
fn content(
    document: &mut Document,
    data: &[u8],
    place: usize,
    object: &Object,
    budget: &mut Budget,
) -> Result<Vec<u8>, Limit> {
    let stream = document.stream(data, place, object, Part::Stream, budget)?;
    if !stream.whole && !document.is_locked() {
        document.problem(UnscannedReason::Damaged);
    }
    Ok(stream.content)
}

/// Left, bottom, right, top.
fn area_of(numbers: &[Value]) -> Option<[f64; 4]> {
    let numbers: Vec<f64> = numbers.iter().filter_map(Value::number).collect();
    let [a, b, c, d] = <[f64; 4]>::try_from(numbers.as_slice()).ok()?;
    Some([a.min(c), b.min(d), a.max(c), b.max(d)])
}
