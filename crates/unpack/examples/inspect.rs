//! Prints what files are and what is inside them: `inspect [--quiet] FILE...`. With `--quiet` only
//! files that could not be read as a whole, and the time for all.

use std::time::Instant;

use unpack::{Budget, Container, Limits, Opening, StopFlag, detect, open};

fn main() {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let quiet = files.first().is_some_and(|file| file == "--quiet");
    files.drain(..usize::from(quiet));
    let (start, mut bytes_in, mut bytes_out, mut objects) = (Instant::now(), 0, 0, 0);
    for file in &files {
        let Ok(data) = std::fs::read(file) else { continue };
        let mut passwords = unpack::Passwords::empty();
        passwords.add("password", mail::evidence::PasswordSource::Configured);
        let mut budget = Budget::new(Limits::default(), StopFlag::new()).with_passwords(passwords);
        bytes_in += data.len() as u64;
        for line in inspect(data, &mut budget) {
            if !quiet || line.contains('!') {
                println!("{file}: {line}");
            }
        }
        bytes_out += budget.bytes_used();
        objects += budget.objects();
    }
    let time = start.elapsed();
    println!("{} files, {bytes_in} bytes in, {bytes_out} out, {objects} objects, {time:.2?}", files.len());
}

/// One line an object; `!` marks what could not be read.
fn inspect(data: Vec<u8>, budget: &mut Budget) -> Vec<String> {
    let mut lines = Vec::new();
    let mut stack: Vec<(Vec<u8>, Box<dyn Container>)> = Vec::new();
    let mut next = Some((data, None, String::from("-"), String::new()));
    loop {
        if let Some((bytes, known, name, problems)) = next.take() {
            let kind = known.unwrap_or_else(|| detect(&bytes));
            let mut line = format!("{:w$}{} {name} {} {problems}", "", kind.name(), bytes.len(), w = stack.len() * 2);
            match (known, budget.enter_object(stack.len() as u16)) {
                (_, Err(limit)) => line += &format!(" !{}", limit.name()),
                (None, Ok(())) => match open(kind, &bytes, budget) {
                    Opening::Container(container) => stack.push((bytes, container)),
                    Opening::Unscanned(reason) => line += &format!(" !{}", reason.name()),
                    Opening::Leaf => {}
                },
                (Some(_), Ok(())) => {}
            }
            lines.push(line);
        }
        let Some((bytes, container)) = stack.last_mut() else { return lines };
        if let Some(member) = container.next(bytes, budget) {
            let name = member.name.as_ref().map_or(String::from("-"), |name| name.escaped(60));
            let mut notes: String = member.problems.iter().map(|reason| format!("!{} ", reason.name())).collect();
            notes += if member.hidden { "!hidden" } else { "" };
            if member.role != mail::evidence::Role::File || member.opened_with.is_some() {
                let start: String = String::from_utf8_lossy(&member.content).chars().take(60).collect();
                notes += &format!(" {:?} {:?} {start:?}", member.role, member.opened_with);
            }
            next = Some((member.content, member.kind, name, notes));
        } else {
            lines.extend(container.problems().iter().map(|reason| format!("!{}", reason.name())));
            stack.pop();
        }
    }
}
