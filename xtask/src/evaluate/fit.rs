//! Points from corpora, made so that they hold for mail of other places.
//!
//! What a fit must not learn is how one corpus happens to differ from another: its years, its programs,
//! what its collectors removed. So:
//!
//! - The points of a group of signs count up to the group's own limit, here as in the product.
//! - A sign's *prior* is how much more often it is seen in spam than in the ham where it is seen most:
//!   ham sets count by the worst of them, not by their mean.
//! - Logistic regression moves points from a part of it, pulled back there; never below nothing. Ham weighs
//!   much more than spam, since false alarms must be few. A spam that has all that its group can give pulls
//!   no further.
//! - A sign that only one spam set has counts little, and one that most ham of a set has nothing.
//! - Sets of spam count nearly alike, however large they are: a small one stands for as much mail of other places.
//! - No sign comes to more than a third of what makes a message probable spam, so that several have to agree.
//! - In the end all points grow or shrink together, to where false alarms just keep below the bound in every
//!   set, with some distance, and ordinary mail of the kinds that no corpus has (`crates/scan/tests/ordinary`) well below
//!   it. One such message must not make all points shrink: it weighs more until its own signs give way.
//!
//! Projected gradient descent with step sizes of its own for each weight (AdaGrad); no randomness.

use std::collections::BTreeMap;

use super::{Mail, ORDINARY_SET};

/// Passes over all messages.
const PASSES: usize = 250;
/// How often a fit is repeated for ordinary mail with too many points, and how much more such mail then weighs.
const ROUNDS: usize = 6;
const LOUDER: f64 = 3.0;
/// First step, in points.
const STEP: f64 = 0.1;
/// A sign that this share of a ham set has is no sign.
const COMMON: f64 = 0.5;
/// The most that all points grow, and shrink, together.
const GROWN: f64 = 1.3;
const SHRUNK: f64 = 0.5;

/// Numbers that a fit goes by. They were chosen by cross-validation inside the first half of each set
/// (`--folds`), so that the second half stays unseen by them too.
#[derive(Clone, Debug)]
pub(crate) struct Knobs {
    /// How much ham weighs beside spam.
    ham: f64,
    /// How much it costs to move a point away from the prior.
    pull: f64,
    /// Points of a prior for each e-fold that spam shows a sign more often than ham.
    fold: f64,
    /// Rates below this are noise, in ham and spam.
    noise: f64,
    /// How much a rate among newsletters counts beside one among other ham.
    hard: f64,
    /// How much newsletters weigh in the loss beside other ham of their number.
    hard_share: f64,
    /// Most points of a sign that tells spam in one set only.
    lone: f64,
    /// Sets of ham count by this power of their size, and sets of spam by that.
    power: f64,
    spam_power: f64,
    /// The sum of points from which on ham counts as a false alarm: below the threshold of probable spam,
    /// since mail of other places is not like the mail at hand.
    from: f64,
    /// The same for newsletters.
    from_hard: f64,
    /// Share of ham that may lie above it, in each set.
    alarms: f64,
    alarms_hard: f64,
    /// How many points ordinary mail may have.
    ordinary: f64,
    /// How much all ordinary mail together weighs beside all other ham.
    ordinary_share: f64,
    /// Between these lies the sum from which on the regression takes mail for spam.
    bias_least: f64,
    bias_most: f64,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            ham: 40.0,
            pull: 0.003,
            fold: 0.135,
            noise: 0.004,
            hard: 0.15,
            hard_share: 3.0,
            lone: 1.2,
            power: 0.5,
            spam_power: 0.25,
            from: 4.95,
            from_hard: 4.9,
            alarms: 0.0008,
            alarms_hard: 0.016,
            ordinary: 4.45,
            ordinary_share: 0.005,
            bias_least: 4.0,
            bias_most: 5.5,
        }
    }
}

impl Knobs {
    /// With some of them changed: `ham=60,pull=0.01`.
    pub(crate) fn with(changes: &str) -> Result<Self, String> {
        let mut knobs = Self::default();
        for change in changes.split(',').filter(|change| !change.is_empty()) {
            let (name, value) = change.split_once('=').ok_or_else(|| format!("not NAME=NUMBER: {change}"))?;
            let number = value.parse().map_err(|_| format!("not a number: {change}"))?;
            let knob = match name {
                "ham" => &mut knobs.ham,
                "pull" => &mut knobs.pull,
                "fold" => &mut knobs.fold,
                "noise" => &mut knobs.noise,
                "hard" => &mut knobs.hard,
                "hard_share" => &mut knobs.hard_share,
                "lone" => &mut knobs.lone,
                "power" => &mut knobs.power,
                "spam_power" => &mut knobs.spam_power,
                "from" => &mut knobs.from,
                "from_hard" => &mut knobs.from_hard,
                "alarms" => &mut knobs.alarms,
                "alarms_hard" => &mut knobs.alarms_hard,
                "ordinary" => &mut knobs.ordinary,
                "ordinary_share" => &mut knobs.ordinary_share,
                "bias_least" => &mut knobs.bias_least,
                "bias_most" => &mut knobs.bias_most,
                _ => return Err(format!("no such number of a fit: {name}")),
            };
            *knob = number;
        }
        Ok(knobs)
    }
}

