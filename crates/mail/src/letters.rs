//! Letters that are not what they seem: characters that show nothing, and letters in another style.
//!
//! Each set stands here once, under a name of its own: who takes characters out of a text says which. A mark on a
//! letter belongs to a word and not to a domain, and what turns the direction of a name must be seen before it goes.

/// Whether a character takes no room: zero width, soft hyphens, joiners, fillers, tags.
pub fn is_empty(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}'
        | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a character turns the direction of what follows: embeddings, overrides, isolates and their ends.
pub fn turns(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character says something of direction: those that turn it, and marks of it, which turn nothing.
pub fn is_directional(letter: char) -> bool {
    turns(letter) || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}')
}

/// A text as programs show it that obey U+202E: what stands behind that runs from right to left, up to the next
/// character that turns the direction, or the end of the line. Those characters go.
pub fn as_shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut reversed: Option<Vec<char>> = None;
    for letter in text.chars() {
        if turns(letter) || letter == '\n' {
            out.extend(reversed.take().into_iter().flatten().rev());
            reversed = (letter == '\u{202e}').then(Vec::new);
            out.extend(Some(letter).filter(|letter| *letter == '\n'));
            continue;
        }
        match &mut reversed {
            Some(run) => run.push(letter),
            None => out.push(letter),
        }
    }
    out.extend(reversed.into_iter().flatten().rev());
    out
}

/// Whether a character shows nothing where it stands, and is no blank by its class: the empty pattern of Braille.
pub fn is_blank(letter: char) -> bool {
    letter == '\u{2800}'
}

/// Whether a character chooses among the forms of the one before.
pub fn is_variation(letter: char) -> bool {
    matches!(letter, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a character is an accent, or another mark, on the letter before.
pub fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{34e}' | '\u{350}'..='\u{36f}')
}

/// The plain letter, in lower case, or digit of one that is written in another style: of mathematics, full width,
/// in a circle or square.
pub fn styled(letter: char) -> Option<char> {
    let code = u32::from(letter);
    let from = |first: u32, base: u8, period: u32| {
        let offset = u8::try_from(code.checked_sub(first)?.checked_rem(period)?).ok()?;
        Some(char::from(base.checked_add(offset)?))
    };
    match code {
        0x1d7ce..=0x1d7ff => from(0x1d7ce, b'0', 10),
        0x1d400..=0x1d6a3 => {
            let offset = code.checked_sub(0x1d400)?.checked_rem(52)?;
            from(code.checked_sub(offset)?, if offset < 26 { b'a' } else { b'G' }, 52).map(|c| c.to_ascii_lowercase())
        }
        0xff10..=0xff19 => from(0xff10, b'0', 10),
        0xff21..=0xff3a => from(0xff21, b'a', 26),
        0xff41..=0xff5a => from(0xff41, b'a', 26),
        0x24b6..=0x24cf => from(0x24b6, b'a', 26),
        0x24d0..=0x24e9 => from(0x24d0, b'a', 26),
        0x1f130..=0x1f149 => from(0x1f130, b'a', 26),
        0x1f150..=0x1f169 => from(0x1f150, b'a', 26),
        0x1f170..=0x1f189 => from(0x1f170, b'a', 26),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_shown() {
        let cases = [
            ("a\u{202e}dcb\u{202c}e", "abcde"),
            ("\u{202e}ba\ncd\u{202e}fe", "ab\ncdef"),
            ("\u{202e}ba\u{202d}cd\u{2067}e", "abcde"),
            ("plain\n", "plain\n"),
            ("\u{202e}eoD nnA\u{202c}", "Ann Doe"),
            ("\u{202e}eoD nnA", "Ann Doe"),
            ("Mr \u{202e}eoD\u{202c} x", "Mr Doe x"),
            ("\u{202e}cb\u{202e}ed\u{202c}a", "bcdea"),
            ("\u{2068}Ann\u{2069}", "Ann"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(as_shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn letters_in_other_styles_are_plain_ones() {
        let cases = [("𝗪𝐚𝟐", "wa2"), ("ＦｒＥ１", "fre1"), ("Ⓕⓡ🄰🅐🅰", "fraaa"), ("aß7Ж", "")];
        for (text, expected) in cases {
            assert_eq!(text.chars().filter_map(styled).collect::<String>(), expected, "{text}");
        }
    }

    #[test]
    fn fillers_and_all_choices_of_a_form_show_nothing() {
        let text = "p\u{115f}\u{1160}a\u{3164}y\u{ffa0}\u{206a}p\u{206f}a\u{e0100}l\u{e01ef}\u{fe0f}";
        let shown: String = text.chars().filter(|letter| !is_empty(*letter) && !is_variation(*letter)).collect();
        assert_eq!(shown, "paypal");
    }

    #[test]
    fn no_character_is_in_two_sets() {
        for letter in '\0'..=char::MAX {
            let sets = [is_empty(letter), is_directional(letter), is_variation(letter), is_mark(letter)];
            let count = sets.into_iter().filter(|is| *is).count();
            assert!(count <= 1 && (count == 0 || styled(letter).is_none()), "{letter:?}");
        }
    }
}
