//! The charset is of a script that the text does not use.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "charset_of_elsewhere",
    group: SignGroup::Structure,
    points: Points::Fitted(43),
    about: "The charset is of a script that the text does not use.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain; charset=windows-1251\n\nThis is a plain English text for everybody\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain; charset=utf-8\n\nThis is a plain English text for everybody\n"],
};

fn check(f: &Facts) -> Option<String> {
    f.parts.iter().filter(|p| p.media.starts_with("text/") && !p.attachment).find_map(|p| {
        let c = p.charset.as_str();
        let s = &f.scripts;
        let strange = (c.contains("1251") || c.starts_with("koi8")) && s.cyrillic == 0
            || (c.starts_with("gb") || c.starts_with("big5")) && s.han == 0
            || c.contains("euc-kr") && s.hangul == 0
            || (c.contains("shift") || c.contains("iso-2022-jp")) && s.kana == 0 && s.han == 0;
        when(strange && s.latin > 20, c)
    })
}
