//! What is damaged in a base64 body, seen in one pass, and which of the other ways to decode it may give
//! something else for that. Used where decoding in every way to compare would cost too much.
//!
//! A way that is left out gives what the lenient decoding or a listed way gives, or nothing.

use super::{JUNK, PAD, SPACE, class};
use crate::graph::Encoding;

/// See the module.
#[derive(Default)]
pub(super) struct Damage {
    /// Padding stands in front of letters or of more padding than completes a group.
    inner_padding: bool,
    /// The first padding does not complete its group.
    odd_padding: bool,
    /// A line with foreign characters has letters, too.
    mixed_line: bool,
    /// A line has letters and nothing foreign.
    clean_line: bool,
    /// Letters stand in front of the first foreign character, and behind it.
    before_junk: bool,
    after_junk: bool,
    /// A line that is not the last one with letters ends within a group.
    odd_line: bool,
    /// A group has one letter, and padding or the end behind it.
    lone: bool,
    /// `-` or `_`.
    url: bool,
    /// The characters, padding included, are no whole groups.
    odd_end: bool,
    /// Letters stand behind two empty lines.
    after_gap: bool,
}

/// Where the pass stands.
#[derive(Default)]
struct Pass {
    /// Letters of the present group, over all lines and in this line.
    group: u8,
    line_group: u8,
    /// Characters of the present group, padding counted as one.
    place: u8,
    /// Padding was seen in all, and within this line.
    padded: bool,
    line_padded: bool,
    junk: bool,
    line_junk: bool,
    line_letters: bool,
    /// The line before ended within a group, or behind padding.
    odd_before: bool,
    /// Padding behind the first, while its group is not complete.
    completing: Option<u8>,
}

impl Damage {
    /// Looks at a body once.
    pub(super) fn of(body: &[u8]) -> Self {
        let (mut damage, mut pass) = (Self::default(), Pass::default());
        for byte in body {
            damage.url |= matches!(byte, b'-' | b'_');
            match class(*byte) {
                SPACE if *byte == b'\n' => damage.line_end(&mut pass),
                SPACE => {}
                JUNK => (pass.junk, pass.line_junk) = (true, true),
                PAD => damage.padding(&mut pass),
                _ => damage.letter(&mut pass),
            }
        }
        damage.line_end(&mut pass);
        damage.lone |= pass.group == 1;
        damage.odd_end = pass.place != 0;
        damage.odd_padding |= pass.completing.is_some();
        damage.after_gap = super::to_gap(body).len() < body.len();
        damage
    }

    fn letter(&mut self, pass: &mut Pass) {
        self.inner_padding |= pass.padded;
        self.odd_padding |= pass.completing.take().is_some();
        self.before_junk |= !pass.junk;
        self.after_junk |= pass.junk;
        self.odd_line |= std::mem::take(&mut pass.odd_before) || pass.line_padded;
        pass.line_letters = true;
        pass.place = (pass.place + 1) % 4;
        pass.group = (pass.group + 1) % 4;
        pass.line_group = (pass.line_group + 1) % 4;
    }

    fn padding(&mut self, pass: &mut Pass) {
        self.lone |= pass.group == 1;
        pass.place = (pass.place + 1) % 4;
        // More than completes a group is read over by some and counted by others.
        self.inner_padding |= pass.padded && pass.completing.is_none();
        if !pass.padded {
            pass.completing = Some(pass.group).filter(|letters| *letters == 2);
            self.odd_padding |= pass.group < 2;
        } else {
            pass.completing = None;
        }
        (pass.padded, pass.line_padded) = (true, true);
        (pass.group, pass.line_group) = (0, 0);
    }

    fn line_end(&mut self, pass: &mut Pass) {
        self.mixed_line |= pass.line_junk && (pass.line_letters || pass.line_padded);
        self.clean_line |= !pass.line_junk && pass.line_letters;
        pass.odd_before |= pass.line_group != 0 || pass.line_padded;
        (pass.line_group, pass.line_padded, pass.line_junk, pass.line_letters) = (0, false, false, false);
    }

    /// The ways that may give something else, the likely ones first.
    pub(super) fn ways(&self) -> Vec<Encoding> {
        let ways = [
            (Encoding::Base64Url, self.url),
            (Encoding::Base64CleanLines, self.mixed_line && self.clean_line),
            (Encoding::Base64ToPadding, self.inner_padding),
            (Encoding::Base64Groups, self.inner_padding || self.odd_end),
            (Encoding::Base64ToJunk, self.before_junk && self.after_junk),
            (Encoding::Base64ToAnyPadding, self.inner_padding && self.odd_padding),
            (Encoding::Base64NoPadding, self.inner_padding),
            (Encoding::Base64ByLine, self.odd_line),
            (Encoding::Base64Lone, self.lone),
            (Encoding::Base64ToGap, self.after_gap),
            (Encoding::Base64Places, self.inner_padding),
        ];
        ways.into_iter().filter(|(_, differs)| *differs).map(|(way, _)| way).collect()
    }
}
