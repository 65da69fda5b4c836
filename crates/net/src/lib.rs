//! TLS, connections to next hops, and external engines.
