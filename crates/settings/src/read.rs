//! Reading `mailward.toml`: the file and its fragments, then the environment over them, then the checks.
//!
//! `MAILWARD__SECTION__KEY` sets `section.key`, `MAILWARD__KEY` a key at the top. Only single
//! values can be set that way: no lists, and nothing of the `[[smtp]]` tables.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;
use toml::de::DeValue;

use crate::check::check;
use crate::config::Config;
use crate::fragments::Text;
use crate::problem::{Problem, Problems};
use crate::schema::{self, Node};
use crate::suggest::closest;
use crate::tree::{MAX_FILE, Place, Tree, Variable};

/// How the names of environment variables begin.
const PREFIX: &str = "MAILWARD__";
/// The directory of fragments, beside the file.
const FRAGMENTS: &str = "conf.d";
/// Most fragments.
const MAX_FRAGMENTS: usize = 256;
/// Longest value of an environment variable, in bytes.
const MAX_VARIABLE: usize = 4096;

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Nobody wrote it.
    Default,
    /// The file.
    File,
    /// An environment variable.
    Environment,
}

impl Source {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
        }
    }
}

/// A configuration with what is known about it.
#[derive(Clone, PartialEq, Debug)]
pub struct Loaded {
    /// The configuration; it has no errors.
    pub config: Config,
    /// Where each written key's value comes from; a key that is not here has its default.
    pub sources: BTreeMap<String, Source>,
    /// Warnings and advice.
    pub warnings: Problems,
}

impl Loaded {
    /// Reads a file with its fragments (`conf.d/*.toml` beside it, in the order of their names), and
    /// the process's environment over it.
    ///
    /// # Errors
    /// All problems of the files at once, warnings among them, if one is an error.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let variables: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
            .collect();
        let mut files = vec![(path.display().to_string(), read_file(path)?)];
        for fragment in fragments(path)? {
            files.push((fragment.display().to_string(), read_file(&fragment)?));
        }
        let texts = files.iter().map(|(origin, text)| Text { origin, text }).collect();
        Self::parse_all(texts, &variables)
    }

    /// Reads a text that came from `origin`, with these environment variables over it; variables
    /// of other programs are ignored.
    ///
    /// # Errors
    /// As [`Loaded::load`].
    pub fn parse(text: &str, origin: &str, environment: &[(String, String)]) -> Result<Self, Problems> {
        Self::parse_all(vec![Text { origin, text }], environment)
    }

    fn parse_all(texts: Vec<Text<'_>>, environment: &[(String, String)]) -> Result<Self, Problems> {
        let schema = schema::config();
        let root = Node::root(&schema);
        let mut tree = Tree::parse_all(texts)?;
        tree.prune(root);
        let (variables, problems) = variables(environment, &schema);
        tree.set(variables);
        tree.problems.0.extend(problems);
        let written = tree.written();
        let config: Option<Config> = tree.read(None);
        if let Some(config) = &config {
            for problem in check(config) {
                tree.add(problem);
            }
        }
        tree.problems.sort();
        let problems = tree.problems;
        match config {
            Some(config) if !problems.has_errors() => {
                let source = |place| match place {
                    Place::File => Source::File,
                    Place::Environment => Source::Environment,
                };
                let sources = written.into_iter().map(|(key, place)| (key, source(place))).collect();
                Ok(Self { config, sources, warnings: problems })
            }
            _ => Err(problems),
        }
    }

    /// Where a key's value comes from.
    pub fn source(&self, key: &str) -> Source {
        self.sources.get(key).copied().unwrap_or(Source::Default)
    }
}

impl Config {
    /// Reads a file, with the process's environment over it. [`Loaded::load`] also tells where
    /// each value comes from, and the warnings.
    ///
    /// # Errors
    /// All problems of the file at once.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        Loaded::load(path).map(|loaded| loaded.config)
    }

    /// Reads a text that came from `origin`, without any environment.
    ///
    /// # Errors
    /// All problems of the text at once.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Problems> {
        Loaded::parse(text, origin, &[]).map(|loaded| loaded.config)
    }
}

