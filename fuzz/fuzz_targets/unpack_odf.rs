// Fuzzes `unpack::fuzzing::fuzz_odf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unpack::fuzzing::fuzz_odf(data));
