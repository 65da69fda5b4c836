//! The control socket: both sides, and what somebody else may send.

use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::control::{self, Client, ControlError};
use service::admin::{ListFilter, Request, Response, Shown};
use service::policy::Origin;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::node::Node;
use crate::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    backup_is_listed_shown_exported_and_deleted,
    pages_follow_each_other,
    what_cannot_be_done_is_an_answer,
    a_new_policy_comes_into_force,
    many_policies_at_once_leave_the_newest_in_force,
    the_key_is_that_of_the_store,
    a_damaged_message_is_an_error_at_the_client,
    garbage_is_answered_with_an_error,
    a_request_that_is_too_long_is_refused,
    half_a_request_does_nothing,
    several_clients_at_once,
    a_client_that_goes_away_hurts_nobody,
    the_socket_is_for_its_owner_only,
    a_stale_socket_is_replaced_and_a_live_one_is_not,
    without_a_daemon_there_is_no_client,
    it_stops_when_told,
];

/// A node with its control socket.
struct Daemon {
    node: Node,
    path: PathBuf,
    task: JoinHandle<()>,
}

async fn daemon() -> Daemon {
    let node = Node::new().await;
    let path = control::socket_path(node.data());
    let socket = control::bind(&path).expect("a socket");
    let task = tokio::spawn(socket.run(Arc::clone(&node.service), node.stop.subscribe()));
    Daemon { node, path, task }
}

/// Asks as the command line does, in a thread of its own; a body is read to its end.
async fn ask(data: &Path, request: Request) -> (Response, io::Result<Vec<u8>>) {
    let data = data.to_owned();
    let work = move || {
        let mut client = Client::connect(&data).expect("a connection").expect("a daemon");
        let (response, body) = client.ask(&request).expect("an answer");
        let mut bytes = Vec::new();
        let read = body.map_or(Ok(0), |mut body| body.read_to_end(&mut bytes));
        (response, read.map(|_| bytes))
    };
    spawn_blocking(work).await.expect("a client")
}

/// Sends raw bytes, ends the request, and reads what comes.
async fn raw(path: &Path, bytes: Vec<u8>) -> String {
    let path = path.to_owned();
    let work = move || {
        let mut stream = UnixStream::connect(path).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        // A peer that closes with bytes of ours unread gives an error after its answer.
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            answer.extend_from_slice(&buffer[..count]);
        }
        String::from_utf8(answer).expect("text")
    };
    spawn_blocking(work).await.expect("a peer")
}

fn list(filter: ListFilter) -> Request {
    Request::BackupList { filter, before: None, limit: 100 }
}

async fn entries(daemon: &Daemon, filter: ListFilter) -> Vec<Shown> {
    match ask(daemon.node.data(), list(filter)).await.0 {
        Response::Entries { entries, .. } => entries,
        other => panic!("{other:?}"),
    }
}

async fn error(daemon: &Daemon, request: Request) -> String {
    match ask(daemon.node.data(), request).await.0 {
        Response::Error { message } => message,
        other => panic!("{other:?}"),
    }
}

