//! Every sign of spam is one file with its name, and conjunctions ask only about signs that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the families.
fn signs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/spam/signs")
}

/// The sources of a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap()
}

#[test]
fn every_file_is_a_sign_of_the_catalogue_and_every_sign_a_file() {
    let mut files = BTreeSet::new();
    for family in fs::read_dir(signs()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for path in sources(&family).into_iter().filter(|path| stem(path) != "mod") {
            let named = format!("    id: \"{}\",\n", stem(&path));
            assert!(fs::read_to_string(&path).unwrap().contains(&named), "{}: has not the name", path.display());
            assert!(files.insert(stem(&path).to_owned()), "{}: there are two of this name", path.display());
        }
    }
    let catalogue: BTreeSet<String> = engines::spam::all().map(|row| row.id.to_owned()).collect();
    let dead: Vec<&String> = files.difference(&catalogue).collect();
    assert!(dead.is_empty(), "not in the list of their family: {dead:?}");
    let homeless: Vec<&String> = catalogue.difference(&files).collect();
    assert!(homeless.is_empty(), "no file of their name: {homeless:?}");
}

#[test]
fn parts_of_conjunctions_are_signs() {
    let known: BTreeSet<&str> = engines::spam::all().map(|row| row.id).collect();
    let mut lists = 0;
    for path in sources(&signs().join("composite")) {
        let source = fs::read_to_string(&path).unwrap();
        let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let code: String = code.split_whitespace().collect();
        // What is asked for stands in the call, or in a list of the family.
        let called = code.split("(f,&[").skip(1).chain(code.split(":&[&str]=&[").skip(1));
        for list in called.filter_map(|list| list.split(']').next()) {
            lists += 1;
            for id in list.split(',').map(|id| id.trim_matches('"')).filter(|id| !id.is_empty()) {
                assert!(known.contains(id), "{}: {id}", path.display());
            }
        }
    }
    assert!(lists > 20, "only {lists} lists were found");
}
