//! Tests of `unpack` from outside: archives and messages built here, read as the walk of an
//! examination reads them.

mod arj_lha;
mod beyond;
mod bombs;
mod cabs;
mod cmss;
mod detection;
mod disks;
mod documents;
mod gaps;
mod gzip;
mod hiding;
mod htmls;
mod messages;
mod methods;
mod mutation;
mod odd;
mod ole2;
mod packages;
mod pdfs;
mod plain;
mod programs;
mod rarer;
mod rars;
mod samples;
mod scripts;
mod sealed;
mod sevenz;
mod several;
mod streams;
mod support;
mod tars;
mod tnefs;
mod tools;
mod zips;
