//! Groups and what holds in them: where text goes, and how it looks.
//!
//! Limits: [`MAX_DEPTH`] groups in one another have properties of their own, deeper ones have those of
//! the group at that depth; [`MAX_FONTS`] fonts, [`MAX_COLOURS`] colours.

use std::collections::BTreeMap;

/// Deepest group with properties of its own.
const MAX_DEPTH: usize = 10_000;
/// Most fonts whose character set is known.
const MAX_FONTS: usize = 4096;
/// Most colours that are told apart.
const MAX_COLOURS: usize = 4096;

/// Where the text of a group goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Goal {
    /// It is shown.
    #[default]
    Body,
    /// It is not looked at.
    Nothing,
    /// The hex of an object, and the name of its class.
    Object,
    Class,
    /// The hex of a picture, of stored data.
    Picture,
    Store,
    /// An address of a template.
    Template,
    /// A field's code.
    Field,
    /// The tables of fonts and colours.
    Fonts,
    Colours,
}

/// What holds in a group.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    pub(super) goal: Goal,
    /// It has set its goal itself.
    pub(super) own: bool,
    pub(super) vanish: bool,
    pub(super) deleted: bool,
    pub(super) tiny: bool,
    pub(super) white: bool,
    pub(super) shaded: bool,
    pub(super) table: bool,
    /// How many characters stand for one that is given by its number.
    pub(super) skip: u8,
    pub(super) font: u16,
}

impl Group {
    /// Whether its text is not seen.
    pub(super) fn hidden(&self) -> bool {
        self.vanish || self.deleted || self.tiny || self.white && !self.shaded && !self.table
    }

    /// `\plain`: as text is that nobody has changed.
    pub(super) fn plain(&mut self) {
        (self.vanish, self.deleted, self.tiny, self.white, self.shaded) = (false, false, false, false, false);
    }
}

/// The groups that are open.
#[derive(Debug)]
pub(super) struct Groups {
    stack: Vec<Group>,
    /// The present one.
    pub(super) now: Group,
    /// How many are open beyond [`MAX_DEPTH`].
    deeper: usize,
}

impl Groups {
    /// Outside of any group.
    pub(super) fn new() -> Self {
        Self { stack: Vec::new(), now: Group { skip: 1, ..Group::default() }, deeper: 0 }
    }

    /// A group begins with what holds around it.
    pub(super) fn open(&mut self) {
        if self.stack.len() < MAX_DEPTH {
            self.stack.push(self.now);
            self.now.own = false;
        } else {
            self.deeper = self.deeper.saturating_add(1);
        }
    }

    /// A group ends; gives the one that was, if its properties were its own.
    pub(super) fn close(&mut self) -> Option<Group> {
        if self.deeper > 0 {
            self.deeper = self.deeper.saturating_sub(1);
            return None;
        }
        let before = self.now;
        self.now = self.stack.pop()?;
        Some(before)
    }
}

/// Character sets of fonts, and which colours are white.
#[derive(Debug, Default)]
pub(super) struct Tables {
    fonts: BTreeMap<u16, u32>,
    font: u16,
    white: Vec<bool>,
    colour: [u8; 3],
    set: bool,
    /// The code page of the document.
    pub(super) page: u32,
}

impl Tables {
    /// A word in the table of fonts.
    pub(super) fn font(&mut self, word: &[u8], number: i32) {
        match word {
            b"f" => self.font = u16::try_from(number).unwrap_or(0),
            b"fcharset" if self.fonts.len() < MAX_FONTS => {
                if let Some(page) = page(number) {
                    self.fonts.insert(self.font, page);
                }
            }
            b"cpg" if self.fonts.len() < MAX_FONTS => {
                self.fonts.insert(self.font, u32::try_from(number).unwrap_or(0));
            }
            _ => {}
        }
    }

    /// A word in the table of colours.
    pub(super) fn colour(&mut self, word: &[u8], number: i32) {
        let value = u8::try_from(number).unwrap_or(0);
        let [red, green, blue] = &mut self.colour;
        match word {
            b"red" => *red = value,
            b"green" => *green = value,
            b"blue" => *blue = value,
            _ => return,
        }
        self.set = true;
    }