/// A message of this many bytes that does not compress.
fn message(length: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

async fn backup_is_listed_shown_exported_and_deleted() {
    let daemon = daemon().await;
    let data = daemon.node.data();
    let (small, large) = (message(1000), message(1_500_000));
    let (first, second) = (daemon.node.keep(1, &small), daemon.node.keep(2, &large));
    let listed = entries(&daemon, ListFilter::default()).await;
    assert_eq!(listed.iter().map(|shown| shown.id).collect::<Vec<_>>(), [second, first], "newest first");
    assert_eq!(listed[1].entry, daemon.node.service.store().show(first).unwrap().entry, "nothing is lost on the way");
    let none = ListFilter { sender: Some("nobody".to_owned()), ..ListFilter::default() };
    assert!(entries(&daemon, none).await.is_empty());

    for id in [second.to_string(), listed[0].entry.id.to_string()] {
        let (shown, _) = ask(data, Request::BackupShow { id: id.clone() }).await;
        assert!(matches!(shown, Response::Entry { entry } if entry.id == second));
        let (response, body) = ask(data, Request::BackupExport { id }).await;
        assert!(matches!(response, Response::Body { size: 1_500_000, .. }), "{response:?}");
        assert!(body.unwrap() == large, "the very bytes");
    }
    assert!(ask(data, Request::BackupExport { id: first.to_string() }).await.1.unwrap() == small);

    assert_eq!(ask(data, Request::BackupDelete { id: first.to_string() }).await.0, Response::Deleted);
    assert_eq!(entries(&daemon, ListFilter::default()).await.len(), 1);
    let verified = ask(data, Request::BackupVerify).await.0;
    assert_eq!(verified, Response::Verified { checked: 1, damaged: Vec::new() });
}

async fn pages_follow_each_other() {
    let daemon = daemon().await;
    let ids: Vec<_> = (0..5).map(|number| daemon.node.keep(number, &message(10 + number as usize))).collect();
    let (mut found, mut before) = (Vec::new(), None);
    for _ in 0..10 {
        let request = Request::BackupList { filter: ListFilter::default(), before, limit: 2 };
        let Response::Entries { entries, next } = ask(daemon.node.data(), request).await.0 else { panic!("entries") };
        found.extend(entries.iter().map(|shown| shown.id));
        before = next;
        if before.is_none() {
            break;
        }
    }
    found.reverse();
    assert_eq!(found, ids);
}

async fn what_cannot_be_done_is_an_answer() {
    let daemon = daemon().await;
    let kept = daemon.node.keep(1, b"x").to_string();
    let text = |text: &str| text.to_owned();
    let cases = [
        (Request::BackupShow { id: text("\u{1b}[2J") }, "is neither the id of an entry"),
        (Request::BackupShow { id: text("0000000000000") }, ""),
        (Request::BackupRelease { id: kept, to: Vec::new() }, "next_hop.address"),
        (Request::PolicyApply { text: text("nonsense = 1"), author: text("a"), comment: text("b") }, "nonsense"),
    ];
    for (request, words) in cases {
        let message = error(&daemon, request.clone()).await;
        assert!(message.contains(words) && !message.is_empty(), "{request:?}: {message}");
        assert!(!message.contains('\u{1b}'), "{message:?}");
    }
    assert_eq!(daemon.node.service.current().policy.load().origin, Origin::Defaults, "a wrong policy changes nothing");
}

fn apply(comment: &str) -> Request {
    let text = "[backup]\nmax_objects = 77\n".to_owned();
    Request::PolicyApply { text, author: "anna".to_owned(), comment: comment.to_owned() }
}

async fn a_new_policy_comes_into_force() {
    let daemon = daemon().await;
    let Response::Policy { policy, origin } = ask(daemon.node.data(), apply("for the test")).await.0 else {
        panic!("a policy")
    };
    assert_eq!((policy.backup.max_objects, origin.as_str()), (77, "revision 1"));
    let in_force = daemon.node.service.current().policy.load_full();
    assert_eq!((in_force.policy.as_ref(), &in_force.origin), (policy.as_ref(), &Origin::Revision(1)));
    let shown = ask(daemon.node.data(), Request::PolicyShow).await.0;
    assert_eq!(shown, Response::Policy { policy, origin });
}

async fn many_policies_at_once_leave_the_newest_in_force() {
    let daemon = daemon().await;
    let asked: Vec<_> = (0..20)
        .map(|number: u32| {
            let data = daemon.node.data().to_owned();
            tokio::spawn(async move { ask(&data, apply(&number.to_string())).await.0 })
        })
        .collect();
    for answer in asked {
        assert!(matches!(answer.await.unwrap(), Response::Policy { .. }));
    }
    assert_eq!(daemon.node.service.current().policy.load().origin, Origin::Revision(20));
}

async fn the_key_is_that_of_the_store() {
    let daemon = daemon().await;
    let key = daemon.node.service.store().export_key().expose().to_owned();
    assert_eq!(ask(daemon.node.data(), Request::KeyExport).await.0, Response::Key { text: key });
}

/// Changes a byte in the middle of the only sealed message.
fn damage(data: &Path) {
    let mut files = Vec::new();
    for shard in std::fs::read_dir(data.join("blobs")).unwrap() {
        let shard = shard.unwrap().path();
        if shard.is_dir() {
            files.extend(std::fs::read_dir(shard).unwrap().map(|file| file.unwrap().path()));
        }
    }
    let [file] = files.as_slice() else { panic!("one file: {files:?}") };
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

async fn a_damaged_message_is_an_error_at_the_client() {
    let daemon = daemon().await;
    let body = message(1_000_000);
    let id = daemon.node.keep(1, &body).to_string();
    damage(daemon.node.data());
    let (response, read) = ask(daemon.node.data(), Request::BackupExport { id }).await;
    assert!(matches!(response, Response::Body { size: 1_000_000, .. }), "{response:?}");
    let error = read.expect_err("the damage shows");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("of 1000000 bytes came: the stored message is damaged"), "{error}");
    assert_eq!(entries(&daemon, ListFilter::default()).await.len(), 1, "the daemon goes on");
}

async fn garbage_is_answered_with_an_error() {
    let daemon = daemon().await;
    let cases: [(&[u8], &str); 7] = [
        (b"\n", "cannot be read"),
        (b"GET / HTTP/1.1\r\n\r\n", "cannot be read"),
        (b"\0\xff\n", "cannot be read"),
        (b"{\"version\":99,\"request\":{}}\n", "version 1 of the control protocol, this program version 99"),
        (b"{\"version\":1,\"request\":{\"ask\":\"format_disk\"}}\n", "unknown variant"),
        (b"{\"version\":1,\"request\":{\"ask\":\"key_export\"}}\n{}", "trailing"),
        (b"{\"version\":1,\"request\":{\"ask\":\"backup_list\",\"filter\":{},\"limit\":-1}}\n", "cannot be read"),
    ];
    for (bytes, words) in cases {
        let answer = raw(&daemon.path, bytes.to_vec()).await;
        let Ok(Response::Error { message }) = serde_json::from_str(&answer) else { panic!("{answer:?}") };
        assert!(message.contains(words), "{message}");
        assert!(answer.ends_with("}\n") && !answer.contains("MWKEY"), "{answer}");
    }
}

async fn a_request_that_is_too_long_is_refused() {
    let daemon = daemon().await;
    let answer = raw(&daemon.path, vec![b' '; control::MAX_REQUEST + 100_000]).await;
    assert!(answer.contains(&format!("longer than {} bytes", control::MAX_REQUEST)), "{answer:?}");
    let text = "#".repeat(control::MAX_REQUEST);
    let request = Request::PolicyApply { text, author: String::new(), comment: String::new() };
    let mut client = Client::connect(daemon.node.data()).unwrap().expect("a daemon");
    assert!(matches!(client.ask(&request), Err(ControlError::TooLong(_))), "not even sent");
    let text = "#".repeat(control::MAX_REQUEST - 1000);
    let fits = Request::PolicyApply { text, author: "a".to_owned(), comment: String::new() };
    let answer = ask(daemon.node.data(), fits).await.0;
    let too_long_for_us = matches!(&answer, Response::Error { message } if message.contains("longer than"));
    assert!(!too_long_for_us, "{answer:?}");
}

async fn half_a_request_does_nothing() {
    let daemon = daemon().await;
    let id = daemon.node.keep(1, b"x");
    let line = format!("{{\"version\":1,\"request\":{{\"ask\":\"backup_delete\",\"id\":\"{id}\"}}}}");
    assert_eq!(raw(&daemon.path, line.clone().into_bytes()).await, "", "a line without its end");
    assert_eq!(raw(&daemon.path, Vec::new()).await, "");
    assert_eq!(entries(&daemon, ListFilter::default()).await.len(), 1);
    assert_eq!(raw(&daemon.path, (line + "\n").into_bytes()).await, "{\"answer\":\"deleted\"}\n");
}

async fn several_clients_at_once() {
    let daemon = daemon().await;
    let body = message(300_000);
    let id = daemon.node.keep(1, &body).to_string();
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let (data, id) = (daemon.node.data().to_owned(), id.clone());
            tokio::spawn(async move { ask(&data, Request::BackupExport { id }).await.1 })
        })
        .collect();
    for read in asked {
        assert!(read.await.unwrap().unwrap() == body);
    }
}

