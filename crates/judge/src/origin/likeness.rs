//! Names that look like another: letters of other scripts and fonts, digits for letters, characters that show
//! nothing; of domains, one letter more, less or exchanged, the name put in front of another domain, or joined
//! with a word like "login", and a top-level domain that is nearly the right one.
//!
//! Limits: labels of at most [`MAX_LABEL`] characters are compared, and names of at most [`MAX_LABELS`].
//! Not handled: whole words that mean the same, and names shorter than [`SHORT`] with one letter exchanged.

use std::sync::LazyLock;

use mail::letters::{is_directional, is_empty, is_mark, is_variation, styled};
use mail::punycode;

/// Longest label that is compared, in characters.
const MAX_LABEL: usize = 63;
/// Most labels of a domain that are compared.
const MAX_LABELS: usize = 10;
/// A protected name shorter than this is only compared as a whole: too many honest names are near it.
const SHORT: usize = 6;

/// Letters, beside the one they are taken for.
const LOOKS: [(&str, char); 34] = [
    ("0оοσօѳ๐", 'o'),
    ("1i|lıіιǀɪɩɫłĺľļḷӏ!", 'l'),
    ("5ѕ$ꜱ", 's'),
    ("3ɛєҽ", 'e'),
    ("4@", 'a'),
    ("7ŧţť", 't'),
    ("2ʐᴢ", 'z'),
    ("9ɡցğģġ", 'g'),
    ("ԛզ", 'q'),
    ("ѵνᴠ", 'v'),
    ("ƒſ", 'f'),
    ("ŕřгɾ", 'r'),
    ("ĥհ", 'h'),
    ("8", 'b'),
    ("áàâäãåāăаɑα", 'a'),
    ("éèêëēęеε", 'e'),
    ("íìîïī", 'l'),
    ("óòôöõøō", 'o'),
    ("úùûüūυ", 'u'),
    ("çćčсϲ", 'c'),
    ("ñńňոη", 'n'),
    ("рρ", 'p'),
    ("х×χ", 'x'),
    ("уýÿγ", 'y'),
    ("ј", 'j'),
    ("кκ", 'k'),
    ("м", 'm'),
    ("тτ", 't'),
    ("в", 'b'),
    ("һн", 'h'),
    ("žźż", 'z'),
    ("šś", 's'),
    ("ԁďđ", 'd'),
    ("ԝω", 'w'),
];

/// Words that are joined with a name to look like a service of its owner.
const AFFIXES: [&str; 28] = [
    "account", "accounts", "app", "auth", "bank", "billing", "check", "corp", "group", "help", "id", "inc", "info",
    "login", "mail", "my", "online", "pay", "portal", "secure", "security", "service", "services", "sso", "support",
    "team", "verify", "www",
];

static AFFIX_LETTERS: LazyLock<Vec<String>> = LazyLock::new(|| AFFIXES.iter().map(|word| skeleton(word)).collect());

/// Whether a character shows nothing, or only marks the one before.
pub(super) fn is_hidden(c: char) -> bool {
    is_empty(c) || is_directional(c) || is_variation(c) || is_mark(c)
}

/// A word with each letter replaced by the one it looks like.
pub(super) fn skeleton(word: &str) -> String {
    let word = word.chars().filter(|c| !is_hidden(*c)).map(|c| styled(c).unwrap_or(c));
    let one = |c: char| LOOKS.iter().find(|(like, _)| like.contains(c)).map_or(c, |(_, plain)| *plain);
    let lower: String = word.take(MAX_LABEL.saturating_mul(MAX_LABELS)).flat_map(char::to_lowercase).map(one).collect();
    lower.replace("rn", "m").replace("vv", "w").replace("cl", "d")
}

/// What a domain looks like, labels of the DNS with the letters that they stand for.
pub(super) fn domain_skeleton(domain: &str) -> String {
    Seen::new(domain).whole_letters
}

/// A domain as people see it, made once for all that it is compared with.
pub(super) struct Seen {
    labels: Vec<String>,
    /// What each label looks like.
    letters: Vec<String>,
    whole: String,
    /// What the whole looks like.
    whole_letters: String,
}

