//! Helpers for tests: servers and clients of the protocols we speak, sample mail, temporary places.
