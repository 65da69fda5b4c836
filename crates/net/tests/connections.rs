//! TLS on both sides, and connecting by name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use net::certificates::{Chooser, Held};
use net::stream::Stream;
use net::{ConnectError, TlsError, connect, tls};
use rustls::ServerConfig;
use settings::values::HostPort;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(10);

/// Certificate and key in files.
fn pair(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let made = tls::self_signed(&[name]).unwrap();
    let files = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    fs::write(&files.0, made.certificate).unwrap();
    fs::write(&files.1, made.key).unwrap();
    files
}

/// What a server with this certificate needs.
fn server(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    tls::server_config(Chooser::new(Held::load(certificate, key)?, Vec::new()), None)
}

/// Answers one connection with what it sends, over TLS.
async fn echo(config: Arc<ServerConfig>) -> (HostPort, tokio::task::JoinHandle<std::io::Result<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = HostPort { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
    let task = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await?;
        let mut stream = Stream::from(tcp).accept_tls(config, LIMIT).await?;
        let mut bytes = [0; 5];
        stream.read_exact(&mut bytes).await?;
        stream.write_all(&bytes).await?;
        stream.shutdown().await?;
        Ok(stream.tls_info().unwrap())
    });
    (target, task)
}

/// Talks over TLS; what the client says of it, or why not.
async fn talk(config: &Arc<ServerConfig>, verify: bool, ca_file: Option<&Path>, name: &str) -> std::io::Result<String> {
    let (target, task) = echo(Arc::clone(config)).await;
    let tcp = connect(&target, LIMIT).await.unwrap();
    let client = tls::client_config(verify, ca_file, None).unwrap();
    let stream = Stream::from(tcp).connect_tls(client, tls::server_name(name).unwrap(), LIMIT).await;
    let mut stream = match stream {
        Ok(stream) => stream,
        Err(error) => {
            task.abort();
            return Err(error);
        }
    };
    stream.write_all(b"Hello").await?;
    let mut back = String::new();
    stream.read_to_string(&mut back).await?;
    assert_eq!(back, "Hello");
    assert!(stream.is_tls() && stream.peer_addr()?.port() == target.port);
    let info = stream.tls_info().unwrap();
    assert_eq!(task.await.unwrap()?, info);
    Ok(info)
}

#[tokio::test]
async fn a_certificate_is_checked_when_asked_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = pair(folder.path(), "mx.example.org");
    let (other, _) = pair(folder.path(), "other.example.org");
    let server = server(&certificate, &key).unwrap();

    let info = talk(&server, true, Some(&certificate), "mx.example.org").await.unwrap();
    assert!(info.starts_with("TLSv1.3 TLS13_"), "{info}");
    talk(&server, false, None, "anything.example.org").await.unwrap();
    talk(&server, false, None, "192.0.2.1").await.unwrap();

    let wrong =
        [(certificate.as_path(), "mx.example.com", "not valid for name"), (&other, "mx.example.org", "UnknownIssuer")];
    for (ca_file, name, why) in wrong {
        let error = talk(&server, true, Some(ca_file), name).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_handshake_that_never_comes_ends_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = pair(folder.path(), "mx.example.org");
    let server = server(&certificate, &key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let _silent = connect(&HostPort { host: "127.0.0.1".to_owned(), port }, LIMIT).await.unwrap();
    let (tcp, _) = listener.accept().await.unwrap();
    let error = Stream::from(tcp).accept_tls(server, Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = pair(folder.path(), "mx.example.org");
    let (_, other_key) = pair(folder.path(), "other.example.org");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let empty = write("empty.pem", "");
    let text = write("text.pem", "not a certificate\n");
    let broken = write("broken.pem", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    let missing = folder.path().join("missing.pem");
    let cases = [
        (&certificate, &other_key, "the key does not belong to the certificate"),
        (&missing, &key, "missing.pem: No such file"),
        (&certificate, &missing, "missing.pem: No such file"),
        (&empty, &key, "empty.pem: no certificate in it"),
        (&text, &key, "text.pem: no certificate in it"),
        (&broken, &key, "broken.pem: not valid PEM"),
        (&certificate, &certificate, "mx.example.org.pem: no private key in it"),
        (&certificate, &empty, "empty.pem: no private key in it"),
    ];
    for (certificate, key, expected) in cases {
        let error = server(certificate, key).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nexpected: {expected}");
    }
    let error = tls::client_config(true, Some(&text), None).unwrap_err().to_string();
    assert!(error.contains("text.pem: no certificate in it"), "{error}");
    assert!(tls::server_name("not a name").is_err());
    let made = tls::self_signed(&["localhost"]).unwrap();
    assert!(!format!("{made:?}").contains("PRIVATE KEY"));
}

#[tokio::test]
async fn a_connection_that_fails_says_where_and_why() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let target = HostPort { host: "127.0.0.1".to_owned(), port: free };
    let error = connect(&target, LIMIT).await.unwrap_err();
    assert_eq!(error.to_string(), format!("127.0.0.1:{free}: no connection: 127.0.0.1:{free}: connection refused"));
    let target = HostPort { host: "no-such-host.invalid".to_owned(), port: 25 };
    let error = connect(&target, LIMIT).await.unwrap_err();
    assert!(matches!(error, ConnectError::Resolve { .. } | ConnectError::TimedOut { .. }), "{error}");
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
}

#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    // `localhost` may have an IPv6 address as well, on which nobody listens.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stream = connect(&HostPort { host: "localhost".to_owned(), port }, LIMIT).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap().port(), port);
    assert!(Stream::from(stream).tls_info().is_none());
}
