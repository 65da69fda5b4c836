//! The reference pages in `docs/reference/`, made from the definitions in the program. A test
//! compares; `MAILWARD_BLESS=1 cargo test -p mailward` writes them anew.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};
use mail::defect::{Ambiguity, DefectCode};

use crate::Cli;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference")
}

/// The command line as Markdown.
fn command_line() -> String {
    let mut root = Cli::command();
    root.build();
    let mut out = "# The command line\n\nMade from the program's own help (`mailward help`).\n".to_owned();
    // A stack instead of recursion, as everywhere.
    let mut pending = vec![(root.get_name().to_owned(), &root)];
    while let Some((name, command)) = pending.pop() {
        section(&name, command, &mut out);
        let verbs: Vec<_> = verbs(command).map(|verb| (format!("{name} {}", verb.get_name()), verb)).collect();
        pending.extend(verbs.into_iter().rev());
    }
    out
}

fn verbs(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
}

fn section(name: &str, command: &Command, out: &mut String) {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let _ = write!(out, "\n## `{name}`\n\n{about}\n");
    let usage = command.clone().render_usage().to_string();
    let _ = write!(out, "\n```text\n{}\n```\n", usage.trim());
    let mut headed: Vec<(&str, Vec<&Arg>)> = Vec::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let heading = match arg.get_help_heading() {
            Some(heading) => heading,
            None if arg.is_positional() => "Arguments",
            None => "Options",
        };
        match headed.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, args)) => args.push(arg),
            None => headed.push((heading, vec![arg])),
        }
    }
    for (heading, args) in headed {
        let _ = write!(out, "\n{heading}:\n\n");
        args.iter().for_each(|arg| item(arg, out));
    }
    let inner: Vec<&Command> = verbs(command).collect();
    if !inner.is_empty() {
        out.push_str("\nVerbs:\n\n");
        for verb in inner {
            let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(out, "- `{name} {}`: {about}", verb.get_name());
        }
    }
}

fn item(arg: &Arg, out: &mut String) {
    let value = arg.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>")).collect::<Vec<_>>();
    let value = if arg.get_action().takes_values() { value.join(" ") } else { String::new() };
    let flags = [arg.get_short().map(|c| format!("-{c}")), arg.get_long().map(|long| format!("--{long}"))];
    let flags = flags.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let spelled = format!("{flags} {value}");
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let _ = write!(out, "- `{}`: {}", spelled.trim(), help.split_whitespace().collect::<Vec<_>>().join(" "));
    let words: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|word| !word.is_hide_set())
        .map(|word| word.get_name().to_owned())
        .collect();
    if !words.is_empty() && arg.get_action().takes_values() {
        let _ = write!(out, " One of: {}.", words.join(", "));
    }
    let default: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if !default.is_empty() && arg.get_action().takes_values() {
        let _ = write!(out, " Default: {}.", default.join(", "));
    }
    out.push('\n');
}

/// An example as one line of Markdown code, line ends visible.
fn example(code: DefectCode) -> String {
    let text = code.example();
    if text.starts_with('(') {
        return text.to_owned();
    }
    let line: String = text.chars().flat_map(char::escape_default).collect();
    // Double back-ticks, because an example may hold one.
    format!("`` {} ``", line.replace("\\'", "'").replace("\\\"", "\"").replace('|', "\\|"))
}

/// The codes of defects as Markdown.
fn defects() -> String {
    let mut out =
        "# Defects\n\nWhat can be wrong with the form of a message: the stable codes of `defects` in the output \
                   of `mailward scan`, in reports and in rules.\n\n| Code | Ambiguity | Meaning | Example |\n|---|---|---|---|\n"
            .to_owned();
    for code in DefectCode::ALL {
        let (name, ambiguity) = (code.name(), code.ambiguity().name());
        let _ = writeln!(out, "| `{name}` | {ambiguity} | {} | {} |", code.explanation(), example(*code));
    }
    out.push_str("\nThe ambiguity says how far mail programs may differ about such a message:\n\n");
    for (ambiguity, meaning) in [
        (Ambiguity::Cosmetic, "every program reads it the same way"),
        (Ambiguity::Ambiguous, "programs may see different content"),
        (Ambiguity::TooAmbiguous, "there are more readings than are looked at"),
    ] {
        let _ = writeln!(out, "- `{}`: {meaning}.", ambiguity.name());
    }
    out
}

