//! A drawing as a PDF of one page: vector lines, text that can be searched, and no date, so that equal drawings are
//! equal files.
//!
//! The fonts are Helvetica and its bold letters, which every reader of PDF has; they are not embedded. Characters that
//! its Western encoding lacks become question marks; the SVG has them.

use super::drawing::{Anchor, Drawing, Ink, Piece, on_paper};
use super::palette::Mark;
use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str};
use std::io::Write as _;

/// The widths of the characters from space to tilde in Helvetica, in thousandths of its size.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// The widths of the capitals in Helvetica-Bold.
const BOLD: [u16; 26] = [
    722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667,
    611, 722, 667, 944, 667, 667, 611,
];

/// The width of a bold letter, in units of the height of its letters.
fn bold_width(text: &str) -> f64 {
    let of = |c: char| match c {
        'A'..='Z' => f64::from(BOLD[c as usize - 'A' as usize]) / 1000.0,
        c => width(c.encode_utf8(&mut [0; 4])),
    };
    text.chars().map(of).sum()
}

/// The width of a text, in units of the height of its letters.
pub fn width(text: &str) -> f64 {
    let of =
        |c: char| (c as usize).checked_sub(32).and_then(|at| WIDTHS.get(at)).map_or(556, |w| *w);
    text.chars().map(|c| f64::from(of(c)) / 1000.0).sum()
}

/// A text in the encoding WinAnsi.
fn encoded(text: &str) -> Vec<u8> {
    let byte = |c: char| match c {
        ' '..='~' | '\u{a0}'..='\u{ff}' => c as u8,
        // Helvetica has no minus; the dash is as wide as a digit.
        '−' | '–' => 0x96,
        '…' => 0x85,
        _ => b'?',
    };
    text.chars().map(byte).collect()
}

/// Red, green and blue from 0 to 1.
fn rgb(ink: Ink) -> [f32; 3] {
    let code = on_paper(ink);
    [1, 3, 5].map(|at| f32::from(u8::from_str_radix(&code[at..at + 2], 16).unwrap_or(0)) / 255.0)
}

