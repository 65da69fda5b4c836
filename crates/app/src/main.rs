//! The program `mailward`: one file a verb in `commands/`.
//!
//! Exit codes: 0 when all is well, 1 for what a verb was asked to find (threats, mistakes in a
//! configuration), 2 for errors and wrong usage.
#![forbid(unsafe_code)]
// A program has no outside: `pub` and `pub(crate)` are the same here.
#![allow(unreachable_pub)]

mod ask;
mod commands;
mod descriptors;
mod failure;
mod logging;
mod looking;
mod mailbox;
mod node;
mod place;
#[cfg(test)]
mod reference;
mod signs;
mod statuses;
mod supervisor;
mod terminal;
mod ways;
mod when;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use commands::{
    backup, config, demo, dkim, dmarc, doctor, explain, greylist, lists, log, manual, policy, queue, scan, serve, spam,
    try_mail,
};

/// Mailward inspects mail for malware wherever it crosses.
///
/// A verb says what to do; `mailward help VERB` tells all about it.
#[derive(Parser, Debug)]
#[command(name = "mailward", version, arg_required_else_help = true, disable_help_subcommand = false)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Serve(serve::Args),
    Demo(demo::Args),
    Try(try_mail::Args),
    Scan(scan::Args),
    Explain(explain::Args),
    Backup(backup::Args),
    Config(config::Args),
    Policy(policy::Args),
    Lists(lists::Args),
    Log(log::Args),
    Doctor(doctor::Args),
    Greylist(greylist::Args),
    Dkim(dkim::Args),
    Dmarc(dmarc::Args),
    Spam(spam::Args),
    Completions(manual::CompletionArgs),
    #[command(hide = true)]
    ManualPages(manual::PageArgs),
    Queue(queue::Args),
    /// The process that the scan workers are forked from; started by the program itself.
    #[command(hide = true)]
    WorkerHost,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        // Before anything that starts a thread.
        Command::WorkerHost => return confine::host_main::<service::worker::ScanJob>(),
        Command::Serve(args) => return serve::run(&args),
        Command::Demo(args) => return demo::run(&args),
        Command::Try(args) => return try_mail::run(&args),
        Command::Scan(args) => scan::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Lists(args) => lists::run(&args),
        Command::Log(args) => log::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Dkim(args) => dkim::run(&args),
        Command::Spam(args) => spam::run(&args),
        Command::Dmarc(args) => dmarc::run(&args),
        Command::Greylist(args) => greylist::run(&args),
        Command::Completions(args) => manual::completions(&args, Cli::command()),
        Command::ManualPages(args) => manual::pages(&args, Cli::command()),
        Command::Queue(args) => queue::run(&args),
    };
    failure::exit_code(result)
}
