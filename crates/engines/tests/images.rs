//! Known pictures are found again, others are not; hostile files cost no more than honest ones.

#[path = "../examples/images/variants.rs"]
mod variants;

use engines::image::{Base, Decoded, Known, Layout, Views, decode, describe, print};
use mail::evidence::{Picture, View};
use variants::{Dice, picture, variants as made_of};

/// An advertisement, a page of text and a chart. Pictures of soft blobs alone are too plain to be learnt.
const MADE: [u64; 3] = [0, 1, 3];

/// A picture of one black pixel and so on, written by our own hand: 8 by 4 pixels, 24 bits.
fn bmp(width: i32, height: i32, bits: u16, data: &[u8]) -> Vec<u8> {
    let mut file = b"BM".to_vec();
    for word in
        [54 + data.len() as u32, 0, 54, 40, width as u32, height as u32, 1 | u32::from(bits) << 16, 0, 0, 0, 0, 0, 0]
    {
        file.extend(word.to_le_bytes());
    }
    file.extend(data);
    file
}

#[test]
fn lm_06_variants_of_a_known_picture_are_found_and_others_are_not() {
    let canvas = |n| picture(n + 1_000_000).resized(150, 120);
    let known = MADE.map(|n| (n, describe(&canvas(n).decoded(), Views::All).unwrap()));
    let base =
        Base::new(known.map(|(n, it)| Known { id: n as i64, spam: true, views: it.views, copy: it.copy }).into());
    let (mut found, mut all, mut missed) = (0, 0, Vec::new());
    for n in MADE {
        for (name, variant) in made_of(&canvas(n), &mut Dice(n)) {
            let hit = describe(&variant.decoded(), Views::Few).and_then(|it| base.nearest(&it));
            all += 1;
            match hit {
                Some(hit) => {
                    assert_eq!(hit.id, n as i64, "{name}");
                    found += 1;
                }
                None => missed.push((n, name)),
            }
        }
    }
    assert!(found * 100 >= all * 95, "{found} of {all}: {missed:?}");
    for n in 0..15 {
        if let Some(it) = describe(&picture(n).resized(120, 100).decoded(), Views::Few) {
            assert_eq!(base.nearest(&it), None, "{n}");
        }
    }
}

#[test]
fn what_is_small_or_plain_is_not_described() {
    let plain = |width, height, samples| Decoded { width, height, layout: Layout::Gray, samples };
    assert_eq!(describe(&plain(200, 200, vec![200; 40_000]), Views::All), None);
    let slope = (0..40_000u32).map(|at| (at % 200) as u8).collect();
    assert_eq!(describe(&plain(200, 200, slope), Views::All), None, "a slope");
    let dots = picture(2).resized(40, 200).decoded();
    assert_eq!(describe(&dots, Views::All), None, "{} pixels wide", dots.width);
    assert_eq!(print(b"GIF89a\x01\0\x01\0\0\0\0", Views::All), Vec::new());
}

#[test]
fn what_is_too_plain_to_be_learnt_can_be_forgotten_where_it_is_taken_for_a_learnt_one() {
    for n in [1, 3, 8] {
        let whole = picture(n).resized(150, 120).decoded();
        let Picture { views, copy, .. } = describe(&whole, Views::All).unwrap();
        let base = Base::new(vec![Known { id: 1, spam: true, views, copy }]);
        for paler in [5, 7] {
            let samples = whole.samples.iter().map(|sample| 120 + sample / paler).collect();
            let pale = Decoded { samples, ..whole.clone() };
            assert_eq!(describe(&pale, Views::All), None, "{n}, paler by {paler}");
            for views in [Views::Few, Views::AllSeen] {
                let found = base.nearest(&describe(&pale, views).unwrap());
                assert_eq!(found.map(|it| it.id), Some(1), "{n}, paler by {paler}, {views:?}");
            }
        }
    }
}

#[test]
fn what_its_own_mirror_image_explains_or_is_faint_is_not_learnt() {
    let whole = picture(1_000_000).resized(160, 160);
    let mut folded = whole.clone();
    for at in (0..160 * 160).filter(|at| at % 160 >= 80) {
        folded.pixels[at] = folded.pixels[at / 160 * 160 + 159 - at % 160];
    }
    let turned = |canvas: &variants::Canvas| {
        let mut out = canvas.clone();
        (0..160 * 160).for_each(|at| out.pixels[at] = canvas.pixels[at % 160 * 160 + at / 160]);
        out
    };
    let pale = whole.recolored(|p| p.map(|v| (v - 128.0) * 0.1 + 128.0));
    let learnt = |canvas: &variants::Canvas| describe(&canvas.decoded(), Views::All).is_some();
    assert!(learnt(&whole), "the case says nothing");
    for (what, canvas) in [("mirrored", &folded), ("mirrored and turned", &turned(&folded)), ("pale", &pale)] {
        assert!(!learnt(canvas), "{what}");
        assert!(describe(&canvas.decoded(), Views::Few).is_some(), "{what} is looked up");
    }
}

