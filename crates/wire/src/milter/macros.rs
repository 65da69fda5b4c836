//! The values that a mail server tells along with its commands ("macros"), by the stage they came with.
//!
//! Limits: [`MACROS_MAX`] of one stage; what is more is dropped. A stage's macros are replaced when they come again.

use super::command::Stage;
use super::packet;

/// Most macros of one stage. Sendmail takes at most fifty in a list of what is wanted.
pub const MACROS_MAX: usize = 128;

/// What is known.
#[derive(Default)]
pub struct Macros {
    by_stage: Vec<(Stage, Vec<(String, String)>)>,
}

impl Macros {
    /// Takes the payload of a macro packet: a command letter, then names and values. `None` if it is malformed.
    pub(super) fn define(&mut self, payload: &[u8]) -> Option<()> {
        let (command, rest) = payload.split_first()?;
        let texts = packet::texts(rest)?;
        let (pairs, []) = texts.as_chunks::<2>() else { return None };
        // A letter that we do not know belongs to a command that we shall not see.
        let Some(stage) = Stage::of(*command) else { return Some(()) };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let defined = pairs.iter().take(MACROS_MAX).map(|[name, value]| (bare(&text(name)).to_owned(), text(value)));
        self.by_stage.retain(|(known, _)| *known != stage);
        self.by_stage.push((stage, defined.collect()));
        Some(())
    }

    /// The value of a macro, by its name without braces: the one that was told last. `None` also when it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let told = self.by_stage.iter().rev().flat_map(|(_, list)| list);
        told.filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .next()
            .filter(|value| !value.is_empty())
    }

    /// The message is over: what belongs to the connection stays.
    pub(super) fn end_message(&mut self) {
        self.by_stage.retain(|(stage, _)| matches!(stage, Stage::Connect | Stage::Helo));
    }

    /// Another client.
    pub(super) fn clear(&mut self) {
        self.by_stage.clear();
    }
}

/// Names longer than a letter come in braces.
fn bare(name: &str) -> &str {
    name.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_and_the_connection_outlasts_a_message() {
        let mut macros = Macros::default();
        macros.define(b"Cj\0mx.example.org\0{client_addr}\x00192.0.2.1\0").unwrap();
        macros.define(b"Mi\0A1\0{auth_authen}\0\0").unwrap();
        macros.define(b"R{rcpt_addr}\0one@example.org\0").unwrap();
        macros.define(b"R{rcpt_addr}\0two@example.org\0i\0A2\0").unwrap();
        assert_eq!(macros.get("client_addr"), Some("192.0.2.1"));
        assert_eq!(macros.get("rcpt_addr"), Some("two@example.org"));
        assert_eq!(macros.get("i"), Some("A2"));
        assert_eq!(macros.get("auth_authen"), None, "an empty value is none");
        macros.end_message();
        assert_eq!((macros.get("i"), macros.get("j")), (None, Some("mx.example.org")));
        macros.clear();
        assert_eq!(macros.get("j"), None);
    }

    #[test]
    fn malformed_macros_are_refused_and_many_are_cut() {
        for bad in [&b""[..], b"Ca\0", b"Ca\0b", b"Ca\0b\0c\0"] {
            assert_eq!(Macros::default().define(bad), None, "{bad:?}");
        }
        let mut macros = Macros::default();
        macros.define(&[b"M".as_slice(), &b"a\0b\0".repeat(1000)].concat()).unwrap();
        assert_eq!(macros.by_stage[0].1.len(), MACROS_MAX);
        assert!(macros.define(b"?a\0b\0").is_some());
    }
}
