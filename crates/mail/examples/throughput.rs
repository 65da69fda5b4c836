//! Prints how fast messages are read, beside mail-parser in the same run:
//! `cargo run --release -p mail --example throughput [large|small|parts|nested]`.

use std::time::Instant;

use mail::graph::{Limits, parse};

/// Seconds to measure each message for.
const SECONDS: f64 = 2.0;

fn main() {
    let file: Vec<u8> = (0..15_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let large = [
        b"From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n\
          Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            .as_slice(),
        &mail::transfer::encode_base64(&file, b"\r\n"),
        b"\r\n--b--\r\n",
    ]
    .concat();
    let received =
        "Received: from mx.example.org (mx.example.org [192.0.2.1])\r\n\tby mail.example.com; date\r\n".repeat(12);
    let text = "A line of text as people write it, caf=C3=A9 included, some seventy bytes.\r\n".repeat(22);
    let small = format!(
        "{received}From: =?utf-8?Q?J=C3=B6rg?= <a@example.org>\r\nTo: b@example.com\r\nSubject: =?utf-8?B?w7w=?= hello\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n--=_b\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{text}\r\n--=_b\r\n\
         Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>{text}</p>\r\n--=_b--\r\n"
    );
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let header = "From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    let parts = format!("{header}{}--b--\r\n", "--b\r\n\r\nx\r\n".repeat(200_000));
    let nested = (0..40_000).fold(String::from("From: a@example.org\r\n"), |mut all, level| {
        all.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"));
        all
    });
    let messages = [
        ("large, base64", large.as_slice()),
        ("small, text", small.as_bytes()),
        ("parts, 200,000", parts.as_bytes()),
        ("nested multiparts", nested.as_bytes()),
    ];
    for (name, raw) in messages {
        if !name.contains(&wanted) {
            continue;
        }
        measure(name, "structure", raw, |raw| parse(raw, &Limits::default()).len());
        measure(name, "structure and contents", raw, |raw| {
            let message = parse(raw, &Limits::default());
            message.primary().map(|id| message.content(id, usize::MAX).bytes.len()).sum()
        });
        measure(name, "mail-parser 0.11.9", raw, |raw| {
            mail_parser::MessageParser::default().parse(raw).map_or(0, |message| message.parts.len())
        });
    }
}

fn measure(name: &str, what: &str, raw: &[u8], work: impl Fn(&[u8]) -> usize) {
    let begin = Instant::now();
    let mut each = f64::MAX;
    // The fastest of many batches: what else runs on the machine must not count.
    while begin.elapsed().as_secs_f64() < SECONDS {
        let batch = Instant::now();
        let rounds = if raw.len() > 100_000 { 1 } else { 50 };
        for _ in 0..rounds {
            std::hint::black_box(work(std::hint::black_box(raw)));
        }
        each = each.min(batch.elapsed().as_secs_f64() / f64::from(rounds));
    }
    let rate = raw.len() as f64 / each / 1e6;
    println!("{name} ({} bytes), {what}: {rate:.0} MB/s, {:.1} us a message", raw.len(), each * 1e6);
}
