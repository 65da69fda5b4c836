//! The text form of results, and the summary.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use judge::spam::{SpamStatus, SpamVerdict, SpamWhy};
use mail::untrusted::escape;

use super::Done;
use super::line::{ScanLine, ScanStatus};
use crate::looking::outside::NotAsked;
use crate::looking::paths::PassedOver;
use crate::looking::spam;
use crate::terminal::{self, Colour, Paint};

/// Most characters of a path that are shown.
const MAX_PATH: usize = 4096;
/// Most names, or places, that are shown of one message.
const MAX_SHOWN: usize = 100;
/// Most characters of what an engine says.
const MAX_DETAIL: usize = 200;
/// Most characters of an error.
const MAX_ERROR: usize = 500;

/// What was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Summary {
    clean: u64,
    infected: u64,
    disinfected: u64,
    probable: u64,
    unscannable: u64,
    errors: u64,
    /// Without malware, and spam or on a list of those whose mail always is.
    spam: u64,
    /// Without malware, and probable spam.
    probable_spam: u64,
    /// Without malware, and not examined for spam.
    unexamined: u64,
    bytes: u64,
}

impl Summary {
    /// Counts a message or file of this size.
    pub(super) fn count(&mut self, done: &Done, line: &ScanLine) {
        self.bytes = self.bytes.saturating_add(done.size);
        let counter = match line.status {
            ScanStatus::Clean => match verdict(done).map(|verdict| verdict.status) {
                Some(SpamStatus::Spam | SpamStatus::AddressBlacklisted) => &mut self.spam,
                Some(SpamStatus::ProbableSpam) => &mut self.probable_spam,
                _ => &mut self.clean,
            },
            ScanStatus::Infected => &mut self.infected,
            ScanStatus::Disinfected => &mut self.disinfected,
            ScanStatus::ProbablyInfected => &mut self.probable,
            ScanStatus::Unscannable => &mut self.unscannable,
            ScanStatus::Error => &mut self.errors,
        };
        *counter += 1;
        if line.status == ScanStatus::Clean && unexamined(done).is_some() {
            self.unexamined += 1;
        }
    }

    /// How many have malware in them.
    pub(super) fn threats(&self) -> u64 {
        self.infected + self.disinfected + self.probable
    }

    /// How many could not be looked at, or not wholly.
    pub(super) fn failures(&self) -> u64 {
        self.unscannable + self.errors
    }
}

impl ScanStatus {
    fn words(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Infected => "INFECTED",
            Self::Disinfected => "INFECTED, can be disinfected",
            Self::ProbablyInfected => "PROBABLY INFECTED",
            Self::Unscannable => "not scanned",
            Self::Error => "ERROR",
        }
    }

    fn colour(self) -> Colour {
        match self {
            Self::Clean => Colour::Green,
            Self::Infected | Self::Disinfected | Self::ProbablyInfected | Self::Error => Colour::Red,
            Self::Unscannable => Colour::Yellow,
        }
    }
}

/// Whether a message is spam, if it was examined for that.
fn verdict(done: &Done) -> Option<SpamVerdict> {
    done.looked.as_ref().ok()?.plan.spam.filter(|verdict| verdict.why.is_none())
}

/// Whether there is nothing to be said about a message or file.
pub(super) fn is_clean(done: &Done, line: &ScanLine) -> bool {
    line.status == ScanStatus::Clean
        && unexamined(done).is_none()
        && verdict(done).is_none_or(|verdict| !verdict.status.is_positive())
}

/// Why a message was not examined for spam, in words (D-19).
fn unexamined(done: &Done) -> Option<String> {
    done.looked.as_ref().ok()?.plan.spam.as_ref().and_then(spam::unexamined)
}

/// What a message is, by malware and by spam.
fn status(done: &Done, line: &ScanLine, paint: Paint) -> String {
    let shown = paint.paint(line.status.colour(), line.status.words());
    match &done.looked {
        Ok(looked) => spam::headline(looked, shown, paint, str::to_uppercase),
        Err(_) => shown,
    }
}

/// The lines for one message or file.
pub(super) fn text(done: &Done, line: &ScanLine, verbose: bool, paint: Paint) -> String {
    let place = match line.index {
        Some(index) => format!("{} [{index}]", escape(&line.path, MAX_PATH)),
        None => escape(&line.path, MAX_PATH),
    };
    let mut out = format!("{place}: {}", status(done, line, paint));
    if let Some(why) = &line.error {
        let _ = write!(out, ": {}", escape(why, MAX_ERROR));
    }
    let names: BTreeSet<&str> = line.malware.iter().map(|found| found.name.as_str()).collect();
    let reasons: BTreeSet<&str> = line.unscanned.iter().map(|unscanned| unscanned.reason).collect();
    let what = if names.is_empty() { reasons } else { names };
    if !what.is_empty() {
        let shown: Vec<&str> = what.iter().take(MAX_SHOWN).copied().collect();
        let _ = write!(out, " [{}{}]", shown.join(", "), if what.len() > MAX_SHOWN { ", …" } else { "" });
    }
    out.push('\n');
    if verbose {
        details(done, line, &mut out);
    }
    out
}

