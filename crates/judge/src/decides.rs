//! Which of the rules that apply decide what becomes of a message: others do nothing to one that is not delivered.

use crate::draft::{Case, Hit, Wish};
use crate::plan::Rebuilt;
use crate::weigh::{Outcome, Weight, weigh};

/// What becomes of the message, and which rules decide that.
pub(crate) struct Decides<'a> {
    case: &'a Case<'a>,
    rebuilt: &'a [Rebuilt],
    /// Without the rules that are only watched.
    ended: Weight,
    /// With them.
    wished: Weight,
}

impl<'a> Decides<'a> {
    /// `wished`: with the rules that are only watched; `outcome`: without them.
    pub(crate) fn new(case: &'a Case<'a>, rebuilt: &'a [Rebuilt], outcome: &Outcome, wished: &Outcome) -> Self {
        Self { case, rebuilt, ended: outcome.weight, wished: wished.weight }
    }

    /// What becomes of the message by the rules that are not only watched.
    pub(crate) fn ended(&self) -> Weight {
        self.ended
    }

    /// For each of the rules whether it decides. Of a message that is delivered all do. Of others those that bring its
    /// end about by themselves; where none does, those that do more than deliver, together.
    pub(crate) fn among(&self, hits: &[&Hit]) -> Vec<bool> {
        let alone: Vec<bool> = hits.iter().map(|hit| self.alone(hit)).collect();
        let is_there =
            |monitored: bool| hits.iter().zip(&alone).any(|(hit, alone)| *alone && hit.monitored == monitored);
        let (by_one, by_one_watched) = (is_there(false), is_there(true));
        let together = |hit: &Hit| hit.wish > Wish::Label && !if hit.monitored { by_one_watched } else { by_one };
        hits.iter().zip(&alone).map(|(hit, alone)| *alone || together(hit)).collect()
    }

    fn alone(&self, hit: &Hit) -> bool {
        let end = if hit.monitored { self.wished } else { self.ended };
        end == Weight::Deliver || weigh(self.case, &[hit], self.rebuilt).weight == end
    }
}
