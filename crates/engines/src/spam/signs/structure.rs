//! The MIME structure: what parts there are, and whether they fit each other.

use std::collections::BTreeSet;

use mail::graph::Encoding;

use super::{sign, some, when};
use crate::spam::Facts;
use crate::spam::Points::{Fitted, Fixed};
use crate::spam::Row;

/// Fewest different words of an HTML text that a plain one is compared with.
const FEW_WORDS: usize = 15;

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fitted, "html_only", Structure, "The text is HTML, without a plain one.",
        |f| when(f.html.parts > 0 && f.plain.trim().is_empty() && !f.parts.iter().any(|p| p.media == "text/plain" && !p.attachment), "HTML only"),
        fires: ["Content-Type: text/html\n\n<p>x</p>\n"],
        quiet: ["Content-Type: text/plain\n\nx\n"]),
    sign!(Fitted, "plain_empty_beside_html", Structure, "The plain text beside the HTML is empty or a few letters.",
        |f| when(f.html.parts > 0 && f.plain.trim().len() < 20 && f.html.text.trim().len() > 60 && f.parts.iter().any(|p| p.media == "text/plain" && !p.attachment), "an empty text"),
        fires: ["Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n\n--b\nContent-Type: text/html\n\n<p>a text that is long enough to be more than a few letters of it</p>\n--b--\n"],
        quiet: ["Content-Type: text/html\n\n<p>x</p>\n"]),
    sign!(Fitted, "plain_differs_from_html", Structure, "The plain text says something else than the HTML.", differs,
        fires: ["Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nnothing of what stands below\n--b\nContent-Type: text/html\n\n<p>one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty twentyone twentytwo</p>\n--b--\n"],
        quiet: ["Content-Type: text/html\n\n<p>x</p>\n"]),
    sign!(Fitted, "alternative_of_one", Structure, "A choice between forms has one form.",
        |f| when(f.parts.iter().any(|p| p.media == "multipart/alternative" && p.children == Some(1)), "one form"),
        fires: ["Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x</p>\n--b--\n"],
        quiet: ["Content-Type: text/html\n\n<p>x</p>\n"]),
    sign!(Fitted, "mixed_of_one", Structure, "A multipart has one part.",
        |f| when(f.parts.iter().any(|p| p.media != "multipart/alternative" && p.children.is_some_and(|c| c <= 1)), "one part"),
        fires: ["Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x</p>\n--b--\n"],
        quiet: ["Content-Type: text/html\n\n<p>x</p>\n"]),
    sign!(Fitted, "base64_for_nothing", Structure, "A text of plain ASCII is in base64.",
        |f| when(f.parts.iter().any(|p| p.media.starts_with("text/") && !p.attachment && p.encoding == Encoding::Base64 && p.ascii && p.raw_size > 40), "base64"),
        fires: ["Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGVsbG8sIHRoaXMgaXMgYSBwbGFpbiB0ZXh0IG9mIEFTQ0lJLCB3aGljaCBuZWVkcyBub25l\n"],
        quiet: ["Content-Type: text/plain\n\nx\n"]),
    sign!(Fitted, "base64_text", Structure, "A text is in base64.",
        |f| when(f.parts.iter().any(|p| p.media.starts_with("text/") && !p.attachment && p.encoding == Encoding::Base64), "base64"),
        fires: ["Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGVsbG8=\n"],
        quiet: ["Content-Type: text/plain\n\nx\n"]),
    sign!(Fitted, "no_charset", Structure, "A text does not say its charset, or HTML does not.",
        |f| when(f.parts.iter().any(|p| p.media == "text/html" && p.charset.is_empty() && !p.attachment), "HTML without a charset"),
        fires: ["Content-Type: text/html\n\n<p>x</p>\n"],
        quiet: ["Content-Type: text/html; charset=utf-8\n\n<p>x</p>\n"]),
    sign!(Fitted, "ascii_that_is_none", Structure, "A text says us-ascii, or nothing, and is not.",
        |f| when(f.parts.iter().any(|p| (p.charset.is_empty() || p.charset == "us-ascii") && p.eight_bit && !p.attachment), "letters beyond ASCII"),
        fires: ["Content-Type: text/plain; charset=us-ascii\n\nGrüße\n"],
        quiet: ["Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße\n"]),
    sign!(Fitted, "unknown_charset", Structure, "A text's charset does not exist.",
        |f| f.parts.iter().find(|p| !p.charset.is_empty() && !mail::charset::is_known(&p.charset)).map(|p| p.charset.clone()),
        fires: ["Content-Type: text/plain; charset=zork\n\nx\n"],
        quiet: ["Content-Type: text/plain; charset=utf-8\n\nx\n"]),
    sign!(Fitted, "charset_of_elsewhere", Structure, "The charset is of a script that the text does not use.",
        |f| f.parts.iter().filter(|p| p.media.starts_with("text/") && !p.attachment).find_map(|p| {
            let c = p.charset.as_str();
            let s = &f.scripts;
            let strange = (c.contains("1251") || c.starts_with("koi8")) && s.cyrillic == 0
                || (c.starts_with("gb") || c.starts_with("big5")) && s.han == 0
                || c.contains("euc-kr") && s.hangul == 0
                || (c.contains("shift") || c.contains("iso-2022-jp")) && s.kana == 0 && s.han == 0;
            when(strange && s.latin > 20, c)
        }),
        fires: ["Content-Type: text/plain; charset=windows-1251\n\nThis is a plain English text for everybody\n"],
        quiet: ["Content-Type: text/plain; charset=utf-8\n\nThis is a plain English text for everybody\n"]),
    sign!(Fitted, "empty_text", Structure, "There is no text at all.",
        |f| when(f.shown().trim().is_empty() && f.attached.iter().all(|a| !a.attachment), "nothing"),
        fires: ["Subject: x\n\n \n"],
        quiet: ["Subject: x\n\nhello\n"]),
    sign!(Fitted, "link_and_little_text", Structure, "A link and hardly a word beside it.",
        |f| {
            let text = f.shown().split_whitespace().filter(|w| !w.contains("://")).map(str::len).fold(0, usize::saturating_add);
            when(text < 120 && f.clicks().next().is_some(), format!("{text} letters"))
        },
        fires: ["Subject: x\n\nhttp://a.example/x\n"],
        quiet: ["Subject: x\n\nhello\n"]),
    sign!(Fitted, "odd_media_type", Structure, "The top type is one that no mail program makes.",
        |f| f.parts.first().filter(|p| !(p.media.starts_with("text/") || p.media.starts_with("multipart/") || p.media.starts_with("application/") || p.media.starts_with("image/") || p.media.starts_with("message/") || p.media.starts_with("audio/")) || matches!(p.media.as_str(), "multipart/digest" | "multipart/parallel" | "multipart/encrypted") && p.children.unwrap_or(0) < 2).map(|p| p.media.clone()),
        fires: ["Content-Type: zork/blub\n\nx\n", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nx\n--b--\n"],
        quiet: ["Content-Type: text/plain\n\nx\n"]),
    sign!(Fitted, "related_without_picture", Structure, "HTML with its pictures, without a picture.",
        |f| when(f.parts.iter().any(|p| p.media == "multipart/related") && !f.parts.iter().any(|p| p.media.starts_with("image/") || p.media.starts_with("application/") || p.media.starts_with("audio/")), "no picture"),
        fires: ["Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x</p>\n--b--\n"],
        quiet: ["Content-Type: text/plain\n\nx\n"]),
    sign!(Fitted, "attachment_without_text", Structure, "An attachment, and no text that speaks of it.",
        |f| when(f.shown().trim().len() < 15 && f.attached.iter().any(|a| a.attachment && !a.inside), "no text"),
        fires: ["Content-Type: application/pdf; name=a.pdf\n\nx\n"],
        quiet: ["Content-Type: text/plain\n\nhello\n"]),
    sign!(Fixed(100), "not_all_read", Structure, "It is larger, or has more parts, links or fields than are looked at for spam.",
        |f| some(&f.cut.join(", ")),
        fires: [], quiet: ["Content-Type: text/plain\n\nhello\n"]),
];

/// Whether the plain text lacks most of the words of the HTML.
fn differs(f: &Facts) -> Option<String> {
    if f.plain.trim().is_empty() || f.html.text.trim().is_empty() {
        return None;
    }
    let words = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|w| w.chars().count() >= 4)
            .take(2000)
            .map(str::to_lowercase)
            .collect()
    };
    let (plain, html) = (words(&f.plain), words(&f.html.text));
    if html.len() < FEW_WORDS && plain.len() < FEW_WORDS || plain.is_empty() {
        return None;
    }
    let common = plain.intersection(&html).count();
    let fewer = plain.len().min(html.len()).max(1);
    let percent = common.saturating_mul(100).checked_div(fewer).unwrap_or(100);
    when(percent < 30, format!("{percent} % of the words are in both"))
}
