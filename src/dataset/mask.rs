//! Masks: the given units of an example, from which the others are completed.

use super::encoding::{Encoding, MAX_GREY_LEVEL};
use super::file::{self, Format, Unpacked};
use super::picture::Samples;
use super::stored_array::Number;
use crate::bits::BitMatrix;
use crate::error::{Error, Result};
use crate::setting::{by_name, invalid};
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A half of an image. The middle row or column of an odd number belongs to neither half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The columns on the left.
    Left,
    /// The columns on the right.
    Right,
    /// The rows at the top.
    Top,
    /// The rows at the bottom.
    Bottom,
}

by_name!(Half, "clamp", { Left = "left", Right = "right", Top = "top", Bottom = "bottom" });

/// The given units: a named half of the image, or the path of a mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mask {
    /// This half is given.
    Half(Half),
    /// The path of a PNG or of an array (.npy, .npz, IDX or text), plain or gzipped. A PNG has the size of
    /// the images, and pixels that are at least half white (mean of the colours times opacity) are given.
    /// An array has the shape (V) or (rows, columns) and values in the range of data, and values other
    /// than 0 are given.
    Path(PathBuf),
}

impl Mask {
    /// The given units as bits (1, V), for examples of V = `n_visible` units. `image_shape` is the shape
    /// (rows, columns) of an example, if it is known.
    ///
    /// ```
    /// use harmonium::dataset::{Half, Mask};
    /// let left = Mask::Half(Half::Left).read(6, Some((2, 3)))?;
    /// assert_eq!((left.n_rows(), left.count_ones()), (1, 2));
    /// assert!(left.get(0, 0) && left.get(0, 3));
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if all units or none are given, if the mask is a half and the image shape
    /// is not known, or if the file does not exist; [`Error::Unsuitable`] if the file has another size;
    /// also as [`Dataset::read`](super::Dataset::read).
    ///
    /// # Panics
    /// If `image_shape` does not have V pixels.
    pub fn read(&self, n_visible: usize, image_shape: Option<(usize, usize)>) -> Result<BitMatrix> {
        if let Some((rows, columns)) = image_shape {
            assert_eq!(rows * columns, n_visible, "pixels of an image of {rows} x {columns}");
        }
        let given = match self {
            Self::Half(half) => {
                let Some((rows, columns)) = image_shape else {
                    let rule = "a file with a mask, because the shape of the images is not known; \
                                give image_shape to use half of an image";
                    return Err(invalid("clamp", self, rule));
                };
                BitMatrix::from_fn(1, n_visible, |_, i| {
                    half.holds((i / columns, i % columns), (rows, columns))
                })
            }
            Self::Path(path) => {
                let file = Unpacked::read(path).map_err(|error| match error {
                    Error::Io { cause, .. } if cause.kind() == ErrorKind::NotFound => {
                        let rule = "left, right, top, bottom or the path of a file with a mask; no file \
                                    has this name";
                        invalid("clamp", self, rule)
                    }
                    error => error,
                })?;
                let given = decode(path, &file.bytes, n_visible, image_shape)?;
                BitMatrix::from_fn(1, n_visible, |_, i| given[i])
            }
        };
        let n_given = given.count_ones();
        if n_given == 0 || n_given == n_visible as u64 {
            let rule = format!(
                "a mask that gives some of the {n_visible} units and leaves others to draw, but \
                 this one gives {}; white pixels of a .png, or values of an array other than 0, give units",
                if n_given == 0 { "none" } else { "all" }
            );
            return Err(invalid("clamp", self, rule));
        }
        Ok(given)
    }
}

impl Half {
    /// Whether a pixel (row, column) lies in this half of an image with this shape (rows, columns).
    fn holds(self, (row, column): (usize, usize), (rows, columns): (usize, usize)) -> bool {
        match self {
            Self::Left => column < columns / 2,
            Self::Right => column >= columns.div_ceil(2),
            Self::Top => row < rows / 2,
            Self::Bottom => row >= rows.div_ceil(2),
        }
    }
}