    /// Text in the table of colours: each semicolon ends one.
    pub(super) fn colours(&mut self, text: &[u8]) {
        for _ in text.iter().filter(|byte| **byte == b';') {
            if self.white.len() < MAX_COLOURS {
                self.white.push(self.set && self.colour == [255; 3]);
            }
            (self.colour, self.set) = ([0; 3], false);
        }
    }

    /// Whether a colour is white.
    pub(super) fn is_white(&self, number: i32) -> bool {
        usize::try_from(number).ok().and_then(|at| self.white.get(at)).copied().unwrap_or(false)
    }

    /// The code page of a font.
    pub(super) fn page(&self, font: u16) -> u32 {
        let own = self.fonts.get(&font).copied().filter(|page| *page != 0);
        own.unwrap_or(if self.page == 0 { 1252 } else { self.page })
    }
}

/// The code page of a font's character set; `None`: the document's.
fn page(charset: i32) -> Option<u32> {
    Some(match charset {
        77 => 10000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}

/// Words that begin a group whose text nobody sees (RTF 1.9.1, appendix B), in order. Inside of data it
/// is no data either.
#[rustfmt::skip]
const UNSEEN: &[&[u8]] = &[
    b"aftncn", b"aftnsep", b"aftnsepc", b"atndate", b"atnicn", b"atnparent", b"atnref", b"atntime", b"atrfend",
    b"atrfstart", b"author", b"background", b"bkmkend", b"bkmkstart", b"blipuid", b"buptim", b"category",
    b"colorschememapping", b"comment", b"company", b"creatim", b"datafield", b"defchp", b"defpap", b"doccomm",
    b"docvar", b"ebcend", b"ebcstart", b"factoidname", b"falt", b"fchars", b"ffdeftext", b"ffentrymcr",
    b"ffexitmcr", b"ffformat", b"ffhelptext", b"ffl", b"ffname", b"ffstattext", b"file", b"filetbl", b"fldtype",
    b"fname", b"fontemb", b"fontfile", b"formfield", b"ftncn", b"ftnsep", b"ftnsepc", b"generator", b"gridtbl",
    b"hl", b"hlfr", b"hlinkbase", b"hlloc", b"hlsrc", b"hsv", b"htmltag", b"info", b"keycode", b"keywords",
    b"latentstyles", b"lchars", b"levelnumbers", b"leveltext", b"lfolevel", b"linkval", b"list", b"listlevel",
    b"listname", b"listoverride", b"listoverridetable", b"listpicture", b"liststylename", b"listtable",
    b"lsdlockedexcept", b"manager", b"nesttableprops", b"nextfile", b"nonesttables", b"objalias", b"objname",
    b"objsect", b"objtime", b"oldcprops", b"oldpprops", b"oldsprops", b"oldtprops", b"oleclsid", b"operator",
    b"panose", b"password", b"passwordhash", b"pgp", b"pgptbl", b"picprop", b"pnseclvl", b"pntxta", b"pntxtb",
    b"printim", b"private", b"propname", b"protend", b"protstart", b"protusertbl", b"pxe", b"revtbl", b"revtim",
    b"rsidtbl", b"rxe", b"sn", b"sp", b"staticval", b"stylesheet", b"subject", b"sv", b"svb", b"tc",
    b"themedata", b"title", b"txe", b"ud", b"userprops", b"wgrffmtfilter", b"windowcaption",
    b"writereservation", b"writereservhash", b"xe", b"xform", b"xmlattrname", b"xmlattrvalue", b"xmlclose",
    b"xmlname", b"xmlnstbl", b"xmlopen",
];

/// Whether a word begins a group whose text nobody sees.
pub(super) fn is_unseen(word: &[u8]) -> bool {
    UNSEEN.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_order() {
        assert!(UNSEEN.is_sorted());
        assert!(is_unseen(b"staticval") && !is_unseen(b"par"));
    }
}
