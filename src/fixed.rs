//! Fixed point: parameters as integers, so that their sums are exact in any order.

use crate::error::Result;
use crate::state::{State, bad};
use std::ops::RangeInclusive;

/// Binary places after the point of 32-bit weights. The resolution is 1e-6 and the range ±2048.
pub const TRAINING_PLACES: i32 = 20;

/// The most binary places of 16-bit weights: the resolution is 5e-4 and the range ±16.
pub const NARROW_PLACES: i32 = 11;

/// The fewest binary places of 16-bit weights. Weights above 96 take 32 bits.
pub const LEAST_NARROW_PLACES: i32 = 8;

/// The fewest binary places. 2^30 times the resolution is then 2^150, above any sum of f32.
const LEAST_PLACES: i32 = -120;

/// A fixed-point format: the integer `n` stands for `n · 2^-places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    places: i32,
}

impl Scale {
    /// The format of training.
    pub const TRAINING: Self = Self { places: TRAINING_PLACES };

    /// The finest format, up to [`TRAINING`](Self::TRAINING), in which a sum of magnitude `norm`
    /// leaves half of the range of an i32 free. For very large weights the integers stand for
    /// multiples of 2, 4, 8, …
    ///
    /// # Panics
    /// If `norm` is NaN or above 2^150, which a sum of 2^22 f32 cannot reach.
    pub fn fitting(norm: f64) -> Self {
        (LEAST_PLACES..=TRAINING_PLACES)
            .rev()
            .map(|places| Self { places })
            .find(|scale| norm <= scale.limit())
            .expect("a norm of finite f32 parameters")
    }

    /// The format of training on numbers up to `largest`: [`TRAINING`](Self::TRAINING) up to 1, and
    /// beyond with a range wider by `largest`², rounded up to a power of two. Updates are larger by
    /// that factor. As the bits of the model cannot reproduce such data, the parameters also drift
    /// further.
    pub fn for_numbers(largest: f64) -> Self {
        let most = TRAINING_PLACES - LEAST_PLACES;
        let power = |more: &i32| 2f64.powi(*more) >= largest * largest;
        let more = (0..most).find(power).unwrap_or(most);
        Self { places: TRAINING_PLACES - more }
    }

    /// The format of training a model whose units have up to `n_weights` weights on numbers up to
    /// `largest`. The range [for these numbers](Self::for_numbers) is wider by `n_weights` / 32,768,
    /// rounded up to a power of two, as sums of many weights are large from the start.
    pub fn for_training(largest: f64, n_weights: usize) -> Self {
        let more = n_weights.div_ceil(1 << 15).next_power_of_two().ilog2() as i32;
        Self { places: (Self::for_numbers(largest).places - more).max(LEAST_PLACES) }
    }

    /// The range in units of the range of [`TRAINING`](Self::TRAINING).
    pub fn widening(self) -> f64 {
        self.limit() / Self::TRAINING.limit()
    }

    /// The largest Σ|weights| + |bias| of a unit that leaves half of the range free: 1024 in training.
    pub fn limit(self) -> f64 {
        f64::from(1 << 30) * f64::from(self.resolution())
    }

    /// The value of the integer 1: 2^-places.
    pub fn resolution(self) -> f32 {
        power_of_two(-self.places)
    }

    /// The format in which the integer 1 has this value, if there is one.
    pub(crate) fn of_resolution(resolution: f32) -> Option<Self> {
        let mut scales = (LEAST_PLACES..=TRAINING_PLACES).map(|places| Self { places });
        scales.find(|scale| scale.resolution() == resolution)
    }

    /// `x · 2^places` rounded to the nearest integer, ties to even. The result is right up to 2^30
    /// and arbitrary beyond.
    ///
    /// Adding 1.5·2^23 to an f32 leaves the rounded integer in its low bits, but only up to 2^22,
    /// which is a weight of 4 in training. So 1.5·2^31 first splits the number into a multiple of
    /// 256 and a rest of at most 128. (In f64 one addition would do, but takes twice as long.)
    #[inline(always)]
    pub fn round(self, x: f32) -> i32 {
        const UPPER: f32 = 1.5 * (1u32 << 31) as f32;
        const LOWER: f32 = 1.5 * (1u32 << 23) as f32;
        let low_bits =
            |sum: f32, magic: f32| (sum.to_bits() as i32).wrapping_sub(magic.to_bits() as i32);
        let scaled = x * power_of_two(self.places);
        let upper = scaled + UPPER;
        let rest = scaled - (upper - UPPER);
        (low_bits(upper, UPPER) << 8).wrapping_add(low_bits(rest + LOWER, LOWER))
    }
}