/// What a sign may come to, in points.
pub(crate) struct Bound {
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// Its group, and most points of the group.
    pub(crate) group: usize,
    pub(crate) most_of_group: f64,
}

/// The points of a message.
pub(crate) fn sum(seen: &[usize], weights: &[f64], bounds: &[Bound]) -> f64 {
    groups(seen, weights, bounds).iter().map(|(_, sum, most)| sum.min(*most)).sum()
}

/// The points of each group that a message has: the group, all its points, the most that count.
fn groups(seen: &[usize], weights: &[f64], bounds: &[Bound]) -> Vec<(usize, f64, f64)> {
    let mut groups: Vec<(usize, f64, f64)> = Vec::new();
    for at in seen {
        let bound = &bounds[*at];
        match groups.iter_mut().find(|(group, _, _)| *group == bound.group) {
            Some((_, sum, _)) => *sum += weights[*at],
            None => groups.push((bound.group, weights[*at], bound.most_of_group)),
        }
    }
    groups
}

/// Points for every sign. Ordinary mail that comes to too many points weighs more and more, so that the signs of that
/// message give way and not all signs together.
pub(crate) fn fit(mails: &[&Mail], bounds: &[Bound], knobs: &Knobs) -> Vec<f64> {
    let (prior, most) = priors(mails, bounds, knobs);
    let by_set = shares(mails, knobs);
    let mut shares: Vec<f64> = mails.iter().map(|mail| by_set.get(&key(mail)).copied().unwrap_or(0.0)).collect();
    let mut weights = prior.clone();
    for round in 0..ROUNDS {
        weights = regress(mails, bounds, knobs, &shares, (&prior, &most));
        let whole = weights.clone();
        scale(mails, &mut weights, bounds, &most, &Knobs { ordinary: f64::MAX, ..knobs.clone() });
        let too_many = |mail: &Mail| mail.set == ORDINARY_SET && sum(&mail.signs, &weights, bounds) >= knobs.ordinary;
        let loud: Vec<usize> = (0..mails.len()).filter(|at| too_many(mails[*at])).collect();
        if loud.is_empty() || round + 1 == ROUNDS {
            weights = whole;
            break;
        }
        loud.into_iter().for_each(|at| shares[at] *= LOUDER);
    }
    scale(mails, &mut weights, bounds, &most, knobs);
    weights
}

/// Logistic regression from the prior on; `shares` says how much each message weighs.
fn regress(
    mails: &[&Mail],
    bounds: &[Bound],
    knobs: &Knobs,
    shares: &[f64],
    (prior, most): (&[f64], &[f64]),
) -> Vec<f64> {
    let mut weights = prior.to_vec();
    let mut bias = -4.0;
    let (mut squares, mut bias_square) = (vec![1e-6; weights.len()], 1e-6);
    for _ in 0..PASSES {
        let (mut gradient, mut bias_gradient) = (vec![0.0; weights.len()], 0.0);
        for (mail, share) in mails.iter().zip(shares) {
            let groups = groups(&mail.signs, &weights, bounds);
            let sum = bias + groups.iter().map(|(_, sum, most)| sum.min(*most)).sum::<f64>();
            let error = (1.0 / (1.0 + (-sum).exp()) - f64::from(u8::from(mail.spam))) * share;
            bias_gradient += error;
            let full = |at: usize| groups.iter().any(|(group, sum, most)| *group == bounds[at].group && sum >= most);
            let moved = mail.signs.iter().filter(|at| !(mail.spam && full(**at)));
            moved.for_each(|at| gradient[*at] += error);
        }
        bias_square += bias_gradient * bias_gradient;
        bias = (bias - STEP * bias_gradient / f64::sqrt(bias_square)).clamp(-knobs.bias_most, -knobs.bias_least);
        for at in 0..weights.len() {
            let slope = gradient[at] + knobs.pull * (weights[at] - prior[at]);
            squares[at] += slope * slope;
            let step = STEP * slope / f64::sqrt(squares[at]);
            weights[at] = (weights[at] - step).clamp(bounds[at].least.min(most[at]), most[at]);
        }
    }
    weights
}

