//! A job that does what it is told, good or bad.

#![allow(unsafe_code)]

use std::hint::black_box;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use confine::{Job, Reply};

pub(crate) struct TestJob {
    init: Vec<u8>,
}

impl Job for TestJob {
    fn load(init: &[u8]) -> Result<Self, String> {
        match std::str::from_utf8(init).unwrap_or("") {
            "load: refuse" => return Err("rule 7 of bad.yar does not compile".into()),
            "load: panic" => panic!("as told"),
            "load: exit" => std::process::exit(4),
            "load: slow" => std::thread::sleep(Duration::from_secs(60)),
            "load: thread" => drop(std::thread::spawn(|| std::thread::sleep(Duration::from_secs(60)))),
            _ => {}
        }
        Ok(Self { init: init.to_vec() })
    }

    fn run(&mut self, request: &[u8], body: &[u8], stop: &Arc<AtomicBool>) -> Reply {
        let request = std::str::from_utf8(request).unwrap_or("").trim_end();
        if let Some(text) = answer(request, &self.init) {
            return Reply { bytes: text.into_bytes(), blobs: Vec::new() };
        }
        match request {
            "echo" => Reply { bytes: body.to_vec(), blobs: Vec::new() },
            "sum" => Reply { bytes: sum(body).to_le_bytes().to_vec(), blobs: Vec::new() },
            "blobs" => Reply { bytes: b"two".to_vec(), blobs: vec![body.to_vec(), vec![9; 300_000]] },
            "long" => Reply { bytes: vec![0; (8 << 20) + 1], blobs: Vec::new() },
            "many blobs" => Reply { bytes: Vec::new(), blobs: vec![Vec::new(); 65] },
            "long blobs" => Reply { bytes: Vec::new(), blobs: vec![vec![0; 5 << 20]; 5] },
            "until told" => {
                while !stop.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Reply { bytes: b"stopped".to_vec(), blobs: Vec::new() }
            }
            other => misbehave(other),
        }
    }
}

pub(crate) fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum: u64, &byte| sum.wrapping_add(u64::from(byte)))
}

/// Requests that are answered with a text.
fn answer(request: &str, init: &[u8]) -> Option<String> {
    Some(match request {
        "who" => {
            let host = rustix::process::getppid().map_or(0, |pid| pid.as_raw_pid());
            format!("{} {host}", rustix::process::getpid().as_raw_pid())
        }
        "init" => String::from_utf8_lossy(init).into_owned(),
        "call the system" => nanoseconds_a_call().to_string(),
        "environment" => std::env::vars().map(|(name, _)| name).collect(),
        "dumpable" => format!("{:?}", rustix::process::dumpable_behavior()),
        "privileges" => format!("{:?}", rustix::thread::no_new_privs()),
        // Copies of a descriptor, as many as the limit allows.
        "descriptors left" => {
            let copies: Vec<_> =
                (0..1000).map_while(|_| rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), 0).ok()).collect();
            copies.len().to_string()
        }
        "log" => {
            for number in 0..10_000 {
                eprintln!("\x1b[31mline {number} of a worker\r");
            }
            "logged".into()
        }
        other => return ask_too_much(other),
    })
}

/// What the cheapest call to the system costs here, in nanoseconds.
pub(crate) fn nanoseconds_a_call() -> u128 {
    const CALLS: u32 = 1_000_000;
    let began = std::time::Instant::now();
    for _ in 0..CALLS {
        black_box(rustix::process::getppid());
    }
    began.elapsed().as_nanos() / u128::from(CALLS)
}

/// Requests that never get an answer.
fn misbehave(request: &str) -> Reply {
    match request {
        "loop" => loop {
            black_box(());
        },
        "sleep" => loop {
            std::thread::sleep(Duration::from_secs(60));
        },
        "allocate" => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(black_box(vec![1; 100_000]));
            }
        }
        "allocate at once" => drop(black_box(vec![1u8; 1 << 40])),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(3),
        "panic" => panic!("as told"),
        "overflow the stack" => drop(black_box(deeper(1))),
        // SAFETY: not at all, which is the point: nothing is mapped there.
        "fault" => unsafe { std::ptr::write_volatile(std::ptr::without_provenance_mut::<u8>(8), 1) },
        "garbage" => drop(rustix::io::write(std::io::stdin(), b"HTTP/1.1 200 OK\r\n\r\nclean")),
        "flood" => loop {
            if rustix::io::write(std::io::stdin(), &[b'M'; 65536]).is_err() {
                break;
            }
        },
        "hang up" => {
            // Its end of the socket closes, but the process stays.
            let _ = rustix::net::shutdown(std::io::stdin(), rustix::net::Shutdown::Both);
            std::thread::sleep(Duration::from_secs(60));
        }
        other if intrude(other) => {}
        other => panic!("unknown request {other}"),
    }
    Reply { bytes: b"went on".to_vec(), blobs: Vec::new() }
}

/// What somebody would do who has taken a worker over; false for another request.
fn intrude(request: &str) -> bool {
    match request {
        "read a file" => drop(std::fs::read("/etc/passwd")),
        "list a directory" => drop(std::fs::read_dir("/")),
        "make a file" => drop(rustix::fs::memfd_create("hoard", rustix::fs::MemfdFlags::empty())),
        "execute" => drop(Command::new("/bin/true").status()),
        "connect" => drop(TcpStream::connect("127.0.0.1:9")),
        "send a datagram" => drop(UdpSocket::bind("127.0.0.1:0")),
        "open a local socket" => drop(UnixStream::connect("/run/dbus/system_bus_socket")),
        "kill the host" => {
            let host = rustix::process::getppid().expect("a host");
            let _ = rustix::process::kill_process(host, rustix::process::Signal::KILL);
        }
        // SAFETY: a worker has one thread; should there be a child, it ends at once.
        "fork" => unsafe {
            if libc::fork() == 0 {
                libc::_exit(0);
            }
        },
        "start a thread" => drop(std::thread::Builder::new().spawn(|| ())),
        // SAFETY: the call takes no pointer here.
        "trace the host" => unsafe {
            let host = rustix::process::getppid().map_or(0, |pid| pid.as_raw_pid());
            libc::ptrace(libc::PTRACE_ATTACH, host, 0, 0);
        },
        _ => return false,
    }
    true
}

/// What is refused but does not end a worker; what came of it.
fn ask_too_much(request: &str) -> Option<String> {
    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
    let page = rustix::param::page_size();
    let nowhere = std::ptr::null_mut();
    let result = match request {
        // SAFETY: the kernel chooses a free address.
        "map a program" => unsafe {
            rustix::mm::mmap_anonymous(nowhere, page, ProtFlags::READ | ProtFlags::EXEC, MapFlags::PRIVATE).map(drop)
        },
        // SAFETY: the page is ours, and nobody else has its address.
        "make memory executable" => unsafe {
            rustix::mm::mmap_anonymous(nowhere, page, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
                .and_then(|address| rustix::mm::mprotect(address, page, MprotectFlags::READ | MprotectFlags::EXEC))
        },
        "be dumpable" => rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable),
        "limit the host" => {
            let limit = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
            rustix::process::prlimit(rustix::process::getppid(), rustix::process::Resource::Nofile, limit).map(drop)
        }
        "name the machine" => rustix::system::sethostname(b"intruder"),
        _ => return None,
    };
    Some(format!("{result:?}"))
}

/// Never ends but by the stack's end.
#[allow(unconditional_recursion)]
fn deeper(number: u64) -> u64 {
    let here = black_box([number; 512]);
    deeper(here[17] + 1) + here[3]
}
