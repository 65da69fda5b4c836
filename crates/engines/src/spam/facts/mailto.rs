//! Whom a `mailto:` address writes to (RFC 6068), and mail addresses in words of a text, for lists.
//!
//! Limits: [`MAX`] of one link. Not handled: what stands in comments and quoted local parts.

use mail::address;
use mail::header::percent_decode;

/// Most addresses of one link.
const MAX: usize = 50;

/// The addresses that a link writes to: those behind the colon, and those of `to`, `cc` and `bcc`, in their order.
/// Besides the comma of the RFC a semicolon splits them, as programs take it.
pub fn written_to(link: &str) -> Vec<String> {
    let Some(rest) = link.split_once(':').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("mailto")) else {
        return Vec::new();
    };
    let (path, query) = rest.1.split_once('?').unwrap_or((rest.1, ""));
    let fields = query.split('&').filter_map(|field| field.split_once('='));
    let named = fields.filter(|(name, _)| ["to", "cc", "bcc"].iter().any(|it| name.eq_ignore_ascii_case(it)));
    let lists = std::iter::once(path).chain(named.map(|(_, value)| value));
    let each = lists.flat_map(|list| list.split([',', ';']));
    let decoded = each.map(|one| String::from_utf8_lossy(&percent_decode(one.as_bytes())).into_owned());
    // What was escaped may be several, or have a name in front.
    let words: Vec<String> = decoded.take(MAX).collect();
    words.iter().flat_map(|text| in_text(text)).take(MAX).collect()
}

/// The mail addresses among the words of a text.
pub fn in_text(text: &str) -> impl Iterator<Item = String> {
    let between = |c: char| c.is_whitespace() || "<>()[],;\"".contains(c);
    text.split(between).filter(|word| word.contains('@')).filter_map(whole)
}

/// The address that a word is, in small letters, its domain as the DNS has it; without what stands around it.
fn whole(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let (local, domain) = word.split_once('@')?;
    // "mailto:", or a word of the writer's.
    let local = local.rsplit(':').next().unwrap_or(local);
    let end = domain.find(['?', '/', '&', '#', ':', '\'', '|', '*']).unwrap_or(domain.len());
    let domain = address::canonical(domain.get(..end)?);
    let plain = !local.is_empty() && !local.chars().any(char::is_control);
    let named = domain.contains('.') && !domain.contains('@') && !domain.chars().any(char::is_control);
    (plain && named).then(|| [local.to_lowercase().as_str(), "@", &domain].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_whom_a_link_writes_to_is_found() {
        let cases: [(&str, &[&str]); 12] = [
            ("mailto:a@example.org", &["a@example.org"]),
            ("MAILTO: A@Example.ORG.", &["a@example.org"]),
            ("mailto:a@example.org,b@example.org", &["a@example.org", "b@example.org"]),
            ("mailto:a@example.org;b@example.org?subject=x", &["a@example.org", "b@example.org"]),
            (
                "mailto:?to=a@example.org&CC=b@example.org&bcc=c@example.org",
                &["a@example.org", "b@example.org", "c@example.org"],
            ),
            ("mailto:a%40example.org", &["a@example.org"]),
            ("mailto:Ann%20%3Ca@example.org%3E", &["a@example.org"]),
            ("mailto:a@example.org%2Cb@example.org", &["a@example.org", "b@example.org"]),
            ("mailto:u@bücher.example", &["u@xn--bcher-kva.example"]),
            ("mailto:a@example.org?subject=to%20b@example.org", &["a@example.org"]),
            ("mailto:", &[]),
            ("https://a@example.org/", &[]),
        ];
        for (link, expected) in cases {
            assert_eq!(written_to(link), expected, "{link}");
        }
        assert_eq!(written_to(&format!("mailto:{}", "a@example.org,".repeat(1000))).len(), MAX);
    }

    #[test]
    fn addresses_in_a_text_are_without_what_stands_around_them() {
        let text = "write to mailto:a@example.org today, or to <b@example.org>; e-mail:c@example.org? \
                    (mailto:d@example.org?subject=x). Not @e, f@, g@example or h@i@example.org.";
        let found: Vec<String> = in_text(text).collect();
        assert_eq!(found, ["a@example.org", "b@example.org", "c@example.org", "d@example.org"]);
    }
}