/// More about one message or file.
fn details(done: &Done, line: &ScanLine, out: &mut String) {
    for found in line.malware.iter().take(MAX_SHOWN) {
        let _ = writeln!(out, "  {}: {} ({}, found by {})", found.node, found.name, found.kind, found.engine);
    }
    for unscanned in line.unscanned.iter().take(MAX_SHOWN) {
        let reason = unscanned.reason.replace('_', " ");
        let detail = escape(&unscanned.detail, MAX_DETAIL);
        let _ = writeln!(out, "  {}: not scanned: {reason} ({}: {detail})", unscanned.node, unscanned.engine);
    }
    for opened in line.opened.iter().take(MAX_SHOWN) {
        let _ = writeln!(out, "  {}: opened with a password ({})", opened.node, opened.with);
    }
    let hidden = line.malware.len().saturating_sub(MAX_SHOWN) + line.unscanned.len().saturating_sub(MAX_SHOWN);
    if hidden > 0 {
        let _ = writeln!(out, "  and {hidden} more");
    }
    if let (Ok(looked), Some(action)) = (&done.looked, line.action) {
        let objects = looked.report.objects().len();
        let rules = if line.rules.is_empty() { "no rule applies".to_owned() } else { line.rules.join(", ") };
        let size = terminal::size(done.size);
        if looked.plan.spam.is_some_and(|verdict| verdict.why != Some(SpamWhy::NotAsked)) {
            out.push_str("  whether it is spam:\n");
            spam::spam(looked, "    ", out);
        }
        for text in NotAsked::told(&looked.not_asked) {
            let _ = writeln!(out, "  {text}");
        }
        let _ = writeln!(out, "  {size}, {objects} objects; the gateway: {} ({rules})", action.replace('_', " "));
    }
}

/// The end of a scan, on standard error.
pub(super) fn summary(summary: &Summary, took: Duration, passed: PassedOver) {
    let paint = Paint::stderr();
    let all = summary.clean + summary.spam + summary.probable_spam + summary.threats() + summary.failures();
    let mut parts = vec![format!("{} clean", summary.clean)];
    let mut part = |count: u64, what: &str, colour| {
        if count > 0 {
            parts.push(paint.paint(colour, &format!("{count} {what}")));
        }
    };
    part(summary.infected, "infected", Colour::Red);
    part(summary.disinfected, "infected that can be disinfected", Colour::Red);
    part(summary.probable, "probably infected", Colour::Red);
    part(summary.spam, "spam", Colour::Yellow);
    part(summary.probable_spam, "probable spam", Colour::Yellow);
    part(summary.unexamined, "of the clean ones not examined for spam", Colour::Yellow);
    part(summary.unscannable, "not scanned", Colour::Yellow);
    part(summary.errors, "with errors", Colour::Red);
    let seconds = took.as_secs_f64();
    let rate = if seconds > 0.0 { summary.bytes as f64 / 1e6 / seconds } else { 0.0 };
    let size = terminal::size(summary.bytes);
    terminal::tell(&format!("Scanned {all}: {}; {size} in {seconds:.1} s ({rate:.1} MB/s)", parts.join(", ")));
    if passed.links > 0 {
        terminal::tell(&format!("Symbolic links in directories are not followed: {} passed over", passed.links));
    }
    if passed.special > 0 {
        terminal::tell(&format!("Pipes, sockets and devices in directories: {} passed over", passed.special));
    }
}

/// Said where the policy asks lists in the DNS, and nobody asked them.
pub(super) fn lists_not_asked() {
    let text = "The policy asks lists in the DNS, which were not asked: --authenticate asks them.";
    terminal::tell(&Paint::stderr().paint(Colour::Yellow, text));
}

/// Said loudly whenever "clean" means little.
pub(super) fn no_signatures() {
    let text = "NO SIGNATURE DATABASE is in use: only the EICAR test file and a few built-in rules were looked for, \
                so \"clean\" means little. Give --hash-list or --yara, or a configuration with clamd.";
    terminal::tell(&Paint::stderr().paint(Colour::Yellow, text));
}
