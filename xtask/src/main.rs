//! Developer tasks: `cargo xtask check`, `cargo xtask bench`, `cargo xtask campaign`, `cargo xtask evaluate`,
//! `cargo xtask package`.
//!
//! A plain program with one dependency; what it needs to know about the workspace it asks Cargo.

#![forbid(unsafe_code)]

mod bench;
mod campaign;
mod cargo;
mod check;
mod evaluate;
mod package;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask check                     architecture, licences, tidiness
cargo xtask bench [--quick] [--json] [--binary FILE] [--only direct,splice,off,default]
                                      messages a second, CPU, latency, memory, start
cargo xtask bench formats [OPTION ..] [PATH ..]
                                      files examined, taken out of, and given to clamd: MB/s by format
cargo xtask campaign bounds           hostile files of every format within time and memory
cargo xtask campaign containers       formats in containers, locked ones too, beside clamscan
cargo xtask campaign fuzz [SECONDS [TARGET ..]]
                                      the fuzz targets named, or all, for that long each (60)
cargo xtask campaign keep [TARGET ..]  keeps what fuzzing has grown for the tests (fuzz/grown)
cargo xtask campaign faults [TEST ..] the fault tests, in their long form where they have one, and their figures
cargo xtask campaign sizes [TEST ..]  many connections, many messages: memory and latency
cargo xtask campaign readings [MESSAGES]
                                      mutated mail through other MIME parsers (20,000)
cargo xtask campaign soak [SECONDS]   steady load; memory must not grow (600)
cargo xtask evaluate spam [--write] [--folds] [--with NAME=NUMBER,..] [--peers] [--sample N] [--slow N]
                              [--from FILE]
                                      the signs of spam on MAILWARD_CORPORA; fits their points
cargo xtask evaluate images [FOLDER ..] | --pictures FOLDER [--learn N] [--forms] [--thresholds]
                                      how well known pictures are found again (LM-06), or real ones of a folder
cargo xtask package [--profile NAME]  the Debian package, in packaging/made/
";

/// What every task returns: nothing, or what is wrong, ready to be printed.
pub(crate) type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["check"] => check::run(),
        ["bench", "formats", rest @ ..] => bench::formats(rest),
        ["bench", rest @ ..] => bench::run(rest),
        // A part of the benchmark in a process of its own, so that its CPU time can be told apart.
        ["bench-part", rest @ ..] => bench::part(rest),
        ["package", rest @ ..] => package::run(rest),
        ["evaluate", rest @ ..] => evaluate::run(rest),
        ["campaign", rest @ ..] => campaign::run(rest),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{}", text.trim_end());
            ExitCode::FAILURE
        }
    }
}
