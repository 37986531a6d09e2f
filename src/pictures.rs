//! Grids of images as PNG: filters (columns of W), samples, reconstructions, completions.

use crate::bits::BitMatrix;
use crate::model::Rbm;
use ndarray::{Array2, ArrayView1, ArrayView2, s};

/// How values become grey levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Grey {
    /// 0 is black, 1 is white: probabilities and bits.
    Unit,
    /// −limit is black, 0 middle grey, limit white: weights.
    Signed {
        /// The magnitude that is shown as black or white.
        limit: f32,
    },
}

impl Grey {
    fn level(self, value: f32) -> u8 {
        let unit = match self {
            Self::Unit => value,
            Self::Signed { limit } => 0.5 + 0.5 * value / limit.max(f32::MIN_POSITIVE),
        };
        (unit.clamp(0.0, 1.0) * 255.0).round() as u8
    }
}

/// The grey level of the lines between images.
const SEPARATOR: u8 = 96;

/// The least width of an enlarged grid, in pixels, as far as a factor of 8 reaches.
const WIDTH: usize = 600;

/// The rows of `images` (N, rows · columns) as one picture: a grid wider than high, with lines of
/// one pixel between images, enlarged by a whole factor.
///
/// # Panics
/// If an image has fewer than `shape.0 · shape.1` values, or `images` is empty.
pub fn grid(images: ArrayView2<'_, f32>, shape: (usize, usize), grey: Grey) -> Vec<u8> {
    let n = images.nrows();
    // The grid is about 3 : 2.
    let across = (1.5 * (n * shape.0) as f64 / shape.1 as f64).sqrt().ceil() as usize;
    grid_of(images, shape, grey, across.clamp(1, n))
}

/// [`grid`] with a given number of images across.
///
/// # Panics
/// As [`grid`].
pub fn grid_of(
    images: ArrayView2<'_, f32>,
    shape: (usize, usize),
    grey: Grey,
    across: usize,
) -> Vec<u8> {
    let (rows, columns) = shape;
    assert!(images.ncols() >= rows * columns, "values of an image of {rows} x {columns}");
    // Behind the pixels may be the units of a label.
    let images = images.slice(s![.., ..rows * columns]);
    let n = images.nrows();
    let down = n.div_ceil(across);
    let (width, height) = (across * (columns + 1) + 1, down * (rows + 1) + 1);
    let mut pixels = vec![SEPARATOR; width * height];
    for (at, image) in images.outer_iter().enumerate() {
        let (top, left) = (at / across * (rows + 1) + 1, at % across * (columns + 1) + 1);
        for (pixel, &value) in image.iter().enumerate() {
            let (y, x) = (top + pixel / columns, left + pixel % columns);
            pixels[y * width + x] = grey.level(value);
        }
    }
    let zoom = WIDTH.div_ceil(width).min(8);
    png(&pixels, width, zoom)
}

/// The filters of a model, the weights of each hidden unit as an image: at most `most`, the largest
/// norm first. Middle grey is 0; black and white are ∓ the magnitude that 99.5 % of the shown weights
/// stay below.
///
/// # Panics
/// If V is less than `shape.0 · shape.1`.
pub fn filters(rbm: &Rbm, shape: (usize, usize), most: usize) -> Vec<u8> {
    let weights = rbm.weights().t();
    let norm = |filter: ArrayView1<'_, f32>| filter.iter().map(|w| w * w).sum::<f32>();
    let mut order: Vec<(usize, f32)> = weights.outer_iter().map(norm).enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let chosen: Vec<usize> = order.iter().take(most).map(|(unit, _)| *unit).collect();
    let shown = weights.select(ndarray::Axis(0), &chosen);
    grid(shown.view(), shape, Grey::Signed { limit: limit(shown.view()) })
}

/// The magnitude that 99.5 % of the weights stay below.
///
/// # Panics
/// If `weights` is empty.
pub fn limit(weights: ArrayView2<'_, f32>) -> f32 {
    let mut magnitudes: Vec<f32> = weights.iter().map(|w| w.abs()).collect();
    magnitudes.sort_by(f32::total_cmp);
    magnitudes[(magnitudes.len() - 1) * 995 / 1000]
}

/// A matrix as a picture, with a pixel or a square of pixels for each value.
///
/// # Panics
/// If `values` is empty.
pub fn matrix(values: ArrayView2<'_, f32>, grey: Grey) -> Vec<u8> {
    let pixels: Vec<u8> = values.iter().map(|&value| grey.level(value)).collect();
    // The picture is at most half as high as its usual width, however few its columns.
    let zoom = WIDTH.div_ceil(values.ncols()).min(WIDTH / 2 / values.nrows()).clamp(1, 8);
    png(&pixels, values.ncols(), zoom)
}

