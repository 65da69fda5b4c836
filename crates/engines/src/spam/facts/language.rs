//! What a text is written in, by its letters: not by what its charset is called.
//!
//! Chinese and Japanese share most of their characters. Japanese is told by its syllables, and by characters that only
//! it has; Chinese by those that only it has (`han.rs`). A text with neither is called neither.

use super::han::{Speaks, speaks};

/// How many letters of each script there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Scripts {
    /// Latin.
    pub latin: u32,
    /// Chinese characters, which Japanese has, too.
    pub han: u32,
    /// What only Japanese has: its syllables, and characters that Chinese has not.
    pub kana: u32,
    /// How much of the Chinese characters speaks for Chinese: [`CERTAIN`] for one that Japanese has not, 1 for one
    /// that it has in old names and rare words.
    pub chinese: u32,
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
/// What a character that only Chinese has is worth, and how much has to speak for Chinese: one such character, or as
/// many as no Japanese name has of old ones.
const CERTAIN: u32 = 5;
/// To how many Chinese characters at most there has to be one that speaks for Chinese. Of common text, simplified or
/// traditional, one of ten does.
const ONE_IN: u64 = 12;

impl Scripts {
    /// Counts the letters of a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut out = Self::default();
        for letter in text.chars() {
            let says = speaks(letter);
            out.chinese = out.chinese.saturating_add(match says {
                Speaks::ForChinese => CERTAIN,
                Speaks::RatherForChinese => 1,
                Speaks::ForJapanese | Speaks::ForNone => 0,
            });
            let count = match letter {
                'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => &mut out.latin,
                _ if says == Speaks::ForJapanese => &mut out.kana,
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

    /// Chinese: Chinese characters of which enough speak for Chinese, and hardly anything for Japanese.
    pub fn is_chinese(&self) -> bool {
        let han = u64::from(self.han);
        self.share(self.han, 15)
            && u64::from(self.kana).saturating_mul(20) < han
            && self.chinese >= CERTAIN
            && u64::from(self.chinese).saturating_mul(ONE_IN) >= han
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

    #[test]
    fn hr_07_hr_10_chinese_and_japanese_are_told_apart_without_syllables() {
        let told = |text: &str| (Scripts::of(text).is_chinese(), Scripts::of(text).is_japanese());
        let (chinese, japanese, neither) = ((true, false), (false, true), (false, false));
        for (text, expected) in [
            // Simplified, and traditional in a long text.
            ("尊敬的客户，您的账户已被冻结，请尽快点击以下链接", chinese),
            ("本公司代理中国各省正式发票", chinese),
            ("大量现货供应品质保证价格优惠", chinese),
            ("中国人民大学文学院本科生入学申请材料", chinese),
            ("親愛的客戶，您的帳戶已被凍結，請盡快點擊以下連結", chinese),
            (
                "各位同仁大家好，下週一上午十點將在三樓會議室召開本季業務檢討會議，請各部門主管準備簡報資料，\
                 並於週五下班前寄給秘書彙整。如有任何問題，歡迎隨時與我聯絡，謝謝。",
                chinese,
            ),
            ("香港特別行政區政府今日宣布，有關部門會繼續密切留意事態發展，並適時向公眾發放最新消息。", chinese),
            ("你好，这里の优惠很多，请点击下面的链接查看详情，谢谢您", chinese),
            // Subjects without a syllable.
            ("株式会社日本商事営業部御中", japanese),
            ("総務省統計局国勢調査実施本部", japanese),
            ("重要 御注文確認 合計金額 円税込", japanese),
            ("経済産業省中小企業庁補助金公募開始", japanese),
            // In the letters of both: nobody can tell.
            ("東京都千代田区丸之内一丁目", neither),
            ("年末年始休業日程連絡", neither),
            ("台北市政府公告事項", neither),
            ("澤田學園國際交流會館", neither),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }
}
