//! Scan workers: forked, limited, replaceable processes; the only crate with unsafe code.
