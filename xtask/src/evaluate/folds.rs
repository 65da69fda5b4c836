//! Cross-validation inside the first half of each set, by which the numbers of a fit are chosen.
//!
//! Each message is measured with points that were fitted without its fold. The second half, on which the
//! honest figures of `evaluate spam` are measured, is not looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::figures::Figures;
use super::fit::{Bound, Knobs, fit, sum};
use super::{MEASURED_ONLY, Mail, ORDINARY_SET, mend};

/// How many folds.
pub(crate) const FOLDS: u64 = 5;
/// Points from which on ham is named.
const NEAR: f64 = 4.7;

/// Shows what comes of `knobs`: of each set all folds together, and each set by points that were fitted without it.
pub(crate) fn show(mails: &[Mail], bounds: &[Bound], knobs: &Knobs) {
    let half: Vec<&Mail> = mails.iter().filter(|mail| !mail.second_half || mail.set == ORDINARY_SET).collect();
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for fold in 0..FOLDS {
        let learnt = |mail: &&Mail| mail.set == ORDINARY_SET || mail.fold != fold;
        let fitted_on = half.iter().copied().filter(|mail| !MEASURED_ONLY.contains(&mail.set.as_str()));
        let points = fit(&fitted_on.filter(learnt).collect::<Vec<_>>(), bounds, knobs);
        let held = half.iter().filter(|mail| !learnt(mail));
        sums.extend(held.map(|mail| (mail.path.as_str(), sum(&mail.signs, &points, bounds))));
    }
    // The one that may only be measured is no help in choosing.
    let shown = |set: &str| set != ORDINARY_SET && (!MEASURED_ONLY.contains(&set) || set == mend::SCRUBBED);
    let measured: Vec<&Mail> = half.iter().copied().filter(|mail| shown(&mail.set)).collect();
    println!("Folds of the first half: fitted on the others, measured on one:\n{}", Figures::header());
    for set in measured.iter().map(|mail| mail.set.as_str()).collect::<BTreeSet<_>>() {
        let of = |mail: &Mail| sums.get(mail.path.as_str()).copied().unwrap_or(0.0);
        println!("{}", Figures::of(&measured, set, of, Figures::OURS));
    }
    alarms(&half, &sums);
    println!("\nUnseen in the first half: fitted without the set itself:\n{}", Figures::header());
    for set in measured.iter().map(|mail| mail.set.as_str()).collect::<BTreeSet<_>>() {
        let others = half.iter().copied().filter(|mail| mail.set != set);
        let fitted_on = others.filter(|mail| !MEASURED_ONLY.contains(&mail.set.as_str()));
        let points = fit(&fitted_on.collect::<Vec<_>>(), bounds, knobs);
        let of = |mail: &Mail| sum(&mail.signs, &points, bounds);
        println!("{}", Figures::of(&measured, set, of, Figures::OURS));
    }
}

/// Names the ham that is a false alarm there, or nearly one, so that one can look what it is.
fn alarms(mails: &[&Mail], sums: &BTreeMap<&str, f64>) {
    println!("\nHam from {NEAR} points on:");
    for mail in mails.iter().filter(|mail| !mail.spam) {
        if let Some(sum) = sums.get(mail.path.as_str()).filter(|sum| **sum >= NEAR) {
            println!("{sum:.2} {}", mail.path);
        }
    }
}
