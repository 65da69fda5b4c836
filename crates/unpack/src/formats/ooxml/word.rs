//! WordprocessingML (ECMA-376 part 1, 17), in a package or as the one file of Word 2003: text, hidden
//! text, field codes, embedded objects.
//!
//! Hidden is what is marked so (`w:vanish`), was deleted, is a point high or less, or is white outside
//! of tables and shapes, whose backgrounds are not known here.

use mail::evidence::Active;

use super::fields::{self, Codes};
use crate::views::{Views, links};
use crate::xml::{Event, Reader, Tag};

/// Letters of this height or less are not read: half points.
const MAX_TINY: u32 = 2;

/// Where the reading is.
#[derive(Default)]
struct State {
    codes: Codes,
    /// What the present run's properties say.
    vanish: bool,
    tiny: bool,
    white: bool,
    shaded: bool,
    /// Inside of what has a background of its own: how many tables and text boxes.
    boxes: usize,
    /// Inside of run properties, of a text, of deleted text.
    properties: bool,
    text: bool,
    deleted: bool,
}

impl State {
    fn hidden(&self) -> bool {
        self.vanish || self.tiny || self.deleted || self.white && !self.shaded && self.boxes == 0
    }

    /// An element begins; `behind`: where its content stands.
    fn start(&mut self, tag: &Tag<'_>, behind: usize, views: &mut Views) {
        self.codes.start(tag, behind, views);
        match tag.name {
            "r" => (self.vanish, self.tiny, self.white, self.shaded) = (false, false, false, false),
            "rPr" => self.properties = !tag.empty,
            "t" | "delText" if !tag.empty => (self.text, self.deleted) = (true, tag.name == "delText"),
            "tab" | "ptab" => views.text.push_char(' ', self.hidden()),
            "br" | "cr" => views.text.end_line(self.hidden()),
            "noBreakHyphen" => views.text.push_char('-', self.hidden()),
            "tbl" | "txbxContent" if !tag.empty => self.boxes = self.boxes.saturating_add(1),
            "fldSimple" => tag.all("instr").for_each(|code| fields::tell(&code, views)),
            "OLEObject" => object(tag, views),
            "attachedTemplate" => {
                // Word 2003 has the address here; a package has it in a relationship.
                for address in tag.all("val").filter(|address| links::is_remote(address)) {
                    views.act(Active::RemoteTemplate, None, links::kept(&address));
                }
            }
            "control" | "ocx" => {
                let name = tag.get("name").or_else(|| tag.get("classid")).unwrap_or_default();
                views.act(Active::ActiveX, None, links::kept(&name));
            }
            _ if self.properties => self.property(tag),
            _ => {}
        }
    }

    /// One property of a run.
    fn property(&mut self, tag: &Tag<'_>) {
        let value = tag.get("val").unwrap_or_default();
        let on = !matches!(&*value, "0" | "false" | "off");
        match tag.name {
            "vanish" | "webHidden" | "specVanish" => self.vanish |= on && tag.name == "vanish",
            "sz" => self.tiny = value.parse::<u32>().is_ok_and(|size| size <= MAX_TINY),
            "color" => self.white = value.eq_ignore_ascii_case("ffffff"),
            "shd" | "highlight" => self.shaded = true,
            _ => {}
        }
    }

    fn end(&mut self, name: &str, views: &mut Views) {
        self.codes.end(name);
        match name {
            "rPr" => self.properties = false,
            "t" | "delText" => (self.text, self.deleted) = (false, false),
            "p" | "tr" => {
                views.text.end_line(false);
                views.text.end_line(true);
            }
            "tc" => views.text.push_char(' ', false),
            "tbl" | "txbxContent" => self.boxes = self.boxes.saturating_sub(1),
            _ => {}
        }
    }
}

/// Reads a part. Properties of a paragraph's mark (`w:pPr/w:rPr`) hold until its first run begins.
pub(super) fn read(reader: &mut Reader<'_>, views: &mut Views) {
    let mut state = State::default();
    while let Some(event) = reader.next() {
        match event {
            Event::Start(tag) => state.start(&tag, reader.at(), views),
            Event::End(name) => state.end(name, views),
            Event::Text(text) if state.codes.text(&text) => {}
            Event::Text(text) if state.text => views.text.push(&text, state.hidden()),
            _ => {}
        }
    }
    state.codes.finish(views);
}

/// An embedded or linked object.
pub(super) fn object(tag: &Tag<'_>, views: &mut Views) {
    let program = tag.get("ProgID").or_else(|| tag.get("progId")).unwrap_or_default();
    views.act(Active::OlePackage, None, links::kept(&program));
}