async fn a_client_that_goes_away_hurts_nobody() {
    let daemon = daemon().await;
    let body = message(5_000_000);
    let id = daemon.node.keep(1, &body).to_string();
    let data = daemon.node.data().to_owned();
    let leave = move || {
        for _ in 0..40 {
            let mut client = Client::connect(&data).unwrap().expect("a daemon");
            let (_, reader) = client.ask(&Request::BackupExport { id: id.clone() }).expect("an answer");
            let mut some = [0; 100];
            reader.expect("a body").read_exact(&mut some).expect("some bytes");
        }
    };
    spawn_blocking(leave).await.unwrap();
    assert_eq!(entries(&daemon, ListFilter::default()).await.len(), 1);
}

async fn the_socket_is_for_its_owner_only() {
    let daemon = daemon().await;
    let found = std::fs::symlink_metadata(&daemon.path).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let names: Vec<_> = std::fs::read_dir(daemon.node.data()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name == "control.new"), "{names:?}");
}

async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let node = Node::new().await;
    let path = control::socket_path(node.data());
    // Dropping the listener leaves its name, as a crash does.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    drop(std::os::unix::net::UnixListener::bind(path.with_extension("new")).unwrap());
    assert!(path.exists());
    let live = control::bind(&path).expect("in place of the stale one");
    assert!(matches!(control::bind(&path), Err(ControlError::InUse(_))));
    drop(live);
    assert!(!path.exists(), "the name goes with the socket");

    std::fs::write(&path, b"notes").unwrap();
    assert!(matches!(control::bind(&path), Err(ControlError::NotASocket(_))));
    assert_eq!(std::fs::read(&path).unwrap(), b"notes");
    let error = control::serve(&path, Arc::clone(&node.service), node.stop.subscribe()).await.unwrap_err();
    assert!(error.to_string().contains("move it away"), "{error}");
}

async fn without_a_daemon_there_is_no_client() {
    let node = Node::new().await;
    assert!(Client::connect(node.data()).unwrap().is_none(), "no socket");
    assert!(Client::connect(&node.scratch().join("nowhere")).unwrap().is_none(), "no directory");
    drop(std::os::unix::net::UnixListener::bind(control::socket_path(node.data())).unwrap());
    assert!(Client::connect(node.data()).unwrap().is_none(), "nobody listens");
}

async fn it_stops_when_told() {
    let daemon = daemon().await;
    let silent = UnixStream::connect(&daemon.path).unwrap();
    let mut client = Client::connect(daemon.node.data()).unwrap().expect("a daemon");
    assert_eq!(ask(daemon.node.data(), Request::BackupVerify).await.1.unwrap(), b"");
    daemon.node.stop.send_replace(true);
    timeout(Duration::from_secs(3), daemon.task).await.expect("at once").expect("well");
    assert!(!daemon.path.exists());
    assert!(matches!(client.ask(&Request::PolicyShow), Err(ControlError::Io { .. })));
    assert!(Client::connect(daemon.node.data()).unwrap().is_none());
    drop(silent);
}
