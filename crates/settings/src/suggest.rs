//! "Did you mean …?"

/// Longest text that suggestions are looked for; nobody mistypes more.
const MAX_TEXT: usize = 64;

/// The known word that a mistyped one most likely stands for; `None` if none is close.
pub(crate) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if word.len() > MAX_TEXT {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', ' ', '.'], "_");
    let word = plain(word);
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    let distance = |known: &&&str| strsim::damerau_levenshtein(&word, &plain(known));
    known.iter().filter(|known| distance(known) <= allowed).min_by_key(|known| (distance(known), **known)).copied()
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn typing_errors_are_recognised_and_other_words_are_not() {
        let known = ["next_hop", "data_dir", "log", "limits"];
        let cases = [
            ("nexthop", Some("next_hop")),
            ("next-hop", Some("next_hop")),
            ("Data_Dir", Some("data_dir")),
            ("lgo", Some("log")),
            ("limit", Some("limits")),
            ("clamav", None),
            ("", None),
        ];
        for (word, meant) in cases {
            assert_eq!(closest(word, &known), meant, "{word}");
        }
        assert_eq!(closest(&"next_hop".repeat(1000), &known), None);
    }
}
