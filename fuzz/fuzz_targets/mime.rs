// Fuzzes `mail::fuzzing::fuzz_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mail::fuzzing::fuzz_message(data));
