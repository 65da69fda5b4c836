//! Text as a reader takes it: lower case, without marks on letters, with look-alikes undone.
//!
//! The folded text is what phrases are looked for in. Beside it stands how much had to be undone: honest
//! mail needs little of it. Linear; limit: [`MAX_FOLDED`] bytes.

use mail::letters::{as_shown, is_blank, is_directional, is_empty, is_mark, is_variation, styled, turns};

/// Most bytes of folded text. More than half as long as it was no text becomes.
pub(crate) const MAX_FOLDED: usize = 1024 * 1024;

/// Letters with marks, and what they are without.
const MARKED: &str = "àaáaâaãaäaåaāaăaąaçcćcčcďdđdèeéeêeëeēeęeěeğgìiíiîiïiīiıiłlñnńnňnòoóoôoõoöoøoōoőoŕrřrśsşsšsșsţtťtțtùuúuûuüuūuůuűuýyÿyźzżzžz";
/// Letters of other scripts that look like Latin ones, in lower case.
const ALIKE: &str = "аaеeоoрpсcуyхxіiјjѕsһhԁdԛqԝwкkмmтtвbнhαaοoρpνvιiκkτtυuεeɡgɑaıiǀlⅼlօoսu";

/// What had to be undone, and what the letters are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Folding {
    /// The folded text.
    pub text: String,
    /// Characters that show nothing: zero width, soft hyphens, fillers, inside of words.
    pub invisible: u32,
    /// Letters of mathematics, full width or circles in place of plain ones.
    pub styled: u32,
    /// Words that mix Latin letters with letters of another script that look the same.
    pub mixed_words: u32,
    /// The first such word, as written.
    pub mixed_word: String,
    /// Marks that are put above letters of plain Latin.
    pub stacked: u32,
    /// Letters in all.
    pub letters: u32,
    /// Capital letters of Latin.
    pub capitals: u32,
    /// Pictograms.
    pub emoji: u32,
    /// Characters that set the direction of writing.
    pub bidi: u32,
}

/// Folds a text. What U+202E turns round is read as it is shown.
pub(crate) fn fold(text: &str) -> Folding {
    if text.contains('\u{202e}') {
        let bidi = text.chars().filter(|letter| turns(*letter)).count();
        return Folding { bidi: u32::try_from(bidi).unwrap_or(u32::MAX), ..folded(&as_shown(text)) };
    }
    folded(text)
}

fn folded(text: &str) -> Folding {
    let mut out = Folding::default();
    let mut word = Word::default();
    for letter in text.chars() {
        if out.text.len() >= MAX_FOLDED {
            break;
        }
        out.letter(letter, &mut word);
    }
    out.end_word(&mut word);
    out
}

/// The word that is being read.
#[derive(Default)]
struct Word {
    raw: String,
    folded: String,
    latin: bool,
    alike: bool,
    other: bool,
}

impl Folding {
    fn letter(&mut self, letter: char, word: &mut Word) {
        let count = |n: &mut u32| *n = n.saturating_add(1);
        if is_empty(letter) || shows_nothing(letter) {
            if !word.raw.is_empty() {
                count(&mut self.invisible);
            }
            return;
        }
        if turns(letter) {
            count(&mut self.bidi);
        }
        if is_mark(letter) && word.latin {
            count(&mut self.stacked);
        }
        if is_directional(letter) || is_variation(letter) || is_mark(letter) {
            return;
        }
        if is_emoji(letter) {
            count(&mut self.emoji);
        }
        if let Some(plain) = styled(letter) {
            count(&mut self.styled);
            count(&mut self.letters);
            word.push(letter, plain, true);
            return;
        }
        if !letter.is_alphanumeric() {
            self.end_word(word);
            let blank = letter.is_whitespace() || letter.is_control() || is_blank(letter);
            let letter = if blank { ' ' } else { quote(letter) };
            if !(blank && self.text.ends_with(' ')) {
                self.text.push(letter);
            }
            return;
        }
        count(&mut self.letters);
        if letter.is_ascii_uppercase() {
            count(&mut self.capitals);
        }
        if letter.is_ascii() {
            word.push(letter, letter.to_ascii_lowercase(), letter.is_ascii_alphabetic());
            return;
        }
        let lower = letter.to_lowercase().next().unwrap_or(letter);
        if let Some(plain) = in_table(MARKED, lower) {
            word.push(letter, plain, true);
        } else if let Some(plain) = in_table(ALIKE, lower) {
            word.alike = true;
            word.push(letter, plain, false);
        } else if lower == 'ß' {
            word.push(letter, 's', true);
            word.folded.push('s');
        } else {
            word.other = true;
            word.push(letter, lower, false);
        }
    }

