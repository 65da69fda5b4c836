//! Field codes of Word and RTF, which may be split over runs and nested: `{ DDEAUTO cmd "/c calc" }`.
//!
//! A nested `QUOTE` field gives its text, or the characters whose numbers it lists, to the field
//! around it. Limits: [`MAX_DEPTH`] fields in one another, [`MAX_CODE`] bytes of one code.

use mail::evidence::Active;

use crate::views::{Views, links};

/// Most fields in one another; deeper ones are read as part of the one at this depth.
const MAX_DEPTH: usize = 64;
/// Longest field code, in bytes; the rest is left out.
const MAX_CODE: usize = 64 * 1024;
/// Fields that load what they name.
const LOADERS: &[&str] = &["INCLUDETEXT", "INCLUDEPICTURE", "INCLUDE", "IMPORT", "LINK", "RD", "DATABASE", "AUTOTEXT"];

/// The fields that are open.
#[derive(Default, Debug)]
pub(crate) struct Fields {
    open: Vec<Field>,
    /// How many are open beyond [`MAX_DEPTH`].
    deeper: usize,
}

#[derive(Default, Debug)]
struct Field {
    code: String,
    /// Its result follows: no more code.
    result: bool,
}

impl Fields {
    /// A field begins.
    pub(crate) fn begin(&mut self) {
        if self.open.len() < MAX_DEPTH {
            self.open.push(Field::default());
        } else {
            self.deeper = self.deeper.saturating_add(1);
        }
    }

    /// Its code ends, its result follows.
    pub(crate) fn separate(&mut self) {
        if let Some(field) = self.open.last_mut().filter(|_| self.deeper == 0) {
            field.result = true;
        }
    }

    /// Some of a code; outside of a field it is one of its own.
    pub(crate) fn code(&mut self, text: &str) {
        if self.open.is_empty() {
            self.begin();
        }
        let room = self.open.last_mut().filter(|field| !field.result && field.code.len() < MAX_CODE);
        if let Some(field) = room {
            field.code.extend(text.chars().take(MAX_CODE));
        }
    }

    /// A field ends.
    pub(crate) fn end(&mut self, views: &mut Views) {
        if self.deeper > 0 {
            self.deeper = self.deeper.saturating_sub(1);
            return;
        }
        let Some(field) = self.open.pop() else { return };
        tell(&field.code, views);
        if let (Some(quoted), Some(outer)) = (quoted(&field.code), self.open.last_mut())
            && !outer.result
            && outer.code.len() < MAX_CODE
        {
            outer.code.push_str(&quoted);
        }
    }

    /// Nothing follows: fields that do not end are over.
    pub(crate) fn finish(&mut self, views: &mut Views) {
        self.deeper = 0;
        while !self.open.is_empty() {
            self.end(views);
        }
    }
}

/// Tells what a field with this code does, if anything.
pub(crate) fn tell(code: &str, views: &mut Views) {
    let code = code.trim();
    let word =
        code.split(|letter: char| letter.is_whitespace() || letter == '"').next().unwrap_or("").to_ascii_uppercase();
    if word == "DDE" || word == "DDEAUTO" {
        views.act(Active::Dde, None, links::kept(code));
    } else if LOADERS.contains(&word.as_str()) && arguments(code).any(|word| links::is_remote(&word)) {
        // A picture of the web is asked for like one of a page.
        let picture =
            word == "INCLUDEPICTURE" && arguments(code).all(|word| links::is_web(&word) || !links::is_remote(&word));
        if !picture {
            views.act(Active::RemoteTemplate, None, links::kept(code));
        }
    } else if word == "HYPERLINK" && arguments(code).any(|word| links::is_remote(&word) && links::starts_program(&word))
    {
        views.act(Active::Launch, None, links::kept(code));
    }
}

/// The words behind the first, without their quotes and with doubled backslashes made single.
fn arguments(code: &str) -> impl Iterator<Item = String> + '_ {
    let rest = code.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
    let quoted = rest.split('"').enumerate();
    quoted.flat_map(|(number, piece)| {
        let words: Vec<String> = if number % 2 == 1 {
            vec![piece.replace("\\\\", "\\")]
        } else {
            piece.split_whitespace().map(|word| word.replace("\\\\", "\\")).collect()
        };
        words
    })
}

/// What a `QUOTE` field shows: its text, or the characters that its numbers stand for.
fn quoted(code: &str) -> Option<String> {
    let code = code.trim();
    let rest = code.get(..5).filter(|word| word.eq_ignore_ascii_case("QUOTE")).and_then(|_| code.get(5..))?;
    let numbers: Option<String> =
        rest.split_whitespace().map(|word| word.parse::<u32>().ok().and_then(char::from_u32)).collect();
    Some(numbers.unwrap_or_else(|| rest.replace('"', "")))
}

#[cfg(test)]
mod tests {
    use mail::evidence::Role;

    use super::*;
    use crate::budget::{Budget, Limits, Meter, StopFlag};

    fn told(views: Views) -> Vec<(Role, String)> {
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        let members = views.into_members(0, &mut budget, &mut Meter::new(1)).0;
        members.into_iter().map(|member| (member.role, String::from_utf8(member.content).unwrap())).collect()
    }

    #[test]
    fn fields_that_act_are_told_from_those_that_show() {
        for (code, what) in [
            (" DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe \"/k calc\" ", Some(Active::Dde)),
            ("dde excel x", Some(Active::Dde)),
            ("INCLUDETEXT \"http://example.org/a.docx\"", Some(Active::RemoteTemplate)),
            ("INCLUDEPICTURE \"\\\\\\\\192.0.2.1\\\\a.png\" \\d", Some(Active::RemoteTemplate)),
            ("INCLUDEPICTURE \"http://example.org/a.png\" \\d", None),
            ("HYPERLINK \"http://example.org\"", None),
            ("HYPERLINK \"ms-msdt:/id x\"", Some(Active::Launch)),
            ("PAGE", None),
            ("DDEFOO x", None),
        ] {
            let mut views = Views::default();
            tell(code, &mut views);
            let expected: Vec<_> = what.into_iter().map(|what| (Role::Active(what), code.trim().to_owned())).collect();
            assert_eq!(told(views), expected, "{code}");
        }
    }

    #[test]
    fn nested_quotes_make_up_a_code() {
        let (mut fields, mut views) = (Fields::default(), Views::default());
        fields.begin();
        fields.begin();
        fields.code("QUOTE 68 68 ");
        fields.code("69 65 85 84 79");
        fields.separate();
        fields.code("ignored");
        fields.end(&mut views);
        fields.code(" cmd");
        fields.finish(&mut views);
        assert_eq!(told(views), [(Role::Active(Active::Dde), "DDEAUTO cmd".to_owned())]);
    }

    #[test]
    fn fields_may_be_deeper_than_the_limit() {
        let (mut fields, mut views) = (Fields::default(), Views::default());
        for _ in 0..100_000 {
            fields.begin();
        }
        fields.code("DDE a b");
        for _ in 0..100_000 {
            fields.end(&mut views);
        }
        assert_eq!(told(views).len(), 1);
    }
}
