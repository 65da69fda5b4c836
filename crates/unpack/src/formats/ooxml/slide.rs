//! PresentationML and DrawingML (ECMA-376 part 1, 19 and 21): text of slides, notes, shapes, charts and
//! diagrams; hidden slides and shapes; actions of shapes that run something.
//!
//! Limit: [`MAX_ACTIONS`]. The prompts of layouts and masters are no text of the document.

use mail::evidence::Active;

use super::package::Package;
use super::{Document, acts, word};
use crate::views::{Views, links};
use crate::xml::{Event, Reader, Tag};

/// Most actions of one document that are looked at.
const MAX_ACTIONS: usize = 4096;
/// Letters of this height or less are not read: hundredths of a point.
const MAX_TINY: u32 = 100;

/// What happens when a shape is clicked or pointed at.
pub(super) struct Action {
    part: String,
    /// The relationship that names its target.
    id: String,
    /// What it does (`ppaction://program`).
    verb: String,
    /// Pointing is enough.
    hover: bool,
}

impl Action {
    /// The actions of an element, one for each relationship and verb that it names, at most this many and one.
    fn read(part: &str, tag: &Tag<'_>, most: usize) -> Vec<Self> {
        let texts = |name: &str| {
            let texts: Vec<String> = tag.all(name).map(|text| links::kept(&text)).collect();
            if texts.is_empty() { vec![String::new()] } else { texts }
        };
        let hover = matches!(tag.name, "hlinkMouseOver" | "hlinkHover");
        let (ids, verbs) = (texts("id"), texts("action"));
        let pairs = ids.iter().flat_map(|id| verbs.iter().map(move |verb| (id.clone(), verb.clone())));
        let actions = pairs.map(|(id, verb)| Self { part: part.to_owned(), id, verb, hover });
        actions.take(most.saturating_add(1)).collect()
    }

    /// Tells what it does, if it is more than to go to another slide or page.
    pub(super) fn tell(&self, package: &Package, views: &mut Views) {
        let target = package.target(&self.part, &self.id).unwrap_or("");
        let verb = self.verb.to_ascii_lowercase();
        let opens = verb.starts_with("ppaction://hlinkfile") || verb.is_empty();
        if acts::runs(&self.verb) || opens && links::starts_program(target) {
            views.act(Active::Launch, Some(&self.part), format!("{} {target}", self.verb).trim().to_owned());
        } else if self.hover && links::is_remote(target) {
            views.act(Active::OpenUri, Some(&self.part), target.to_owned());
        }
    }
}

/// Reads a part with this root.
pub(super) fn read(name: &str, root: &str, reader: &mut Reader<'_>, document: &mut Document) {
    let prompts = matches!(root, "sldLayout" | "sldMaster");
    let (mut slide_hidden, mut shape_hidden, mut tiny, mut text) = (false, false, false, false);
    for event in reader.by_ref() {
        match event {
            Event::Start(tag) => match tag.name {
                "sld" => slide_hidden = tag.get("show").is_some_and(|show| matches!(&*show, "0" | "false")),
                "cNvPr" => shape_hidden = tag.is_on("hidden"),
                "r" | "fld" => tiny = false,
                "rPr" => {
                    tiny = tag.get("sz").and_then(|size| size.parse::<u32>().ok()).is_some_and(|size| size <= MAX_TINY)
                }
                "t" | "v" => text = !tag.empty && !prompts,
                "text" => text = !tag.empty && root == "cmLst",
                "br" => document.views.text.end_line(slide_hidden),
                "oleObj" => word::object(&tag, &mut document.views),
                "cmd" if tag.all("type").any(|kind| kind == "verb") => {
                    let verb = format!("ole verb {}", tag.get("cmd").unwrap_or_default());
                    document.views.act(Active::Launch, Some(name), links::kept(&verb));
                }
                "hlinkClick" | "hlinkMouseOver" | "hlinkHover" => {
                    let room = MAX_ACTIONS.saturating_sub(document.actions.len());
                    let actions = Action::read(name, &tag, room);
                    if actions.len() > room {
                        document.views.limit();
                    }
                    document.actions.extend(actions.into_iter().take(room));
                }
                _ => {}
            },
            Event::End("t" | "v" | "text") => {
                text = false;
                // Values of a chart stand apart.
                if root == "chartSpace" {
                    document.views.text.push_char(' ', false);
                }
            }
            Event::End("p") => {
                document.views.text.end_line(false);
                document.views.text.end_line(true);
            }
            Event::Text(letters) if text => document.views.text.push(&letters, slide_hidden || shape_hidden || tiny),
            _ => {}
        }
    }
    document.views.text.end_line(false);
}