impl Seen {
    pub(super) fn new(domain: &str) -> Self {
        let labels: Vec<String> = domain.split('.').take(MAX_LABELS).map(shown).collect();
        let letters = labels.iter().map(|label| skeleton(label)).collect();
        let whole = labels.join(".");
        Self { whole_letters: skeleton(&whole), whole, labels, letters }
    }

    /// Whether the protected one stands in front, whole: `example.org.verify.net`, `example.org-verify.net`.
    fn begins_with(&self, own: &Protected) -> bool {
        let behind =
            |whole: &str, front: &str| whole.strip_prefix(front).is_some_and(|rest| rest.starts_with(['.', '-']));
        behind(&self.whole, &own.whole) || behind(&self.whole_letters, &own.whole_letters)
    }

    /// Whether it is made to look like a protected one, which it is not, nor below it.
    pub(super) fn looks_like(&self, own: &Protected) -> bool {
        if self.whole_letters == own.whole_letters || self.begins_with(own) {
            return true;
        }
        let Some((name, wanted)) = &own.name else { return false };
        if nearly_the_same_top(&self.labels, &own.labels) {
            return true;
        }
        // The last label is the top of the tree, and nobody's name.
        let mut named = self.labels.iter().zip(&self.letters).take(self.labels.len().saturating_sub(1));
        named.any(|(label, seen)| {
            let part = seen.split('-').any(|part| part == wanted);
            // The same name below another top may honestly be somebody else's.
            part && label != name || near(seen, wanted) && seen != wanted || is_joined(seen, wanted)
        })
    }
}

/// A protected domain, ready for being compared.
pub(super) struct Protected {
    labels: Vec<String>,
    whole_letters: String,
    whole: String,
    /// Its first label and what that looks like, unless it is too short.
    name: Option<(String, String)>,
}

impl Protected {
    pub(super) fn new(domain: &str) -> Self {
        let labels: Vec<String> = domain.split('.').take(MAX_LABELS).map(shown).collect();
        let name = labels.first().filter(|name| name.chars().count() >= SHORT);
        let name = name.map(|name| (name.clone(), skeleton(name)));
        let whole = labels.join(".");
        Self { whole_letters: skeleton(&whole), whole, name, labels }
    }
}

/// Whether a domain is the protected one but for one letter of its top: `.co` or `.cm` for `.com`.
fn nearly_the_same_top(labels: &[String], own: &[String]) -> bool {
    let (Some((top, rest)), Some((own_top, own_rest))) = (labels.split_last(), own.split_last()) else { return false };
    rest == own_rest && top != own_top && own_top.chars().count() >= 3 && near(top, own_top)
}

/// Whether a label is the name with one of the words before or behind it.
fn is_joined(label: &str, name: &str) -> bool {
    let rest = label.strip_prefix(name).or_else(|| label.strip_suffix(name));
    rest.is_some_and(|rest| !rest.is_empty() && AFFIX_LETTERS.iter().any(|word| word == rest))
}

/// A label as people see it.
fn shown(label: &str) -> String {
    let decoded = label.strip_prefix("xn--").and_then(punycode::decode);
    decoded.unwrap_or_else(|| label.chars().take(MAX_LABEL).collect())
}

