//! How the text is written: letters that are not what they look like, noise, shouting.

mod digits_for_letters;
mod disguised_word;
mod invisible_letters;
mod large_sum;
mod loud_text;
mod many_exclamations;
mod mixed_letters_in_name;
mod mixed_letters_in_subject;
mod mixed_letters_in_text;
mod mostly_capitals;
mod much_money;
mod noise_words;
mod reversed_writing;
mod spaced_letters;
mod stacked_marks;
mod styled_letters;

use crate::spam::Row;

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    mixed_letters_in_subject::SIGN,
    mixed_letters_in_text::SIGN,
    mixed_letters_in_name::SIGN,
    styled_letters::SIGN,
    invisible_letters::SIGN,
    reversed_writing::SIGN,
    stacked_marks::SIGN,
    spaced_letters::SIGN,
    digits_for_letters::SIGN,
    disguised_word::SIGN,
    loud_text::SIGN,
    mostly_capitals::SIGN,
    many_exclamations::SIGN,
    much_money::SIGN,
    large_sum::SIGN,
    noise_words::SIGN,
];
