//! Whole examinations: golden reports, hostile engines, external engines, limits, the protocol.

mod beside_clamscan;
mod documents;
mod external;
mod golden;
mod hostile;
mod limits;
mod ordinary;
mod pages;
mod passwords;
mod protocol;
mod readings;
mod rebuilds;
mod support;
