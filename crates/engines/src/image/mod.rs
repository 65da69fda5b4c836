//! Pictures as an eye sees them (LM-06): decoded within limits, then described by perceptual hashes, so that
//! a known picture is found again after it was resized, compressed anew, recoloured or cropped a little.
//!
//! [`probe`] tells what the rest costs, and [`Probed::print`] is all that an examination needs; [`Base`] finds known pictures. Limits: [`MAX_BYTES`] of a file,
//! [`MAX_PIXELS`], [`MAX_FRAMES`] of an animation, [`MIN_SIDE`]. Not handled: SVG, TIFF, AVIF and HEIC; pictures
//! drawn with markup; pictures that were turned, mirrored, or of which more than about a tenth of a side is
//! gone.

mod base;
mod bmp;
mod decode;
mod detail;
mod hash;
mod overlay;
mod plane;
mod sketch;

pub use base::{Base, Known, Match};
pub use decode::{Decoded, Layout, MAX_BYTES, MAX_FRAMES, MAX_PIXELS, NotDecoded, Probed, decode, probe};

use mail::evidence::{Picture, View};

use plane::Plane;

/// Shorter pictures, or narrower ones, say nothing: tracking pixels, lines, bullets. In pixels.
pub const MIN_SIDE: u32 = 64;
/// How much of two sides opposite each other is cut off in the views of a picture that is learnt, in parts of
/// its width or height. Together they are near every crop of up to a tenth.
const CUTS: [(f32, f32); 6] = [(0.0, 0.0), (0.05, 0.0), (0.0, 0.05), (0.05, 0.05), (0.10, 0.03), (0.03, 0.10)];

/// How much of each side is cut off beside that: a crop of all four sides changes most.
const CUTS_OF_ALL: [f32; 2] = [0.025, 0.08];

/// How many views are made of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Views {
    /// The whole, and once more without its plain border: for looking.
    Few,
    /// All crops, too, of what has enough in it to be told from others: for learning.
    All,
    /// All crops of whatever is looked up, which may be plainer than what is learnt: for forgetting.
    AllSeen,
}

/// What a file looks like: see [`Probed::print`]; empty for what is no picture.
pub fn print(bytes: &[u8], views: Views) -> Vec<Picture> {
    probe(bytes).map(|probed| probed.print(views)).unwrap_or_default()
}

impl Probed<'_> {
    /// What a picture looks like: one description for each frame that is looked at. Empty for what cannot be
    /// decoded, is too small, or is too plain to be told from others.
    pub fn print(&self, views: Views) -> Vec<Picture> {
        let Ok(frames) = self.decode() else { return Vec::new() };
        let mut pictures: Vec<Picture> = Vec::new();
        for frame in &frames {
            let Some(picture) = describe(frame, views) else { continue };
            if !pictures.iter().any(|known| known.views == picture.views) {
                pictures.push(picture);
            }
        }
        pictures
    }
}

/// The description of one decoded picture; `None` if it is too small or too plain.
pub fn describe(frame: &Decoded, views: Views) -> Option<Picture> {
    if frame.width < MIN_SIDE || frame.height < MIN_SIDE {
        return None;
    }
    let whole = Plane::shrink(frame);
    let is_learnt = views == Views::All;
    let least = if is_learnt { hash::LEAST_LEARNT } else { hash::LEAST_SEEN };
    let first = hash::view(&whole, plane::WHOLE, least)?;
    let mut found: Vec<View> = vec![first];
    let inner = whole.without_border();
    found.extend(inner.and_then(|rect| hash::view(&whole, rect, least)));
    if views != Views::Few {
        let sides = CUTS.into_iter().flat_map(|across| CUTS.into_iter().map(move |down| (across, down)));
        for ((left, right), (top, bottom)) in sides.chain(CUTS_OF_ALL.map(|cut| ((cut, cut), (cut, cut)))) {
            let rect = plane::Rect { left, top, right: 1.0 - right, bottom: 1.0 - bottom };
            found.extend(hash::view(&whole, rect, least).filter(|view| !found.contains(view)));
        }
    }
    let copy = sketch::copy(&whole);
    let told_apart = !is_learnt || sketch::has_detail(&copy);
    told_apart.then_some(Picture { width: frame.width, height: frame.height, views: found, copy })
}
