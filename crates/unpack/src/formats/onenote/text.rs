//! Text in a section: runs of UTF-16, and of ASCII that reads like words. Best effort; what a page
//! shows is not told from what it showed once.

use crate::views::TextView;

/// Fewest characters of a run of UTF-16.
const LEAST_WIDE: usize = 4;
/// Fewest characters of a run of ASCII, which needs a blank in it too.
const LEAST_NARROW: usize = 8;
/// Fewest characters of a run of East Asian writing: pairs of numbers look like it.
const LEAST_EAST: usize = 8;
/// References to attached files and objects, which are no text.
const REFERENCES: [&str; 2] = ["<ifndf>", "<invfdo>"];

/// Whether a character is one of a text, rather than what numbers happen to look like.
fn plausible(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='~' | '\u{a0}'..='\u{24f}' | '\u{370}'..='\u{6ff}' | '\u{2010}'..='\u{203a}' | '€')
        || matches!(letter, '\u{3001}'..='\u{30ff}' | '\u{ff01}'..='\u{ff1f}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// Adds the text of some bytes.
pub(super) fn gather(data: &[u8], out: &mut TextView) {
    wide_runs(data, &mut |run| {
        if !REFERENCES.iter().any(|reference| run.contains(reference)) {
            out.push(run, false);
            out.end_line(false);
        }
    });
    let narrow = |byte: &u8| !matches!(byte, b' '..=b'~' | b'\t');
    for run in data.split(narrow).filter(|run| run.len() >= LEAST_NARROW && run.contains(&b' ')) {
        out.push(&String::from_utf8_lossy(run), false);
        out.end_line(false);
    }
}

/// What a run of UTF-16 is written with.
#[derive(Default)]
struct Writing {
    all: usize,
    latin: usize,
    /// Greek, Cyrillic, Hebrew, Arabic.
    letters: usize,
    /// Kana and Chinese characters, and Korean syllables.
    chinese: usize,
    korean: usize,
    /// Chinese characters and Korean syllables whose two bytes are letters of ASCII, or one and a zero: Latin
    /// letters read from a byte too late.
    pairs: usize,
}

impl Writing {
    fn add(&mut self, letter: char, unit: u16) {
        let kind = match letter {
            ..'\u{180}' | '\u{2010}'..='\u{20ff}' => &mut self.latin,
            '\u{370}'..='\u{6ff}' => &mut self.letters,
            '\u{3001}'..='\u{9fff}' | '\u{ff01}'..='\u{ff1f}' => &mut self.chinese,
            '\u{ac00}'.. => &mut self.korean,
            _ => &mut self.pairs,
        };
        *kind = kind.saturating_add(1);
        self.all = self.all.saturating_add(1);
        let [low, high] = unit.to_le_bytes();
        if letter > '\u{33ff}' && matches!(low, 0 | b' '..=b'~') && matches!(high, b' '..=b'~') {
            self.pairs = self.pairs.saturating_add(1);
        }
    }

    /// Whether it is a text, rather than numbers or ASCII that look like one.
    fn is_text(&self) -> bool {
        let most = |part: usize| part.saturating_add(self.latin) == self.all;
        let east = most(self.chinese) || most(self.korean);
        self.all >= LEAST_WIDE && (self.latin.saturating_mul(2) >= self.all || most(self.letters))
            || self.all >= LEAST_EAST && east && self.pairs.saturating_mul(3) <= self.all.saturating_mul(2)
    }
}

/// Runs of little-endian UTF-16 that are written as people write: first those at even places, then those
/// at odd ones.
pub(super) fn wide_runs(data: &[u8], found: &mut dyn FnMut(&str)) {
    for parity in [0, 1] {
        let (mut run, mut writing) = (String::new(), Writing::default());
        let units = data.get(parity..).unwrap_or_default().chunks_exact(2);
        let units = units.map(|pair| u16::from_le_bytes(<[u8; 2]>::try_from(pair).unwrap_or_default()));
        for unit in units.chain([0]) {
            if let Some(letter) = char::from_u32(unit.into()).filter(|letter| plausible(*letter)) {
                run.push(letter);
                writing.add(letter, unit);
                continue;
            }
            if writing.is_text() {
                found(&run);
            }
            run.clear();
            writing = Writing::default();
        }
    }
}
