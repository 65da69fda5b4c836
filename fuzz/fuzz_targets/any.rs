// Fuzzes the target of the table that the variable `MAILWARD_FUZZ` names. One program for all of them,
// so that it is built and linked once.
#![no_main]

use std::sync::LazyLock;

use mailward_fuzz::{TARGETS, Target};

/// The environment variable with the target's name.
const VARIABLE: &str = "MAILWARD_FUZZ";

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var(VARIABLE).unwrap_or_default();
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    *found.unwrap_or_else(|| {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!("{VARIABLE}={name:?} is no target; there are: {}", names.join(" "));
        std::process::exit(2)
    })
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.1)(data));
