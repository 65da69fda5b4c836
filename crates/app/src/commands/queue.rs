//! `mailward queue`: the outbox, and what to do with it.

use std::io::Write;

use clap::Subcommand;
use mail::address::Address;
use mail::untrusted::escape;
use service::admin::{Request, Response};
use store::{Queued, Standing};

use super::backup::Format;
use crate::ask::{Administration, unexpected};
use crate::failure::Failure;
use crate::place::PlaceArgs;
use crate::terminal;
use crate::when;

/// Mails of one question.
const PAGE: usize = 500;
/// Most characters of one text in a line.
const MAX_TEXT: usize = 120;

/// List, show, retry, hold and delete mail that is Mailward's own to deliver.
///
/// A running daemon is asked; without one the data directory is used itself, as its owner.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// List mails, oldest first.
    List {
        /// At most so many.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,
        /// The form.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Format,
    },
    /// Show a mail with every recipient and what the next hop said.
    Show {
        /// The mail.
        #[arg(value_name = "ID")]
        id: String,
        /// The form.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: Format,
    },
    /// Have mails tried now; one that is held is free again.
    Retry {
        /// The mails.
        #[arg(value_name = "ID", required_unless_present = "all")]
        ids: Vec<String>,
        /// All that are not held.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Hold mails: they are not tried until `retry`. Their age goes on.
    Hold {
        /// The mails.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Delete mails. Neither sender nor recipients hear of it.
    Delete {
        /// The mails.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
}

/// Runs it.
///
/// # Errors
/// There is no installation, no such mail, or it cannot be done.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    let place = args.place.find()?;
    let mut administration = Administration::open(&place)?;
    match &args.verb {
        Verb::List { limit, format } => list(*limit, *format, &mut administration)?,
        Verb::Show { id, format } => show(id, *format, &mut administration)?,
        Verb::Retry { ids, .. } => {
            done(Request::QueueRetry { ids: ids.clone() }, "to be tried now", &mut administration)?
        }
        Verb::Hold { ids } => done(Request::QueueHold { ids: ids.clone() }, "held", &mut administration)?,
        Verb::Delete { ids, yes } => {
            confirm(ids, *yes)?;
            done(Request::QueueDelete { ids: ids.clone() }, "deleted", &mut administration)?;
        }
    }
    Ok(0)
}

fn confirm(ids: &[String], yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    match terminal::confirm(&format!("Delete {} mails that nobody has been told of?", ids.len())) {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new("nothing was deleted")),
        None => Err(Failure::new("nothing was deleted: without a terminal to ask at, say --yes")),
    }
}

fn done(request: Request, what: &str, administration: &mut Administration) -> Result<(), Failure> {
    let Response::QueueDone { count } = administration.ask(request)?.0 else { return Err(unexpected()) };
    Ok(terminal::put(&format!("{count} {what}\n"))?)
}

fn list(limit: usize, format: Format, administration: &mut Administration) -> Result<(), Failure> {
    let (mut after, mut left) = (None, limit);
    while left > 0 {
        let request = Request::QueueList { after, limit: left.min(PAGE) };
        let Response::Queue { mails, next } = administration.ask(request)?.0 else { return Err(unexpected()) };
        let mut out = std::io::stdout().lock();
        for mail in mails.iter().take(left) {
            out.write_all(if format == Format::Json { json(mail) } else { line(mail) }.as_bytes())?;
        }
        left = left.saturating_sub(mails.len());
        match next {
            None => return Ok(()),
            next => after = next,
        }
    }
    terminal::tell("There may be more: see --limit.");
    Ok(())
}

fn show(id: &str, format: Format, administration: &mut Administration) -> Result<(), Failure> {
    let Response::Queue { mails, .. } = administration.ask(Request::QueueShow { id: id.to_owned() })?.0 else {
        return Err(unexpected());
    };
    let text = |mail: &Queued| if format == Format::Json { json(mail) } else { whole(mail) };
    let texts: String = mails.iter().map(text).collect();
    Ok(terminal::put(&texts)?)
}

fn json(mail: &Queued) -> String {
    terminal::json_line(mail)
}

fn sender(mail: &Queued) -> String {
    mail.mail.mail_from.as_ref().map_or_else(|| "<>".to_owned(), |a| escape(a.as_str(), MAX_TEXT))
}

fn due(mail: &Queued) -> String {
    if mail.held { "held".to_owned() } else { when::shown(mail.next_ms) }
}

fn line(mail: &Queued) -> String {
    let first = mail.recipients.first();
    let to = first.map_or("-", |to| to.address.as_str());
    let others = mail.waiting.saturating_sub(1);
    let others = if others > 0 { format!(" +{others}") } else { String::new() };
    let said = first.map_or(String::new(), |to| escape(&to.said, MAX_TEXT));
    format!(
        "{}  {}  {:<9} {:>9}  {} -> {}{others}  next {}, tried {}  {said}\n",
        mail.id,
        when::shown(mail.mail.created_ms),
        mail.mail.kind.name(),
        terminal::size(mail.mail.size),
        sender(mail),
        escape(to, MAX_TEXT),
        due(mail),
        mail.attempts,
    )
}

fn whole(mail: &Queued) -> String {
    let mut out = String::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            out.push_str(&format!("{name:<14} {value}\n"));
        }
    };
    row("Mail", mail.id.to_string());
    row("Message", mail.mail.message.to_string());
    row("Here as", mail.mail.kind.name().to_owned());
    row("Since", format!("{} UTC", when::shown(mail.mail.created_ms)));
    row("Next attempt", due(mail));
    row("Attempts", mail.attempts.to_string());
    row("Sender", sender(mail));
    row("Parameters", escape(mail.mail.parameters.trim(), MAX_TEXT));
    row("Size", format!("{} ({} bytes)", terminal::size(mail.mail.size), mail.mail.size));
    for to in &mail.recipients {
        row(standing(to.standing), format!("{} {}", address(&to.address), escape(to.parameters.trim(), MAX_TEXT)));
        if !to.said.is_empty() {
            row("", format!("{}: {}", escape(&to.hop, MAX_TEXT), escape(&to.said, 1000)));
        }
    }
    out
}

fn address(address: &Address) -> String {
    escape(address.as_str(), 300)
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Waiting => "Waits",
        Standing::Delivered => "Delivered",
        Standing::Failed => "Failed",
    }
}

#[cfg(test)]
mod tests {
    use mail::arrival::{Direction, MessageId};
    use store::{NewQueued, QueueKind};

    use super::*;

    #[test]
    fn nothing_that_is_shown_moves_the_cursor_or_hides() {
        let hostile = Address::parse("a\u{202e}\u{200b}b@example.org");
        let mail = Queued {
            id: "0000000000001".parse().unwrap(),
            mail: NewQueued {
                message: MessageId::new(0, [0; 10]),
                kind: QueueKind::Remainder,
                direction: Direction::Incoming,
                mail_from: hostile,
                parameters: " ENVID=\u{202e}x".to_owned(),
                created_ms: 0,
                size: 1,
                recipients: Vec::new(),
            },
            stored: 1,
            next_ms: 0,
            attempts: 0,
            held: false,
            warned: false,
            waiting: 0,
            recipients: Vec::new(),
        };
        for text in [json(&mail), line(&mail), whole(&mail)] {
            assert!(!text.contains(['\u{202e}', '\u{200b}']), "{text:?}");
        }
        assert_eq!(serde_json::from_str::<Queued>(&json(&mail)).unwrap(), mail);
    }
}
