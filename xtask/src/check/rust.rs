//! Rust source without its comments and literals, so that words can be searched in what is code.
//!
//! A lexer of the few things that hide text: comments (nested ones too), strings, raw strings,
//! characters. It does not understand macros; nothing here needs it to.

/// The source with comments and the insides of literals turned into spaces; every line stays in
/// its place.
pub(crate) fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < bytes.len() {
        let hidden = hidden_length(bytes, at);
        let step = hidden.unwrap_or(1).max(1).min(bytes.len() - at);
        for byte in &bytes[at..at + step] {
            let shown = hidden.is_none() && byte.is_ascii();
            out.push(if *byte == b'\n' || shown { char::from(*byte) } else { ' ' });
        }
        at += step;
    }
    out
}

/// Length of the comment or literal that begins here; `None` if none does.
fn hidden_length(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let within_word = at > 0 && is_word(bytes[at - 1]);
    match rest {
        [b'/', b'/', ..] => Some(rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(block_comment(rest)),
        [b'"', ..] => Some(quoted(rest, b'"')),
        [b'r' | b'b' | b'c', ..] if !within_word => raw_string(rest),
        [b'\'', ..] => character(rest),
        _ => None,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    break;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// From a quote to the next one that no backslash stands before.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// `r"…"`, `r#"…"#`, also after `b` or `c`. A plain `b"…"` is left to the quote that follows.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let r = rest.iter().take(2).position(|b| *b == b'r')?;
    let hashes = rest[r + 1..].iter().take_while(|b| **b == b'#').count();
    let open = r + 1 + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    let body = &rest[open + 1..];
    let close = body.windows(end.len()).position(|w| w == end);
    Some(close.map_or(rest.len(), |c| open + 1 + c + end.len()))
}

/// `'x'` or an escape, but not the lifetime `'x`.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return Some(quoted(rest, b'\''));
    }
    let width = std::str::from_utf8(&rest[1..rest.len().min(9)])
        .map_or_else(|e| std::str::from_utf8(&rest[1..1 + e.valid_up_to()]).ok(), Some)?
        .chars()
        .next()?
        .len_utf8();
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The numbers of the lines, from 1, in which a word stands as a word of its own.
pub(crate) fn lines_with_word(code: &str, word: &str) -> Vec<usize> {
    let whole = |line: &str| {
        line.match_indices(word).any(|(at, found)| {
            let before = at.checked_sub(1).and_then(|b| line.as_bytes().get(b));
            let after = line.as_bytes().get(at + found.len());
            !before.is_some_and(|b| is_word(*b)) && !after.is_some_and(|b| is_word(*b))
        })
    };
    code.lines().enumerate().filter(|(_, line)| whole(line)).map(|(at, _)| at + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_left() {
        let cases = [
            ("let a = \"unsafe\"; // unsafe\nunsafe {}", vec![2]),
            ("/* unsafe /* unsafe */ unsafe */ fn f<'a>(x: &'a str) {}", vec![]),
            ("let x = r#\"unsafe \" unsafe\"#; let y = br\"unsafe\";\nlet c = '\"'; unsafe", vec![2]),
            ("let c = '\\''; unsafe // x", vec![1]),
            ("let c = b'\"'; let d = 'ü'; unsafe", vec![1]),
            ("#![forbid(unsafe_code)]\nlet unsafely = 1;", vec![]),
            ("let s = \"a\\\"unsafe\"; let r = \"x\"; for b in c { unsafe", vec![1]),
            ("let s = \"never closed unsafe", vec![]),
        ];
        for (source, lines) in cases {
            let code = code_only(source);
            assert_eq!(lines_with_word(&code, "unsafe"), lines, "{source}\n{code}");
            assert_eq!(code.lines().count(), source.lines().count());
        }
    }
}
