//! What runs as a process of its own: the sink, the splice, and the guard around Mailward.
//!
//! Each prints `ready PORT PID` once and ends when its standard input is closed.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::procs;
use crate::Outcome;

/// Bytes copied at once.
const CHUNK: usize = 64 * 1024;

/// Longest command line that the sink takes, in bytes.
const LINE_MAX: usize = 4096;

/// Runs one part; the words are those of [`super::stand`].
pub(crate) fn part(args: &[&str]) -> Outcome {
    match args {
        ["sink"] => {
            let listener = listen()?;
            end_with_input(|| {});
            serve(&listener, sink);
            Ok(())
        }
        ["splice", to] => {
            let to: u16 = to.parse().map_err(|e| format!("{to}: {e}"))?;
            let listener = listen()?;
            end_with_input(|| {});
            serve(&listener, move |stream| splice(stream, to));
            Ok(())
        }
        ["guard", log, program, rest @ ..] => guard(log, program, rest),
        _ => Err("bench-part: sink, splice PORT or guard LOG PROGRAM …".to_owned()),
    }
}

fn listen() -> Result<TcpListener, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| format!("listening: {e}"))?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    println!("ready {port} {}", std::process::id());
    Ok(listener)
}

/// Ends this process once whoever started it has gone.
fn end_with_input(before: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        before();
        std::process::exit(0);
    });
}

/// A thread a connection. A broken one is its own affair.
fn serve(listener: &TcpListener, each: impl Fn(TcpStream) -> std::io::Result<()> + Clone + Send + 'static) {
    for stream in listener.incoming().flatten() {
        let each = each.clone();
        std::thread::spawn(move || {
            let _ = stream.set_nodelay(true);
            let _ = each(stream);
        });
    }
}

/// Copies both ways until each side has closed.
fn splice(stream: TcpStream, to: u16) -> std::io::Result<()> {
    let other = TcpStream::connect((Ipv4Addr::LOCALHOST, to))?;
    other.set_nodelay(true)?;
    let (from_back, to_front) = (other.try_clone()?, stream.try_clone()?);
    let back = std::thread::spawn(move || copy(from_back, to_front));
    copy(stream, other)?;
    back.join().unwrap_or(Ok(()))
}

fn copy(mut from: TcpStream, mut to: TcpStream) -> std::io::Result<()> {
    let mut chunk = vec![0u8; CHUNK];
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            return to.shutdown(Shutdown::Write);
        }
        to.write_all(&chunk[..read])?;
    }
}

/// Takes every message and forgets it. It looks for the end of content at the end of what came
/// only: right for a client that waits for the reply, and cheap.
fn sink(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(b"220 sink.example.net ESMTP\r\n")?;
    let mut buffer: Vec<u8> = Vec::new();
    let mut chunk = vec![0u8; CHUNK];
    loop {
        while let Some(end) = buffer.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let verb: Vec<u8> = line.iter().take(4).map(u8::to_ascii_uppercase).collect();
            let reply: &[u8] = match verb.as_slice() {
                b"EHLO" => b"250-sink.example.net\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250 8BITMIME\r\n",
                b"DATA" => b"354 Go on\r\n",
                b"QUIT" => b"221 2.0.0 Bye\r\n",
                _ => b"250 2.0.0 Ok\r\n",
            };
            stream.write_all(reply)?;
            match verb.as_slice() {
                b"QUIT" => return Ok(()),
                b"DATA" => {
                    content(&mut stream, &mut buffer, &mut chunk)?;
                    stream.write_all(b"250 2.0.0 Ok\r\n")?;
                }
                _ => {}
            }
        }
        let read = stream.read(&mut chunk)?;
        if read == 0 || buffer.len() > LINE_MAX {
            return Ok(());
        }
        buffer.extend_from_slice(&chunk[..read]);
    }
}

/// Reads up to the final dot; empties the buffer.
fn content(stream: &mut TcpStream, buffer: &mut Vec<u8>, chunk: &mut [u8]) -> std::io::Result<()> {
    let mut tail = b"\r\n".to_vec();
    tail.append(buffer);
    while !tail.ends_with(b"\r\n.\r\n") {
        let read = stream.read(chunk)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        tail.extend_from_slice(&chunk[read.saturating_sub(5)..read]);
        let start = tail.len().saturating_sub(5);
        tail.drain(..start);
    }
    Ok(())
}

/// Runs a program until standard input is closed, then ends it and all that it has started.
fn guard(log: &str, program: &str, args: &[&str]) -> Outcome {
    let log = File::create(log).map_err(|e| format!("{log}: {e}"))?;
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|e| format!("{program}: {e}"))?;
    let pid = child.id();
    println!("ready 0 {pid}");
    let ending = Arc::new(AtomicBool::new(false));
    let wanted = Arc::clone(&ending);
    end_with_input(move || {
        wanted.store(true, Ordering::SeqCst);
        procs::kill(&procs::tree(pid));
        // The other thread reaps the child; a moment lets it.
        std::thread::sleep(Duration::from_millis(50));
    });
    let status = child.wait().map_err(|e| e.to_string())?;
    if ending.load(Ordering::SeqCst) { Ok(()) } else { Err(format!("{program} ended: {status}")) }
}