/// What each sign starts from, and the most that it may come to.
fn priors(mails: &[&Mail], bounds: &[Bound], knobs: &Knobs) -> (Vec<f64>, Vec<f64>) {
    let mut counts: BTreeMap<Key, (f64, Vec<f64>)> = BTreeMap::new();
    for mail in mails {
        let (all, seen) = counts.entry(key(mail)).or_insert_with(|| (0.0, vec![0.0; bounds.len()]));
        *all += 1.0;
        mail.signs.iter().for_each(|at| seen[*at] += 1.0);
    }
    let one = |(at, bound): (usize, &Bound)| {
        let rate = |(all, seen): &(f64, Vec<f64>)| seen[at] / all;
        let ham = counts.iter().filter(|(key, _)| !key.1 && key.0 != ORDINARY_SET);
        let ham = ham.map(|(key, set)| rate(set) * if key.2 { knobs.hard } else { 1.0 }).fold(0.0, f64::max);
        let spam = || counts.iter().filter(|(key, _)| key.1).map(|(_, set)| set);
        let weight: f64 = spam().map(|set| set.0.powf(knobs.spam_power)).sum();
        let mean = spam().map(|set| set.0.powf(knobs.spam_power) * rate(set)).sum::<f64>() / weight;
        let telling = spam().filter(|set| rate(set) > 0.002 && rate(set) > 2.0 * ham).count();
        let prior = knobs.fold * ((mean + knobs.noise) / (ham + knobs.noise)).ln();
        let most = match telling {
            // What most mail of one place shows tells places apart, or years.
            _ if ham > COMMON => bound.least,
            0 | 1 => bound.most.min(knobs.lone).max(bound.least),
            _ => bound.most,
        };
        (prior.clamp(bound.least.min(most), most), most)
    };
    bounds.iter().enumerate().map(one).unzip()
}

/// A set, whether it is spam, whether it is newsletters.
type Key = (String, bool, bool);

fn key(mail: &Mail) -> Key {
    (mail.set.clone(), mail.spam, mail.hard)
}

/// How much one message of each set and kind weighs: sets count by the root of their size, and newsletters
/// are a set of their own.
fn shares(mails: &[&Mail], knobs: &Knobs) -> BTreeMap<Key, f64> {
    let mut counts: BTreeMap<Key, f64> = BTreeMap::new();
    for mail in mails {
        *counts.entry(key(mail)).or_default() += 1.0;
    }
    let corpora = |spam: bool| counts.iter().filter(move |(key, _)| key.1 == spam && key.0 != ORDINARY_SET);
    let total = |spam: bool, power: f64| corpora(spam).map(|(_, n)| n.powf(power)).sum::<f64>();
    let (ham, spam) = (total(false, knobs.power), total(true, knobs.spam_power));
    let share = |key: &Key, count: f64| match key {
        (set, _, _) if set == ORDINARY_SET => knobs.ham * knobs.ordinary_share / count,
        (_, true, _) => count.powf(knobs.spam_power) / spam / count,
        (_, false, true) => knobs.hard_share * knobs.ham * count.powf(knobs.power) / ham / count,
        (_, false, false) => knobs.ham * count.powf(knobs.power) / ham / count,
    };
    counts.iter().map(|(key, count)| (key.clone(), share(key, *count))).collect()
}

/// Makes all weights larger or smaller by one factor: the largest with which false alarms keep below the
/// bound in each set.
fn scale(mails: &[&Mail], weights: &mut [f64], bounds: &[Bound], most: &[f64], knobs: &Knobs) {
    let whole = weights.to_vec();
    for percent in (0..=100).rev() {
        let factor = SHRUNK + (GROWN - SHRUNK) * f64::from(percent) / 100.0;
        for (at, weight) in weights.iter_mut().enumerate() {
            *weight = (whole[at] * factor).min(most[at]).max(bounds[at].least.min(whole[at]));
        }
        if few_alarms(mails, weights, bounds, knobs) {
            return;
        }
    }
}

fn few_alarms(mails: &[&Mail], weights: &[f64], bounds: &[Bound], knobs: &Knobs) -> bool {
    let mut sets: BTreeMap<(&str, bool), (usize, usize)> = BTreeMap::new();
    for mail in mails.iter().filter(|mail| !mail.spam) {
        let (all, alarms) = sets.entry((&mail.set, mail.hard)).or_default();
        *all += 1;
        let from = match (mail.set.as_str(), mail.hard) {
            (ORDINARY_SET, _) => knobs.ordinary,
            (_, true) => knobs.from_hard,
            (_, false) => knobs.from,
        };
        *alarms += usize::from(sum(&mail.signs, weights, bounds) >= from);
    }
    sets.iter().all(|((set, hard), (all, alarms))| match (*set, hard) {
        (ORDINARY_SET, _) => *alarms == 0,
        (_, true) => *alarms as f64 <= *all as f64 * knobs.alarms_hard,
        (_, false) => *alarms as f64 <= *all as f64 * knobs.alarms,
    })
}
