//! HTML: what it is built of, and what it hides.

mod bare_html;
mod empty_title;
mod form;
mod frames;
mod hidden_text;
mod hiding_styles;
mod image_map;
mod large_comments;
mod leads_elsewhere;
mod linked_picture;
mod made_up_attributes;
mod many_fonts;
mod more_hidden_than_shown;
mod mostly_links;
mod moving_text;
mod much_markup;
mod password_field;
mod picture_only;
mod script;
mod split_words;
mod tracking_pixel;
mod unclosed_html;
mod unknown_elements;

use crate::spam::Row;

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    hidden_text::SIGN,
    more_hidden_than_shown::SIGN,
    hiding_styles::SIGN,
    split_words::SIGN,
    unknown_elements::SIGN,
    made_up_attributes::SIGN,
    large_comments::SIGN,
    picture_only::SIGN,
    linked_picture::SIGN,
    tracking_pixel::SIGN,
    form::SIGN,
    password_field::SIGN,
    script::SIGN,
    frames::SIGN,
    leads_elsewhere::SIGN,
    many_fonts::SIGN,
    moving_text::SIGN,
    bare_html::SIGN,
    unclosed_html::SIGN,
    mostly_links::SIGN,
    much_markup::SIGN,
    image_map::SIGN,
    empty_title::SIGN,
];
