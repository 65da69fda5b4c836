//! `mailward demo`: the gateway with no configuration, a mailbox behind it, and a story of what
//! happens to each message.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use settings::Config;
use settings::config::{HopTls, Listener, ListenerDirection};
use settings::values::{HostPort, Listen, SocketAddress};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::Context;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, Layer};

use super::try_mail::DEMO_PORT;
use crate::mailbox::Mailbox;
use crate::node::Running;
use crate::terminal;

/// Try Mailward without any configuration
///
/// Starts an SMTP gateway on the loopback interface with a built-in mailbox behind it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The gateway's port on 127.0.0.1
    #[arg(long, default_value_t = DEMO_PORT)]
    port: u16,
    /// The port of /healthz and /metrics on 127.0.0.1
    #[arg(long, default_value_t = 8025)]
    http_port: u16,
    /// Where everything is kept
    #[arg(long, value_name = "DIR", default_value = "mailward-demo")]
    dir: PathBuf,
}

/// Runs until Ctrl-C.
pub fn run(args: &Args) -> ExitCode {
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            terminal::tell(&format!("mailward: {message}"));
            ExitCode::from(2)
        }
    }
}

fn start(args: &Args) -> Result<(), String> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,message=info"));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let warnings = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .with_ansi(colour);
    let not_story = tracing_subscriber::filter::filter_fn(|meta| meta.target() != "message");
    let log = tracing_subscriber::registry().with(filter).with(Story).with(warnings.with_filter(not_story));
    let _ = log.try_init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start threads: {e}"))?;
    runtime.block_on(async {
        std::fs::create_dir_all(&args.dir).map_err(|e| format!("{}: cannot be made: {e}", args.dir.display()))?;
        let dir = args.dir.canonicalize().map_err(|e| format!("{}: {e}", args.dir.display()))?;
        let maildir = dir.join("mailbox");
        let mailbox = Mailbox::open(&maildir)
            .await
            .map_err(|e| format!("{}: the mailbox cannot be opened: {e}", maildir.display()))?;
        let next = mailbox.address().map_err(|e| e.to_string())?;
        let running = Running::start(config(args, &dir, next)).await.map_err(|e| hint_ports(&e))?;
        introduce(args, &dir, &maildir);
        tokio::spawn(mailbox.run());
        running.run(None).await
    })
}

fn hint_ports(error: &str) -> String {
    if error.contains("cannot listen") {
        format!("{error}\nAnother port: --port N, --http-port N")
    } else {
        error.to_owned()
    }
}

fn config(args: &Args, dir: &Path, next: std::net::SocketAddr) -> Config {
    let loopback = |port| Listen(([127, 0, 0, 1], port).into());
    let mut config =
        Config { hostname: "demo.example.org".to_owned(), data_dir: dir.join("data"), ..Config::default() };
    config.smtp = vec![Listener {
        listen: SocketAddress::Inet(loopback(args.port).0),
        direction: ListenerDirection::Incoming,
        ..Listener::default()
    }];
    config.next_hop.address = Some(HostPort { host: next.ip().to_string(), port: next.port() }.into());
    config.next_hop.tls = HopTls::None;
    config.trust.internal_domains = vec!["example.org".to_owned()];
    config.trust.trusted_networks = Vec::new();
    config.http.listen = Some(loopback(args.http_port));
    config
}

fn introduce(args: &Args, dir: &Path, maildir: &Path) {
    let program = std::env::args().next().unwrap_or_else(|| "mailward".to_owned());
    let program = mail::untrusted::escape(&program, 200);
    let to = if args.port == DEMO_PORT { String::new() } else { format!(" --to 127.0.0.1:{}", args.port) };
    let data = dir.join("data");
    show(&format!("Mailward demo: an SMTP gateway on 127.0.0.1:{} with a mailbox behind it.", args.port));
    show("");
    show("In another terminal, send a plain message and one with the EICAR test file:");
    show(&format!("  {program} try clean{to}"));
    show(&format!("  {program} try eicar{to}"));
    show("Look at what was delivered, and at what was kept:");
    show(&format!("  ls {}", maildir.join("new").display()));
    show(&format!("  {program} backup --data-dir {} list", data.display()));
    show(&format!("  curl http://127.0.0.1:{}/healthz", args.http_port));
    show("");
    show(&format!("Everything is kept in {}. Ctrl-C ends the demo.", dir.display()));
    show("Without a signature database only EICAR and a few rules of our own are found.");
    show("");
}

/// A line on standard output; a reader that has gone away is no reason to stop.
fn show(line: &str) {
    let _ = terminal::put(&format!("{line}\n"));
}

/// Tells what happened to each message, a line or two each.
struct Story;

impl<S: tracing::Subscriber> Layer<S> for Story {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "message" {
            return;
        }
        let mut fields = Fields(BTreeMap::new());
        event.record(&mut fields);
        for line in tell(&fields) {
            show(&line);
        }
    }
}

fn tell(fields: &Fields) -> Vec<String> {
    let get = |name: &str| fields.0.get(name).map_or("", String::as_str);
    let found = if get("malware").is_empty() { String::new() } else { format!(" ({})", get("malware")) };
    let mut lines = vec![
        format!("{} \"{}\" from {} to {}", get("id"), get("subject"), get("from"), get("to")),
        format!("  {}{found} -> {}; answered {} after {} ms", get("status"), get("action"), get("reply"), get("ms")),
    ];
    if !get("rules").is_empty() {
        lines.push(format!("  by the rules {}", get("rules")));
    }
    lines
}

/// The fields of an event as texts; whoever wrote them made them safe to show.
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
