//! Takes all active content out of files, and says what is left: `disarm FOLDER FILE...`.

use std::path::Path;

use disarm::{Wish, remove};
use mail::evidence::{Active, Role};
use unpack::{Budget, Limits, Opening, StopFlag};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder to write to");
    for path in arguments {
        let data = std::fs::read(&path).expect("a file");
        let kind = unpack::detect(&data);
        let wish = Wish { active: Active::ALL.into_iter().collect(), ..Wish::default() };
        let start = std::time::Instant::now();
        let before = active(&data);
        let made = remove(kind, &data, &wish, &mut budget());
        let took = start.elapsed().as_millis();
        let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        match made {
            Ok(made) => {
                let left = active(&made.bytes);
                println!("{name} {}: {before:?} -> {left:?}, {} removed, {took} ms", kind.name(), made.removed.len());
                let new = Path::new(&folder).join(format!("{name}{}", made.suffix));
                std::fs::write(new, made.bytes).expect("a place to write to");
            }
            Err(why) => println!("{name} {}: {before:?}: {why}", kind.name()),
        }
    }
}

fn budget() -> Budget {
    Budget::new(Limits::default(), StopFlag::new())
}

/// The active content that a reader finds at the top, and what could not be read.
fn active(data: &[u8]) -> Vec<String> {
    let mut budget = budget();
    let Opening::Container(mut container) = unpack::open(unpack::detect(data), data, &mut budget) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    while let Some(member) = container.next(data, &mut budget) {
        if let Role::Active(what) = member.role {
            found.push(what.name().to_owned());
        }
        found.extend(member.problems.iter().map(|problem| problem.name().to_owned()));
    }
    found.extend(container.problems().iter().map(|problem| problem.name().to_owned()));
    found.sort();
    found.dedup();
    found
}
