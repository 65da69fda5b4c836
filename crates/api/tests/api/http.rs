//! `/healthz`, `/metrics` and everything else, over real connections.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::node::{Extras, Node};
use crate::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    a_node_without_signatures_is_degraded_and_says_what_to_set,
    a_node_with_a_hash_list_has_signatures,
    a_clamd_without_a_database_shows,
    a_clamd_that_does_not_answer_shows_without_its_address,
    a_node_whose_workers_are_gone_fails,
    a_store_that_cannot_be_read_fails,
    many_who_ask_at_once_get_one_result,
    figures_are_openmetrics,
    other_paths_and_methods_are_problems,
    long_and_broken_requests_cost_little,
    it_stops_when_told,
];

/// A node's endpoints.
struct Endpoints {
    address: SocketAddr,
    task: JoinHandle<()>,
}

async fn endpoints(node: &Node) -> Endpoints {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(api::http::serve(listener, Arc::clone(&node.service), node.stop.subscribe()));
    Endpoints { address, task }
}

/// An answer.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn has(&self, line: &str) -> bool {
        self.head.lines().any(|found| found.eq_ignore_ascii_case(line))
    }
}

impl Endpoints {
    /// Sends bytes and reads until the connection is closed, which the server has to do.
    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let end = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        let _ = end.expect("the connection is closed");
        String::from_utf8(answer).expect("text")
    }

    async fn ask(&self, method: &str, path: &str) -> Answer {
        let text = self.raw(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
        let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{head}"));
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// The health report, and the named check's state and detail.
    async fn health(&self, name: &str) -> (u16, Value, String, String) {
        let answer = self.ask("GET", "/healthz").await;
        let report = answer.json();
        let found = report["checks"].as_array().expect("checks").iter().find(|check| check["name"] == name).cloned();
        let text = |key: &str| found.as_ref().map_or("", |check| check[key].as_str().expect("text")).to_owned();
        (answer.status, report.clone(), text("state"), text("detail"))
    }
}

async fn a_node_without_signatures_is_degraded_and_says_what_to_set() {
    let node = Node::new().await;
    let endpoints = endpoints(&node).await;
    let answer = endpoints.ask("GET", "/healthz").await;
    assert_eq!(answer.status, 200);
    for line in ["content-type: application/json", "connection: close", "cache-control: no-store"] {
        assert!(answer.has(line), "{line}: {}", answer.head);
    }
    let (status, report, state, detail) = endpoints.health("signatures").await;
    assert_eq!((status, report["status"].as_str(), state.as_str()), (200, Some("degraded"), "degraded"));
    assert!(detail.contains("no signature database") && detail.contains("engines.hash_lists"), "{detail}");
    assert_eq!(report["policy"], "defaults");
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert!(report["uptime_s"].as_u64().is_some_and(|seconds| seconds < 60));
    let names: Vec<&str> = report["checks"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["workers", "signatures", "store", "next_hop"], "clamd is not configured");
    let data = node.data().to_str().unwrap();
    assert!(!report.to_string().contains(data), "no places of files: {report}");
    let head = endpoints.ask("HEAD", "/healthz").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

async fn a_node_with_a_hash_list_has_signatures() {
    let node = Node::with(Extras { hash_list: true, ..Extras::default() }).await;
    let endpoints = endpoints(&node).await;
    assert_eq!(endpoints.health("signatures").await.2, "ok");
    assert_eq!(endpoints.health("workers").await.2, "ok");
    assert_eq!(endpoints.health("store").await.2, "ok");
    assert_eq!(endpoints.health("next_hop").await.2, "degraded");
}

/// A clamd that says this about itself.
fn clamd(node_dir: &std::path::Path, version: &'static str) -> std::path::PathBuf {
    let path = node_dir.join("clamd.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut command = [0; 64];
            let _ = stream.read(&mut command).await;
            let _ = stream.write_all(format!("{version}\0").as_bytes()).await;
        }
    });
    path
}

async fn a_clamd_without_a_database_shows() {
    let dir = tempfile::tempdir().unwrap();
    for (version, state, signatures) in
        [("ClamAV 1.4.6/27700/Mon Jul 14 08:00:00 2025", "ok", "ok"), ("ClamAV 1.4.6", "degraded", "degraded")]
    {
        let _ = std::fs::remove_file(dir.path().join("clamd.sock"));
        let node = Node::with(Extras { clamd: Some(clamd(dir.path(), version)), ..Extras::default() }).await;
        let endpoints = endpoints(&node).await;
        let (status, _, found, detail) = endpoints.health("clamd").await;
        assert_eq!((status, found.as_str()), (200, state), "{detail}");
        assert!(detail.contains(version), "{detail}");
        assert_eq!(detail.contains("no signature database"), state != "ok", "{detail}");
        assert_eq!(endpoints.health("signatures").await.2, signatures);
    }
}

async fn a_clamd_that_does_not_answer_shows_without_its_address() {
    let nowhere = std::path::PathBuf::from("/nonexistent/secret-place.sock");
    let node = Node::with(Extras { clamd: Some(nowhere), ..Extras::default() }).await;
    let endpoints = endpoints(&node).await;
    let (status, report, state, detail) = endpoints.health("clamd").await;
    assert_eq!((status, state.as_str()), (200, "degraded"), "{detail}");
    assert!(!report.to_string().contains("secret-place"), "{report}");
    assert_eq!(endpoints.health("signatures").await.2, "degraded");
}

