// Fuzzes `disarm::fuzzing::fuzz_zip_without`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| disarm::fuzzing::fuzz_zip_without(data));
