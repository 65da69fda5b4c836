//! Reading: token by token, where it goes and how it looks.
//!
//! Limits: [`MAX_PIECES`], [`MAX_VALUE`].

use mail::evidence::Active;

use super::ole1::Object;
use super::places::Marks;
use super::state::{Goal, Groups, Tables, is_unseen};
use super::tokens::{self, Token};
use crate::formats::ole2::text::decode;
use crate::formats::ooxml::fields::Fields;
use crate::views::{Views, links};

/// Most objects and pictures of one file.
const MAX_PIECES: usize = 16_384;
/// Longest class, template or other short value, in bytes; the rest is left out.
const MAX_VALUE: usize = 4096;

/// Hex data as it is gathered.
#[derive(Clone, Debug, Default)]
pub(super) struct Hex {
    pub(super) bytes: Vec<u8>,
    high: Option<u8>,
}

impl Hex {
    fn text(&mut self, text: &[u8]) {
        for digit in text.iter().filter_map(|byte| tokens::digit(*byte)) {
            match self.high.take() {
                Some(high) => self.bytes.push(high << 4 | digit),
                None => self.high = Some(digit),
            }
        }
    }
}

/// Something that stands in hex.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) goal: Goal,
    /// As Word reads it.
    pub(super) strict: Hex,
    /// With all that others may take for data; only where that differs.
    pub(super) loose: Option<Hex>,
    pub(super) class: String,
    pub(super) update: bool,
    pub(super) control: bool,
}

impl Piece {
    fn new(goal: Goal) -> Self {
        Self { goal, strict: Hex::default(), loose: None, class: String::new(), update: false, control: false }
    }
}

/// What is gathered while a file is read.
pub(super) struct Work {
    groups: Groups,
    tables: Tables,
    pub(super) fields: Fields,
    pub(super) views: Views,
    pub(super) pieces: Vec<Piece>,
    /// The piece that is being read.
    open: Option<Piece>,
    value: Vec<u8>,
    class: String,
    update: bool,
    control: bool,
    /// `\*` came before.
    starred: bool,
    /// Characters still to be passed over, as they stand for one that was given by its number.
    skip: u8,
    /// The first half of a character beyond 16 bits.
    surrogate: Option<u16>,
    /// Bytes of text in the present code page.
    bytes: Vec<u8>,
    pub(super) over: bool,
    /// Where groups stand, when that is asked for.
    pub(super) marks: Option<Marks>,
}

impl Work {
    pub(super) fn new() -> Self {
        Self {
            groups: Groups::new(),
            tables: Tables::default(),
            fields: Fields::default(),
            views: Views::default(),
            pieces: Vec::new(),
            open: None,
            value: Vec::new(),
            class: String::new(),
            update: false,
            control: false,
            starred: false,
            skip: 0,
            surrogate: None,
            bytes: Vec::new(),
            over: false,
            marks: None,
        }
    }

    /// The present group goes with what acts in it.
    fn mark(&mut self, what: Active) {
        if let Some(marks) = &mut self.marks {
            marks.mark(what);
        }
    }

    pub(super) fn token(&mut self, token: Token<'_>) {
        let starred = std::mem::take(&mut self.starred);
        match token {
            // Line ends mean nothing, here as elsewhere.
            Token::Text(text) if starred && text.iter().all(|byte| matches!(byte, b'\r' | b'\n')) => {
                self.starred = true
            }
            Token::Open => {
                self.flush();
                self.groups.open();
                if let Some(marks) = &mut self.marks {
                    marks.open();
                }
            }
            Token::Close => {
                self.close();
                if let Some(marks) = &mut self.marks {
                    marks.close();
                }
            }
            Token::Symbol(b'*') => self.starred = true,
            Token::Symbol(symbol) => self.symbol(symbol),
            Token::Hex(byte) => self.hex(byte),
            Token::Binary(bytes) => {
                if let Some(piece) = &mut self.open {
                    piece.strict.bytes.extend_from_slice(bytes);
                    if let Some(loose) = &mut piece.loose {
                        loose.bytes.extend_from_slice(bytes);
                    }
                }
            }
            Token::Text(text) => self.text(text),
            Token::Word(word, number) => self.word(word, number, starred),
        }
    }

    fn close(&mut self) {
        self.flush();
        self.skip = 0;
        let Some(before) = self.groups.close().filter(|group| group.own) else { return };
        match before.goal {
            // A group inside of the data that has another purpose ends: the data goes on.
            Goal::Object | Goal::Picture | Goal::Store => self.end_piece(),
            Goal::Class => self.class = decode(&std::mem::take(&mut self.value), 1252),
            Goal::Template => {
                let address = decode(&std::mem::take(&mut self.value), self.tables.page(0));
                if links::is_remote(&address) {
                    self.mark(Active::RemoteTemplate);
                    self.views.act(Active::RemoteTemplate, None, links::kept(address.trim()));
                }
            }
            Goal::Field => {
                if let Some(what) = self.fields.end(&mut self.views) {
                    self.mark(what);
                }
            }
            _ => {}
        }
    }

