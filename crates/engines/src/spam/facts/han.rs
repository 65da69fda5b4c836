//! Which language a Chinese character speaks for, where Chinese and Japanese write it differently.
//!
//! No list of our own: the character sets of the countries say it. JIS X 0208 has what Japanese is written with, its
//! level 1 what is common there and level 2 rare and old forms; GB 2312 has the simplified characters of Chinese, and
//! the first level of Big5 the common traditional ones. What stands in one country's alone (円 込 気 駅; 们 这 你) tells
//! the language; what stands in both (中 国 会 議) does not.
//!
//! Limits: the block of U+4E00 to U+9FFF. Old forms in Japanese names (澤 廣 應) count a little for Chinese.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use mail::charset::to_text;

/// The first character of the block.
const FIRST: u32 = 0x4e00;
/// Characters of the block.
const BLOCK: usize = 0x5200;

/// What a character says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Speaks {
    /// Both write it, or neither does.
    #[default]
    ForNone,
    /// Only Japanese writes it.
    ForJapanese,
    /// Chinese writes it often, Japanese in old names and rare words.
    RatherForChinese,
    /// Only Chinese writes it.
    ForChinese,
}

/// What each character of the block says.
static BY_CHARACTER: LazyLock<Vec<Speaks>> = LazyLock::new(|| {
    let cells = 0xa1..=0xfe;
    let common = set("euc-jp", 0xb0..=0xcf, cells.clone());
    let rare = set("euc-jp", 0xd0..=0xf4, cells.clone());
    let simplified = set("gb2312", 0xb0..=0xf7, cells);
    let traditional = set("big5", 0xa4..=0xc6, 0x40..=0xfe);
    let seldom = set("big5", 0xc9..=0xf9, 0x40..=0xfe);
    let of = |at| {
        let has = |set: &[bool]| set.get(at).copied().unwrap_or_default();
        let chinese = has(&simplified) || has(&traditional);
        match (chinese, has(&common), has(&rare)) {
            (true, false, false) => Speaks::ForChinese,
            (true, false, true) => Speaks::RatherForChinese,
            (false, true, _) | (false, _, true) if !has(&seldom) => Speaks::ForJapanese,
            _ => Speaks::ForNone,
        }
    };
    (0..BLOCK).map(of).collect()
});

/// Which characters of the block a set of two bytes a character has in these rows and cells.
fn set(charset: &str, rows: RangeInclusive<u8>, cells: RangeInclusive<u8>) -> Vec<bool> {
    let codes: Vec<u8> = rows.flat_map(|row| cells.clone().flat_map(move |cell| [row, cell])).collect();
    let mut found = vec![false; BLOCK];
    for letter in to_text(&codes, Some(charset)).chars() {
        if let Some(has) = place(letter).and_then(|at| found.get_mut(at)) {
            *has = true;
        }
    }
    found
}

fn place(letter: char) -> Option<usize> {
    usize::try_from(u32::from(letter).checked_sub(FIRST)?).ok()
}

/// What a character says about the language of its text.
pub(super) fn speaks(letter: char) -> Speaks {
    place(letter).and_then(|at| BY_CHARACTER.get(at)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_speak_for_those_who_write_them() {
        let all = |text: &str, expected| text.chars().for_each(|c| assert_eq!(speaks(c), expected, "{c}"));
        all("円込気広駅売発転働畑峠県様訳桜", Speaks::ForJapanese);
        all("们这说你您请吗账邮开发辦眾", Speaks::ForChinese);
        all("會學與隨將鬱", Speaks::RatherForChinese);
        all("中国会議日本人大小aあ한", Speaks::ForNone);
        let count = |what| BY_CHARACTER.iter().filter(|speaks| **speaks == what).count();
        let counts = [Speaks::ForJapanese, Speaks::RatherForChinese, Speaks::ForChinese].map(count);
        assert!(counts.iter().all(|count| *count > 500), "{counts:?}");
    }
}