#[test]
fn what_was_learnt_with_smaller_copies_is_known_by_its_hashes() {
    let Picture { views, .. } = describe(&picture(5).decoded(), Views::All).unwrap();
    let seen = describe(&picture(5).decoded(), Views::Few).unwrap();
    for size in [0, 4 + 64 * 64 + 2 * 16 * 16] {
        let known = Known { id: 3, spam: true, views: views.clone(), copy: vec![0; size] };
        assert_eq!(Base::new(vec![known]).nearest(&seen).map(|hit| hit.id), Some(3), "{size}");
    }
}

#[test]
fn what_one_hash_says_the_other_must_not_speak_against() {
    // The first 64 bits, by which the base is searched, stay.
    let turned = |count: usize| -> [u64; 4] {
        let mut words = [0; 4];
        (64..64 + count).for_each(|bit| words[bit / 64] |= 1 << (bit % 64));
        words
    };
    let known = View { luma: [0; 4], edge: [0; 4] };
    let base = Base::new(vec![Known { id: 1, spam: true, views: vec![known], copy: Vec::new() }]);
    let cases = [
        ("the same", 0, 0, Some(0)),
        ("recoloured", 46, 72, Some(46)),
        ("of one brightness, other edges", 46, 73, None),
        ("of one brightness, no edge in common", 10, 127, None),
        ("other brightness, the same edges", 85, 46, Some(46)),
        ("a negative", 170, 46, Some(46)),
        ("neither is near", 47, 47, None),
        ("edges near, brightness of another", 86, 46, None),
        ("edges very near, colours exchanged", 127, 30, Some(30)),
        ("edges not so near, colours exchanged", 127, 31, None),
    ];
    for (what, luma, edge, expected) in cases {
        let seen = Picture {
            width: 64,
            height: 64,
            views: vec![View { luma: turned(luma), edge: turned(edge) }],
            copy: Vec::new(),
        };
        assert_eq!(base.nearest(&seen).map(|hit| hit.distance), expected, "{what}");
    }
}

#[test]
fn a_picture_with_another_part_is_near_by_hashes_and_told_apart_by_its_copy() {
    let (mut by_hashes, mut by_copies) = (0, 0);
    for n in 0..6 {
        let known = picture(n).resized(150, 120);
        let (mut seen, other) = (known.clone(), picture(n + 500).resized(150, 120));
        for at in (0..150 * 120).filter(|at| (85..130).contains(&(at % 150)) && (60..105).contains(&(at / 150))) {
            seen.pixels[at] = other.pixels[at];
        }
        let Some(Picture { views, copy, .. }) = describe(&known.decoded(), Views::All) else { continue };
        let Some(seen) = describe(&seen.decoded(), Views::Few) else { continue };
        let base = |copy| Base::new(vec![Known { id: 1, spam: true, views: views.clone(), copy }]);
        by_hashes += usize::from(base(Vec::new()).nearest(&seen).is_some());
        by_copies += usize::from(base(copy).nearest(&seen).is_some());
    }
    assert!(by_hashes > 0, "the case says nothing");
    assert_eq!(by_copies, 0, "{by_hashes} were near by hashes");
}

#[test]
fn what_was_spared_is_nearer_than_what_it_was_learnt_from() {
    let Picture { views, copy, .. } = describe(&picture(5).decoded(), Views::All).unwrap();
    let known = |id, spam| Known { id, spam, views: views.clone(), copy: copy.clone() };
    let base = Base::new(vec![known(1, true), known(2, false)]);
    let seen = describe(&picture(5).decoded(), Views::Few).unwrap();
    assert_eq!(base.nearest(&seen).map(|hit| (hit.id, hit.spam)), Some((2, false)));
}