    fn end_piece(&mut self) {
        let Some(mut piece) = self.open.take() else { return };
        if piece.strict.bytes.is_empty() && piece.loose.as_ref().is_none_or(|loose| loose.bytes.is_empty()) {
            return;
        }
        (piece.update, piece.control) = (self.update, self.control);
        piece.class.clone_from(&self.class);
        if piece.goal == Goal::Object {
            self.mark_object(&piece);
        }
        if self.pieces.len() < MAX_PIECES {
            self.pieces.push(piece);
        } else {
            self.over = true;
        }
    }

    /// The group of some data of an object, and of what it is linked to.
    fn mark_object(&mut self, piece: &Piece) {
        let Some(marks) = &mut self.marks else { return };
        let readings = [Some(&piece.strict), piece.loose.as_ref()];
        if readings.into_iter().flatten().any(|hex| Object::read(&hex.bytes).target.is_some()) {
            marks.mark_link();
        }
    }

    fn begin_piece(&mut self, goal: Goal) {
        self.end_piece();
        self.open = Some(Piece {
            goal,
            strict: Hex::default(),
            loose: None,
            class: String::new(),
            update: false,
            control: false,
        });
        self.groups.now.goal = goal;
    }

    /// The data of the present piece is told in two ways from here on.
    fn loose(&mut self) -> Option<&mut Hex> {
        // Groups in pictures have purposes of their own, and nobody hides a program there.
        let piece = self.open.as_mut().filter(|piece| piece.goal != Goal::Picture)?;
        Some(piece.loose.get_or_insert_with(|| piece.strict.clone()))
    }

    fn symbol(&mut self, symbol: u8) {
        match symbol {
            b'\\' | b'{' | b'}' => self.letters(&[symbol]),
            b'~' => self.letters(b" "),
            b'_' => self.letters(b"-"),
            b'\r' | b'\n' => self.line(),
            _ => {}
        }
    }

    /// `\'xx`: a character; in data Word passes it over.
    fn hex(&mut self, byte: u8) {
        match self.groups.now.goal {
            Goal::Object | Goal::Picture | Goal::Store => {
                if let Some(loose) = self.loose() {
                    loose.bytes.push(byte);
                }
            }
            _ if self.skip > 0 => self.skip = self.skip.saturating_sub(1),
            _ => self.letters(&[byte]),
        }
    }

    fn text(&mut self, text: &[u8]) {
        match self.groups.now.goal {
            Goal::Object | Goal::Picture | Goal::Store => {
                let piece = self.open.get_or_insert_with(|| Piece::new(self.groups.now.goal));
                piece.strict.text(text);
                if let Some(loose) = &mut piece.loose {
                    loose.text(text);
                }
            }
            Goal::Nothing => {
                // Others may know this group, or pass over only its head.
                let data = self.open.is_some() && text.iter().any(|byte| tokens::digit(*byte).is_some());
                if let Some(loose) = data.then(|| self.loose()).flatten() {
                    loose.text(text);
                }
            }
            Goal::Colours => self.tables.colours(text),
            _ => {
                let mut rest = text;
                while self.skip > 0 && !rest.is_empty() {
                    if !matches!(rest.first(), Some(b'\r' | b'\n')) {
                        self.skip = self.skip.saturating_sub(1);
                    }
                    rest = rest.get(1..).unwrap_or_default();
                }
                for line in rest.split(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                    self.letters(line);
                }
            }
        }
    }

    /// Bytes of text in the present code page.
    fn letters(&mut self, letters: &[u8]) {
        match self.groups.now.goal {
            Goal::Body | Goal::Field => self.bytes.extend_from_slice(letters),
            Goal::Class | Goal::Template if self.value.len() < MAX_VALUE => self.value.extend_from_slice(letters),
            _ => {}
        }
    }

