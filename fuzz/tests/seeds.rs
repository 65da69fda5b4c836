// Every seed through its target, in an ordinary test: no fuzzer is needed for that.

use std::fs;
use std::path::Path;

use mailward_fuzz::{MAX_KEPT, TARGETS, kept, run};

/// How many bytes of each seed are changed, one at a time.
const CHANGES: usize = 64;

#[test]
fn every_target_has_seeds_and_nothing_else_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join("seeds")).expect("the folder is there").flatten();
    let mut there: Vec<String> = entries.map(|e| e.file_name().to_str().unwrap().to_owned()).collect();
    there.sort();
    let mut known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(there, known);
}

#[test]
fn seeds_and_their_neighbours_hold() {
    for (name, _) in TARGETS {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        let mut count = 0;
        for entry in fs::read_dir(dir).expect("there are seeds").flatten() {
            let seed = fs::read(entry.path()).expect("a seed is readable");
            run(name, &seed);
            let step = (seed.len() / CHANGES).max(1);
            for at in (0..seed.len()).step_by(step) {
                let mut changed = seed.clone();
                changed[at] ^= 0x15;
                run(name, &changed);
                run(name, &seed[..at]);
            }
            count += 1;
        }
        assert!(count > 0, "{name} has no seed");
    }
}

/// What fuzzing has grown, as `cargo xtask campaign keep` left it.
#[test]
fn what_fuzzing_has_grown_holds() {
    let mut inputs = 0;
    for (name, _) in TARGETS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("grown").join(name);
        // A target that is new has none yet.
        let Ok(file) = fs::read(path) else { continue };
        for input in kept(&file) {
            assert!(input.len() <= MAX_KEPT, "{name}");
            run(name, input);
            inputs += 1;
        }
    }
    assert!(inputs > 5_000, "{inputs}");
}