#[test]
fn each_format_is_decoded_to_the_same_picture() {
    let original = picture(4).resized(96, 80);
    let decoded = original.decoded();
    let expected = describe(&decoded, Views::Few).unwrap();
    let rows: Vec<u8> =
        decoded.samples.chunks(96 * 3).rev().flat_map(|row| row.chunks(3).flat_map(|p| [p[2], p[1], p[0]])).collect();
    let mut png_file = Vec::new();
    let mut encoder = png::Encoder::new(&mut png_file, 96, 80);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&decoded.samples).unwrap();
    for file in [bmp(96, 80, 24, &rows), png_file] {
        assert_eq!(decode(&file).unwrap(), std::slice::from_ref(&decoded));
        assert_eq!(print(&file, Views::Few), std::slice::from_ref(&expected));
    }
    let mut webp_file = Vec::new();
    image_webp::WebPEncoder::new(&mut webp_file).encode(&decoded.samples, 96, 80, image_webp::ColorType::Rgb8).unwrap();
    assert_eq!(decode(&webp_file).unwrap()[0].samples, decoded.samples);
}

#[test]
fn one_picture_is_the_same_in_every_format() {
    let files: [(&str, &[u8]); 8] = [
        ("base.jpg", include_bytes!("../../../fuzz/seeds/image/base.jpg")),
        ("progressive.jpg", include_bytes!("../../../fuzz/seeds/image/progressive.jpg")),
        ("palette.png", include_bytes!("../../../fuzz/seeds/image/palette.png")),
        ("gray-alpha.png", include_bytes!("../../../fuzz/seeds/image/gray-alpha.png")),
        ("one.gif", include_bytes!("../../../fuzz/seeds/image/one.gif")),
        ("second-frame.gif", include_bytes!("../../../fuzz/seeds/image/second-frame.gif")),
        ("sixteen.bmp", include_bytes!("../../../fuzz/seeds/image/sixteen.bmp")),
        ("lossy.webp", include_bytes!("../../../fuzz/seeds/image/lossy.webp")),
    ];
    let learnt = print(files[0].1, Views::All).remove(0);
    assert_eq!((learnt.width, learnt.height), (120, 96));
    let base = Base::new(vec![Known { id: 1, spam: true, views: learnt.views, copy: learnt.copy }]);
    for (name, file) in files {
        let seen = print(file, Views::Few);
        assert!(seen.iter().any(|picture| base.nearest(picture).is_some()), "{name}");
        engines::fuzzing::fuzz_image(file);
    }
}

#[test]
fn what_claims_too_much_is_refused_before_room_is_made_for_it() {
    let mut png_file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x06\0\0\0".to_vec();
    png_file.extend([0; 40]);
    let gif_file = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x44\x01\0;".to_vec();
    let jpeg_file =
        b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9".to_vec();
    for file in [png_file, gif_file, jpeg_file, bmp(i32::MAX, i32::MAX, 24, &[]), bmp(30_000, -30_000, 8, &[])] {
        assert!(decode(&file).is_err());
        assert!(print(&file, Views::All).is_empty());
    }
}

/// A picture in passes, the first of them so many times more.
fn progressive(more: usize) -> Vec<u8> {
    let file = include_bytes!("../../../fuzz/seeds/image/progressive.jpg");
    let first = file.windows(2).position(|pair| pair == b"\xff\xda").unwrap();
    let next = file[first + 2..].windows(2).position(|pair| pair[0] == 0xff && pair[1] != 0).unwrap();
    let (head, rest) = file.split_at(first);
    let (pass, rest) = rest.split_at(next + 2);
    [head, &pass.repeat(more + 1), rest].concat()
}

#[test]
fn of_many_passes_and_frames_no_more_are_decoded_than_the_limits() {
    let original = decode(&progressive(0)).unwrap();
    // It has ten passes of its own.
    for (more, fits) in [(1, true), (30, true), (31, false), (5000, false)] {
        let found = decode(&progressive(more)).map(|found| (found[0].width, found[0].height));
        assert_eq!(found.ok(), fits.then_some((original[0].width, original[0].height)), "{more}");
    }
    for count in [1_u8, 3, 4, 5, 60] {
        let mut file = Vec::new();
        let mut encoder = gif::Encoder::new(&mut file, 70, 70, &[]).unwrap();
        for shade in 0..count {
            encoder.write_frame(&gif::Frame::from_palette_pixels(70, 70, vec![0; 4900], [shade; 3], None)).unwrap();
        }
        drop(encoder);
        let shades: Vec<u8> = decode(&file).unwrap().iter().map(|frame| frame.samples[0]).collect();
        assert_eq!(shades, (0..count.min(4)).collect::<Vec<u8>>());
    }
}

