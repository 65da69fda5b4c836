//! What the content of a page shows (ISO 32000-1, chapters 8 and 9): its text, told apart by whether
//! somebody who looks at the page can see it.
//!
//! Limits: [`MAX_SAVED`], [`MAX_OPERANDS`], [`MAX_FORMS`] drawn in one another. Hidden is text that is
//! drawn invisibly, white while nothing but white was painted, smaller than [`TINY`], or outside the
//! page. Not handled: text that something is painted over, clipping, optional content.

use std::rc::Rc;

use super::super::document::Document;
use super::super::lex::{Bracket, Dict, Lexer, Token, Value, is_space};
use super::Known;
use super::font::Font;
use super::matrix::Matrix;
use crate::budget::{Budget, Limit};
use crate::bytes::between;

/// Most states that are saved at once.
const MAX_SAVED: usize = 256;
/// Most operands of one operator.
const MAX_OPERANDS: usize = 4096;
/// Most forms that are drawn in one another.
pub(super) const MAX_FORMS: usize = 12;
/// Smaller text than this, in points, is for nobody to read.
const TINY: f64 = 1.0;
/// A gap of this much of the font's size is a space.
const GAP: f64 = 0.18;

/// Texts that are shown and texts that are hidden.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) shown: Flow,
    pub(super) hidden: Flow,
}

/// Text as it flows.
#[derive(Default)]
pub(super) struct Flow {
    pub(super) text: String,
    /// Where the last letter ended, on the page.
    end: Option<(f64, f64)>,
}

impl Flow {
    /// Adds a piece, with a space or a line end where it does not follow the last one.
    fn add(&mut self, text: &str, start: (f64, f64), end: (f64, f64), size: f64) {
        if text.is_empty() {
            return;
        }
        if let Some((x, y)) = self.end {
            let (along, down) = (start.0 - x, (start.1 - y).abs());
            let blank = self.text.ends_with([' ', '\n']) || text.starts_with(' ');
            if down > size * 0.5 {
                self.line();
            } else if (along > size * GAP || along < -size) && !blank {
                self.text.push(' ');
            }
        }
        self.text.push_str(text);
        self.end = Some(end);
    }

    /// Ends a line.
    pub(super) fn line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.end = None;
    }
}

/// What is in force while content is drawn.
#[derive(Clone)]
struct Graphics {
    matrix: Matrix,
    white: bool,
    font: Option<Rc<Font>>,
    size: f64,
    letters: f64,
    words: f64,
    /// Horizontal scale, 1 as it is.
    scale: f64,
    leading: f64,
    rise: f64,
    render: f64,
}

/// A content that is read, and those that it is drawn from.
struct Frame {
    content: Vec<u8>,
    at: usize,
    resources: Dict,
    graphics: Graphics,
    saved: Vec<Graphics>,
}

/// Draws the content of one page.
pub(super) struct Painter<'a> {
    pub(super) document: &'a mut Document,
    pub(super) data: &'a [u8],
    pub(super) budget: &'a mut Budget,
    pub(super) things: &'a mut Known,
    pub(super) texts: &'a mut Texts,
    /// Left, bottom, right, top of the page.
    pub(super) area: Option<[f64; 4]>,
    /// The page as a whole is hidden.
    pub(super) unseen: bool,
    frames: Vec<Frame>,
    /// Something that is not white was painted.
    painted: bool,
    text: Matrix,
    line: Matrix,
}

/// Where drawing takes place.
pub(super) struct Place<'a> {
    pub(super) document: &'a mut Document,
    pub(super) data: &'a [u8],
    pub(super) budget: &'a mut Budget,
}

impl<'a> Painter<'a> {
    pub(super) fn new(place: Place<'a>, things: &'a mut Known, texts: &'a mut Texts) -> Self {
        let Place { document, data, budget } = place;
        let (frames, text, line) = (Vec::new(), Matrix::SAME, Matrix::SAME);
        Self { document, data, budget, things, texts, area: None, unseen: false, frames, painted: false, text, line }
    }

    /// Draws one content.
    ///
    /// # Errors
    /// The limit that was reached.
    pub(super) fn paint(&mut self, content: Vec<u8>, resources: Dict) -> Result<(), Limit> {
        let graphics = Graphics {
            matrix: Matrix::SAME,
            white: false,
            font: None,
            size: 0.0,
            letters: 0.0,
            words: 0.0,
            scale: 1.0,
            leading: 0.0,
            rise: 0.0,
            render: 0.0,
        };
        self.enter(content, resources, graphics)?;
        while let Some(mut frame) = self.frames.pop() {
            if let Some((content, resources, graphics)) = self.run(&mut frame)? {
                self.frames.push(frame);
                self.enter(content, resources, graphics)?;
            }
        }
        Ok(())
    }