/// The formats as Markdown.
fn formats() -> String {
    let mut out = "# Formats\n\nMade from the tables of the program. A file is told by its content, never by its name or declared \
        type (but for Brotli, which has no mark). *in part*: the rest is reported. What is reported is \
        [`unscannable.unknown_format`](policy.md), packed programs `unscannable.packed`, what no password opens \
        `unscannable.encrypted`, one file of an archive split over several `unscannable.damaged` (reason `volume`). Whatever is \
        told to be an archive and has no row is reported too.\n\nThe limits of an examination (depth, objects, bytes, ratio, work) hold \
        for all; see [limits](../manual/limits.md).\n\n\
        | Format | Kind | Read | What is opened | Passwords | Limits, and what is not | Disinfected | Samples |\n\
        |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for format in unpack::FORMATS {
        let tier = match format.tier {
            unpack::Tier::Opened => "opened",
            unpack::Tier::InPart => "in part",
            unpack::Tier::Reported => "reported",
        };
        let disinfected = match disarm::formats::format(format.kind) {
            None => "no",
            Some(made) if made.written == disarm::formats::Written::Zip => "becomes zip",
            Some(made) if made.active.is_empty() => "yes",
            Some(made) if !made.members => "no, but disarmed in part",
            Some(_) => "yes, and disarmed",
        };
        let samples: Vec<String> = format
            .samples
            .iter()
            .map(|sample| match sample {
                unpack::Sample::Stored(stem) => format!("`{stem}*`"),
                unpack::Sample::Tool(program) => format!("{program} †"),
                unpack::Sample::Own => "own".to_owned(),
            })
            .collect();
        let dash = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
        let _ = writeln!(
            out,
            "| {} | `{}` | {tier} | {} | {} | {} | {disinfected} | {} |",
            format.name,
            format.kind.name(),
            dash(format.opened),
            dash(format.passwords),
            dash(format.limits),
            samples.join(", "),
        );
    }
    out.push_str(
        "\nSamples: names are those of stored samples, which other programs made (`crates/unpack/tests/unpack/samples`); \
         † is made by that program when the tests run; *own* is made by the tests themselves.\n",
    );
    out.push_str(&taken_out());
    out
}

/// What can be taken out of which kind, as Markdown.
fn taken_out() -> String {
    let mut out = "\n## What can be taken out\n\nFor [disinfection and disarming](../manual/disinfection.md), from the table by which the \
        program makes files anew. *Members*: what an archive or document holds can be taken out one by one, at any depth. What is \
        refused takes the failure branch of the policy, and so does a new file in which anything is found. Kinds without a row are \
        not made anew: they are deleted as a whole, or what the policy says.\n\n\
        | Kind | Members | Active content | Written | What stays, and what changes | Refused |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for format in &disarm::formats::FORMATS {
        let active: Vec<String> = format.active.iter().map(|what| format!("`{}`", what.name())).collect();
        let active = if active.is_empty() { "–".to_owned() } else { active.join(", ") };
        let written = match format.written {
            disarm::formats::Written::Copied => "copied",
            disarm::formats::Written::Again => "anew",
            disarm::formats::Written::Zip => "as zip, with `.zip` behind the name",
        };
        let members = if format.members { "yes" } else { "no" };
        let _ = writeln!(
            out,
            "| `{}` | {members} | {active} | {written} | {} | {} |",
            format.kind.name(),
            format.stays,
            format.refused
        );
    }
    out
}

/// The signs of spam as Markdown.
fn signs() -> String {
    let mut out = "# Signs of spam\n\nWhat Mailward looks for in a message: the names in `spam.signs` of `mailward scan`, in \
                   `X-Mailward-AntiSpam` and in the policy's `spam.signs.off`. Points are those of this version; a sign \
                   of 0 points is not looked for. The signs of one group count up to the group's limit together. Bulk and \
                   automatic signs are added up apart from the others, and decide about mass mail and formal \
                   notifications only.\n"
        .to_owned();
    for group in mail::evidence::SignGroup::ALL {
        let rows: Vec<_> = scan::spam_signs().filter(|row| row.group == group).collect();
        if rows.is_empty() && group != mail::evidence::SignGroup::Network {
            continue;
        }
        let most = judge::spam::decimal(group.most());
        let _ = write!(
            out,
            "\n## {}\n\nAt most {most} points together.\n\n| Sign | Points | What it says |\n|---|---:|---|\n",
            group.name()
        );
        for row in rows {
            let points = judge::spam::decimal(row.value().into());
            let _ = writeln!(out, "| `{}` | {points} | {} |", row.id, row.about.replace('|', "\\|"));
        }
        if group == mail::evidence::SignGroup::Network {
            for (id, points, about) in judge::origin::catalogue() {
                let _ = writeln!(out, "| `{id}` | {} | {about} |", judge::spam::decimal(points.into()));
            }
        }
    }
    out
}

#[test]
fn the_reference_is_what_the_program_says() {
    let pages = [
        ("cli.md", command_line()),
        ("configuration.md", settings::reference_config()),
        ("policy.md", settings::reference_policy()),
        ("defects.md", defects()),
        ("formats.md", formats()),
        ("signs.md", signs()),
        ("scan-output.schema.json", crate::commands::scan::schema()),
    ];
    let bless = std::env::var_os("MAILWARD_BLESS").is_some();
    let mut stale = Vec::new();
    for (name, text) in pages {
        let path = folder().join(name);
        if std::fs::read_to_string(&path).ok().as_deref() == Some(&text) {
            continue;
        }
        if bless {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, text).unwrap();
        } else {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "docs/reference is not fresh: {stale:?}; run MAILWARD_BLESS=1 cargo test -p mailward");
}

#[test]
fn every_option_says_what_it_does() {
    Cli::command().debug_assert();
    let mut root = Cli::command();
    root.build();
    let mut pending = vec![&root];
    while let Some(command) = pending.pop() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{} {}", command.get_name(), arg.get_id());
        }
        pending.extend(verbs(command));
    }
}
