//! The policy and every decision made from it: pure values in, a plan out.
