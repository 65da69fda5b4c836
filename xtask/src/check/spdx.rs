//! A small evaluator for SPDX licence expressions: may we take this on our terms?
//!
//! Knows OR, AND, WITH, parentheses and the old `/` for OR. A nesting limit bounds it.

/// Licences that we take from anyone. Each asks for no more than its text being kept.
const ACCEPTED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Licences that we take from named crates only, with the reason.
const ACCEPTED_FROM: [(&str, &str, &str); 1] =
    [("libbz2-rs-sys", "bzip2-1.0.6", "the BSD-like licence of bzip2 itself, of which it is a translation")];

/// Deepest nesting of parentheses.
const DEPTH_MAX: usize = 16;

/// Whether a crate's licence expression can be met by accepted licences.
pub(crate) fn acceptable(name: &str, expression: &str) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { name, words: &words, at: 0 };
    let answer = reader.any(0)?;
    if reader.at == words.len() && !words.is_empty() { Ok(answer) } else { Err(format!("cannot read {expression:?}")) }
}

struct Reader<'a> {
    name: &'a str,
    words: &'a [&'a str],
    at: usize,
}

impl Reader<'_> {
    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.get(self.at) == Some(&word);
        self.at += usize::from(is);
        is
    }

    /// `a OR b`: one is enough.
    fn any(&mut self, depth: usize) -> Result<bool, String> {
        let mut answer = self.all(depth)?;
        while self.next_is("OR") {
            answer |= self.all(depth)?;
        }
        Ok(answer)
    }

    /// `a AND b`: both must be met.
    fn all(&mut self, depth: usize) -> Result<bool, String> {
        let mut answer = self.one(depth)?;
        while self.next_is("AND") {
            answer &= self.one(depth)?;
        }
        Ok(answer)
    }

    fn one(&mut self, depth: usize) -> Result<bool, String> {
        if self.next_is("(") {
            let answer =
                if depth < DEPTH_MAX { self.any(depth + 1)? } else { return Err("nested too deep".to_owned()) };
            return if self.next_is(")") { Ok(answer) } else { Err("a parenthesis is not closed".to_owned()) };
        }
        let id = self.words.get(self.at).ok_or("the expression ends too soon")?;
        self.at += 1;
        let mut licence = (*id).to_owned();
        if self.next_is("WITH") {
            licence = format!("{id} WITH {}", self.words.get(self.at).ok_or("nothing after WITH")?);
            self.at += 1;
        }
        let by_name = ACCEPTED_FROM.iter().any(|(name, from, _)| *name == self.name && *from == licence);
        Ok(by_name || ACCEPTED.contains(&licence.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::acceptable;

    #[test]
    fn expressions_mean_what_spdx_says() {
        for (expression, expected) in [
            ("MIT", true),
            ("MIT OR GPL-3.0-only", true),
            ("MIT AND GPL-3.0-only", false),
            ("GPL-2.0-or-later", false),
            ("LGPL-2.1-or-later", false),
            ("AGPL-3.0", false),
            ("MPL-2.0", false),
            ("MIT/Apache-2.0", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0 WITH other-exception", false),
            ("(MIT OR GPL-2.0) AND Unicode-3.0", true),
            ("MIT OR GPL-2.0 AND LGPL-3.0", true),
            ("GPL-2.0 AND (MIT OR ISC)", false),
            ("bzip2-1.0.6", false),
        ] {
            assert_eq!(acceptable("some-crate", expression), Ok(expected), "{expression}");
        }
        assert_eq!(acceptable("libbz2-rs-sys", "bzip2-1.0.6"), Ok(true));
    }

    #[test]
    fn nonsense_is_an_error_and_no_yes() {
        for expression in ["", "MIT OR", "(MIT", "MIT)", "MIT MIT", "OR", "Apache-2.0 WITH", &"(".repeat(1000)] {
            assert!(!acceptable("some-crate", expression).unwrap_or(false), "{expression}");
        }
    }
}
