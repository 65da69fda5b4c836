// Fuzzes `unpack::fuzzing::fuzz_seven_zip`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unpack::fuzzing::fuzz_seven_zip(data));
