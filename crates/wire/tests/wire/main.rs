//! The machines driven from outside: dialogues from files, and inputs cut in every way.

mod dialogues;
mod splits;
