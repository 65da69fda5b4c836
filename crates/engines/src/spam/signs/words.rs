//! Questions that several signs ask of words, names and hosts.

/// Providers where anybody has an address for nothing.
pub(crate) const FREE_MAIL: &[&str] = &[
    "aim.com",
    "alice.it",
    "aol.com",
    "att.net",
    "bellsouth.net",
    "bigpond.com",
    "bk.ru",
    "btinternet.com",
    "caramail.com",
    "comcast.net",
    "cox.net",
    "daum.net",
    "email.com",
    "excite.com",
    "fastmail.com",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hanmail.net",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.es",
    "hotmail.fr",
    "hotmail.it",
    "icloud.com",
    "inbox.ru",
    "juno.com",
    "laposte.net",
    "libero.it",
    "list.ru",
    "live.co.uk",
    "live.com",
    "live.fr",
    "lycos.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "mailinator.com",
    "me.com",
    "msn.com",
    "naver.com",
    "netscape.net",
    "netzero.net",
    "o2.pl",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "outlook.es",
    "outlook.fr",
    "pm.me",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "rediffmail.com",
    "rocketmail.com",
    "sbcglobal.net",
    "seznam.cz",
    "sina.com",
    "sohu.com",
    "t-online.de",
    "terra.com.br",
    "tiscali.it",
    "tutanota.com",
    "uol.com.br",
    "usa.net",
    "verizon.net",
    "virgilio.it",
    "wanadoo.fr",
    "web.de",
    "wp.pl",
    "yahoo.co.in",
    "yahoo.co.jp",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.com.br",
    "yahoo.de",
    "yahoo.es",
    "yahoo.fr",
    "yahoo.it",
    "yandex.com",
    "yandex.ru",
    "ymail.com",
    "zoho.com",
    "zohomail.com",
    "126.com",
    "163.com",
];

/// Top domains that are cheap, and abused more than others.
pub(crate) const CHEAP: &[&str] = &[
    "agency",
    "autos",
    "bar",
    "beauty",
    "best",
    "bid",
    "biz",
    "bond",
    "boutique",
    "buzz",
    "cam",
    "casa",
    "cfd",
    "click",
    "club",
    "cyou",
    "date",
    "digital",
    "download",
    "email",
    "faith",
    "finance",
    "fit",
    "fun",
    "gdn",
    "guru",
    "hair",
    "homes",
    "icu",
    "info",
    "investments",
    "life",
    "link",
    "live",
    "loan",
    "lol",
    "makeup",
    "mom",
    "monster",
    "one",
    "online",
    "party",
    "pics",
    "press",
    "pro",
    "pw",
    "quest",
    "racing",
    "rest",
    "review",
    "rocks",
    "sbs",
    "shop",
    "site",
    "skin",
    "space",
    "store",
    "stream",
    "support",
    "surf",
    "tech",
    "tk",
    "ml",
    "ga",
    "cf",
    "gq",
    "today",
    "top",
    "trade",
    "us",
    "vip",
    "website",
    "win",
    "work",
    "world",
    "xyz",
    "yachts",
    "zip",
    "zone",
];

/// Whether a domain belongs to a free mail provider.
pub(crate) fn is_free_mail(domain: &str) -> bool {
    FREE_MAIL.contains(&domain)
}

/// Whether a host lies in a cheap top domain.
pub(crate) fn is_cheap(host: &str) -> bool {
    host.rsplit('.').next().is_some_and(|top| CHEAP.contains(&top))
}

/// How many digits a text has.
pub(crate) fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// Whether a label looks like made by a program: long, with digits among letters, or with too few vowels,
/// or with capitals inside.
pub(crate) fn is_random(label: &str) -> bool {
    let label = label.trim();
    if label.len() < 8 || label.len() > 100 || !label.is_ascii() {
        return false;
    }
    let letters = label.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = digits(label);
    let mut run = 0_usize;
    let mut longest = 0_usize;
    let mut switches = 0_usize;
    let mut last = b' ';
    let mut vowels = 0_usize;
    for byte in label.bytes() {
        let lower = byte.to_ascii_lowercase();
        let vowel = matches!(lower, b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
        vowels = vowels.saturating_add(usize::from(vowel));
        run = if byte.is_ascii_alphabetic() && !vowel { run.saturating_add(1) } else { 0 };
        longest = longest.max(run);
        let turned = last.is_ascii_digit() && byte.is_ascii_alphabetic()
            || last.is_ascii_alphabetic() && byte.is_ascii_digit()
            || last.is_ascii_lowercase() && byte.is_ascii_uppercase();
        switches = switches.saturating_add(usize::from(turned));
        last = byte;
    }
    let few_vowels = letters >= 8 && vowels.saturating_mul(6) < letters;
    longest >= 6 || few_vowels || switches >= 4 && digits >= 2 || switches >= 5
}

/// Whether all letters of a text with so many letters are capitals.
pub(crate) fn is_loud(text: &str, fewest: usize) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    letters >= fewest && text.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase)
}

/// Whether a text has a place that a program should have filled in.
pub(crate) fn placeholder(text: &str) -> Option<String> {
    const MARKS: &[&str] = &[
        "{{",
        "}}",
        "%%",
        "[[",
        "]]",
        "[your-",
        "<%",
        "%>",
        "${",
        "__dyntag",
        "[name]",
        "[email]",
        "[firstname]",
        "[fname]",
        "{name}",
        "{email}",
        "{fname}",
        "%first",
        "%name",
        "%rnd_",
        "%from_",
        "%to_",
        "%random",
        "[random",
        "{%",
        "##email",
        "##name",
        "[[email",
        "*|",
        "|*",
        "-random",
        "%rand",
        "[-",
        "-]",
    ];
    let lower = text.to_lowercase();
    MARKS.iter().find(|mark| lower.contains(**mark)).map(|mark| (*mark).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_labels_are_told_from_names() {
        for label in ["xkqjzvbwpt", "a7d9f2k4z1", "JxQmVzTrLpKd", "zwbixr8g26k3d"] {
            assert!(is_random(label), "{label}");
        }
        for label in ["example", "mailing-list", "christopher", "newsletter2023", "schwarz", "JohnSmith", "support", ""]
        {
            assert!(!is_random(label), "{label}");
        }
    }

    #[test]
    fn places_to_fill_in_are_seen() {
        assert!(placeholder("Dear {{name}}").is_some() && placeholder("Hello [your-subject]").is_some());
        assert!(placeholder("[list] a plain subject 50% off").is_none());
    }
}