async fn a_node_whose_workers_are_gone_fails() {
    let node = Node::with(Extras { hash_list: true, ..Extras::default() }).await;
    let endpoints = endpoints(&node).await;
    assert_eq!(endpoints.health("workers").await.2, "ok");
    node.pool.clone().shutdown().await;
    // The last result stays true for two seconds.
    sleep(Duration::from_millis(2100)).await;
    let (status, report, state, _) = endpoints.health("workers").await;
    assert_eq!((status, report["status"].as_str(), state.as_str()), (503, Some("failing"), "failing"), "{report}");
}

async fn a_store_that_cannot_be_read_fails() {
    let node = Node::new().await;
    let endpoints = endpoints(&node).await;
    for name in ["backup.db", "backup.db-wal", "backup.db-shm"] {
        let path = node.data().join(name);
        if let Ok(found) = std::fs::metadata(&path) {
            std::fs::write(&path, vec![0x55; usize::try_from(found.len()).unwrap()]).expect("damage");
        }
    }
    let (status, report, state, detail) = endpoints.health("store").await;
    assert_eq!((status, state.as_str()), (503, "failing"), "{report}");
    assert!(detail.contains("see the log") && !detail.contains('/'), "{detail}");
}

async fn many_who_ask_at_once_get_one_result() {
    let node = Node::new().await;
    let endpoints = Arc::new(endpoints(&node).await);
    let before = node.pool.status().answered;
    let started = std::time::Instant::now();
    let asked: Vec<_> = (0..200)
        .map(|_| {
            let endpoints = Arc::clone(&endpoints);
            tokio::spawn(async move { endpoints.ask("GET", "/healthz").await.status })
        })
        .collect();
    for answer in asked {
        assert_eq!(answer.await.unwrap(), 200);
    }
    let probes = node.pool.status().answered - before;
    let most = 2 + started.elapsed().as_secs() / 2;
    assert!((1..=most).contains(&probes), "the workers were asked {probes} times, not {most}");
    let status = node.pool.status();
    assert_eq!((status.kills, status.crashes), (0, 0), "nobody was hurt: {status:?}");
}

async fn figures_are_openmetrics() {
    let node = Node::new().await;
    let endpoints = endpoints(&node).await;
    let answer = endpoints.ask("GET", "/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.has("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{}", answer.head);
    assert!(answer.body.contains("mailward_build_info{version="), "{}", answer.body);
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
}

async fn other_paths_and_methods_are_problems() {
    let node = Node::new().await;
    let endpoints = endpoints(&node).await;
    let cases = [
        ("GET", "/", 404),
        ("GET", "/healthz/", 404),
        ("GET", "/..%2f..%2fetc/passwd", 404),
        ("POST", "/nothing", 404),
        ("POST", "/healthz", 405),
        ("DELETE", "/metrics", 405),
        ("BREW", "/metrics", 405),
    ];
    for (method, path, status) in cases {
        let answer = endpoints.ask(method, path).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.has("content-type: application/problem+json"), "{}", answer.head);
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        assert!(!problem.to_string().contains("etc"), "the request is not repeated: {problem}");
        assert_eq!(answer.head.to_lowercase().contains("\r\nallow: get,head"), status == 405, "{}", answer.head);
    }
}

async fn long_and_broken_requests_cost_little() {
    let node = Node::new().await;
    let endpoints = endpoints(&node).await;
    let post = |length: usize| {
        let head = format!("POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        [head.into_bytes(), vec![b'x'; length.min(20_000)]].concat()
    };
    assert!(endpoints.raw(&post(100)).await.starts_with("HTTP/1.1 405"), "a small body is read away");
    assert!(endpoints.raw(&post(20_000)).await.starts_with("HTTP/1.1 413"), "a large one is refused");
    assert!(endpoints.raw(&post(1 << 40)).await.starts_with("HTTP/1.1 413"), "at its announcement");
    let head = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    assert_eq!(endpoints.raw(head.as_bytes()).await, "", "a head over the limit is not answered");
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..],
        b"\r\n\r\n\0\0",
        b"GET\r\n\r\n",
        b"EHLO x\r\nMAIL FROM:<>\r\n\r\n",
    ] {
        let answer = endpoints.raw(garbage).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let two = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(endpoints.raw(two).await.matches("HTTP/1.1 200").count(), 1, "one request a connection");
    assert_eq!(endpoints.ask("GET", "/metrics").await.status, 200);
}

async fn it_stops_when_told() {
    let node = Node::new().await;
    let endpoints = endpoints(&node).await;
    let mut silent = TcpStream::connect(endpoints.address).await.unwrap();
    silent.write_all(b"GET").await.unwrap();
    assert_eq!(endpoints.ask("GET", "/metrics").await.status, 200);
    node.stop.send_replace(true);
    timeout(Duration::from_secs(6), endpoints.task).await.expect("it ends").expect("well");
    assert!(TcpStream::connect(endpoints.address).await.is_err(), "nobody listens");
    assert_eq!(std::fs::metadata(node.data()).unwrap().permissions().mode() & 0o777, 0o700);
}
