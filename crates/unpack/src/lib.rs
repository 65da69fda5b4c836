//! What a file really is, and what is inside it, within one budget.
