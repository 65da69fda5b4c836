//! The machines driven from outside: dialogues from files, and inputs cut in every way.

mod certificates;
mod dialogues;
mod splits;