    fn enter(&mut self, content: Vec<u8>, resources: Dict, graphics: Graphics) -> Result<(), Limit> {
        self.budget.burn((content.len() as u64).saturating_mul(4).saturating_add(256))?;
        self.frames.push(Frame { content, at: 0, resources, graphics, saved: Vec::new() });
        Ok(())
    }

    /// Reads operators up to the end, or up to a form that is to be drawn first.
    fn run(&mut self, frame: &mut Frame) -> Result<Option<(Vec<u8>, Dict, Graphics)>, Limit> {
        let content = std::mem::take(&mut frame.content);
        let mut lexer = Lexer::new(&content, frame.at);
        let mut operands: Vec<Value> = Vec::new();
        let mut list: Option<Vec<Value>> = None;
        let mut form = None;
        while let Some(token) = lexer.token() {
            match token {
                Token::Open(Bracket::Array) => list = Some(Vec::new()),
                Token::Close(Bracket::Array) => operands.extend(list.take().map(Value::Array)),
                Token::Value(value) => {
                    let room = list.as_mut().unwrap_or(&mut operands);
                    if room.len() < MAX_OPERANDS {
                        room.push(value);
                    }
                }
                Token::Word(b"ID") => {
                    lexer.at = behind_image(&content, lexer.at);
                    self.painted = true;
                    operands.clear();
                }
                Token::Word(b"Do") => {
                    form = self.form(frame, &operands)?;
                    operands.clear();
                    if form.is_some() {
                        break;
                    }
                }
                Token::Word(word) => {
                    self.operator(word, &operands, frame)?;
                    operands.clear();
                }
                _ => {}
            }
        }
        frame.at = lexer.at;
        frame.content = content;
        Ok(form)
    }

    /// The form to be drawn, if it is one.
    fn form(&mut self, frame: &Frame, operands: &[Value]) -> Result<Option<(Vec<u8>, Dict, Graphics)>, Limit> {
        let (document, data) = (&mut *self.document, self.data);
        let Some(name) = operands.first().and_then(Value::name) else { return Ok(None) };
        let Value::Dict(all) = document.get(data, &frame.resources, b"XObject", self.budget)? else { return Ok(None) };
        let Some(place) = all.get(name).and_then(Value::reference).and_then(|number| document.current(number)) else {
            return Ok(None);
        };
        let object = document.object(data, place, self.budget)?;
        if !object.dict().is(b"Subtype", b"Form") {
            self.painted = true;
            return Ok(None);
        }
        if self.frames.len() >= MAX_FORMS || !self.things.draws(place, self.unseen) {
            return Ok(None);
        }
        let content = super::content(document, data, place, &object, self.budget)?;
        self.things.drew(place, content.len());
        let own = document.get(data, object.dict(), b"Resources", self.budget)?;
        let resources = if let Value::Dict(own) = own { own } else { frame.resources.clone() };
        let matrix = document.get(data, object.dict(), b"Matrix", self.budget)?;
        let matrix = matrix.array().and_then(matrix_of).unwrap_or(Matrix::SAME);
        let graphics = Graphics { matrix: matrix.then(frame.graphics.matrix), ..frame.graphics.clone() };
        Ok(Some((content, resources, graphics)))
    }

