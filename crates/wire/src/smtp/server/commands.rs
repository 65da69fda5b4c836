//! What each command does: the rules of order of RFC 5321 section 4.1.4 and of the extensions.

use super::{Asked, Event, Exchange, Server};
use crate::line::LineFault;
use crate::secret::Secret;
use crate::smtp::auth::{self, AuthCommand};
use crate::smtp::command::{self, Body, Verb};
use crate::smtp::reply::Reply;
use crate::smtp::{xclient, xforward};

/// An event to hand out, nothing (the reply is sent already), or the refusal to send and count as an error.
type Handled = Result<Option<Event>, Reply>;

impl Server {
    /// A command line, or what is wrong with it.
    pub(super) fn command_line(&mut self, line: Result<Vec<u8>, LineFault>) -> Option<Event> {
        self.commands = self.commands.saturating_add(1);
        if self.commands > self.config.max_commands {
            self.close_with(&Reply::say(421, "4.7.0 Too many commands"));
            return None;
        }
        let handled = check_line(line, self.config.command_line_max).and_then(|line| self.command(&line));
        match handled {
            Ok(event) => event,
            Err(reply) => {
                self.refuse(&reply);
                None
            }
        }
    }

    /// The table of commands.
    fn command(&mut self, line: &str) -> Handled {
        let (verb, rest) = command::split(line);
        match verb {
            Verb::Lhlo if self.config.lmtp => self.hello_command(true, rest),
            Verb::Ehlo | Verb::Helo if self.config.lmtp => Err(Reply::say(500, "5.5.1 This is LMTP: say LHLO")),
            Verb::Ehlo => self.hello_command(true, rest),
            Verb::Helo => self.hello_command(false, rest),
            Verb::Mail => self.mail(rest),
            Verb::Rcpt => self.rcpt(rest),
            Verb::Data => self.data(rest),
            Verb::Reset => self.reset(rest),
            Verb::Quit => no_argument(rest).map(|()| self.ask(Asked::Quit, Event::Quit)),
            Verb::Noop => self.say(250, "2.0.0 Ok"),
            Verb::Help => self.say(214, "2.0.0 See RFC 5321"),
            Verb::Verify => self.say(252, "2.1.5 Send some mail, I will try my best"),
            Verb::Expand => Err(Reply::say(502, "5.5.1 EXPN is not available")),
            Verb::StartTls => self.start_tls(rest),
            Verb::Auth => self.auth(rest),
            Verb::Xforward => self.xforward(rest),
            Verb::Xclient => self.xclient(rest),
            Verb::Bdat => Ok(self.bdat(rest)),
            Verb::Http if self.hello.is_none() => {
                self.close();
                Ok(None)
            }
            Verb::Http | Verb::Lhlo | Verb::Unknown => Err(Reply::say(500, "5.5.2 Command not recognized")),
        }
    }

    fn say(&mut self, code: u16, text: &str) -> Handled {
        self.send(&Reply::say(code, text));
        Ok(None)
    }

    fn hello_command(&mut self, esmtp: bool, rest: &str) -> Handled {
        let name = command::parse_hello(rest)?;
        self.note_eagerness();
        self.transaction = None;
        Ok(self.ask(Asked::Hello { esmtp, name: name.clone() }, Event::Hello { esmtp, name }))
    }

    fn mail(&mut self, rest: &str) -> Handled {
        self.need_hello()?;
        self.need_no_transaction()?;
        let command = command::parse_mail(rest, &self.offered, self.max_size())?;
        let binary = command.body == Some(Body::BinaryMime);
        Ok(self.ask(Asked::Mail { utf8: command.smtputf8, binary }, Event::Mail(command)))
    }

    fn rcpt(&mut self, rest: &str) -> Handled {
        let Some(transaction) = &self.transaction else { return Err(Reply::say(503, "5.5.1 Need MAIL first")) };
        if transaction.chunks.is_some() || transaction.failed {
            return Err(Reply::say(503, "5.5.1 Not within the content of a message"));
        }
        let command = command::parse_rcpt(rest, &self.offered, transaction.utf8)?;
        if transaction.recipients >= self.config.max_recipients {
            return self.say(452, "4.5.3 Too many recipients");
        }
        Ok(self.ask(Asked::Rcpt, Event::Rcpt(command)))
    }

    fn data(&mut self, rest: &str) -> Handled {
        self.note_eagerness();
        let refusal = match &self.transaction {
            _ if !rest.is_empty() => Reply::say(501, "5.5.4 Syntax: DATA"),
            None => Reply::say(503, "5.5.1 Need MAIL and RCPT first"),
            Some(transaction) if transaction.recipients == 0 => Reply::say(554, "5.5.1 No valid recipients"),
            Some(transaction) if transaction.chunks.is_some() || transaction.failed => {
                Reply::say(503, "5.5.1 DATA after BDAT")
            }
            Some(transaction) if transaction.binary => Reply::say(503, "5.5.1 BINARYMIME needs BDAT"),
            Some(_) => return Ok(self.ask(Asked::Data, Event::Data)),
        };
        self.refuse(&refusal);
        self.close_if_content_follows();
        Ok(None)
    }

