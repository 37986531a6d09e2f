//! PNG: an image is one example, and its grey levels are the values of its units.

use super::Encoding;
use super::holes::Holes;
use super::stored_array::{Number, StoredArray};
use super::unpack::MOST_PACKED;
use crate::error::{Error, Result};
use crate::memory::{self, Bytes, Need};
use png::{BitDepth, Decoder, Transformations};
use std::io::Cursor;
use std::path::Path;

/// The first bytes of a file in this format.
pub(super) const MAGIC: &[u8] = b"\x89PNG";

/// The samples of an image, 8 or 16 bits each, without a palette.
pub(super) struct Samples {
    /// (rows, columns).
    pub shape: (usize, usize),
    /// 1 and 2 (grey), 3 and 4 (colours); the last of 2 or 4 is the opacity.
    pub n_channels: usize,
    /// Bytes of a sample, 1 or 2, big endian.
    pub size: usize,
    /// (rows, columns, channels, size).
    pub bytes: Vec<u8>,
}

impl Samples {
    /// Decodes an unpacked file.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if it is damaged, or too short for its size in pixels.
    pub fn read(path: &Path, bytes: &[u8]) -> Result<Self> {
        let unsuitable = |rule| Error::Unsuitable { path: path.into(), rule };
        let damaged =
            |cause: png::DecodingError| unsuitable(format!("is not an intact PNG ({cause})"));
        let mut decoder = Decoder::new(Cursor::new(bytes));
        decoder.set_transformations(Transformations::EXPAND);
        let mut reader = decoder.read_info().map_err(damaged)?;
        let (info, (columns, rows)) = (reader.info(), reader.info().size());
        let claimed = info.raw_row_length().checked_mul(rows as usize);
        let size = reader.output_buffer_size();
        let (Some(_), Some(size)) = (claimed.filter(|&n| n / MOST_PACKED <= bytes.len()), size)
        else {
            let n = bytes.len();
            return Err(unsuitable(format!(
                "is not an intact PNG (its {n} bytes cannot hold {columns} x {rows} pixels)"
            )));
        };
        let what = || format!("{}: {columns} x {rows} pixels", path.display());
        // The samples, and the grey levels that are made of them.
        memory::check(what, &[Need::new(Bytes::of::<[u8; 2]>(&[size]), &[])])?;
        let mut samples = vec![0; size];
        reader.next_frame(&mut samples).map_err(damaged)?;
        let (colour, depth) = reader.output_color_type();
        Ok(Self {
            shape: (rows as usize, columns as usize),
            n_channels: colour.samples(),
            size: if depth == BitDepth::Sixteen { 2 } else { 1 },
            bytes: samples,
        })
    }

    /// The pixels in reading order: the samples of each.
    pub fn pixels(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.n_channels * self.size)
    }
}

/// The grey levels of one or more images of the same shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// (rows, columns).
    pub shape: (usize, usize),
    /// Bytes of a level, 1 or 2, big endian.
    pub size: usize,
    /// (images, rows, columns, size).
    pub levels: Vec<u8>,
}

impl Picture {
    /// Reads an image of greys. Colours that are all grey count as grey.
    ///
    /// # Errors
    /// As [`Samples::read`]; [`Error::Unsuitable`] for colours and transparency.
    pub fn read(path: &Path, bytes: &[u8]) -> Result<Self> {
        let samples = Samples::read(path, bytes)?;
        let Samples { shape, n_channels, size, .. } = samples;
        let unsuitable = |rule: &str| {
            let rule =
                format!("{rule}; convert it, as by `magick FILE -alpha off -colorspace Gray FILE`");
            Err(Error::Unsuitable { path: path.into(), rule })
        };
        let mut levels = Vec::with_capacity(shape.0 * shape.1 * size);
        for pixel in samples.pixels() {
            let (colours, opacity) = match n_channels {
                2 | 4 => pixel.split_at(pixel.len() - size),
                _ => (pixel, &[][..]),
            };
            if opacity.iter().any(|&byte| byte != u8::MAX) {
                return unsuitable("has transparent pixels, which are no grey levels");
            }
            let (grey, others) = colours.split_at(size);
            if others.chunks_exact(size).any(|other| other != grey) {
                return unsuitable("has colours, but a unit takes a grey level");
            }
            levels.extend_from_slice(grey);
        }
        Ok(Self { shape, size, levels })
    }

    /// The images as examples. If all are black and white, they are bits.
    pub fn into_array(mut self, path: &Path) -> StoredArray<'_> {
        let (rows, columns) = self.shape;
        let n = self.levels.len() / (self.size * rows * columns);
        if self.levels.iter().all(|&byte| byte == 0 || byte == u8::MAX) && self.size == 1 {
            self.levels.iter_mut().for_each(|byte| *byte /= u8::MAX);
        }
        StoredArray {
            path,
            bytes: self.levels.into(),
            name: path,
            file: None,
            more: Vec::new(),
            offset: 0,
            number: Number::Unsigned(self.size),
            is_big_endian: true,
            is_column_major: false,
            shape: vec![n, rows, columns],
            encoding: Encoding::GreyLevels((1 << (8 * self.size)) - 1),
            holes: Holes::default(),
        }
    }
}
