//! What each surface can do (spec D-2). A plan keeps within it and records every step down.

use mail::arrival::Surface;

/// The abilities of a surface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Can {
    /// Refuse a message with a reply of its own.
    pub refuse: bool,
    /// Accept a message and not deliver it.
    pub discard: bool,
    /// Ask the sender to try again later.
    pub tempfail: bool,
    /// Add and remove header fields, the subject's label included.
    pub header: bool,
    /// Replace and remove parts.
    pub content: bool,
}

/// What a surface can do. The command line answers for the gateway: it shows what would be done.
pub fn can(surface: Surface) -> Can {
    match surface {
        Surface::Smtp | Surface::Milter | Surface::Cli => {
            Can { refuse: true, discard: true, tempfail: true, header: true, content: true }
        }
    }
}
