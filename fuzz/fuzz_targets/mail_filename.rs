// Fuzzes `mail::fuzzing::fuzz_filename`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mail::fuzzing::fuzz_filename(data));
