//! Logistic regression with weights that are never negative.
//!
//! Each set has a share of the loss, whatever its size; ham weighs more than spam, since a false alarm
//! costs more. L2 keeps weights small, and with them what depends on few messages. Projected gradient
//! descent with step sizes of its own for each weight (AdaGrad); no randomness.

use std::collections::BTreeMap;

use super::Mail;

/// Passes over all messages.
const PASSES: usize = 400;
/// How much ham weighs beside spam.
const HAM: f64 = 4.0;
/// How much weights cost.
const L2: f64 = 0.0006;
/// First step.
const STEP: f64 = 0.25;
/// Share of ham that may lie above the threshold, in each set: below the goal, since mail of other places
/// is not like it. Newsletters have their own.
const FALSE_ALARMS: f64 = 0.0008;
const FALSE_ALARMS_HARD: f64 = 0.016;

/// What was fitted.
pub(crate) struct Model {
    pub(crate) weights: Vec<f64>,
    /// The sum of weights from which on a message is probably spam.
    pub(crate) threshold: f64,
}

/// Fits signs within bounds: `most` hundredths of points for each, of which 500 are the threshold; 0 for
/// those that are not fitted. Since the threshold follows from the weights, it is done twice: freely, then
/// within the bounds that the first threshold gives.
pub(crate) fn fit(mails: &[&Mail], most: &[f64]) -> Model {
    let free: Vec<f64> = most.iter().map(|most| if *most > 0.0 { f64::MAX } else { 0.0 }).collect();
    let first = fit_within(mails, &free);
    let bounds: Vec<f64> = most.iter().map(|most| most / 500.0 * first.threshold).collect();
    fit_within(mails, &bounds)
}

fn fit_within(mails: &[&Mail], most: &[f64]) -> Model {
    let signs = &most.len();
    let shares = shares(mails);
    let rows: Vec<(f64, bool, Vec<usize>)> = mails
        .iter()
        .map(|mail| {
            let share = shares.get(&key(mail)).copied().unwrap_or(0.0);
            (share, mail.spam, mail.signs.iter().copied().filter(|at| most[*at] > 0.0).collect())
        })
        .collect();
    let (mut weights, mut bias) = (vec![0.0; *signs], -1.0);
    let (mut squares, mut bias_square) = (vec![1e-8; *signs], 1e-8);
    for _ in 0..PASSES {
        let (mut gradient, mut bias_gradient) = (vec![0.0; *signs], 0.0);
        for (share, spam, seen) in &rows {
            let sum: f64 = bias + seen.iter().map(|at| weights[*at]).sum::<f64>();
            let error = (1.0 / (1.0 + (-sum).exp()) - f64::from(u8::from(*spam))) * share;
            bias_gradient += error;
            seen.iter().for_each(|at| gradient[*at] += error);
        }
        bias_square += bias_gradient * bias_gradient;
        bias -= STEP * bias_gradient / f64::sqrt(bias_square);
        for at in 0..*signs {
            let slope = gradient[at] + L2 * weights[at];
            squares[at] += slope * slope;
            weights[at] = (weights[at] - STEP * slope / f64::sqrt(squares[at])).clamp(0.0, most[at]);
        }
    }
    let threshold = threshold(mails, &weights);
    Model { weights, threshold }
}

/// A set, whether it is spam, whether it is newsletters.
type Key = (String, bool, bool);

fn key(mail: &Mail) -> Key {
    (mail.set.clone(), mail.spam, mail.hard)
}

/// How much one message of each set and kind weighs: sets count by the root of their size, and newsletters
/// are a set of their own.
fn shares(mails: &[&Mail]) -> BTreeMap<Key, f64> {
    let mut counts: BTreeMap<Key, f64> = BTreeMap::new();
    for mail in mails {
        *counts.entry(key(mail)).or_default() += 1.0;
    }
    let total = |spam: bool| counts.iter().filter(|(key, _)| key.1 == spam).map(|(_, n)| n.sqrt()).sum::<f64>();
    let (ham, spam) = (total(false), total(true));
    let share = |key: &Key, count: f64| {
        let (all, weight) = if key.1 { (spam, 1.0) } else { (ham, HAM) };
        weight * count.sqrt() / all / count
    };
    counts.iter().map(|(key, count)| (key.clone(), share(key, *count))).collect()
}

/// The lowest sum that keeps false alarms below the bound in each set.
fn threshold(mails: &[&Mail], weights: &[f64]) -> f64 {
    let mut sums: BTreeMap<(&str, bool), Vec<f64>> = BTreeMap::new();
    for mail in mails.iter().filter(|mail| !mail.spam) {
        let sum = mail.signs.iter().map(|at| weights[*at]).sum();
        sums.entry((&mail.set, mail.hard)).or_default().push(sum);
    }
    let mut lowest: f64 = 1.0;
    for ((_, hard), mut sums) in sums {
        sums.sort_by(|a, b| b.total_cmp(a));
        let bound = if hard { FALSE_ALARMS_HARD } else { FALSE_ALARMS };
        let allowed = (sums.len() as f64 * bound) as usize;
        lowest = lowest.max(sums.get(allowed).map_or(0.0, |sum| sum + 1e-6));
    }
    lowest
}
