//! `mailward backup release`.

use mail::untrusted::escape;
use service::admin::{Request, Response};

use crate::ask::{Administration, unexpected};
use crate::failure::{ERROR, Failure};
use crate::terminal;

/// Send an entry's original message to its recipients, or to others.
///
/// It goes straight to the next hop and is not examined again; while the next hop is away it waits in
/// the outbox (`mailward queue list`). It may be dangerous: it was kept for
/// a reason.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The entry or message.
    #[arg(value_name = "ID")]
    id: String,
    /// To whom instead of the message's own recipients; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    to: Vec<String>,
}

/// Runs it.
pub(super) fn run(args: &Args, administration: &mut Administration) -> Result<u8, Failure> {
    let request = Request::BackupRelease { id: args.id.clone(), to: args.to.clone() };
    let Response::Released { to, queued, error } = administration.ask(request)?.0 else { return Err(unexpected()) };
    let sent = to.iter().map(|address| format!("released to {}\n", escape(address, 300)));
    let waiting = queued.iter().map(|address| {
        format!("released to {}: waits in the outbox, because the next hop is away\n", escape(address, 300))
    });
    let text: String = sent.chain(waiting).collect();
    terminal::put(&text)?;
    match error {
        None => Ok(0),
        Some(why) => {
            terminal::tell(&format!("mailward: not released to everybody: {}", escape(&why, 1000)));
            Ok(ERROR)
        }
    }
}
