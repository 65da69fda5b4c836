//! Tests of `unpack` from outside: archives and messages built here, read as the walk of an
//! examination reads them.

mod bombs;
mod detection;
mod gzip;
mod messages;
mod mutation;
mod rars;
mod samples;
mod sevenz;
mod streams;
mod support;
mod tars;
mod tools;
mod zips;