/// The fixed-point format of weights during training, and the width of their integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 16 bits.
    Narrow(Scale),
    /// 32 bits.
    Wide(Scale),
}

impl Format {
    /// The finest format of 16 bits, from 11 places down to 8, in which weights up to `largest` take at most
    /// three quarters of the range, so that they have room to grow; if 8 places are too many, 32 bits at
    /// the scale `wide`.
    pub fn fitting(largest: f64, wide: Scale) -> Self {
        (LEAST_NARROW_PLACES..=NARROW_PLACES)
            .rev()
            .map(|places| Self::Narrow(Scale { places }))
            .find(|format| largest <= 0.75 * format.largest_weight())
            .unwrap_or(Self::Wide(wide))
    }

    /// The scale.
    pub fn scale(self) -> Scale {
        match self {
            Self::Narrow(scale) | Self::Wide(scale) => scale,
        }
    }

    /// The largest weight that fits. (32 bits hold any: their sums are what is limited.)
    pub fn largest_weight(self) -> f64 {
        match self {
            Self::Narrow(scale) => f64::from(i16::MAX) * f64::from(scale.resolution()),
            Self::Wide(_) => f64::INFINITY,
        }
    }

    /// Puts the format under a name.
    pub(crate) fn save(self, name: &str, state: &mut State) {
        let width = match self {
            Self::Narrow(_) => 16.0,
            Self::Wide(_) => 32.0,
        };
        state.put(name, &[2], vec![width, f64::from(self.scale().places)]);
    }

    /// Reads a format that was [saved](Self::save).
    ///
    /// # Errors
    /// As [`State::get`]; [`Error::BadState`](crate::Error::BadState) for a format that no training has.
    pub(crate) fn restore(name: &str, state: &State) -> Result<Self> {
        let [width, places] = state.get::<f64>(name, &[2])?[..] else {
            unreachable!("two numbers")
        };
        let is_in = |range: RangeInclusive<i32>| {
            places.fract() == 0.0
                && (f64::from(*range.start())..=f64::from(*range.end())).contains(&places)
        };
        let scale = Scale { places: places as i32 };
        match width {
            16.0 if is_in(LEAST_NARROW_PLACES..=NARROW_PLACES) => Ok(Self::Narrow(scale)),
            32.0 if is_in(LEAST_PLACES..=TRAINING_PLACES) => Ok(Self::Wide(scale)),
            _ => Err(bad(name, "is not a format of weights")),
        }
    }
}

/// An integer that holds a weight.
pub trait Fixed: Copy + Default + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// `x · 2^places` rounded to the nearest integer, ties to even; arbitrary beyond the range of training.
    fn round(scale: Scale, x: f32) -> Self;

    /// The same integer.
    fn widened(self) -> i32;
}

impl Fixed for i32 {
    #[inline(always)]
    fn round(scale: Scale, x: f32) -> Self {
        scale.round(x)
    }

    #[inline(always)]
    fn widened(self) -> i32 {
        self
    }
}

impl Fixed for i16 {
    /// Adding 1.5·2^23 to an f32 leaves the rounded integer in its low bits.
    #[inline(always)]
    fn round(scale: Scale, x: f32) -> Self {
        const MAGIC: f32 = 1.5 * (1u32 << 23) as f32;
        // The low 16 bits of the magic number are 0.
        (x * power_of_two(scale.places) + MAGIC).to_bits() as i16
    }

    #[inline(always)]
    fn widened(self) -> i32 {
        self.into()
    }
}