    fn operator(&mut self, word: &[u8], operands: &[Value], frame: &mut Frame) -> Result<(), Limit> {
        let number = |at: usize| operands.get(at).and_then(Value::number).unwrap_or(0.0);
        let graphics = &mut frame.graphics;
        match word {
            b"q" if frame.saved.len() < MAX_SAVED => frame.saved.push(graphics.clone()),
            b"Q" => {
                if let Some(saved) = frame.saved.pop() {
                    frame.graphics = saved;
                }
            }
            b"cm" => graphics.matrix = matrix_of(operands).unwrap_or(Matrix::SAME).then(graphics.matrix),
            b"g" | b"rg" | b"k" | b"sc" | b"scn" => graphics.white = is_white(operands),
            b"cs" => graphics.white = false,
            b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*" => self.painted |= !graphics.white,
            b"sh" => self.painted = true,
            b"BT" => (self.text, self.line) = (Matrix::SAME, Matrix::SAME),
            b"Tf" => {
                let name = operands.first().and_then(Value::name).unwrap_or_default();
                let (size, resources) = (number(1), &frame.resources);
                graphics.font = self.things.font(self.document, self.data, resources, name, self.budget)?;
                graphics.size = size;
            }
            b"Tc" => graphics.letters = number(0),
            b"Tw" => graphics.words = number(0),
            b"Tz" => graphics.scale = number(0) / 100.0,
            b"TL" => graphics.leading = number(0),
            b"Ts" => graphics.rise = number(0),
            b"Tr" => graphics.render = number(0),
            b"Td" => self.move_line(number(0), number(1)),
            b"TD" => {
                graphics.leading = -number(1);
                self.move_line(number(0), number(1));
            }
            b"Tm" => {
                self.line = matrix_of(operands).unwrap_or(Matrix::SAME);
                self.text = self.line;
            }
            b"T*" => self.move_line(0.0, -graphics.leading),
            b"Tj" => self.show(operands, graphics),
            b"TJ" => self.show(operands.first().and_then(Value::array).unwrap_or(&[]), graphics),
            b"'" | b"\"" => {
                if word == b"\"" {
                    (graphics.words, graphics.letters) = (number(0), number(1));
                }
                self.move_line(0.0, -graphics.leading);
                self.show(operands.last().map_or(&[], std::slice::from_ref), graphics);
            }
            _ => {}
        }
        Ok(())
    }

    fn move_line(&mut self, x: f64, y: f64) {
        self.line = Matrix::by(x, y).then(self.line);
        self.text = self.line;
    }

    /// Shows strings, with moves between them.
    fn show(&mut self, items: &[Value], graphics: &Graphics) {
        let Some(font) = graphics.font.clone() else { return };
        for item in items {
            if let Value::Number(number) = item {
                self.text = Matrix::by(-number / 1000.0 * graphics.size * graphics.scale, 0.0).then(self.text);
            }
            let Value::Text(raw) = item else { continue };
            let page = |text: Matrix| Matrix::by(0.0, graphics.rise).then(text).then(graphics.matrix);
            let start = page(self.text);
            let mut piece = String::new();
            for glyph in font.glyphs(raw) {
                piece.push_str(&glyph.text);
                let space = if glyph.space { graphics.words } else { 0.0 };
                let width = glyph.width / 1000.0 * graphics.size + graphics.letters + space;
                self.text = Matrix::by(width * graphics.scale, 0.0).then(self.text);
            }
            let size = start.height() * graphics.size.abs();
            let hidden = self.is_hidden(graphics, start, size);
            let flow = if hidden { &mut self.texts.hidden } else { &mut self.texts.shown };
            // Along the line, whatever its direction is.
            let (from, to) = (start.origin(), page(self.text).origin());
            let along = |(x, y): (f64, f64)| {
                let [a, b, ..] = start.0;
                let length = start.width().max(f64::MIN_POSITIVE);
                ((x * a + y * b) / length, (y * a - x * b) / length)
            };
            flow.add(&piece, along(from), along(to), size);
        }
    }

    fn is_hidden(&self, graphics: &Graphics, start: Matrix, size: f64) -> bool {
        let (x, y) = start.origin();
        let outside = self.area.is_some_and(|[left, bottom, right, top]| {
            x > right || y > top || y < bottom - size || x < left - size * 400.0
        });
        let unmarked = graphics.render == 3.0 || graphics.render == 7.0;
        self.unseen || unmarked || outside || size < TINY || graphics.white && !self.painted
    }
}

/// Six numbers.
pub(super) fn matrix_of(operands: &[Value]) -> Option<Matrix> {
    let numbers: Vec<f64> = operands.iter().filter_map(Value::number).collect();
    numbers.as_slice().try_into().ok().map(Matrix)
}

/// Whether a colour is white: full grey, full red, green and blue, or no ink.
fn is_white(operands: &[Value]) -> bool {
    let numbers: Vec<f64> = operands.iter().filter_map(Value::number).collect();
    match numbers.len() {
        1 | 3 => numbers.iter().all(|part| *part >= 0.98),
        4 => numbers.iter().all(|part| *part <= 0.02),
        _ => false,
    }
}

/// Behind the data of an image that stands in the content: `EI` with white space around it.
fn behind_image(content: &[u8], at: usize) -> usize {
    let rest = between(content, at, content.len());
    let is_end = |place: &usize| {
        let before = place.checked_sub(1).and_then(|place| rest.get(place)).is_some_and(|byte| is_space(*byte));
        before && rest.get(place.saturating_add(2)).is_none_or(|byte| is_space(*byte))
    };
    let end = memchr::memmem::find_iter(rest, b"EI").find(is_end);
    end.map_or(content.len(), |end| at.saturating_add(end).saturating_add(2))
}
