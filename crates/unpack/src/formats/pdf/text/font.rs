//! Fonts as far as text needs them: which characters a string stands for, and how wide they are.
//!
//! Limits: [`MAX_RANGES`], [`MAX_WIDTHS`]. Not handled: the predefined tables of East Asian encodings
//! other than UCS-2 and UTF-16, and fonts that say nothing of their characters (then nothing comes out).

use super::super::crypt::Part;
use super::super::document::Document;
use super::super::lex::{Bracket, Dict, Lexer, Token, Value};
use super::super::strings;
use super::glyphs::{self, Base};
use crate::budget::{Budget, Limit};

/// Most entries of a table from codes to characters.
const MAX_RANGES: usize = 65_536;
/// Most widths.
const MAX_WIDTHS: usize = 65_536;
/// Most characters of one code.
const MAX_CHARACTERS: usize = 32;

/// A font.
pub(super) struct Font {
    /// Length of a code, in bytes.
    code: usize,
    /// First and last code, and what the first stands for; sorted.
    ranges: Vec<(u32, u32, Vec<u16>)>,
    /// For codes of one byte.
    table: Vec<char>,
    /// The codes are UTF-16.
    wide: bool,
    /// First and last code, and their width in thousandths; sorted.
    widths: Vec<(u32, u32, f64)>,
    width: f64,
}

/// One code of a string.
pub(super) struct Glyph {
    pub(super) text: String,
    /// In thousandths of the font's size.
    pub(super) width: f64,
    /// A space, to which word spacing is added.
    pub(super) space: bool,
}

impl Font {
    /// The font that a dictionary describes.
    pub(super) fn read(document: &mut Document, data: &[u8], dict: &Dict, budget: &mut Budget) -> Result<Self, Limit> {
        let composite = dict.is(b"Subtype", b"Type0");
        let mut font = Self {
            code: if composite { 2 } else { 1 },
            ranges: Vec::new(),
            table: Vec::new(),
            wide: false,
            widths: Vec::new(),
            width: if composite { 1000.0 } else { 500.0 },
        };
        if let Some(Value::Reference(number)) = dict.get(b"ToUnicode")
            && let Some(place) = document.current(*number)
        {
            let object = document.object(data, place, budget)?;
            let map = document.stream(data, place, &object, Part::Stream, budget)?;
            budget.burn((map.content.len() as u64).saturating_mul(4))?;
            font.map(&map.content);
        }
        let encoding = document.get(data, dict, b"Encoding", budget)?;
        if composite {
            let name = encoding.name().unwrap_or_default();
            font.wide = [&b"UCS2"[..], b"UTF16"].iter().any(|mark| memchr::memmem::find(name, mark).is_some());
            font.composite_widths(document, data, dict, budget)?;
        } else {
            font.simple(document, data, &encoding, budget)?;
            font.simple_widths(document, data, dict, budget)?;
        }
        Ok(font)
    }

