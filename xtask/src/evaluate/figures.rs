//! The figures of one set under certain points.

use super::Mail;

/// Recall, false alarms and the area under the curve, in percent.
pub(crate) struct Figures {
    set: String,
    ham: usize,
    spam: usize,
    probable: f64,
    surely: f64,
    alarms: f64,
    hard_alarms: Option<f64>,
    at_thousandth: f64,
    at_hundredth: f64,
    area: f64,
}

impl Figures {
    pub(crate) fn header() -> String {
        format!(
            "{:<14} {:>5} {:>5} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}",
            "set", "ham", "spam", ">=prob.%", ">=spam%", "FPR%", "hard FPR%", "@0.1%", "@1%", "AUC"
        )
    }

    /// Points of ours from which on a message is probably spam, and spam, at the default level.
    pub(crate) const OURS: (f64, f64) = (5.0, 7.0);

    /// Of one set, by what `sum` says of a message. Recall at a rate of false alarms, and the area, are against
    /// the ham of all sets.
    pub(crate) fn of(mails: &[&Mail], set: &str, sum: impl Fn(&Mail) -> f64, (from, surely): (f64, f64)) -> Self {
        let sum = |mail: &&Mail| sum(mail);
        let own = |spam: bool, hard: bool| -> Vec<f64> {
            let chosen = mails.iter().filter(|m| m.set == set && m.spam == spam && m.hard == hard);
            chosen.map(sum).collect()
        };
        let (ham, hard, spam) = (own(false, false), own(false, true), own(true, false));
        let mut all: Vec<f64> =
            mails.iter().filter(|m| !m.spam && !m.hard && m.set != super::ORDINARY_SET).map(sum).collect();
        all.sort_by(|a, b| b.total_cmp(a));
        let at = |rate: f64| all.get((all.len() as f64 * rate) as usize).copied().unwrap_or(0.0);
        Self {
            set: set.to_owned(),
            ham: ham.len() + hard.len(),
            spam: spam.len(),
            probable: share(&spam, |s| s >= from),
            surely: share(&spam, |s| s >= surely),
            alarms: share(&ham, |s| s >= from),
            hard_alarms: (!hard.is_empty()).then(|| share(&hard, |s| s >= from)),
            at_thousandth: share(&spam, |s| s > at(0.001)),
            at_hundredth: share(&spam, |s| s > at(0.01)),
            area: area(&all, &spam),
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hard = self.hard_alarms.map_or("-".to_owned(), |alarms| format!("{alarms:.2}"));
        write!(
            f,
            "{:<14} {:>5} {:>5} {:>9.1} {:>9.1} {:>9.3} {:>9} {:>9.1} {:>9.1} {:>7.4}",
            self.set,
            self.ham,
            self.spam,
            self.probable,
            self.surely,
            self.alarms,
            hard,
            self.at_thousandth,
            self.at_hundredth,
            self.area
        )
    }
}

fn share(sums: &[f64], is: impl Fn(f64) -> bool) -> f64 {
    sums.iter().filter(|sum| is(**sum)).count() as f64 * 100.0 / sums.len().max(1) as f64
}

/// The probability that a spam has a larger sum than a ham; `ham` is sorted from the largest on.
fn area(ham: &[f64], spam: &[f64]) -> f64 {
    let pairs = (ham.len() * spam.len()).max(1) as f64;
    let won: f64 = spam
        .iter()
        .map(|sum| {
            let above = ham.partition_point(|other| other > sum);
            let not_below = ham.partition_point(|other| other >= sum);
            (ham.len() - not_below) as f64 + (not_below - above) as f64 / 2.0
        })
        .sum();
    won / pairs
}
