//! A configuration in several files.

use std::path::Path;

use settings::{Config, Loaded};

/// A directory with `mailward.toml` and these fragments.
fn folder(main: &str, fragments: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mailward.toml"), main).unwrap();
    std::fs::create_dir(dir.path().join("conf.d")).unwrap();
    for (name, text) in fragments {
        std::fs::write(dir.path().join("conf.d").join(name), text).unwrap();
    }
    dir
}

fn load(dir: &Path) -> Result<Config, String> {
    let shown = |text: String| text.replace(&format!("{}/", dir.display()), "");
    Loaded::load(&dir.join("mailward.toml")).map(|loaded| loaded.config).map_err(|e| shown(e.to_string()))
}

#[test]
fn fragments_fill_tables_and_lengthen_lists_in_the_order_of_their_names() {
    let main = "hostname = \"mx.example.org\"\n[[smtp]]\nlisten = \"127.0.0.1:2525\"\n[limits]\nrecipients = 7\n";
    let fragments = [
        ("20-second.toml", "[[smtp]]\nlisten = \"127.0.0.1:2727\"\n"),
        (
            "10-first.toml",
            "[[smtp]]\nlisten = \"127.0.0.1:2626\"\n[limits]\nconnections = 9\n[next_hop]\naddress = \"192.0.2.1:25\"\n",
        ),
        ("notes.txt", "this is no TOML"),
        (".hidden.toml", "neither is this"),
    ];
    let config = load(folder(main, &fragments).path()).unwrap();
    let ports: Vec<u16> = config.smtp.iter().map(|listener| listener.listen.inet().unwrap().port()).collect();
    assert_eq!(ports, [2525, 2626, 2727]);
    assert_eq!((config.limits.recipients, config.limits.connections), (7, 9));
    assert!(config.next_hop.address.is_some());
}

#[test]
fn a_key_in_two_files_is_refused_with_both_places() {
    let dir = folder("[limits]\nrecipients = 7\n", &[("a.toml", "\n[limits]\n  recipients = 8\n")]);
    let error = load(dir.path()).unwrap_err();
    assert_eq!(
        error.lines().next(),
        Some(
            "conf.d/a.toml:3:16: limits.recipients is set in mailward.toml:2:14 too; write it in one of the two files"
        ),
        "{error}"
    );
}

#[test]
fn a_mistake_is_told_with_the_place_in_its_own_file() {
    let cases = [
        ("[limits]\nrecipiens = 7\n", "conf.d/a.toml:2:1: "),
        ("[limits]\nrecipients = \"many\"\n", "conf.d/a.toml:2:14: "),
        ("[limits\n", "conf.d/a.toml:1:8: "),
        ("limits = 3\n", "conf.d/a.toml:1:"),
    ];
    for (text, place) in cases {
        let error = load(folder("hostname = \"mx.example.org\"\n", &[("a.toml", text)]).path()).unwrap_err();
        assert!(error.starts_with(place), "{text:?}: {error}");
    }
}

#[test]
fn a_directory_of_fragments_may_be_missing_or_empty() {
    let dir = folder("hostname = \"mx.example.org\"\n", &[]);
    assert_eq!(load(dir.path()).unwrap().hostname, "mx.example.org");
    std::fs::remove_dir(dir.path().join("conf.d")).unwrap();
    assert_eq!(load(dir.path()).unwrap().hostname, "mx.example.org");
}
