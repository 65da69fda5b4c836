//! Signs from what this installation remembers (LM-06).

use mail::evidence::{Report, Sign};

use super::sign;
use crate::policy::Policy;

/// A picture that is known from spam.
pub(super) fn picture(policy: &Policy, report: &Report) -> Option<Sign> {
    let known = report.memory().filter(|_| policy.spam.image_analysis)?.picture?;
    let seen = report.facts().pictures.get(known.at as usize);
    let size = seen.map_or_else(String::new, |picture| format!(" of {} by {} pixels", picture.width, picture.height));
    let (number, bits) = (known.at.saturating_add(1), known.distance);
    sign("known_spam_image", format!("picture {number}{size} is near sample {} ({bits} of 255 bits differ)", known.id))
}
