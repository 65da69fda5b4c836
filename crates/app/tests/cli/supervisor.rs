//! What a service manager sees of the daemon, played by the test: readiness, reload, watchdog, stop,
//! and a socket that is handed over.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{files, program, spawn};

/// How long anything may take here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Hears what the daemon says until it says this.
fn hear(manager: &UnixDatagram, wanted: &str) -> String {
    let mut buffer = [0; 4096];
    loop {
        let length = manager.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted}: {error}"));
        let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if said.lines().any(|line| line == wanted) {
            return said;
        }
    }
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// The program behind a shell that makes standard input descriptor 3, as a service manager would.
fn activated(dir: &Path, socket: impl Into<OwnedFd>) -> std::process::Command {
    let own = program(dir);
    let mut command = std::process::Command::new("sh");
    let script = "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" serve --config mailward.toml";
    command.args(["-c", script]).arg(own.get_program()).current_dir(dir).stdin(Stdio::from(socket.into()));
    command
}

#[test]
fn a_service_manager_is_told_all_and_its_socket_is_taken() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let config = format!(
        "hostname = \"mx.example.org\"\ndata_dir = \"data\"\n[[smtp]]\nlisten = \"{address}\"\n\
         [next_hop]\naddress = \"127.0.0.1:9\"\ntls = \"none\"\n[http]\nlisten = \"\"\n"
    );
    let dir = files(&[("mailward.toml", config.as_bytes())]);
    let manager = UnixDatagram::bind(dir.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = activated(dir.path(), socket);
    command.env("NOTIFY_SOCKET", dir.path().join("notify")).env("WATCHDOG_USEC", "400000");
    let mut child = spawn(&mut command);

    // Were the socket not taken, the address would be in use by the one that the child inherited.
    let said = hear(&manager, "READY=1");
    assert!(said.contains(&format!("STATUS=mail on {address}")), "{said}");
    hear(&manager, "WATCHDOG=1");
    hear(&manager, "WATCHDOG=1");
    send(&child, Signal::HUP);
    let said = hear(&manager, "RELOADING=1");
    assert!(said.contains("MONOTONIC_USEC="), "{said}");
    hear(&manager, "READY=1");
    send(&child, Signal::TERM);
    hear(&manager, "STOPPING=1");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_milters_socket_is_taken_and_left_as_it_is() {
    let dir = files(&[]);
    let path = dir.path().join("milter.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let config = format!(
        "hostname = \"mx.example.org\"\ndata_dir = \"data\"\nsmtp = []\n[[milter]]\nlisten = \"unix:{}\"\n[http]\nlisten = \"\"\n",
        path.display()
    );
    std::fs::write(dir.path().join("mailward.toml"), config).unwrap();
    let manager = UnixDatagram::bind(dir.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = activated(dir.path(), socket);
    command.env("NOTIFY_SOCKET", dir.path().join("notify"));
    let mut child = spawn(&mut command);
    // Were the socket not taken, somebody would listen there already: the child inherited it.
    hear(&manager, "READY=1");
    drop(UnixStream::connect(&path).unwrap());
    send(&child, Signal::TERM);
    hear(&manager, "STOPPING=1");
    assert!(child.wait().unwrap().success());
    assert!(path.exists(), "the service manager made it");
}

#[test]
fn a_secret_may_be_a_credential_of_the_service_manager() {
    let dir = files(&[]);
    let pair = testkit::tls::Identity::new(&["mx.example.org"]);
    std::fs::write(dir.path().join("mx.pem"), &pair.certificate).unwrap();
    std::fs::create_dir(dir.path().join("credentials")).unwrap();
    let config = "hostname = \"mx.example.org\"\ndata_dir = \"data\"\n[[smtp]]\nlisten = \"127.0.0.1:0\"\n\
                  certificate = \"mx.pem\"\nkey = \"credential:mx.key\"\n[next_hop]\naddress = \"127.0.0.1:9\"\n";
    std::fs::write(dir.path().join("mailward.toml"), config).unwrap();
    let check = |given: bool| {
        let mut command = program(dir.path());
        command.args(["config", "check", "--config", "mailward.toml"]).env_remove("CREDENTIALS_DIRECTORY");
        if given {
            command.env("CREDENTIALS_DIRECTORY", dir.path().join("credentials"));
        }
        let output = spawn(&mut command).wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = check(true);
    assert!(code == Some(1) && said.contains("credentials/mx.key cannot be read"), "{said}");
    std::fs::write(dir.path().join("credentials/mx.key"), &pair.key).unwrap();
    let (code, said) = check(true);
    assert!(code == Some(0) && !said.contains("cannot be read"), "{said}");
    let (code, said) = check(false);
    assert!(code == Some(0) && said.contains("known to the service only"), "{said}");
}
