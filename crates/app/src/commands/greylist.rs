//! `mailward greylist`: what greylisting holds, and making it begin anew.

use clap::Subcommand;
use service::admin::{Request, Response};

use crate::ask::{Administration, unexpected};
use crate::failure::Failure;
use crate::place::PlaceArgs;
use crate::terminal;

/// Show what greylisting holds, or make it begin anew.
///
/// A running daemon is asked; without one the data directory is used itself. Addresses are kept as
/// keyed hashes: nobody can list them.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Show how many senders and recipients it knows.
    Show,
    /// Forget everything: who came through before has to come again once more.
    Forget,
}

/// Runs it.
///
/// # Errors
/// There is no installation, or its memory cannot be used.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    let (request, done) = match args.verb {
        Verb::Show => (Request::GreylistShow, ""),
        Verb::Forget => (Request::GreylistForget, "forgotten: "),
    };
    let mut administration = Administration::open(&args.place.find()?)?;
    let Response::Greylist { pairs, clients } = administration.ask(request)?.0 else { return Err(unexpected()) };
    let text =
        format!("{done}{pairs} pairs of sender and recipient, {clients} networks of clients that came through\n");
    terminal::put(&text)?;
    Ok(0)
}
