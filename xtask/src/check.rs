//! `cargo xtask check`: what no compiler looks at, in three parts that all run.

mod architecture;
mod licences;
mod rust;
mod spdx;
mod tidy;

use crate::Outcome;

/// What a part gives back: what it looked at in one line, and what is wrong.
pub(crate) struct Findings {
    /// For instance `16 crates, 61 dependencies`.
    pub(crate) looked_at: String,
    /// One line each, beginning with the place.
    pub(crate) wrong: Vec<String>,
}

/// Runs all parts, also after one failed.
pub(crate) fn run() -> Outcome {
    type Part = (&'static str, fn() -> Result<Findings, String>);
    let parts: [Part; 3] =
        [("architecture", architecture::check), ("licences", licences::check), ("tidy", tidy::check)];
    let mut wrong = Vec::new();
    for (name, part) in parts {
        match part() {
            Ok(findings) => {
                let result = if findings.wrong.is_empty() { "ok" } else { "FAILED" };
                println!("{name}: {}: {result}", findings.looked_at);
                wrong.extend(findings.wrong.into_iter().map(|w| format!("{name}: {w}")));
            }
            Err(e) => wrong.push(format!("{name}: {e}")),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{} findings", wrong.join("\n"), wrong.len())) }
}