/// Whether one letter added, left out or exchanged, or two swapped, makes one of the other.
fn near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let front = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let back = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (long, short) = (a.len().max(b.len()), a.len().min(b.len()));
    match long.saturating_sub(short) {
        1 => front.saturating_add(back) >= short,
        0 if front.saturating_add(back).saturating_add(1) >= long => true,
        0 if front.saturating_add(back).saturating_add(2) == long => {
            a.get(front) == b.get(front.saturating_add(1)) && a.get(front.saturating_add(1)) == b.get(front)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks_like(domain: &str, protected: &str) -> bool {
        Seen::new(domain).looks_like(&Protected::new(protected))
    }

    #[test]
    fn what_is_made_to_look_alike_is_seen_and_what_is_merely_another_name_is_not() {
        let alike = [
            ("examp1e.org", "example.org"),
            ("exarnple.org", "example.org"),
            ("exampel.org", "example.org"),
            ("exampl.org", "example.org"),
            ("exaample.org", "example.org"),
            ("exбmple.org", "example.org"),
            ("ехample.org", "example.org"),
            ("xn--xample-2of.org", "example.org"),
            ("example-login.net", "example.org"),
            ("example.org.verify.net", "example.org"),
            ("example.org-verify.net", "example.org"),
            ("examp1e.org-verify.net", "example.org"),
            ("sample.0rg", "sample.org"),
        ];
        for (domain, own) in alike {
            assert!(looks_like(domain, own), "{domain} {own}");
        }
        let others = [
            ("example.net", "example.org"),
            ("simple.org", "example.org"),
            ("ten.org", "two.org"),
            ("bank.net", "bonk.net"),
            ("newsletter.net", "example.org"),
            ("exam.org", "example.org"),
            ("org", "example.org"),
            ("", "example.org"),
        ];
        for (domain, own) in others {
            assert!(!looks_like(domain, own), "{domain} {own}");
        }
    }

    #[test]
    fn twenty_of_each_kind_are_seen() {
        let fonts = [
            ("ехample.org", "example.org"),
            ("exаmple.org", "example.org"),
            ("examрle.org", "example.org"),
            ("exampӏe.org", "example.org"),
            ("eχample.org", "example.org"),
            ("example.оrg", "example.org"),
            ("ｅｘａｍｐｌｅ.org", "example.org"),
            ("𝐞𝐱𝐚𝐦𝐩𝐥𝐞.org", "example.org"),
            ("𝖊xample.org", "example.org"),
            ("ex\u{200b}ample.org", "example.org"),
            ("example\u{ad}.org", "example.org"),
            ("e\u{301}xample.org", "example.org"),
            ("ėxample.org", "example.org"),
            ("exämple.org", "example.org"),
            ("exampłe.org", "example.org"),
            ("ex4mple.org", "example.org"),
            ("examp|e.org", "example.org"),
            ("3xample.org", "example.org"),
            ("vvidgets.org", "widgets.org"),
            ("dgíta1.net", "dgital.net"),
        ];
        let squats = [
            ("exmple.org", "example.org"),
            ("exampple.org", "example.org"),
            ("exmaple.org", "example.org"),
            ("example.og", "example.org"),
            ("example.orgg", "example.org"),
            ("exsmple.org", "example.org"),
            ("ex-ample.org", "example.org"),
            ("example-support.com", "example.org"),
            ("my-example.net", "example.org"),
            ("wwwexample.org", "example.org"),
            ("examplelogin.net", "example.org"),
            ("secureexample.com", "example.org"),
            ("example.org.login.net", "example.org"),
            ("examplebank.com", "example.org"),
            ("examples.net", "example.org"),
            ("xample.org", "example.org"),
            ("examplee.com", "example.org"),
            ("widgets.cm", "widgets.com"),
            ("widgets.co", "widgets.com"),
            ("widgets.con", "widgets.com"),
        ];
        // As the DNS has them: made from names in which one letter, or all, are of another script.
        let coded = [("xn--xample-2of.org", "example.org"), ("xn--80ak6aa92e.com", "apple.com")];
        for (domain, own) in fonts.into_iter().chain(squats).chain(coded) {
            assert!(looks_like(domain, own), "{domain} {own}");
        }
        let honest = [
            "example.net",
            "sample.org",
            "simple.org",
            "examine.org",
            "exam.org",
            "ample.org",
            "template.org",
            "counterexample.org",
            "widgets.org",
            "example.de",
            "examplary.net",
            "trample.org",
            "people.org",
            "mail.ru",
            "example.zendesk.com",
            "exemplar.org",
            "temple.org",
            "expose.org",
            "lampe.org",
            "x.org",
        ];
        for domain in honest {
            assert!(!looks_like(domain, "example.org"), "{domain}");
        }
    }

    #[test]
    fn any_text_is_taken() {
        let mut seed = 1_u32;
        for _ in 0..2000 {
            let text: String = (0..20)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    char::from_u32(seed >> 20).unwrap_or('-')
                })
                .collect();
            let name = format!("xn--{}.org", text.to_lowercase());
            assert!(skeleton(&name).chars().count() <= name.chars().count().saturating_mul(2));
            assert!(!looks_like(&name, "a-protected-name.example"), "{name}");
        }
    }
}
