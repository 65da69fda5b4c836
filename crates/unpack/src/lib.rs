//! What a file really is, and what is inside it, within one budget.
//!
//! [`detect`] names a file by its content. [`open`] makes a [`Container`] of it, which gives its
//! members one by one; what of it could not be read stands beside the members as a reason, and never
//! reads as "clean". One [`Budget`] passes through everything that is done for one message.
//!
//! Pure: no files, sockets, clocks, threads or randomness. Nothing recurses on a sender's depth, and
//! nothing is allocated by a number a sender wrote.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]
#![forbid(unsafe_code)]

mod budget;
mod bytes;
mod container;
mod decode;
mod decrypt;
mod detect;
pub mod dmarc;
pub mod formats;
#[doc(hidden)]
pub mod fuzzing;
mod known;
mod names;
mod passwords;
mod views;
mod words;
mod xml;

pub use budget::{Budget, Fence, Limit, Limits, Meter, StopFlag};
pub use container::{Beside, Container, Member, Opening, open, open_as};
pub use detect::{detect, detect_named, runs_as_script, shown_as};
pub use formats::shortcut::xml::{is_office_xml, remote_sheet};
pub use known::{FORMATS, Format, Sample, Tier};
pub use names::is_volume;
pub mod html {
    //! HTML as mail programs read it, for whoever looks at its structure: pieces, and the text that
    //! is seen and not seen.
    pub use crate::views::html::entities::undone;
    pub use crate::views::html::text::Page;
    pub use crate::views::html::{Token, Tokens};
    pub use crate::views::text::TextView;
}

pub use passwords::{MAX_LENGTH as MAX_PASSWORD_LENGTH, MAX_PASSWORDS, Passwords};
pub use views::links::{acts as link_acts, is_remote, starts_program};
pub use xml::{
    attributes as xml_attributes, decode as decode_xml, is_xml, local as xml_local, unescape as unescape_xml,
};
