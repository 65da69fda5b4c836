//! What a configuration needs of the machine is looked at before it is used.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use settings::config::{MilterListener, Route};
use settings::values::{ClamdAddress, SocketAddress};
use settings::{Config, Severity, check_environment};

fn config(folder: &std::path::Path) -> Config {
    let mut config = Config { data_dir: folder.to_owned(), ..Config::default() };
    config.next_hop.address = Some("127.0.0.1:25".parse().unwrap());
    config
}

fn keys(config: &Config) -> Vec<(String, Severity)> {
    check_environment(config).into_iter().map(|problem| (problem.key, problem.severity)).collect()
}

#[test]
fn what_is_there_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let mut config = config(folder.path());
    let file = folder.path().join("rules.yar");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let socket = folder.path().join("clamd.ctl");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    config.clamd.address = Some(ClamdAddress::Unix(socket));
    config.policy.file = Some(file.clone());
    config.smtp[0].key = Some(file.clone());
    config.engines.hash_lists = vec![file.clone()];
    config.engines.yara = vec![file, folder.path().to_owned()];
    assert_eq!(keys(&config), []);
}

#[test]
fn what_is_missing_open_or_of_the_wrong_kind_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let missing = folder.path().join("missing");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let open = folder.path().join("open.pem");
    fs::write(&open, "").unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let mut config = config(folder.path());
    config.policy.file = Some(missing.clone());
    config.smtp[0].certificate = Some(empty.clone());
    config.smtp[0].key = Some(open.clone());
    config.route = vec![Route { login_file: Some(open.clone()), ..Route::default() }];
    config.engines.password_files = vec![open];
    config.next_hop.ca_file = Some(missing.clone());
    config.engines.hash_lists = vec![missing.clone()];
    config.engines.yara = vec![missing.clone(), empty];
    config.clamd.address = Some(ClamdAddress::Unix(missing.clone()));
    use Severity::{Error, Warning};
    let expected = [
        ("data_dir", Warning),
        ("policy.file", Error),
        ("smtp[0].certificate", Error),
        ("next_hop.ca_file", Error),
        ("engines.hash_lists", Error),
        ("smtp[0].key", Warning),
        ("route[0].login_file", Warning),
        ("engines.password_files", Warning),
        ("engines.yara", Error),
        ("engines.yara", Warning),
        ("clamd.address", Warning),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(key, severity)| (key.to_owned(), severity)).collect();
    assert_eq!(keys(&config), expected);

    config = self::config(&missing);
    assert_eq!(keys(&config), [("data_dir".to_owned(), Severity::Advice)]);
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    config = self::config(&file);
    assert_eq!(keys(&config), [("data_dir".to_owned(), Severity::Error)]);
}

#[test]
fn the_host_name_is_always_one() {
    assert!(!Config::default().hostname().is_empty());
    let config = Config { hostname: "mx.example.org".to_owned(), ..Config::default() };
    assert_eq!(config.hostname(), "mx.example.org");
}

#[test]
fn a_socket_needs_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let mut config = config(folder.path());
    let socket = |path: &str| SocketAddress::Unix(folder.path().join(path));
    let milter = |path: &str| MilterListener { listen: socket(path), ..MilterListener::default() };
    config.milter = vec![milter("milter.sock"), milter("missing/milter.sock")];
    assert_eq!(keys(&config), [("milter[1].listen".to_owned(), Severity::Warning)]);
}