impl FromStr for Mask {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(text.parse().map_or_else(|_| Self::Path(text.into()), Self::Half))
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Half(half) => write!(f, "{half}"),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Reads from an unpacked file whether each unit is given.
fn decode(
    path: &Path,
    bytes: &[u8],
    n_visible: usize,
    image_shape: Option<(usize, usize)>,
) -> Result<Vec<bool>> {
    let check_shape = |shape: &[usize]| check_shape(path, shape, n_visible, image_shape);
    if Format::of(bytes) == Some(Format::Png) {
        let samples = Samples::read(path, bytes)?;
        check_shape(&[samples.shape.0, samples.shape.1])?;
        return Ok(samples.pixels().map(|pixel| is_white(pixel, &samples)).collect());
    }
    let mut array = file::array(path, bytes)?;
    check_shape(&array.shape)?;
    // The array becomes one example of its shape.
    array.shape.insert(0, 1);
    // Numbers other than 0 are given; any encoding that allows all integers will do.
    let are_whole = !matches!(array.number, Number::Float(_));
    let mask =
        array.examples(Encoding::GreyLevels(MAX_GREY_LEVEL)).map_err(|error| match error {
            Error::BadValue { data, example, unit, value, .. } if are_whole => {
                let rule = format!(
                    "0 where a unit is free, and from 1 to {MAX_GREY_LEVEL} where it is given"
                );
                Error::BadValue { data, example, unit, value, rule, remedy: None }
            }
            error => error,
        })?;
    mask.refuse_missing("a mask of given pixels")?;
    Ok((0..n_visible).map(|unit| mask.intensity(0, unit) != 0.0).collect())
}

/// Whether a pixel is at least half white: the mean of its colours times its opacity.
fn is_white(pixel: &[u8], &Samples { n_channels, size, .. }: &Samples) -> bool {
    // Of 16 bits, the first eight decide.
    let levels: Vec<_> = pixel.iter().step_by(size).map(|&level| u32::from(level)).collect();
    let (colours, opacity) = match n_channels {
        2 | 4 => (&levels[..n_channels - 1], levels[n_channels - 1]),
        _ => (&levels[..], 255),
    };
    2 * colours.iter().sum::<u32>() * opacity >= colours.len() as u32 * 255 * 255
}

/// Refuses a mask that has neither the length of an example nor the shape of its image.
fn check_shape(
    path: &Path,
    shape: &[usize],
    n_visible: usize,
    image_shape: Option<(usize, usize)>,
) -> Result<()> {
    let fits = match *shape {
        [n] | [1, n] if n == n_visible => true,
        [rows, columns] => match image_shape {
            Some(image_shape) => image_shape == (rows, columns),
            None => rows.checked_mul(columns) == Some(n_visible),
        },
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let sides: Vec<_> = shape.iter().map(|side| side.to_string()).collect();
    let found = sides.join(" x ");
    let image = match image_shape {
        Some((rows, columns)) => format!("{rows} x {columns} (rows x columns)"),
        None => "rows x columns".to_string(),
    };
    let rule = format!(
        "is a mask of {found}, but the model has {n_visible} visible units; make it {image} or an \
         array of {n_visible} values"
    );
    Err(Error::Unsuitable { path: path.into(), rule })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, ArrayView, Dimension, ShapeBuilder as _, array};
    use ndarray_npy::{WritableElement, WriteNpyExt as _};
    use png::{BitDepth, ColorType};
    use std::fs;

    /// Bytes of a PNG of 2 rows and 3 columns.
    fn png(colour: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 3, 2);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        if colour == ColorType::Indexed {
            encoder.set_palette(vec![0, 0, 255, 255, 255, 0]);
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        bytes
    }

    fn npy<T: WritableElement, D: Dimension>(array: ArrayView<'_, T, D>) -> Vec<u8> {
        let mut bytes = Vec::new();
        array.write_npy(&mut bytes).unwrap();
        bytes
    }

    /// Reads a mask file for images of 2 x 3: `1` or `0` for each unit.
    fn read(bytes: &[u8], image_shape: Option<(usize, usize)>) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask");
        fs::write(&path, bytes).unwrap();
        shown(&Mask::Path(path), image_shape)
    }

    fn shown(mask: &Mask, image_shape: Option<(usize, usize)>) -> Result<String> {
        let given =
            mask.read(image_shape.map_or(6, |(rows, columns)| rows * columns), image_shape)?;
        assert_eq!(given.n_rows(), 1);
        Ok((0..given.n_columns()).map(|i| if given.get(0, i) { '1' } else { '0' }).collect())
    }

    #[test]
    fn halves_leave_out_the_middle() {
        for (name, even, odd) in [
            ("left", "10101010", "100100100"),
            ("right", "01010101", "001001001"),
            ("top", "11110000", "111000000"),
            ("bottom", "00001111", "000000111"),
        ] {
            let mask: Mask = name.parse().unwrap();
            assert_eq!((mask.to_string(), &mask), (name.to_string(), &name.parse().unwrap()));
            assert_eq!(shown(&mask, Some((4, 2))).unwrap(), even, "{name}");
            assert_eq!(shown(&mask, Some((3, 3))).unwrap(), odd, "{name}");
        }
        assert_eq!("./left".parse::<Mask>().unwrap(), Mask::Path("./left".into()));
    }

