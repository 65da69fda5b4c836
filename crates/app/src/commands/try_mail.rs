//! `mailward try`: sends a sample message, to see what becomes of it.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use mail::address::Address;
use mail::arrival::Direction;
use net::upstream::Hop;
use service::metrics::Metrics;
use service::release;
use service::routes::{Route, Routes};
use service::spool::Spool;
use settings::config::{ClientInfo, HopTls};
use settings::values::HostPort;

use crate::terminal;

/// Port of the demo's gateway.
pub const DEMO_PORT: u16 = 2525;
/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// The EICAR test file, turned by 13 letters so that this program is not taken for malware itself.
const EICAR: &str = r"K5B!C%@NC[4\CMK54(C^)7PP)7}$RVPNE-FGNAQNEQ-NAGVIVEHF-GRFG-SVYR!$U+U*";

/// What to send.
#[derive(Clone, Copy, ValueEnum, Debug)]
pub enum Sample {
    /// A plain message.
    Clean,
    /// A message with the EICAR test file attached, which every anti-virus product detects.
    Eicar,
}

/// Send a sample message through a gateway
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to send
    #[arg(value_enum)]
    sample: Sample,
    /// The gateway
    #[arg(long, value_name = "HOST:PORT", default_value_t = format!("127.0.0.1:{DEMO_PORT}"))]
    to: String,
    /// The sender's address
    #[arg(long, value_name = "ADDRESS", default_value = "sender@example.com")]
    from: String,
    /// The recipient's address
    #[arg(long, value_name = "ADDRESS", default_value = "user@example.org")]
    rcpt: String,
}

/// Sends it and says what the gateway answered.
pub fn run(args: &Args) -> ExitCode {
    match send(args) {
        Ok(reply) => {
            let _ = terminal::put(&format!("sent; the gateway answered: {}\n", mail::untrusted::escape(&reply, 400)));
            ExitCode::SUCCESS
        }
        Err(message) => {
            terminal::tell(&format!("mailward: {message}"));
            ExitCode::FAILURE
        }
    }
}

fn send(args: &Args) -> Result<String, String> {
    let wrong = |what: &str, text: &str| format!("{what}: \"{}\" cannot be used", mail::untrusted::escape(text, 80));
    let (host, port) = args.to.rsplit_once(':').ok_or_else(|| wrong("--to", &args.to))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let address = HostPort { host, port: port.parse().map_err(|_| wrong("--to", &args.to))? }.into();
    let sender = Address::parse(&args.from).ok_or_else(|| wrong("--from", &args.from))?;
    let recipient = Address::parse(&args.rcpt).ok_or_else(|| wrong("--rcpt", &args.rcpt))?;
    let tls_config = net::tls::client_config(false, None, None).map_err(|e| e.to_string())?;
    let hop = Hop {
        address,
        addresses: Vec::new(),
        label: None,
        tls: HopTls::Opportunistic,
        verify: false,
        tls_config,
        connect_timeout: CONNECT,
        hostname: "localhost".to_owned(),
        login: None,
        lmtp: false,
        own: None,
        client_info: ClientInfo::None,
        ours: Arc::from([]),
    };
    let (routes, metrics) = (Routes::new(vec![Route::to("to", hop)]), Metrics::new());
    let way = release::Way {
        routes: &routes,
        metrics: &metrics,
        direction: Direction::Incoming,
        site: None,
        signers: None,
        redact: false,
    };
    let spool = Spool::from(message(args.sample, &args.from, &args.rcpt));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime
        .block_on(release::send(way, Some(&sender), &recipient, Vec::new(), &spool))
        .map_err(|e| format!("{}: {e}", args.to))
}

/// A sample message with CRLF line ends.
fn message(sample: Sample, from: &str, to: &str) -> Vec<u8> {
    let id = service::id::message_id();
    let head = |subject: &str| {
        format!(
            "From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{id}@example.com>\r\nMIME-Version: 1.0\r\n"
        )
    };
    match sample {
        Sample::Clean => format!(
            "{}Content-Type: text/plain; charset=utf-8\r\n\r\nGood morning,\r\n\r\nthis is a plain message.\r\n",
            head("A plain message")
        ),
        Sample::Eicar => format!(
            "{}Content-Type: multipart/mixed; boundary=\"part\"\r\n\r\n--part\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
             The EICAR test file is attached. It is harmless.\r\n--part\r\n\
             Content-Type: application/octet-stream; name=\"eicar.com\"\r\n\
             Content-Disposition: attachment; filename=\"eicar.com\"\r\n\r\n{}\r\n--part--\r\n",
            head("The EICAR test file"),
            rot13(EICAR)
        ),
    }
    .into_bytes()
}

fn rot13(text: &str) -> String {
    let turn = |c: char, first: u8| char::from((c as u8 - first + 13) % 26 + first);
    text.chars()
        .map(|c| match c {
            'a'..='z' => turn(c, b'a'),
            'A'..='Z' => turn(c, b'A'),
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_the_test_file() {
        let text = rot13(EICAR);
        assert_eq!((text.len(), text.starts_with("X5O!P%@AP"), text.ends_with("$H+H*")), (68, true, true));
        assert_eq!(rot13(&text), EICAR);
    }
}