    fn end_word(&mut self, word: &mut Word) {
        let word = std::mem::take(word);
        if word.latin && word.alike && !word.other {
            self.mixed_words = self.mixed_words.saturating_add(1);
            if self.mixed_word.is_empty() {
                self.mixed_word = word.raw.chars().take(40).collect();
            }
        }
        // A word wholly of another script is what it is.
        if word.alike && !word.latin || word.other {
            self.text.push_str(&word.raw.to_lowercase());
        } else {
            self.text.push_str(&word.folded);
        }
    }
}

impl Word {
    fn push(&mut self, raw: char, folded: char, latin: bool) {
        self.latin |= latin;
        self.raw.push(raw);
        self.folded.push(folded);
    }
}

/// Whether a control character shows nothing, and parts no words either.
fn shows_nothing(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\t'..='\r' | '\u{85}')
}

/// The second of a pair whose first is the letter.
fn in_table(table: &str, letter: char) -> Option<char> {
    let mut letters = table.chars();
    while let (Some(from), Some(to)) = (letters.next(), letters.next()) {
        if from == letter {
            return Some(to);
        }
    }
    None
}

fn quote(letter: char) -> char {
    match letter {
        '‘' | '’' | '‚' | '`' | '´' => '\'',
        '“' | '”' | '„' | '«' | '»' => '"',
        '–' | '—' | '‐' | '‑' => '-',
        letter => letter,
    }
}

/// Whether a character is a pictogram.
pub(crate) fn is_emoji(letter: char) -> bool {
    matches!(letter, '\u{1f300}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b05}'..='\u{2b55}' | '\u{1f004}'
        | '\u{1f0cf}' | '\u{23e9}'..='\u{23fa}' | '\u{1f1e6}'..='\u{1f1ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_are_undone() {
        let cases = [
            ("Café  “x”", "cafe \"x\""),
            ("𝗪𝗲𝗹𝗰𝗼𝗺𝗲 𝟐𝟓", "welcome 25"),
            ("ＦＲＥＥ", "free"),
            ("Pаypаl", "paypal"),
            ("привет", "привет"),
            ("a\u{200b}ccount", "account"),
            ("Straße", "strasse"),
            ("日本", "日本"),
            ("one\u{2800}two", "one two"),
            ("o\u{1}n\0e\u{7f}\u{17b4}\u{fffb}\t\u{b}two", "one two"),
            ("a\u{202e}ruoy tnuocca\u{202c} b", "aaccount your b"),
            ("Ⓕⓡⓔⓔ", "free"),
        ];
        for (text, expected) in cases {
            assert_eq!(fold(text).text, expected, "{text}");
        }
        let folding = fold("Pаypаl \u{202e}x🎁 a\u{200b}b ABC");
        assert_eq!((folding.mixed_words, folding.bidi, folding.emoji, folding.invisible), (1, 1, 1, 1));
        assert_eq!(fold("Ünïcödé wörds").mixed_words, 0);
    }

    #[test]
    fn tables_are_pairs() {
        assert_eq!(ALIKE.chars().count() % 2, 0);
        assert_eq!(MARKED.chars().count() % 2, 0);
    }
}