/// The bytes of the file.
pub fn pdf(drawing: &Drawing) -> Vec<u8> {
    let [catalog, pages, page, font, content, bold] = [1, 2, 3, 4, 5, 6].map(Ref::new);
    let [width, height] = drawing.size.map(|x| x as f32);
    let (drawn, pictures) = content_of(drawing);
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([page]).count(1);
    let mut writer = pdf.page(page);
    writer.media_box(Rect::new(0.0, 0.0, width, height)).parent(pages).contents(content);
    let name = |at: usize| format!("P{at}");
    let reference = |at: usize| Ref::new(7 + at as i32);
    let mut resources = writer.resources();
    resources.fonts().pair(Name(b"F"), font).pair(Name(b"B"), bold);
    let mut objects = resources.x_objects();
    for at in 0..pictures.len() {
        objects.pair(Name(name(at).as_bytes()), reference(at));
    }
    objects.finish();
    resources.finish();
    writer.finish();
    for (reference, name) in [(font, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(reference)
            .base_font(Name(name))
            .encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    pdf.stream(content, &drawn);
    for (at, (size, pixels)) in pictures.iter().enumerate() {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(pixels).expect("writing to memory does not fail");
        let packed = encoder.finish().expect("writing to memory does not fail");
        let mut image = pdf.image_xobject(reference(at), &packed);
        image.width(size[0]).height(size[1]).bits_per_component(8);
        image.color_space().device_gray();
        image.filter(Filter::FlateDecode);
        image.finish();
    }
    pdf.finish()
}

/// The size of a picture in pixels, and its grey levels.
type Pixels = ([i32; 2], Vec<u8>);

fn pixels(png: &[u8]) -> Pixels {
    let mut reader =
        png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG of our own");
    let mut levels = vec![0; reader.output_buffer_size().expect("a small picture")];
    let info = reader.next_frame(&mut levels).expect("a PNG of our own");
    levels.truncate(info.buffer_size());
    ([info.width as i32, info.height as i32], levels)
}

/// The columns and rows of a picture.
pub fn size_of(png: &[u8]) -> [i32; 2] {
    pixels(png).0
}

/// The page's stream, and its pictures.
fn content_of(drawing: &Drawing) -> (Vec<u8>, Vec<Pixels>) {
    let mut out = Content::new();
    let mut pictures = Vec::new();
    let place = |[x, y]: [f64; 2]| [x as f32, (drawing.size[1] - y) as f32];
    let polygon = |out: &mut Content, points: &[[f64; 2]]| {
        for (at, point) in points.iter().enumerate() {
            let [x, y] = place(*point);
            if at == 0 {
                out.move_to(x, y)
            } else {
                out.line_to(x, y)
            };
        }
    };
    out.set_line_join(pdf_writer::types::LineJoinStyle::RoundJoin);
    for piece in &drawing.pieces {
        match piece {
            Piece::Line { points, ink, width, is_dashed } => {
                let ([red, green, blue], width) = (rgb(*ink), *width as f32);
                out.set_stroke_rgb(red, green, blue).set_line_width(width);
                let dashes = if *is_dashed { vec![4.0 * width, 2.0 * width] } else { Vec::new() };
                out.set_dash_pattern(dashes, 0.0);
                polygon(&mut out, points);
                out.stroke();
            }
            Piece::Mark { place: [x, y], size, mark, ink } => {
                let [red, green, blue] = rgb(*ink);
                out.set_fill_rgb(red, green, blue);
                match mark {
                    Mark::Circle => disc(&mut out, place([*x, *y]), *size as f32),
                    mark => {
                        let corner = |[dx, dy]: &[f64; 2]| [x + size * dx, y + size * dy];
                        let corners: Vec<_> = mark.corners().iter().map(corner).collect();
                        polygon(&mut out, &corners);
                    }
                }
                out.fill_nonzero();
            }
            Piece::Bar { corner: [x, y], size: [width, height], ink } => {
                let ([red, green, blue], [x, y]) = (rgb(*ink), place([*x, y + height]));
                out.set_fill_rgb(red, green, blue);
                out.rect(x, y, *width as f32, *height as f32).fill_nonzero();
            }
            Piece::Text { place: at, anchor, text, is_upright } => {
                let share = match anchor {
                    Anchor::Start => 0.0,
                    Anchor::Middle => 0.5,
                    Anchor::End => 1.0,
                };
                let back = share * width(text) * drawing.font;
                let [red, green, blue] = rgb(Ink::Text);
                out.set_fill_rgb(red, green, blue).begin_text();
                out.set_font(Name(b"F"), drawing.font as f32);
                out.set_text_matrix(if *is_upright {
                    let [x, y] = place([at[0], at[1] + back]);
                    [0.0, 1.0, -1.0, 0.0, x, y]
                } else {
                    let [x, y] = place([at[0] - back, at[1]]);
                    [1.0, 0.0, 0.0, 1.0, x, y]
                });
                out.show(Str(&encoded(text))).end_text();
            }
            Piece::Letter { place: [x, y], stretch: [across, up], text, ink } => {
                let back = 0.5 * bold_width(text) * drawing.font * across;
                let ([red, green, blue], [x, y]) = (rgb(*ink), place([x - back, *y]));
                out.set_fill_rgb(red, green, blue).begin_text();
                out.set_font(Name(b"B"), drawing.font as f32);
                out.set_text_matrix([*across as f32, 0.0, 0.0, *up as f32, x, y]);
                out.show(Str(&encoded(text))).end_text();
            }
            Piece::Cell { corner: [x, y], size: [width, height], series, share, .. } => {
                let [x, y] = place([*x, y + height]);
                let [red, green, blue] =
                    rgb(Ink::Series(*series)).map(|level| 1.0 - *share as f32 * (1.0 - level));
                out.set_fill_rgb(red, green, blue);
                out.rect(x, y, *width as f32, *height as f32).fill_nonzero();
            }
            Piece::Picture { corner: [x, y], size: [width, height], png } => {
                let [x, y] = place([*x, y + height]);
                out.save_state().transform([*width as f32, 0.0, 0.0, *height as f32, x, y]);
                out.x_object(Name(format!("P{}", pictures.len()).as_bytes())).restore_state();
                pictures.push(pixels(png));
            }
            Piece::Point { .. } | Piece::Run(_) => {}
        }
    }
    (out.finish().to_vec(), pictures)
}

/// A circle of four curves; 0.5523 places their handles.
fn disc(out: &mut Content, [x, y]: [f32; 2], r: f32) {
    let k = 0.5523 * r;
    out.move_to(x + r, y);
    out.cubic_to(x + r, y + k, x + k, y + r, x, y + r);
    out.cubic_to(x - k, y + r, x - r, y + k, x - r, y);
    out.cubic_to(x - r, y - k, x - k, y - r, x, y - r);
    out.cubic_to(x + k, y - r, x + r, y - k, x + r, y);
}
