//! Text in a section: runs of UTF-16, and of ASCII that reads like words. Best effort; what a page
//! shows is not told from what it showed once.

use crate::views::TextView;

/// Fewest characters of a run of UTF-16.
const LEAST_WIDE: usize = 4;
/// Fewest characters of a run of ASCII, which needs a blank in it too.
const LEAST_NARROW: usize = 8;
/// References to attached files and objects, which are no text.
const REFERENCES: [&str; 2] = ["<ifndf>", "<invfdo>"];

/// Whether a character is one of a text, rather than what numbers happen to look like.
fn plausible(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='~' | '\u{a0}'..='\u{24f}' | '\u{370}'..='\u{6ff}' | '\u{2010}'..='\u{203a}' | '€')
        || matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
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

/// Runs of little-endian UTF-16 in which most characters are Latin: first those at even places, then
/// those at odd ones.
pub(super) fn wide_runs(data: &[u8], found: &mut dyn FnMut(&str)) {
    for parity in [0, 1] {
        let (mut run, mut count, mut latin) = (String::new(), 0_usize, 0_usize);
        let units = data.get(parity..).unwrap_or_default().chunks_exact(2);
        let units = units.map(|pair| u16::from_le_bytes(<[u8; 2]>::try_from(pair).unwrap_or_default()));
        for unit in units.chain([0]) {
            if let Some(letter) = char::from_u32(unit.into()).filter(|letter| plausible(*letter)) {
                run.push(letter);
                count = count.saturating_add(1);
                latin = latin.saturating_add(usize::from(letter < '\u{250}'));
                continue;
            }
            // Pairs of Latin letters look like characters of Asia: real ones have blanks among them.
            if count >= LEAST_WIDE && latin.saturating_mul(2) >= count {
                found(&run);
            }
            run.clear();
            (count, latin) = (0, 0);
        }
    }
}
