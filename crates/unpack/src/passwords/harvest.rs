//! Finds what may be a password in the texts of a message.
//!
//! A password is told in a few ways: behind a word for it ("Password: X", "das Passwort lautet X"),
//! in quotation marks, alone on a line, in the subject or the name of the file. Each piece of text gets
//! points by how it stands; the best are tried first. Linear in the text for each of the [`WORDS`].
//! Limits: [`MAX_FOUND`], [`MAX_MATCHES`], pieces of [`MIN_LENGTH`] to [`MAX_LENGTH`] bytes.

use mail::letters::{is_directional, is_empty};

use super::MAX_LENGTH;
use super::words::{FILLERS, WORDS};

/// Most candidates that are kept before they are put in order.
const MAX_FOUND: usize = 4096;
/// Most places of one word that are looked at.
const MAX_MATCHES: usize = 64;
/// Shortest candidate that no word stands beside, in bytes.
const MIN_LENGTH: usize = 3;
/// How many pieces behind a word are candidates.
const BEHIND: usize = 8;
/// How many pieces in front of a word are.
const BEFORE: usize = 3;
/// Longest phrase, in bytes.
const MAX_PHRASE: usize = 64;
/// How far around a word is looked, in bytes, and how many lines below it.
const MAX_LINE: usize = 512;
const MAX_LINES: usize = 8;
/// How far back an equal candidate is looked for.
const MAX_BACK: usize = 64;

/// Where a text stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// The body of a message, or a small text beside an archive.
    Body,
    /// Its subject.
    Subject,
    /// The name of a file.
    Name,
}

/// What may be a password. There is no `Debug`.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) text: String,
    pub(crate) score: i32,
}

/// Adds the candidates of a text.
pub(super) fn search(text: &str, place: Place, found: &mut Vec<Candidate>) {
    let text = visible(text);
    let lower = lowered(&text);
    beside_words(&text, &lower, found);
    if place == Place::Name {
        let stem = text.rsplit_once('.').map_or(text.as_str(), |(stem, _)| stem);
        add(found, stem, 30);
    }
    for line in text.lines() {
        let pieces = || line.split(|c: char| c.is_whitespace() || place != Place::Body && is_joint(c));
        let alone = place == Place::Body && pieces().filter(|piece| !piece.is_empty()).nth(1).is_none();
        for piece in pieces() {
            let piece = bare(piece);
            let base = general(piece);
            let bonus = match place {
                Place::Body if alone => 28,
                Place::Body => 0,
                Place::Subject => 20,
                Place::Name => 16,
            };
            if base > 0 && piece.len() >= MIN_LENGTH {
                add(found, piece, base.saturating_add(bonus));
            }
        }
    }
}

/// What stands behind, in front of and below the words for a password.
fn beside_words(text: &str, lower: &str, found: &mut Vec<Candidate>) {
    for word in WORDS {
        for at in memchr::memmem::find_iter(lower.as_bytes(), word.as_bytes()).take(MAX_MATCHES) {
            let end = at.saturating_add(word.len());
            let behind = text.get(end..text.floor_char_boundary(end.saturating_add(MAX_LINE))).unwrap_or_default();
            let line = behind.lines().next().unwrap_or_default();
            // The rest of a longer word ("passwords", "Passwortes") is not the password.
            let joined = word.is_ascii() && word.ends_with(|c: char| c.is_alphabetic());
            let line = if joined { line.trim_start_matches(|c: char| c.is_ascii_alphabetic()) } else { line };
            if behind_word(line, 100, found) == 0 {
                let below = behind.lines().skip(1).take(MAX_LINES).map(str::trim).find(|line| !line.is_empty());
                behind_word(below.unwrap_or_default(), 95, found);
            }
            let before = text.get(text.ceil_char_boundary(at.saturating_sub(MAX_LINE))..at).unwrap_or_default();
            let before = before.rsplit('\n').next().unwrap_or_default();
            for (piece, far) in before.split_whitespace().rev().map(bare).filter(|piece| !is_filler(piece)).zip(0..) {
                if far >= BEFORE as i32 {
                    break;
                }
                if general(piece) >= 10 {
                    add(found, piece, 60_i32.saturating_sub(far));
                }
            }
        }
    }
}

