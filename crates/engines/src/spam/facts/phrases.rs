//! Families of phrases in several languages, looked for in the folded text at once.
//!
//! A family counts by how many different phrases of it stand near each other, so that one word of it, which
//! honest mail has too, says little, and a long text, which has a word about everything somewhere, says no more
//! than a short one. What is put around a letter makes no difference: the densest place counts. Linear in the
//! text, all of which is looked at, with a memory that does not grow with it; the automaton is built once, from
//! `phrases.txt`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// Bytes of a block of text. Phrases of one block and the next are near each other. Longer than any phrase.
const BLOCK: usize = 4096;
/// Blocks of a family that are held: phrases are found by their ends, so the last two may still get more, and the
/// one before them is compared together with its next.
const MAX_HELD: usize = 3;

/// The phrases, and the family of each.
struct Phrases {
    automaton: Option<AhoCorasick>,
    texts: Vec<&'static str>,
    families: Vec<&'static str>,
}

fn phrases() -> &'static Phrases {
    static PHRASES: OnceLock<Phrases> = OnceLock::new();
    PHRASES.get_or_init(|| {
        let (mut texts, mut families) = (Vec::new(), Vec::new());
        for line in include_str!("phrases.txt").lines().filter(|line| !line.starts_with('#')) {
            let Some((family, list)) = line.split_once(':') else { continue };
            for phrase in list.split('|').map(str::trim).filter(|phrase| !phrase.is_empty()) {
                texts.push(phrase);
                families.push(family);
            }
        }
        // Overlapping phrases of different families all count.
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&texts).ok();
        Phrases { automaton, texts, families }
    })
}

/// The different phrases of each family, in the text, and there in the place, where most of them stand near each other.
pub(crate) fn find(texts: &[&str]) -> Vec<(&'static str, &'static str)> {
    let mut best: BTreeMap<&'static str, BTreeSet<&'static str>> = BTreeMap::new();
    for (family, densest) in texts.iter().filter(|text| !text.is_empty()).flat_map(|text| in_one(text)) {
        let (found, kept) = (densest.finish(), best.entry(family).or_default());
        if found.len() > kept.len() {
            *kept = found;
        }
    }
    best.into_iter().flat_map(|(family, texts)| texts.into_iter().map(move |text| (family, text))).collect()
}

/// Where most phrases of each family stand near each other in one text.
fn in_one(words: &str) -> BTreeMap<&'static str, Densest> {
    let phrases = phrases();
    let Some(automaton) = &phrases.automaton else { return BTreeMap::new() };
    let mut found: BTreeMap<&'static str, Densest> = BTreeMap::new();
    for hit in automaton.find_overlapping_iter(words) {
        if !starts_word(words, hit.start()) {
            continue;
        }
        let at = hit.pattern().as_usize();
        let (Some(text), Some(family)) = (phrases.texts.get(at), phrases.families.get(at)) else { continue };
        // Short words count as whole words only.
        if text.len() > 6 || ends_word(words, hit.end()) || !text.is_ascii() {
            let block = hit.start().checked_div(BLOCK).unwrap_or(0);
            found.entry(*family).or_default().add(block, text);
        }
    }
    found
}

/// The phrases of a family in the block that, together with the next, has most; of several such the last.
#[derive(Default)]
struct Densest {
    /// The blocks that may still get phrases, or be compared.
    held: BTreeMap<usize, BTreeSet<&'static str>>,
    best: BTreeSet<&'static str>,
}

impl Densest {
    /// Takes a phrase, in the order in which they end.
    fn add(&mut self, block: usize, text: &'static str) {
        self.held.entry(block).or_default().insert(text);
        while self.held.len() > MAX_HELD {
            self.settle();
        }
    }

    /// Compares the first block that is held, and lets it go.
    fn settle(&mut self) {
        let Some((block, mut texts)) = self.held.pop_first() else { return };
        texts.extend(self.held.get(&block.saturating_add(1)).into_iter().flatten());
        if texts.len() >= self.best.len() {
            self.best = texts;
        }
    }

    fn finish(mut self) -> BTreeSet<&'static str> {
        while !self.held.is_empty() {
            self.settle();
        }
        self.best
    }
}

