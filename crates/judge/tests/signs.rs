//! Every sign that is made from answers is one file with its name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_file_is_a_sign_of_the_catalogue_and_every_sign_a_file() {
    let mut files = BTreeSet::new();
    for folder in ["signs", "lists"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/origin").join(folder);
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap().to_owned();
            if name == "mod" {
                continue;
            }
            let named = format!("    id: \"{name}\",\n");
            assert!(fs::read_to_string(&path).unwrap().contains(&named), "{}: has not the name", path.display());
            assert!(files.insert(name), "{}: there are two of this name", path.display());
        }
    }
    let catalogue: BTreeSet<String> = judge::origin::catalogue().map(|(id, ..)| id.to_owned()).collect();
    assert_eq!(files, catalogue);
}