    /// Decodes the bytes of text that have come.
    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let text = decode(&self.bytes, self.tables.page(self.groups.now.font));
        self.bytes.clear();
        self.show(&text);
    }

    fn show(&mut self, text: &str) {
        match self.groups.now.goal {
            Goal::Body => self.views.text.push(text, self.groups.now.hidden()),
            Goal::Field => self.fields.code(text),
            _ => {}
        }
    }

    fn line(&mut self) {
        self.flush();
        if self.groups.now.goal == Goal::Body {
            self.views.text.end_line(false);
            self.views.text.end_line(true);
        }
    }

    /// A character by its number.
    fn unicode(&mut self, number: i32) {
        self.flush();
        self.skip = self.groups.now.skip;
        let unit = u16::try_from(number.rem_euclid(0x1_0000)).unwrap_or(0);
        let units = [self.surrogate.take().unwrap_or(0), unit];
        let used = if units.first() == Some(&0) { units.get(1..).unwrap_or_default() } else { &units };
        if (0xd800..0xdc00).contains(&unit) {
            self.surrogate = Some(unit);
            return;
        }
        let text: String =
            char::decode_utf16(used.iter().copied()).map(|letter| letter.unwrap_or('\u{fffd}')).collect();
        if matches!(self.groups.now.goal, Goal::Template | Goal::Class) && self.value.len() < MAX_VALUE {
            self.value.extend_from_slice(text.as_bytes());
        } else {
            self.show(&text);
        }
    }

    pub(super) fn finish(&mut self) {
        self.flush();
        self.end_piece();
        // A field that does not end, of several in one group, has no group of its own to be cut out.
        if let Some(what) = self.fields.finish(&mut self.views) {
            self.mark(what);
        }
        if !self.value.is_empty() && self.groups.now.goal == Goal::Template {
            let address = decode(&self.value, 1252);
            if links::is_remote(&address) {
                self.mark(Active::RemoteTemplate);
                self.views.act(Active::RemoteTemplate, None, links::kept(address.trim()));
            }
        }
    }

    fn word(&mut self, word: &[u8], number: Option<i32>, starred: bool) {
        let lower = word.to_ascii_lowercase();
        if self.goal(&lower, starred) {
            return;
        }
        match self.groups.now.goal {
            Goal::Fonts => return self.tables.font(&lower, number.unwrap_or(0)),
            Goal::Colours => return self.tables.colour(&lower, number.unwrap_or(0)),
            _ => {}
        }
        let on = number != Some(0);
        let value = number.unwrap_or(0);
        // What looks differ is decoded for itself.
        let looks = [
            &b"v"[..],
            b"deleted",
            b"fs",
            b"cf",
            b"cb",
            b"highlight",
            b"chcbpat",
            b"chshdng",
            b"plain",
            b"f",
            b"intbl",
            b"pard",
        ];
        if looks.contains(&lower.as_slice()) {
            self.flush();
        }
        let group = &mut self.groups.now;
        match lower.as_slice() {
            b"u" => self.unicode(value),
            b"uc" => group.skip = u8::try_from(value).unwrap_or(1),
            b"v" => group.vanish = on,
            b"deleted" => group.deleted = on,
            b"fs" => group.tiny = value <= 2,
            b"cf" => group.white = self.tables.is_white(value),
            b"cb" | b"highlight" | b"chcbpat" | b"chshdng" => group.shaded = on,
            b"plain" => group.plain(),
            b"intbl" => group.table = true,
            b"pard" => group.table = false,
            b"f" => group.font = u16::try_from(value).unwrap_or(0),
            b"ansicpg" => self.tables.page = u32::try_from(value).unwrap_or(0),
            b"par" | b"line" | b"sect" | b"page" | b"row" => self.line(),
            b"tab" | b"cell" | b"emspace" | b"enspace" => self.letters(b" "),
            b"emdash" | b"endash" => self.letters(b"-"),
            b"lquote" | b"rquote" => self.letters(b"'"),
            b"ldblquote" | b"rdblquote" => self.letters(b"\""),
            b"bullet" => self.letters(b"*"),
            b"objupdate" | b"objautlink" => self.update = true,
            b"objocx" => self.control = true,
            _ => {}
        }
    }

    /// Whether a word says where the text of its group goes.
    fn goal(&mut self, word: &[u8], starred: bool) -> bool {
        let inside = self.groups.now.goal;
        if matches!(word, b"object" | b"objdata" | b"objclass") {
            self.mark(Active::OlePackage);
            self.mark(Active::ActiveX);
        }
        let goal = match word {
            b"objdata" => {
                self.begin_piece(Goal::Object);
                return true;
            }
            b"datastore" => {
                self.begin_piece(Goal::Store);
                return true;
            }
            b"pict" if inside != Goal::Object => {
                self.begin_piece(Goal::Picture);
                return true;
            }
            b"object" => {
                self.flush();
                (self.class, self.update, self.control) = (String::new(), false, false);
                return true;
            }
            b"objclass" => Goal::Class,
            b"template" => Goal::Template,
            b"fldinst" => {
                self.flush();
                self.fields.begin();
                Goal::Field
            }
            b"fldrslt" | b"result" | b"shptxt" | b"footnote" | b"header" | b"headerl" | b"headerr" | b"headerf"
            | b"footer" | b"footerl" | b"footerr" | b"footerf" => Goal::Body,
            b"fonttbl" => Goal::Fonts,
            b"colortbl" => Goal::Colours,
            // These hold text though they are marked as what older readers should pass over.
            b"shpinst" | b"shppict" | b"nonshppict" | b"annotation" | b"atnid" | b"atnauthor" => return true,
            word if starred || is_unseen(word) => Goal::Nothing,
            _ => return false,
        };
        self.flush();
        if matches!(goal, Goal::Class | Goal::Template) {
            self.value.clear();
        }
        self.groups.now.goal = goal;
        self.groups.now.own = true;
        true
    }
}