/// A column of three images for each example: the example (a row of `examples`, (N, V)), its given pixels
/// (the units that are on in `given`, (1, V)) with the unknown ones in middle grey, and its completion (a
/// row of `completed`, (N, V), 0 to 1). Rows of columns have thicker lines between them.
///
/// # Panics
/// If V is less than `shape.0 · shape.1`, the shapes of the matrices differ, or there are no examples.
pub fn completions(
    examples: &BitMatrix,
    given: &BitMatrix,
    completed: ArrayView2<'_, f32>,
    shape: (usize, usize),
) -> Vec<u8> {
    let (rows, columns) = shape;
    let (n, n_visible) = completed.dim();
    assert_eq!((examples.n_rows(), examples.n_columns()), (n, n_visible), "shape of the examples");
    assert!(rows * columns <= n_visible, "pixels of an image of {rows} x {columns}");
    let n_visible = rows * columns;
    let line = f32::from(SEPARATOR) / 255.0;
    let mut stacks = Array2::from_elem((n, (3 * (rows + 1) + 1) * columns), line);
    for (at, mut stack) in stacks.outer_iter_mut().enumerate() {
        let truth = |i| f32::from(u8::from(examples.get(at, i)));
        let start = |part: usize| (part * (rows + 1) + 1) * columns;
        for i in 0..n_visible {
            stack[start(0) + i] = truth(i);
            stack[start(1) + i] = if given.get(0, i) { truth(i) } else { 0.5 };
        }
        stack
            .slice_mut(s![start(2)..start(2) + n_visible])
            .assign(&completed.slice(s![at, ..n_visible]));
    }
    grid(stacks.view(), (3 * (rows + 1) + 1, columns), Grey::Unit)
}

/// A grey PNG of `pixels`, each enlarged to a square of `zoom`.
fn png(pixels: &[u8], width: usize, zoom: usize) -> Vec<u8> {
    let mut enlarged = Vec::with_capacity(pixels.len() * zoom * zoom);
    for row in pixels.chunks_exact(width) {
        let line: Vec<u8> = row.iter().flat_map(|&level| [level].repeat(zoom)).collect();
        enlarged.extend(line.repeat(zoom));
    }
    let height = pixels.len() / width;
    let side = |n: usize| u32::try_from(n * zoom).expect("the picture fits a PNG");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(width), side(height));
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut png| png.write_image_data(&enlarged));
    written.expect("writing to memory does not fail");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;

    fn decode(bytes: &[u8]) -> (usize, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        (reader.info().width as usize, pixels)
    }

    #[test]
    fn images_lie_side_by_side_with_lines_between() {
        let images = Array2::from_shape_fn((3, 6), |(n, i)| ((n + i) % 2) as f32);
        let (width, pixels) = decode(&grid(images.view(), (2, 3), Grey::Unit));
        // Two across, two down, enlarged eight times.
        assert_eq!((width, pixels.len() / width), (9 * 8, 7 * 8));
        let at = |x: usize, y: usize| pixels[(y * 8 + 4) * width + x * 8 + 4];
        assert_eq!([at(0, 0), at(1, 1), at(2, 1), at(1, 2)], [SEPARATOR, 0, 255, 255]);
        assert_eq!([at(5, 1), at(6, 1)], [255, 0], "the second image");
        assert_eq!([at(1, 4), at(5, 4)], [0, SEPARATOR], "the third image, and no fourth");
    }

    #[test]
    fn completions_lie_below_the_truth_and_the_given_pixels() {
        let examples = BitMatrix::from_fn(2, 2, |n, i| n == i);
        let given = BitMatrix::from_fn(1, 2, |_, i| i == 0);
        let completed = ndarray::array![[1.0, 0.2], [0.0, 0.8]];
        let (width, pixels) = decode(&completions(&examples, &given, completed.view(), (1, 2)));
        // Two across, of 2 pixels each; 7 rows of a stack between two lines.
        assert_eq!((width, pixels.len() / width), (7 * 8, 9 * 8));
        let line =
            |y: usize| [0, 1, 2, 3, 4, 5, 6].map(|x| pixels[(y * 8 + 4) * width + x * 8 + 4]);
        let s = SEPARATOR;
        assert_eq!(line(2), [s, 255, 0, s, 0, 255, s], "the truth");
        assert_eq!(line(4), [s, 255, 128, s, 0, 128, s], "what is given");
        assert_eq!(line(6), [s, 255, 51, s, 0, 204, s], "the completion");
        for y in [0, 1, 3, 5, 7, 8] {
            assert_eq!(line(y), [s; 7], "line {y}");
        }
    }

    #[test]
    fn filters_are_sorted_by_norm_and_zero_is_middle_grey() {
        let mut weights = Array2::zeros((4, 3));
        weights.column_mut(1).fill(2.0);
        weights.column_mut(2).fill(-1.0);
        let rbm = Rbm::new(weights, Array1::zeros(4), Array1::zeros(3)).unwrap();
        let (width, pixels) = decode(&filters(&rbm, (2, 2), 3));
        let at = |x: usize, y: usize| pixels[(y * 8 + 4) * width + x * 8 + 4];
        assert_eq!([at(1, 1), at(4, 1), at(7, 1)], [255, 64, 128]);
    }
}
