//! What an authority finds when it looks whether a name is ours (RFC 8555 section 8.3): a small HTTP server
//! that answers `GET /.well-known/acme-challenge/TOKEN` and nothing else.
//!
//! Limits: [`MAX_HEAD`] bytes of a request, [`PATIENCE`] for it, [`MAX_CONNECTIONS`] at once; one request
//! a connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

/// Largest request, in bytes.
const MAX_HEAD: usize = 8 << 10;
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most requests at once.
const MAX_CONNECTIONS: usize = 50;
/// Pause after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(200);
/// Where an authority looks.
const PATH: &str = "/.well-known/acme-challenge/";

/// The answers that are posted now.
#[derive(Clone, Debug, Default)]
pub struct Answers(Arc<Mutex<HashMap<String, String>>>);

impl Answers {
    fn all(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers that are there as long as the value is.
    pub(super) fn posting(&self) -> Posted<'_> {
        Posted { answers: self, tokens: Vec::new() }
    }

    /// The answer to a request's first line; `None` for anything else.
    fn find(&self, line: &str) -> Option<String> {
        let mut words = line.split(' ');
        let (method, path) = (words.next()?, words.next()?);
        let token = path.strip_prefix(PATH).filter(|_| method == "GET")?;
        self.all().get(token).cloned()
    }
}

/// Answers that go away when this is dropped.
pub(super) struct Posted<'a> {
    answers: &'a Answers,
    tokens: Vec<String>,
}

impl Posted<'_> {
    /// Posts one.
    pub(super) fn post(&mut self, token: &str, answer: &str) {
        self.tokens.push(token.to_owned());
        self.answers.all().insert(token.to_owned(), answer.to_owned());
    }
}

impl Drop for Posted<'_> {
    fn drop(&mut self) {
        let mut all = self.answers.all();
        self.tokens.iter().for_each(|token| {
            all.remove(token);
        });
    }
}

/// Answers on this socket until `stop` becomes true.
pub async fn serve(listener: TcpListener, answers: Answers, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // Whoever finds no place is dropped, and comes again if it is an authority.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let answers = answers.clone();
        tokio::spawn(async move {
            let _ = timeout(PATIENCE, answer(stream, &answers)).await;
            drop(place);
        });
    }
}

async fn answer(mut stream: TcpStream, answers: &Answers) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0u8; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read(&mut buffer).await?;
        if read == 0 || head.len() > MAX_HEAD {
            return Ok(());
        }
        head.extend_from_slice(&buffer[..read]);
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let found = std::str::from_utf8(line).ok().and_then(|line| answers.find(line));
    let (status, body) = match &found {
        Some(answer) => ("200 OK", answer.as_str()),
        None => ("404 Not Found", "not found\n"),
    };
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut said = String::new();
        // What was not read before the end is a reset, not an end.
        let _ = stream.read_to_string(&mut said).await;
        said
    }

    #[tokio::test]
    async fn only_what_is_posted_is_answered_and_only_as_long() {
        let answers = Answers::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopped) = watch::channel(false);
        tokio::spawn(serve(listener, answers.clone(), stopped));
        let mut posted = answers.posting();
        posted.post("abc-1", "abc-1.thumb");
        let wanted = format!("GET {PATH}abc-1 HTTP/1.1\r\nHost: mx.example.org\r\n\r\n");
        let said = ask(address, &wanted).await;
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("\r\n\r\nabc-1.thumb"), "{said}");
        for other in [
            format!("GET {PATH}abc-2 HTTP/1.1\r\n\r\n"),
            format!("GET {PATH} HTTP/1.1\r\n\r\n"),
            format!("POST {PATH}abc-1 HTTP/1.1\r\n\r\n"),
            "GET /etc/passwd HTTP/1.1\r\n\r\n".to_owned(),
            "\r\n\r\n".to_owned(),
            "GET\r\n\r\n".to_owned(),
        ] {
            assert!(ask(address, &other).await.starts_with("HTTP/1.1 404 "), "{other}");
        }
        drop(posted);
        assert!(ask(address, &wanted).await.starts_with("HTTP/1.1 404 "));
        assert_eq!(ask(address, &"x".repeat(20_000)).await, "", "too long");
    }
}
