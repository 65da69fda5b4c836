//! What a text is written in, by its letters: not by what its charset is called.

/// How many letters of each script there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Scripts {
    /// Latin.
    pub latin: u32,
    /// Chinese characters, which Japanese has, too.
    pub han: u32,
    /// The syllables of Japanese.
    pub kana: u32,
    /// Korean.
    pub hangul: u32,
    /// Thai.
    pub thai: u32,
    /// Cyrillic.
    pub cyrillic: u32,
    /// Arabic and Hebrew.
    pub semitic: u32,
    /// Anything else.
    pub other: u32,
}

/// Fewest letters that a language is told from.
const FEWEST: u32 = 8;

impl Scripts {
    /// Counts the letters of a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut out = Self::default();
        for letter in text.chars() {
            let count = match letter {
                'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => &mut out.latin,
                '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{2ffff}' => &mut out.han,
                '\u{3041}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9d}' => &mut out.kana,
                '\u{ac00}'..='\u{d7af}' | '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' => &mut out.hangul,
                '\u{e01}'..='\u{e5b}' => &mut out.thai,
                '\u{400}'..='\u{52f}' => &mut out.cyrillic,
                '\u{590}'..='\u{6ff}' => &mut out.semitic,
                letter if letter.is_alphabetic() => &mut out.other,
                _ => continue,
            };
            *count = count.saturating_add(1);
        }
        out
    }

    /// Letters in all.
    pub fn letters(&self) -> u32 {
        let all = [self.latin, self.han, self.kana, self.hangul, self.thai, self.cyrillic, self.semitic, self.other];
        all.into_iter().fold(0, u32::saturating_add)
    }

    /// Whether so many letters are so many of all, in percent.
    fn share(&self, letters: u32, percent: u64) -> bool {
        let all = self.letters();
        all >= FEWEST && u64::from(letters).saturating_mul(100) >= u64::from(all).saturating_mul(percent)
    }

    /// Chinese: Chinese characters with hardly any Japanese syllable among them.
    pub fn is_chinese(&self) -> bool {
        self.share(self.han, 15) && u64::from(self.kana).saturating_mul(20) < u64::from(self.han)
    }

    /// Japanese.
    pub fn is_japanese(&self) -> bool {
        self.share(self.kana.saturating_add(self.han), 15)
            && u64::from(self.kana).saturating_mul(20) >= u64::from(self.han)
            && self.kana > 0
    }

    /// Korean.
    pub fn is_korean(&self) -> bool {
        self.share(self.hangul, 15)
    }

    /// Thai.
    pub fn is_thai(&self) -> bool {
        self.share(self.thai, 15)
    }

    /// Cyrillic.
    pub fn is_cyrillic(&self) -> bool {
        self.share(self.cyrillic, 30)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_by_their_letters() {
        let told = |text: &str| {
            let it = Scripts::of(text);
            (it.is_chinese(), it.is_japanese(), it.is_korean(), it.is_thai(), it.is_cyrillic())
        };
        assert_eq!(told("你好，这是一封中文邮件，请查收。"), (true, false, false, false, false));
        assert_eq!(told("こんにちは、これは日本語のメールです。"), (false, true, false, false, false));
        assert_eq!(told("안녕하세요 이것은 한국어 메일입니다"), (false, false, true, false, false));
        assert_eq!(told("สวัสดีครับ นี่คืออีเมลภาษาไทย"), (false, false, false, true, false));
        assert_eq!(told("Здравствуйте, это письмо"), (false, false, false, false, true));
        assert_eq!(told("Plain English with a word of 日本 in it, and more"), (false, false, false, false, false));
        assert_eq!(told("日本"), (false, false, false, false, false));
    }
}
