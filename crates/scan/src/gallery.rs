//! The pictures of a message, each described once (LM-06).
//!
//! Limits: [`MAX_PICTURES`] that could be described, [`MAX_TRIED`] files in all, and
//! [`MAX_FUEL`] of work beside the examination's own budget.

use std::collections::BTreeSet;

use ::engines::image::{MAX_BYTES, Probed, Views, probe};
use mail::evidence::{MAX_PICTURES, Picture};
use unpack::Budget;

use crate::spam::{Pictures, SpamContext};
use crate::walk::caught;

/// Most files that are tried.
const MAX_TRIED: usize = 64;
/// Most work for all pictures of a message, in fuel: some 24 million pixels.
const MAX_FUEL: u64 = 100_000_000;

/// What was seen so far.
#[derive(Default)]
pub(crate) struct Gallery {
    seen: Vec<Picture>,
    tried: BTreeSet<[u8; 32]>,
    fuel: u64,
}

impl Gallery {
    /// Describes a picture with this SHA-256, within the limits; what lies beyond them is not compared, which is
    /// never a failure of the examination.
    pub(crate) fn look(&mut self, bytes: &[u8], sha256: [u8; 32], context: &SpamContext, budget: &mut Budget) {
        let views = match context.pictures {
            Pictures::No => return,
            Pictures::Look => Views::Few,
            Pictures::Learn => Views::All,
            Pictures::Forget => Views::AllSeen,
        };
        if bytes.len() > MAX_BYTES || self.seen.len() >= MAX_PICTURES || self.tried.len() >= MAX_TRIED {
            return;
        }
        if !self.tried.insert(sha256) {
            return;
        }
        let Some(probed) = caught(|| probe(bytes)) else { return };
        let work = probed.as_ref().map_or(bytes.len() as u64, Probed::cost);
        let sum = self.fuel.saturating_add(work);
        if sum > MAX_FUEL || sum > context.fuel || budget.burn(work).is_err() {
            return;
        }
        self.fuel = sum;
        let Ok(probed) = probed else { return };
        self.seen.extend(caught(|| probed.print(views)).unwrap_or_default());
        self.seen.truncate(MAX_PICTURES);
    }

    /// What was seen.
    pub(crate) fn into_seen(self) -> Vec<Picture> {
        self.seen
    }
}