/// The pieces of a line that starts behind a word for a password; how many there were.
fn behind_word(line: &str, base: i32, found: &mut Vec<Candidate>) -> usize {
    if let Some(quoted) = quoted(line) {
        add(found, quoted, base.saturating_add(15));
    }
    let mut count = 0_usize;
    let mut bonus = 0;
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | ')' | ']'));
    let value = line.trim_start_matches([':', '=', '：', '-', '–', '>']).trim();
    if value.len() < line.len() && value.contains(' ') && value.len() <= MAX_PHRASE {
        add(found, value, base.saturating_sub(15));
    }
    for piece in line.split_whitespace().flat_map(runs) {
        let told = piece.ends_with([':', '=', '：']) || matches!(piece, "-" | "–" | "->" | "=>");
        let trimmed = piece.trim_start_matches([':', '=', '：', '-', '>']);
        let piece = bare(trimmed);
        if piece.is_empty() || is_filler(piece) {
            bonus = if told || is_filler(piece) { 10 } else { bonus };
            continue;
        }
        let far = i32::try_from(count).unwrap_or(i32::MAX).saturating_mul(4);
        let strong = if general(piece) >= 10 { 6 } else { 0 };
        let score = base.saturating_add(bonus).saturating_add(strong).saturating_sub(far);
        add(found, piece, score);
        // A mark at the end may belong to it; so may brackets around it.
        if trimmed != piece {
            add(found, trimmed, score.saturating_sub(3));
            add(found, trimmed.trim_end_matches(['.', ',', ';']), score.saturating_sub(2));
        }
        bonus = if told { 10 } else { 0 };
        count = count.saturating_add(1);
        if count >= BEHIND {
            break;
        }
    }
    count
}

/// A piece cut where letters of East Asia meet others: those languages put no blanks there.
fn runs(piece: &str) -> impl Iterator<Item = &str> {
    let mut rest = piece;
    std::iter::from_fn(move || {
        let east = is_east(rest.chars().next()?);
        let end = rest.find(|c| is_east(c) != east).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(run)
    })
}

fn is_east(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
}

/// What stands in the first quotation marks of a line.
fn quoted(line: &str) -> Option<&str> {
    const MARKS: &[(char, &[char])] = &[
        ('"', &['"']),
        ('\'', &['\'']),
        ('`', &['`']),
        ('“', &['”', '“']),
        ('„', &['“', '”']),
        ('«', &['»']),
        ('»', &['«']),
        ('‘', &['’']),
        ('「', &['」']),
        ('『', &['』']),
        ('《', &['》']),
        ('<', &['>']),
        ('[', &[']']),
        ('(', &[')']),
    ];
    let (at, open) = line.char_indices().find(|(_, c)| MARKS.iter().any(|(mark, _)| mark == c))?;
    let closing = MARKS.iter().find(|(mark, _)| *mark == open)?.1;
    let inner = line.get(at.checked_add(open.len_utf8())?..)?;
    let end = inner.find(closing)?;
    inner.get(..end).map(str::trim).filter(|text| !text.is_empty())
}

/// A piece without quotation marks, brackets and the marks of a sentence around it.
fn bare(piece: &str) -> &str {
    let around = |c: char| {
        matches!(
            c,
            '"' | '\''
                | '`'
                | '“'
                | '”'
                | '„'
                | '«'
                | '»'
                | '‘'
                | '’'
                | '「'
                | '」'
                | '『'
                | '』'
                | '《'
                | '》'
                | '<'
                | '>'
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '|'
        )
    };
    let sentence =
        |c: char| matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '。' | '、' | '，' | '：' | '！' | '*' | '_');
    let open = |c: char| around(c) || matches!(c, '*' | '_');
    piece.trim_start_matches(open).trim_end_matches(|c| around(c) || sentence(c))
}

/// Points for a piece that no word stands beside: figures and mixtures are likelier than words.
fn general(piece: &str) -> i32 {
    if piece.len() > 32 || piece.contains("://") || piece.contains('@') && piece.contains('.') {
        return 0;
    }
    let digits = piece.chars().filter(char::is_ascii_digit).count();
    let letters = piece.chars().filter(|c| c.is_alphabetic()).count();
    let chars = piece.chars().count();
    match (digits, letters) {
        (3..=12, 0) if digits == chars => 14,
        (0, 0) => 0,
        (1.., 1..) => 16,
        (0, _) if chars >= 4 => 4,
        _ => 6,
    }
}

fn is_joint(c: char) -> bool {
    matches!(c, '_' | '-' | '.' | ' ' | '(' | ')' | '[' | ']' | '+' | ',')
}

fn is_filler(piece: &str) -> bool {
    let lower = piece.to_lowercase();
    FILLERS.contains(&lower.as_str()) || WORDS.contains(&lower.as_str())
}

fn add(found: &mut Vec<Candidate>, text: &str, score: i32) {
    if text.is_empty() || text.len() > MAX_LENGTH {
        return;
    }
    if let Some(known) = found.iter_mut().rev().take(MAX_BACK).find(|known| known.text == text) {
        known.score = known.score.max(score);
    } else if found.len() < MAX_FOUND {
        found.push(Candidate { text: text.to_owned(), score });
    }
}

/// A text without characters that do not show.
fn visible(text: &str) -> String {
    let shown = text.chars().filter(|c| !is_empty(*c) && !is_directional(*c));
    shown.map(|c| if c == '\u{a0}' || c == '\u{3000}' { ' ' } else { c }).collect()
}

/// In lower case, each character in its place.
fn lowered(text: &str) -> String {
    let lower = |c: char| c.to_lowercase().next().filter(|low| low.len_utf8() == c.len_utf8()).unwrap_or(c);
    text.chars().map(lower).collect()
}