fn starts_word(words: &str, at: usize) -> bool {
    let before = words.get(..at).and_then(|w| w.chars().next_back());
    let first = words.get(at..).and_then(|w| w.chars().next()).unwrap_or(' ');
    !first.is_ascii_alphanumeric() || before.is_none_or(|c| !c.is_alphanumeric())
}

fn ends_word(words: &str, at: usize) -> bool {
    words.get(at..).and_then(|w| w.chars().next()).is_none_or(|c| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_match_from_the_start_of_words() {
        let found = find(&["the dietary bitcoin sex sextant essex visa"]);
        assert!(found.contains(&("wallet", "bitcoin")) && found.contains(&("adult", "sex")));
        assert_eq!(found.iter().filter(|(_, text)| *text == "sex").count(), 1);
        assert!(find(&["sextant essex"]).is_empty());
    }

    #[test]
    fn phrases_that_stand_far_apart_are_not_added_up_and_padding_hides_none() {
        let far = "plain words ".repeat(1000);
        let count = |text: &str| find(&[text]).iter().filter(|(family, _)| *family == "drugs").count();
        assert_eq!(count(&format!("viagra {far} cialis {far} xanax")), 1);
        assert_eq!(count(&format!("{far} viagra cialis xanax {far} viagra")), 3);
        // A block's end parts nothing.
        assert_eq!(count(&format!("{} viagra cialis", "a".repeat(BLOCK - 5))), 2);
    }

    #[test]
    fn a_phrase_of_each_family_in_every_block_hides_nothing_behind_them() {
        let phrases = phrases();
        let one: BTreeMap<&str, &str> = phrases.families.iter().copied().zip(phrases.texts.iter().copied()).collect();
        let mut block: String = one.values().flat_map(|text| [text, " "]).collect();
        assert!(one.len() > 30 && block.len() < BLOCK);
        block.extend(std::iter::repeat_n('.', BLOCK.saturating_sub(block.len())));
        let padding = block.repeat(150);
        // More than 4000 phrases, none of which makes the letter's families seem to be what they are.
        let letter = "viagra cialis xanax valium bitcoin your wallet seed phrase metamask";
        let text = [padding.as_str(), letter].concat();
        let count = |text: &str, name: &str| find(&[text]).iter().filter(|(family, _)| *family == name).count();
        for name in ["drugs", "wallet"] {
            assert!(count(&padding, name) < 4 && count(letter, name) >= 4, "{name}");
            assert!(count(&text, name) >= 4, "{name}");
        }
    }

    #[test]
    fn the_densest_place_is_the_same_as_of_all_blocks_at_once() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let mut seed = 7_usize;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..2000 {
            let (mut block, mut all, mut densest) = (1, BTreeMap::new(), Densest::default());
            for _ in 0..next(25) {
                block += [0, 0, 0, 1, 1, 2, 5][next(7)];
                // What began a block earlier may end later.
                let (at, text) = (block - usize::from(next(4) == 0), names[next(6)]);
                all.entry(at).or_insert_with(BTreeSet::new).insert(text);
                densest.add(at, text);
                assert!(densest.held.len() <= MAX_HELD);
            }
            let near = |at: usize| all.range(at..=at + 1).flat_map(|(_, texts)| texts).copied().collect();
            let expected: BTreeSet<&str> = all.keys().map(|at| near(*at)).max_by_key(BTreeSet::len).unwrap_or_default();
            assert_eq!(densest.finish(), expected, "{all:?}");
        }
        assert!(phrases().texts.iter().all(|text| text.len() < BLOCK));
    }

    #[test]
    fn the_table_is_folded_and_every_family_is_a_sign() {
        for line in include_str!("phrases.txt").lines().filter(|line| !line.starts_with('#')) {
            let (name, list) = line.split_once(':').unwrap();
            assert!(crate::spam::all().any(|row| row.id == name), "{name}");
            for phrase in list.split('|').map(str::trim) {
                assert_eq!(crate::spam::facts::fold(phrase).text, phrase, "{name}");
            }
        }
    }
}
