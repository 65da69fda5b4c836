//! How well known pictures are found again among real ones: those of a folder, learnt, changed and compared.
//!
//! Of each half some are learnt, each is changed in every way and looked up, and all the others of that half are looked
//! up. What of these is taken for a learnt one is compared with it by [`forms`](super::forms): a form of the same
//! picture is counted and named apart (`--forms`), everything else is a false hit, and named.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use engines::image::{Base, Known, Views, describe};
use mail::evidence::{Picture, View};

use super::changes::CHANGES;
use super::collection::{Real, SIDE, first_frame, in_parallel, read};
use super::forms::{are_forms, share_alike};
use super::smaller;
use super::variants::Dice;

/// What is shown beside the figures.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    /// What other limits would find.
    pub(crate) thresholds: bool,
    /// The pairs that are forms of one picture.
    pub(crate) forms: bool,
}

/// Measures with `learn` pictures of each half of a folder.
pub(crate) fn measure(dir: &Path, learn: usize, shown: Shown) {
    let found = read(dir);
    println!("{} different pictures", found.pictures.len());
    let passed: Vec<String> = found.passed.iter().map(|(why, count)| format!("{count} {why}")).collect();
    println!("passed over: {}", passed.join(", "));
    let folders = found.folders.iter().map(|(name, count)| format!("{} {count}", name.display()));
    println!("from {}: {}", found.folders.len(), folders.collect::<Vec<String>>().join(", "));
    for second in [false, true] {
        println!("\n== {} half", if second { "second" } else { "first" });
        let half: Vec<&Real> = found.pictures.iter().filter(|real| real.second == second).collect();
        let (learnt, others) = half.split_at(learn.min(half.len() / 2));
        one_half(dir, learnt, others, shown);
    }
}

/// How far the nearest of these views is, by brightness and by edges.
fn apart(seen: &[View], known: &[View]) -> [u32; 2] {
    let bits = |one: &[u64; 4], other: &[u64; 4]| one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum();
    let mut least = [256u32; 2];
    for (one, other) in seen.iter().flat_map(|one| known.iter().map(move |other| (one, other))) {
        least[0] = least[0].min(bits(&one.luma, &other.luma));
        least[1] = least[1].min(bits(&one.edge, &other.edge));
    }
    least
}

/// What became of one changed picture.
struct Changed {
    group: &'static str,
    name: &'static str,
    hit: bool,
    far: [u32; 2],
}

fn one_half(dir: &Path, learnt: &[&Real], others: &[&Real], shown: Shown) {
    let numbers: Vec<usize> = (0..learnt.len()).collect();
    let described = in_parallel(&numbers, |at| {
        let frame = first_frame(&learnt[*at].path).ok()?;
        let Picture { views, copy, .. } = describe(&frame, Views::All)?;
        Some(Known { id: *at as i64, spam: true, views, copy })
    });
    let known: Vec<Known> = described.into_iter().flatten().collect();
    let base = Base::new(known.clone());
    println!("{} learnt", base.len());
    let changed = in_parallel(&known, |known| all_changes(&base, learnt[known.id as usize], known));
    let changed: Vec<Changed> = changed.into_iter().flatten().collect();
    let mut tally: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for it in &changed {
        for key in [format!("{}, {}", it.group, it.name), format!("{} (all)", it.group), "ALL".to_owned()] {
            let row = tally.entry(key).or_default();
            *row = (row.0 + usize::from(it.hit), row.1 + 1);
        }
    }
    for (name, (hit, all)) in &tally {
        println!("{:>6.2} %  {hit:>5} of {all:>5}  {name}", *hit as f64 * 100.0 / *all as f64);
    }
    hits(dir, &base, learnt, others, shown.forms);
    if shown.thresholds {
        show_thresholds(&known, &changed, others);
    }
}

/// One learnt picture, changed in every way.
fn all_changes(base: &Base, real: &Real, known: &Known) -> Vec<Changed> {
    let Ok(frame) = first_frame(&real.path) else { return Vec::new() };
    let canvas = smaller(&frame);
    let mut dice = Dice(known.id as u64);
    let mut all = Vec::new();
    for (group, name, change) in CHANGES {
        let changed = change(&canvas, &mut dice);
        if changed.width < SIDE || changed.height < SIDE {
            continue;
        }
        let seen = describe(&changed, Views::Few);
        let hit = seen.as_ref().is_some_and(|it| base.nearest(it).is_some());
        let far = seen.as_ref().map_or([256; 2], |it| apart(&it.views, &known.views));
        all.push(Changed { group, name, hit, far });
    }
    all
}

fn hits(dir: &Path, base: &Base, learnt: &[&Real], looked: &[&Real], show_forms: bool) {
    let (mut forms, mut wrong, mut time) = (0usize, 0usize, Duration::ZERO);
    for real in looked {
        let start = Instant::now();
        let hit = base.nearest(&real.seen);
        time += start.elapsed();
        let Some(hit) = hit else { continue };
        let like = learnt[hit.id as usize];
        let copies = (first_frame(&real.path), first_frame(&like.path));
        let (Ok(one), Ok(other)) = copies else { continue };
        let share = share_alike(&smaller(&one), &smaller(&other));
        let is_form = are_forms(share);
        (forms, wrong) = (forms + usize::from(is_form), wrong + usize::from(!is_form));
        if show_forms || !is_form {
            let short = |path: &Path| path.strip_prefix(dir).unwrap_or(path).display().to_string();
            let what = if is_form { "form" } else { "other" };
            let share = share.map_or("too plain".to_owned(), |share| format!("{:.0} % of tiles alike", share * 100.0));
            println!("{what}, near by {}, {share}: {}\t{}", hit.distance, short(&real.path), short(&like.path));
        }
    }
    let each = time.as_secs_f64() * 1000.0 / looked.len().max(1) as f64;
    println!("{wrong} of {} other pictures taken for known ones; {each:.3} ms each", looked.len() - forms);
    println!("{forms} forms of known pictures found beside them");
}

/// What other limits would find, rightly and wrongly.
fn show_thresholds(known: &[Known], changed: &[Changed], others: &[&Real]) {
    let all: Vec<View> = known.iter().flat_map(|known| known.views.iter().cloned()).collect();
    let wrong: Vec<[u32; 2]> = others.iter().map(|real| apart(&real.seen.views, &all)).collect();
    println!("limit: changed found by brightness, by edges, by either; others by brightness, by edges");
    for limit in (26..=78).step_by(4) {
        let share = |is: &dyn Fn(&[u32; 2]) -> bool| {
            changed.iter().filter(|it| is(&it.far)).count() as f64 * 100.0 / changed.len().max(1) as f64
        };
        let count = |at: usize| wrong.iter().filter(|it| it[at] <= limit).count();
        let (luma, edge) = (share(&|it| it[0] <= limit), share(&|it| it[1] <= limit));
        let either = share(&|it| it[0] <= limit || it[1] <= limit);
        println!("{limit:>4}: {luma:.2} % {edge:.2} % {either:.2} %; {} {}", count(0), count(1));
    }
}