/// 2^exponent, for exponents from -126 to 127, those of normal numbers.
#[inline(always)]
fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((127 + exponent) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_numbers_have_a_wider_range() {
        for (largest, widening) in
            [(0.0, 1.0), (1.0, 1.0), (1.01, 2.0), (2.0, 4.0), (250.0, 65536.0)]
        {
            assert_eq!(Scale::for_numbers(largest).widening(), widening);
        }
        assert_eq!(Scale::for_numbers(1.0), Scale::TRAINING);
        assert_eq!(Scale::for_training(1.0, 1 << 15), Scale::TRAINING);
        assert_eq!(Scale::for_training(1.0, (1 << 15) + 1).widening(), 2.0);
        assert_eq!(Scale::for_training(2.0, 250_000).widening(), 4.0 * 8.0);
        assert!(Scale::for_numbers(f64::from(f32::MAX)).widening() == 2f64.powi(140));
    }

    #[test]
    fn rounding_is_to_nearest_and_ties_go_to_even() {
        let half = 0.5 / (1u32 << TRAINING_PLACES) as f32;
        for (x, expected) in [
            (0.0, 0),
            (half, 0),
            (3.0 * half, 2),
            (-half, 0),
            (-3.0 * half, -2),
            (4.0, 4 << TRAINING_PLACES),
            (-6.5, -13 << (TRAINING_PLACES - 1)),
            (1023.75, 1_073_479_680),
            (1024.0, 1 << 30),
            (-1024.0, -(1 << 30)),
        ] {
            assert_eq!(Scale::TRAINING.round(x), expected, "{x}");
        }
        // All exponents of f32 around the range, 2^-25 to 2^10, with both signs.
        let wide = (0..400_000_u32).map(|at| {
            let exponent = 102 + at % 35;
            let mantissa = at.wrapping_mul(0x9E37_79B9) >> 9;
            f32::from_bits((at % 2) << 31 | exponent << 23 | mantissa)
        });
        for x in (-100_000..100_000).map(|step| step as f32 * 0.000_071_3).chain(wide) {
            let expected = (f64::from(x) * f64::from(1 << TRAINING_PLACES)).round_ties_even();
            assert_eq!(Scale::TRAINING.round(x), expected as i32, "{x}");
        }
    }

    #[test]
    fn narrow_weights_are_rounded_and_have_room_to_grow() {
        for (largest, places) in [(0.0, 11), (11.9, 11), (12.1, 10), (47.0, 9), (95.9, 8)] {
            let format = fitting(largest);
            assert_eq!(format, Format::Narrow(Scale { places }), "{largest}");
            assert!(1.3 * largest < format.largest_weight());
            let scale = format.scale();
            for n in (0..32_767).step_by(7) {
                for (sign, part) in [(1.0, 0.0), (-1.0, 0.0), (1.0, 0.4), (-1.0, 0.4), (1.0, 0.5)] {
                    let x = sign * (f64::from(n) + part);
                    let rounded = i16::round(scale, (x * f64::from(scale.resolution())) as f32);
                    assert_eq!(f64::from(rounded), x.round_ties_even(), "{x}");
                }
            }
        }
        assert_eq!(fitting(96.1), Format::Wide(Scale::TRAINING));
        assert_eq!(fitting(f64::NAN), Format::Wide(Scale::TRAINING));
    }

    #[test]
    fn a_format_is_restored_as_it_was_saved() {
        for format in [fitting(1.0), fitting(50.0), Format::Wide(Scale::for_numbers(1e9))] {
            let mut state = State::default();
            format.save("format", &mut state);
            assert_eq!(Format::restore("format", &state).unwrap(), format);
        }
        for bad in [[16.0, 12.0], [16.0, 7.0], [8.0, 11.0], [32.0, 20.5], [32.0, f64::NAN]] {
            let mut state = State::default();
            state.put("format", &[2], bad.to_vec());
            assert!(Format::restore("format", &state).is_err(), "{bad:?}");
        }
    }

    fn fitting(largest: f64) -> Format {
        Format::fitting(largest, Scale::TRAINING)
    }

    #[test]
    fn a_scale_is_as_fine_as_its_norm_allows() {
        assert_eq!(Scale::fitting(0.0), Scale::TRAINING);
        assert_eq!(Scale::fitting(1024.0), Scale::TRAINING);
        assert_eq!(Scale::fitting(1024.1), Scale { places: 19 });
        assert_eq!(Scale::fitting(1e9), Scale { places: 0 });
        assert_eq!(Scale::fitting(2e9), Scale { places: -1 });
        let largest = Scale::fitting(f64::from(f32::MAX) * f64::from(1 << 22));
        assert_eq!(largest, Scale { places: LEAST_PLACES });
        assert_eq!(largest.round(f32::MAX), 1 << 8);
        assert_eq!(Scale { places: -1 }.round(2e9), 1_000_000_000);
    }
}