#[test]
fn damaged_files_do_no_harm() {
    let original = picture(3).resized(70, 70).decoded();
    let mut png_file = Vec::new();
    let mut encoder = png::Encoder::new(&mut png_file, 70, 70);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&original.samples).unwrap();
    let mut webp_file = Vec::new();
    image_webp::WebPEncoder::new(&mut webp_file)
        .encode(&original.samples, 70, 70, image_webp::ColorType::Rgb8)
        .unwrap();
    let rows = vec![7; 70 * 72 * 3];
    let mut dice = Dice(3);
    let gif_file = include_bytes!("../../../fuzz/seeds/image/second-frame.gif").to_vec();
    let jpeg_file = include_bytes!("../../../fuzz/seeds/image/base.jpg").to_vec();
    for file in [png_file, webp_file, bmp(70, 70, 24, &rows), gif_file, jpeg_file, progressive(0)] {
        for _ in 0..60 {
            let mut file = file.clone();
            for _ in 0..3 {
                let at = dice.next() as usize % file.len();
                file[at] = dice.next() as u8;
            }
            file.truncate(dice.next() as usize % (file.len() + 1));
            engines::fuzzing::fuzz_image(&file);
        }
    }
}

/// The left half, and its mirror image beside it.
fn folded(canvas: &variants::Canvas) -> variants::Canvas {
    let (mut out, wide) = (canvas.clone(), canvas.width);
    for at in (0..out.pixels.len()).filter(|at| at % wide >= wide / 2) {
        out.pixels[at] = canvas.pixels[at / wide * wide + wide - 1 - at % wide];
    }
    out
}

/// One picture with so much of another in it.
fn mixed(one: &variants::Canvas, other: &variants::Canvas, share: f32) -> variants::Canvas {
    let mut out = one.clone();
    for (a, b) in out.pixels.iter_mut().zip(&other.pixels) {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += (b - *a) * share);
    }
    out
}

/// Squares of any gray, alike in every part.
fn grain(seed: u64) -> variants::Canvas {
    let mut dice = variants::Dice(seed);
    let mut out = picture(1).resized(192, 192);
    let values: Vec<f32> = (0..24 * 24).map(|_| (dice.next() % 200) as f32 + 28.0).collect();
    for at in 0..192 * 192 {
        out.pixels[at] = [values[at / 192 / 8 * 24 + at % 192 / 8]; 3];
    }
    out
}

/// Whether a picture is taken for a learnt one.
fn is_known(learnt: &variants::Canvas, seen: &variants::Canvas) -> bool {
    let Picture { views, copy, .. } = describe(&learnt.decoded(), Views::All).expect("it can be learnt");
    let base = Base::new(vec![Known { id: 1, spam: true, views, copy }]);
    base.nearest(&describe(&seen.decoded(), Views::Few).unwrap()).is_some()
}

#[test]
fn what_is_mixed_into_every_part_may_be_a_fifth_of_what_is_seen_and_no_more() {
    let (learnt, other) = (grain(3), grain(52));
    assert!(is_known(&learnt, &mixed(&learnt, &other, 0.25)));
    // 22 of 100 of what varies, in no part more than 40.
    assert!(!is_known(&learnt, &mixed(&learnt, &other, 0.32)));
}

#[test]
fn what_is_symmetric_but_for_a_little_is_told_apart_by_that() {
    let symmetric = folded(&picture(3).resized(160, 160));
    let with = |n| mixed(&symmetric, &picture(n).resized(160, 160), 0.2);
    assert!(is_known(&with(53), &with(53)));
    assert!(!is_known(&with(53), &with(93)));
}

/// A dark window with squares of a colour in it, or with nothing.
fn window(inside: Option<u64>, color: [f32; 3]) -> variants::Canvas {
    let (mut out, inner) = (picture(1).resized(192, 192), inside.map(grain));
    for at in 0..192 * 192 {
        let value = inner.as_ref().map_or(0.0, |inner| inner.pixels[at][0] * 0.2);
        out.pixels[at] = match (at % 192, at / 192) {
            (16..110, 12..150) => color.map(|part| 20.0 + value * part),
            (110..116, 18..156) | (22..116, 150..156) => [150.0; 3],
            _ => [245.0; 3],
        };
    }
    out
}

#[test]
fn one_large_outline_does_not_make_two_pictures_one() {
    let empty = window(None, [1.0; 3]);
    for (what, color) in [("gray", [1.0; 3]), ("blue", [0.0, 0.6, 4.0])] {
        let (one, other) = (window(Some(3), color), window(Some(52), color));
        assert!(is_known(&one, &one.resized(150, 160)), "{what}");
        assert!(!is_known(&one, &other), "{what}, another is seen");
        // What is blue is explained by nothing if only what is seen must be explained.
        assert!(!is_known(&one, &empty), "{what}, what was learnt is not in it");
    }
}