/// Reads a file of settings as text.
///
/// # Errors
/// It cannot be read, is larger than [`MAX_FILE`], or is not UTF-8.
pub fn read_file(path: &Path) -> Result<String, Problems> {
    let origin = path.display().to_string();
    let fail = |message: String| Problems(vec![Problem::error("", message).in_file(&origin)]);
    let file = std::fs::File::open(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
    let mut bytes = Vec::new();
    let limit = MAX_FILE as u64 + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(|error| fail(format!("cannot be read: {error}")))?;
    if bytes.len() > MAX_FILE {
        return Err(fail(format!("larger than {MAX_FILE} bytes: not a file of settings")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count() + 1;
        fail(format!("line {line} is not UTF-8 text"))
    })
}

/// The fragments of a file: what ends in `.toml`, and does not begin with a dot, in the directory
/// `conf.d` beside it.
fn fragments(path: &Path) -> Result<Vec<PathBuf>, Problems> {
    let folder = path.parent().unwrap_or(Path::new("")).join(FRAGMENTS);
    let fail = |message: String| Problems(vec![Problem::error("", message).in_file(&folder.display().to_string())]);
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(fail(format!("cannot be read: {error}"))),
        Ok(entries) => entries,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| fail(format!("cannot be read: {error}")))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".toml") && !name.starts_with('.') {
            found.push(entry.path());
        }
    }
    if found.len() > MAX_FRAGMENTS {
        return Err(fail(format!("holds more than {MAX_FRAGMENTS} files")));
    }
    found.sort();
    Ok(found)
}

/// Our environment variables, and what is wrong with them.
fn variables<'e>(environment: &'e [(String, String)], schema: &Value) -> (Vec<Variable<'e>>, Vec<Problem>) {
    let root = Node::root(schema);
    let known = names(root);
    let mut ours: Vec<_> = environment.iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    ours.sort();
    let mut variables = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in ours {
        let problem = |message: String| Problem::error("", message).in_file(&format!("environment variable {name}"));
        let Some((_, key, kind)) = known.iter().find(|(known, _, _)| known == name) else {
            let all: Vec<&str> = known.iter().map(|(name, _, _)| name.as_str()).collect();
            let problem = problem("sets no known key".to_owned());
            problems.push(match closest(name, &all) {
                Some(meant) => problem.hint(format!("did you mean {meant}?")),
                None => problem,
            });
            continue;
        };
        if value.len() > MAX_VARIABLE {
            problems.push(problem(format!("longer than {MAX_VARIABLE} bytes")));
            continue;
        }
        variables.push(Variable { name: name.clone(), key: key.clone(), value: variable_value(value, kind) });
    }
    (variables, problems)
}

/// The value as the setting's type; what does not fit stays text, and the reader says so.
fn variable_value<'e>(text: &'e str, kind: &str) -> DeValue<'e> {
    let plain = || DeValue::String(text.into());
    match (kind, text.trim()) {
        ("true or false", "true") => DeValue::Boolean(true),
        ("true or false", "false") => DeValue::Boolean(false),
        // A number stays as it is written; anything else is left to the reader's error.
        ("number", number) => match DeValue::parse(number) {
            Ok(value) if value.get_ref().is_integer() => value.into_inner(),
            _ => plain(),
        },
        _ => plain(),
    }
}

/// Every key that a variable can set: the variable, the key, the kind of value.
pub(crate) fn names(root: Node<'_>) -> Vec<(String, String, String)> {
    let mut names = Vec::new();
    let name = |key: &str| format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"));
    for top in root.keys() {
        let Some(node) = root.key(top) else { continue };
        if node.is_table() {
            for key in node.keys() {
                let path = format!("{top}.{key}");
                if let Some(kind) = node.key(key).map(|key| key.kind()).filter(|kind| !kind.starts_with("list")) {
                    names.push((name(&path), path, kind));
                }
            }
        } else if !node.kind().starts_with("list") {
            names.push((name(top), top.to_owned(), node.kind()));
        }
    }
    names
}