    fn reset(&mut self, rest: &str) -> Handled {
        no_argument(rest)?;
        self.transaction = None;
        if self.hello.is_none() {
            return self.say(250, "2.0.0 Ok");
        }
        Ok(self.ask(Asked::Reset, Event::Reset))
    }

    fn start_tls(&mut self, rest: &str) -> Handled {
        self.note_eagerness();
        if self.tls {
            return Err(Reply::say(503, "5.5.1 TLS is already active"));
        }
        if !self.offered.starttls {
            return Err(Reply::say(502, "5.5.1 STARTTLS is not available"));
        }
        no_argument(rest)?;
        Ok(self.ask(Asked::StartTls, Event::StartTls))
    }

    fn auth(&mut self, rest: &str) -> Handled {
        self.note_eagerness();
        self.need_hello()?;
        if self.offered.auth.is_empty() {
            return Err(Reply::say(502, "5.5.1 AUTH is not available"));
        }
        if self.authenticated {
            return Err(Reply::say(503, "5.5.1 Already authenticated"));
        }
        self.need_no_transaction()?;
        let (mechanism, initial) = match rest.split_once(' ') {
            Some((mechanism, initial)) => (mechanism, Some(initial.trim_matches(' '))),
            None => (rest, None),
        };
        if rest.is_empty() || initial.is_some_and(|i| !auth::is_exchange_line(i.as_bytes())) {
            return Err(Reply::say(501, "5.5.4 Syntax: AUTH mechanism [initial response]"));
        }
        let mechanism = mechanism.to_ascii_uppercase();
        if !self.offered.auth.contains(&mechanism) {
            return Err(Reply::say(504, "5.5.4 Mechanism is not available"));
        }
        let login = initial.and_then(|i| auth::login(&mechanism, i.as_bytes()));
        self.exchange = Some(Exchange { mechanism: mechanism.clone(), rounds: 0, login });
        let initial = initial.map(|i| Secret::new(i.as_bytes().to_vec()));
        Ok(self.ask(Asked::Auth, Event::Auth(AuthCommand { mechanism, initial })))
    }

    fn xforward(&mut self, rest: &str) -> Handled {
        if self.offered.xforward.is_empty() || !self.config.trusted {
            return Err(Reply::say(550, "5.7.0 XFORWARD is not available"));
        }
        self.need_no_transaction()?;
        let attributes =
            xforward::parse(rest).filter(|list| list.iter().all(|(n, _)| self.offered.xforward.contains(n)));
        let attributes = attributes.ok_or_else(|| Reply::say(501, "5.5.4 Syntax: XFORWARD attribute=value..."))?;
        Ok(self.ask(Asked::Xforward, Event::Xforward(attributes)))
    }

    fn xclient(&mut self, rest: &str) -> Handled {
        if self.offered.xclient.is_empty() || !self.config.trusted {
            return Err(Reply::say(550, "5.7.0 XCLIENT is not available"));
        }
        self.need_no_transaction()?;
        let attributes = xclient::parse(rest);
        let attributes = attributes.ok_or_else(|| Reply::say(501, "5.5.4 Syntax: XCLIENT attribute=value..."))?;
        Ok(self.ask(Asked::Xclient, Event::Xclient(attributes)))
    }

    fn need_hello(&self) -> Result<(), Reply> {
        if self.hello.is_some() { Ok(()) } else { Err(Reply::say(503, "5.5.1 Say EHLO first")) }
    }

    fn need_no_transaction(&self) -> Result<(), Reply> {
        if self.transaction.is_none() { Ok(()) } else { Err(Reply::say(503, "5.5.1 Not within a mail transaction")) }
    }

    /// The smaller of our own limit and the one that was offered; 0 for none.
    pub(super) fn max_size(&self) -> u64 {
        match (self.config.max_size, self.offered.size.unwrap_or(0)) {
            (0, n) | (n, 0) => n,
            (a, b) => a.min(b),
        }
    }

    /// Remembers that bytes wait behind a command which ends a group of pipelined ones.
    fn note_eagerness(&mut self) {
        self.eager |= !self.input.is_empty();
    }
}

/// Text of a line within its limit. AUTH lines have their own, which the reader of lines holds.
fn check_line(line: Result<Vec<u8>, LineFault>, max: usize) -> Result<String, Reply> {
    let line = match line {
        Ok(line) => line,
        Err(LineFault::TooLong) => return Err(Reply::say(500, "5.5.2 Line too long")),
        Err(LineFault::Nul) => return Err(Reply::say(500, "5.5.2 NUL byte in command")),
        Err(LineFault::BareCr | LineFault::BareLf) => return Err(Reply::say(500, "5.5.2 Bare CR or LF in command")),
    };
    let text = String::from_utf8(line).map_err(|_| Reply::say(500, "5.5.2 Command is not text"))?;
    let is_auth = matches!(command::split(&text).0, Verb::Auth);
    if text.len().saturating_add(2) > max && !is_auth {
        return Err(Reply::say(500, "5.5.2 Line too long"));
    }
    Ok(text)
}

fn no_argument(rest: &str) -> Result<(), Reply> {
    if rest.is_empty() { Ok(()) } else { Err(Reply::say(501, "5.5.4 No arguments allowed")) }
}
