//! Languages, told by the letters of subject and text.

use super::{sign, when};
use crate::spam::Points::{Fitted, Fixed};
use crate::spam::Row;

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fixed(150), "hr_07_chinese", Language, "The text is Chinese (HR-07). Counts only where the policy says so.",
        |f| when(f.scripts.is_chinese(), format!("{} of {} letters", f.scripts.han, f.scripts.letters())),
        fires: ["Content-Type: text/plain; charset=utf-8\n\n你好，这是一封中文邮件，请查收。\n"], quiet: ["Content-Type: text/plain; charset=gb2312\n\nplain English text\n", "Content-Type: text/plain; charset=utf-8\n\nこれは日本語のメールです\n"]),
    sign!(Fixed(150), "hr_08_korean", Language, "The text is Korean (HR-08). Counts only where the policy says so.",
        |f| when(f.scripts.is_korean(), format!("{} of {} letters", f.scripts.hangul, f.scripts.letters())),
        fires: ["Content-Type: text/plain; charset=utf-8\n\n안녕하세요 이것은 한국어 메일입니다\n"], quiet: ["Content-Type: text/plain; charset=euc-kr\n\nplain English text\n"]),
    sign!(Fixed(150), "hr_09_thai", Language, "The text is Thai (HR-09). Counts only where the policy says so.",
        |f| when(f.scripts.is_thai(), format!("{} of {} letters", f.scripts.thai, f.scripts.letters())),
        fires: ["Content-Type: text/plain; charset=utf-8\n\nสวัสดีครับ นี่คืออีเมลภาษาไทย\n"], quiet: ["Subject: x\n\nplain English text\n"]),
    sign!(Fixed(150), "hr_10_japanese", Language, "The text is Japanese (HR-10). Counts only where the policy says so.",
        |f| when(f.scripts.is_japanese(), format!("{} of {} letters", f.scripts.kana, f.scripts.letters())),
        fires: ["Content-Type: text/plain; charset=utf-8\n\nこれは日本語のメールです\n"], quiet: ["Subject: x\n\nplain English text\n", "Content-Type: text/plain; charset=utf-8\n\n你好，这是一封中文邮件，请查收。\n"]),
    sign!(Fitted, "subject_of_other_script", Language, "Subject and text are in different scripts.",
        |f| {
            let subject = crate::spam::facts::Scripts::of(&f.subject);
            let text = crate::spam::facts::Scripts::of(f.shown());
            let latin = |s: &crate::spam::facts::Scripts| s.letters() > 0 && s.latin.saturating_mul(10) > s.letters().saturating_mul(9);
            let none = |s: &crate::spam::facts::Scripts| s.letters() >= 8 && s.latin.saturating_mul(10) < s.letters();
            when(latin(&subject) && none(&text) || none(&subject) && latin(&text) && text.letters() > 40, "two scripts")
        },
        fires: ["Subject: Hello\nContent-Type: text/plain; charset=utf-8\n\n你好，这是一封中文邮件，请查收。\n"], quiet: ["Subject: x\n\nplain English text\n"]),
];