    #[test]
    fn white_pixels_of_any_png_are_given() {
        let (white, black) = ([255; 3], [0; 3]);
        let (yellow, blue) = ([255, 255, 0], [0, 0, 255]);
        let rgb = [white, black, yellow, blue, [127; 3], [128; 3]];
        let rgba = [[255, 255, 255, 255], [255, 255, 255, 0], [255, 255, 255, 200]];
        let opacity = [rgba, [[0, 0, 0, 255], [200, 200, 200, 100], [255, 255, 0, 255]]];
        let greys16 = [0xFFFF_u16, 0x00FF, 0x8000, 0, 0x7FFF, 0xFF00].map(u16::to_be_bytes);
        for (bytes, expected) in [
            (png(ColorType::Grayscale, BitDepth::Eight, &[255, 0, 128, 127, 1, 200]), "101001"),
            (png(ColorType::Grayscale, BitDepth::One, &[0b1010_0000, 0b0010_0000]), "101001"),
            (png(ColorType::Grayscale, BitDepth::Sixteen, &greys16.concat()), "101001"),
            (png(ColorType::Rgb, BitDepth::Eight, &rgb.concat()), "101001"),
            (png(ColorType::Indexed, BitDepth::One, &[0b1010_0000, 0b0010_0000]), "101001"),
            (png(ColorType::Rgba, BitDepth::Eight, &opacity.concat().concat()), "101001"),
            (
                png(
                    ColorType::GrayscaleAlpha,
                    BitDepth::Eight,
                    &[255, 255, 255, 9, 200, 200, 0, 255, 128, 128, 128, 255],
                ),
                "101001",
            ),
        ] {
            assert_eq!(read(&bytes, Some((2, 3))).unwrap(), expected);
            assert_eq!(read(&bytes, None).unwrap(), expected);
        }
    }

    #[test]
    fn nonzero_values_of_an_array_are_given() {
        let image = array![[1_u8, 0, 200], [0, 0, 7]];
        let mut turned = Array2::zeros((2, 3).f());
        turned.assign(&image);
        let row = image.flatten();
        for bytes in [
            npy(image.view()),
            npy(turned.view()),
            npy(row.view()),
            npy(row.mapv(|x| x > 0).view()),
            npy(row.mapv(|x| f64::from(x) / 255.0).view()),
            npy(row.mapv(i64::from).insert_axis(ndarray::Axis(0)).view()),
        ] {
            assert_eq!(read(&bytes, Some((2, 3))).unwrap(), "101001");
            assert_eq!(read(&bytes, None).unwrap(), "101001");
        }
    }

    #[test]
    fn each_error_says_what_is_wrong_and_what_to_do() {
        let greys = png(ColorType::Grayscale, BitDepth::Eight, &[255, 0, 128, 127, 1, 200]);
        let size = "but the model has 6 visible units; make it";
        let reals = array![0.0_f32, 1.0, 0.0, 0.0, 0.0, -0.5];
        for (bytes, image_shape, message) in [
            (
                greys.clone(),
                Some((3, 2)),
                format!(": is a mask of 2 x 3, {size} 3 x 2 (rows x col"),
            ),
            (npy(array![1_u8, 0].view()), None, format!("a mask of 2, {size} rows x columns or a")),
            (npy(Array2::<u8>::eye(3).view()), None, format!(": is a mask of 3 x 3, {size}")),
            (
                npy(Array1::<u8>::zeros(6).view()),
                None,
                "but this one gives none; white".to_string(),
            ),
            (
                npy(Array1::from_elem(6, 2_u8).view()),
                None,
                "but this one gives all; white".to_string(),
            ),
            (npy(reals.view()), None, "unit 5 is -0.5, but must be from 0 to 1".to_string()),
            (
                npy(array![1_i8, 0, -1, 0, 0, 0].view()),
                None,
                "unit 2 is -1, but must be 0 where a unit is free, and from 1 to 65535 where it is given"
                    .to_string(),
            ),
            (greys[..50].to_vec(), None, ": is not an intact PNG (".to_string()),
            (
                b"P5 3 2 255".to_vec(),
                None,
                "line 1, column 1 is \"P5\", but must be a number".to_string(),
            ),
            (npy(Array1::<u8>::ones(6).view())[..90].to_vec(), None, ": expected".to_string()),
        ] {
            let error = read(&bytes, image_shape).unwrap_err().to_string();
            assert!(error.contains(&message), "{error}\ndoes not say: {message}");
        }
        for (mask, image_shape, message) in [
            ("top", None, "clamp is top, but must be a file with a mask, because the shape"),
            ("lower", None, "clamp is lower, but must be left, right, top, bottom or the path"),
            ("left", Some((6, 1)), "some of the 6 units and leaves others to draw, but this one"),
        ] {
            let error = shown(&mask.parse().unwrap(), image_shape).unwrap_err().to_string();
            assert!(error.contains(message), "{error}\ndoes not say: {message}");
        }
    }
}
