//! What each surface can do (spec D-2). A plan keeps within it and records every step down.

use mail::arrival::Surface;

use crate::plan::Action;

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
        Surface::Smtp | Surface::Lmtp | Surface::Milter | Surface::Cli => {
            Can { refuse: true, discard: true, tempfail: true, header: true, content: true }
        }
    }
}

/// Actions from the mildest to the strictest. Asking the sender to come again loses nothing and stands
/// above all.
const BY_STRICTNESS: [Action; 10] = [
    Action::Delivered,
    Action::Labelled,
    Action::Normalised,
    Action::Disarmed,
    Action::Disinfected,
    Action::ObjectDeleted,
    Action::Held,
    Action::Blocked,
    Action::MessageDeleted,
    Action::Tempfailed,
];

/// How strict an action is beside others: where a surface cannot tell recipients apart, the greatest of
/// their actions is taken (D-11).
pub fn strictness(action: Action) -> usize {
    BY_STRICTNESS.iter().position(|known| *known == action).unwrap_or(BY_STRICTNESS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_place() {
        let mut places: Vec<usize> = Action::ALL.iter().map(|action| strictness(*action)).collect();
        places.sort_unstable();
        assert_eq!(places, (0..Action::ALL.len()).collect::<Vec<_>>());
        assert!(strictness(Action::Tempfailed) > strictness(Action::MessageDeleted));
        assert!(strictness(Action::Blocked) > strictness(Action::Delivered));
    }
}
