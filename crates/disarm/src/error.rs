//! Why a file is not rebuilt.

/// Why a file is not rebuilt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DisarmError {
    /// It is no archive, or one that is damaged or whose headers contradict each other.
    NotSound,
    /// Nothing was asked to be removed.
    NothingToRemove,
    /// A member with this number is not in the archive's directory.
    UnknownMember(u32),
    /// Nothing but folders would remain.
    NothingLeft,
    /// There are bytes that belong to no listed member: something in front, between or behind.
    Unlisted,
    /// More members, or more bytes, than the plain format can hold.
    TooLarge,
}

impl std::fmt::Display for DisarmError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotSound => f.write_str("the archive is damaged or contradicts itself"),
            Self::NothingToRemove => f.write_str("no member was named for removal"),
            Self::UnknownMember(index) => write!(f, "the archive lists no member number {index}"),
            Self::NothingLeft => f.write_str("nothing would remain in the archive"),
            Self::Unlisted => f.write_str("the archive holds data that its directory does not tell of"),
            Self::TooLarge => f.write_str("the archive has too many members or bytes"),
        }
    }
}

impl std::error::Error for DisarmError {}
