// Fuzzes `unpack::fuzzing::fuzz_lnk`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unpack::fuzzing::fuzz_lnk(data));