    /// A font of single bytes.
    fn simple(
        &mut self,
        document: &mut Document,
        data: &[u8],
        encoding: &Value,
        budget: &mut Budget,
    ) -> Result<(), Limit> {
        let named = encoding.name().or(encoding.dict().and_then(|dict| dict.get(b"BaseEncoding")?.name()));
        self.table = glyphs::table(match named {
            Some(b"WinAnsiEncoding") => Base::Windows,
            Some(b"MacRomanEncoding") => Base::Mac,
            _ => Base::Standard,
        });
        let Some(dict) = encoding.dict() else { return Ok(()) };
        let Value::Array(differences) = document.get(data, dict, b"Differences", budget)? else { return Ok(()) };
        budget.burn((differences.len() as u64).saturating_mul(1024))?;
        let mut at = 0_usize;
        for item in differences {
            match item {
                Value::Number(number) => at = number.clamp(0.0, 256.0) as usize,
                Value::Name(name) => {
                    if let (Some(place), Some(letter)) =
                        (self.table.get_mut(at), glyphs::character(&strings::latin(&name)))
                    {
                        *place = letter;
                    }
                    at = at.saturating_add(1);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn simple_widths(
        &mut self,
        document: &mut Document,
        data: &[u8],
        dict: &Dict,
        budget: &mut Budget,
    ) -> Result<(), Limit> {
        let first = document.get(data, dict, b"FirstChar", budget)?.size().unwrap_or(0);
        if let Value::Array(widths) = document.get(data, dict, b"Widths", budget)? {
            for (at, width) in widths.iter().take(256).enumerate() {
                let code = u32::try_from(first.saturating_add(at)).unwrap_or(u32::MAX);
                self.widths.extend(width.number().map(|width| (code, code, width)));
            }
        }
        Ok(())
    }

    /// The widths of a composite font (9.7.4.3).
    fn composite_widths(
        &mut self,
        document: &mut Document,
        data: &[u8],
        dict: &Dict,
        budget: &mut Budget,
    ) -> Result<(), Limit> {
        let Value::Array(below) = document.get(data, dict, b"DescendantFonts", budget)? else { return Ok(()) };
        let Some(first) = below.first() else { return Ok(()) };
        let Value::Dict(below) = document.resolve(data, first, budget)? else { return Ok(()) };
        self.width = document.get(data, &below, b"DW", budget)?.number().unwrap_or(1000.0);
        let Value::Array(items) = document.get(data, &below, b"W", budget)? else { return Ok(()) };
        let mut items = items.into_iter().take(MAX_WIDTHS);
        while let (Some(first), Some(second)) = (items.next(), items.next()) {
            let Some(first) = first.size().and_then(|first| u32::try_from(first).ok()) else { continue };
            match second {
                Value::Array(widths) => {
                    for (at, width) in (0..).zip(widths.iter().take(MAX_WIDTHS)) {
                        let code = first.saturating_add(at);
                        self.widths.extend(width.number().map(|width| (code, code, width)));
                    }
                }
                Value::Number(last) => {
                    let width = items.next().and_then(|width| width.number());
                    self.widths.extend(width.map(|width| (first, last.clamp(0.0, 1e6) as u32, width)));
                }
                _ => {}
            }
            if self.widths.len() > MAX_WIDTHS {
                break;
            }
        }
        self.widths.sort_by_key(|(first, ..)| *first);
        Ok(())
    }

    /// A table from codes to characters (9.10.3).
    fn map(&mut self, content: &[u8]) {
        let mut lexer = Lexer::new(content, 0);
        let mut operands: Vec<Value> = Vec::new();
        let mut list: Option<Vec<Value>> = None;
        while let Some(token) = lexer.token() {
            match token {
                Token::Open(Bracket::Array) => list = Some(Vec::new()),
                Token::Close(Bracket::Array) => operands.extend(list.take().map(Value::Array)),
                Token::Value(value) => match &mut list {
                    Some(list) => list.push(value),
                    None => operands.push(value),
                },
                Token::Word(word) => {
                    match word {
                        b"endbfchar" => operands.chunks_exact(2).for_each(|pair| self.pair(pair)),
                        b"endbfrange" => operands.chunks_exact(3).for_each(|triple| self.range(triple)),
                        b"endcodespacerange" => {
                            self.code =
                                operands.first().and_then(Value::text).map_or(self.code, <[u8]>::len).clamp(1, 4);
                        }
                        _ => {}
                    }
                    operands.clear();
                }
                _ => {}
            }
        }
        self.ranges.sort_by_key(|(first, ..)| *first);
    }

    fn pair(&mut self, pair: &[Value]) {
        if let [from, to] = pair
            && let (Some(code), Some(to)) = (code(from), to.text())
        {
            self.add(code, code, to);
        }
    }

    fn range(&mut self, triple: &[Value]) {
        let [first, last, to] = triple else { return };
        let (Some(first), Some(last)) = (code(first), code(last)) else { return };
        match to {
            Value::Text(to) => self.add(first, last, to),
            Value::Array(items) => {
                for (at, item) in (0..).zip(items) {
                    if let Some(to) = item.text() {
                        self.add(first.saturating_add(at), first.saturating_add(at), to);
                    }
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, first: u32, last: u32, to: &[u8]) {
        if self.ranges.len() < MAX_RANGES {
            let units = to.chunks_exact(2).take(MAX_CHARACTERS).filter_map(|pair| pair.try_into().ok());
            self.ranges.push((first, last, units.map(u16::from_be_bytes).collect()));
        }
    }

    /// What a string stands for.
    pub(super) fn glyphs(&self, text: &[u8]) -> Vec<Glyph> {
        let mut glyphs = Vec::new();
        for bytes in text.chunks(self.code) {
            let code = bytes.iter().fold(0_u32, |code, byte| code << 8 | u32::from(*byte));
            let width = find(&self.widths, code, |range| (range.0, range.1)).map_or(self.width, |range| range.2);
            glyphs.push(Glyph { text: self.text(code), width, space: self.code == 1 && code == 32 });
        }
        glyphs
    }

    fn text(&self, code: u32) -> String {
        if let Some((first, _, units)) = find(&self.ranges, code, |range| (range.0, range.1)) {
            let mut units = units.clone();
            if let Some(last) = units.last_mut() {
                *last = last.wrapping_add((code.wrapping_sub(*first) & 0xffff) as u16);
            }
            return String::from_utf16_lossy(&units);
        }
        let letter = if self.wide { char::from_u32(code) } else { self.table.get(code as usize).copied() };
        letter
            .filter(|letter| !letter.is_control() && *letter != char::REPLACEMENT_CHARACTER)
            .map(String::from)
            .unwrap_or_default()
    }
}

/// The range of a sorted list that a code is in.
fn find<T>(ranges: &[T], code: u32, of: impl Fn(&T) -> (u32, u32)) -> Option<&T> {
    let behind = ranges.partition_point(|range| of(range).0 <= code);
    ranges.get(behind.checked_sub(1)?).filter(|range| of(range).1 >= code)
}

/// A code as a string of bytes.
fn code(value: &Value) -> Option<u32> {
    let bytes = value.text().filter(|bytes| bytes.len() <= 4)?;
    Some(bytes.iter().fold(0_u32, |code, byte| code << 8 | u32::from(*byte)))
}
