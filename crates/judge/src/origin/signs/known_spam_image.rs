//! A picture in it looks like one of known spam (LM-06).

#[cfg(test)]
use mail::evidence::KnownPicture;

use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "known_spam_image",
    points: 400,
    about: "A picture in it looks like one of known spam (LM-06).",
    check,
    #[cfg(test)]
    fires: &[|it| it.memory.picture = Some(KnownPicture { id: 7, distance: 12, at: 0 })],
    #[cfg(test)]
    quiet: &[
        |_| (),
        |it| {
            it.memory.picture = Some(KnownPicture { id: 7, distance: 12, at: 0 });
            it.policy.spam.image_analysis = false;
        },
    ],
};

fn check(origin: &Origin) -> Option<String> {
    let known = origin.report.memory().filter(|_| origin.policy.spam.image_analysis)?.picture?;
    let seen = origin.report.facts().pictures.get(known.at as usize);
    let size = seen.map_or_else(String::new, |picture| format!(" of {} by {} pixels", picture.width, picture.height));
    let (number, bits) = (known.at.saturating_add(1), known.distance);
    Some(format!("picture {number}{size} is near sample {} ({bits} of 255 bits differ)", known.id))
}
