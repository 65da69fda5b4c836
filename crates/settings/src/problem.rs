//! What is wrong with a file of settings, for people: where, what, and what to do about it.

use std::fmt;

use serde::Serialize;

/// Most problems that are reported of one file; what comes after is not looked for.
pub const MAX_PROBLEMS: usize = 100;

/// How bad a problem is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The settings cannot be used.
    Error,
    /// The settings can be used, and are likely not what is meant, or dangerous.
    Warning,
    /// It works; another choice is recommended.
    Advice,
}

impl Severity {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Advice => "advice",
        }
    }
}

/// One problem.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file, or `environment`; empty for settings that came from neither.
    pub origin: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The column in characters, from 1, where it is known.
    pub column: Option<usize>,
    /// The key it is about (`limits.connections`, `smtp[1].listen`); empty for a syntax error.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of which the place is not known.
    pub fn new(severity: Severity, key: &str, message: impl Into<String>) -> Self {
        Self {
            severity,
            origin: String::new(),
            line: None,
            column: None,
            key: key.to_owned(),
            message: message.into(),
            hint: None,
        }
    }

    /// An error.
    pub fn error(key: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, key, message)
    }

    /// A warning.
    pub fn warning(key: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, key, message)
    }

    /// An advice.
    pub fn advice(key: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Advice, key, message)
    }

    /// The same with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, in a file.
    pub(crate) fn in_file(mut self, origin: &str) -> Self {
        self.origin = origin.to_owned();
        self
    }

    /// The same, at a byte of a text.
    pub(crate) fn at(mut self, text: &str, offset: usize) -> Self {
        let (line, column) = position(text, offset);
        self.line = Some(line);
        self.column = Some(column);
        self
    }
}

/// Line and column, both from 1, of a byte in a text.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut colon = "";
        if !self.origin.is_empty() {
            f.write_str(&self.origin)?;
            colon = ": ";
        }
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(colon)?;
        if self.severity != Severity::Error {
            write!(f, "{}: ", self.severity.name())?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// Everything that was found wrong, in the order of the file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Sorts by place, then severity: the order in which a person reads the file.
    pub(crate) fn sort(&mut self) {
        self.0.sort_by_key(|problem| {
            (problem.line.is_none(), problem.line, problem.column, problem.severity, problem.key.clone())
        });
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let text = "a = 1\nünï = 2\n";
        for (offset, place) in [(0, (1, 1)), (4, (1, 5)), (6, (2, 1)), (7, (2, 1)), (9, (2, 3)), (999, (3, 1))] {
            assert_eq!(position(text, offset), place, "{offset}");
        }
    }

    #[test]
    fn a_problem_shows_as_one_line_that_editors_understand() {
        let problem = Problem::error("nexthop", "unknown key \"nexthop\"")
            .hint("did you mean \"next_hop\"?")
            .in_file("mailward.toml")
            .at("x = 1\n\nnexthop = 2", 7);
        assert_eq!(problem.to_string(), "mailward.toml:3:1: unknown key \"nexthop\"; did you mean \"next_hop\"?");
        assert_eq!(Problem::warning("a", "it is odd").to_string(), "warning: it is odd");
    }
}
