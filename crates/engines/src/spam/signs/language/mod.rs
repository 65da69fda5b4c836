//! Languages, told by the letters of subject and text.

mod hr_07_chinese;
mod hr_08_korean;
mod hr_09_thai;
mod hr_10_japanese;
mod subject_of_other_script;

use crate::spam::Row;

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] =
    &[hr_07_chinese::SIGN, hr_08_korean::SIGN, hr_09_thai::SIGN, hr_10_japanese::SIGN, subject_of_other_script::SIGN];
