//! Why a file is not rebuilt.

/// Why a file is not rebuilt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DisarmError {
    /// It is damaged, or contradicts itself.
    NotSound,
    /// Nothing was asked to be removed, or what was is not in it.
    NothingToRemove,
    /// A member with this number is not in the archive's directory.
    UnknownMember(u32),
    /// Nothing but folders would remain.
    NothingLeft,
    /// There are bytes that belong to no listed member: something in front, between or behind.
    Unlisted,
    /// More members, or more bytes, than the format can hold.
    TooLarge,
    /// Files of this kind are not rebuilt.
    Format,
    /// What remains is encrypted and would have to be written again.
    Encrypted,
    /// The budget ended.
    Limit,
}

impl std::fmt::Display for DisarmError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotSound => f.write_str("the file is damaged or contradicts itself"),
            Self::NothingToRemove => f.write_str("there is nothing to remove"),
            Self::UnknownMember(index) => write!(f, "the archive lists no member number {index}"),
            Self::NothingLeft => f.write_str("nothing would remain"),
            Self::Unlisted => f.write_str("the archive holds data that its directory does not tell of"),
            Self::TooLarge => f.write_str("the archive has too many members or bytes"),
            Self::Format => f.write_str("files of this kind are not rebuilt"),
            Self::Encrypted => f.write_str("it is encrypted"),
            Self::Limit => f.write_str("a limit of the examination was reached"),
        }
    }
}

impl std::error::Error for DisarmError {}
