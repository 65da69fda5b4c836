//! The whole flow from an arrival to its outcome.
