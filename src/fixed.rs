//! Fixed point: parameters as integers, so that their sums are exact in any order.

/// Binary places after the point in training: a resolution of 1e-6 and a range of ±2048.
pub const TRAINING_PLACES: u32 = 20;

/// A fixed-point format: the integer `n` stands for `n · 2^-places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    places: u32,
}

impl Scale {
    /// The format of training.
    pub const TRAINING: Self = Self { places: TRAINING_PLACES };

    /// The finest format, up to that of training, in which a sum of magnitude `norm` keeps half
    /// of the range of an i32 free; none if even whole numbers do not fit or `norm` is not finite.
    pub fn fitting(norm: f64) -> Option<Self> {
        (0..=TRAINING_PLACES)
            .rev()
            .map(|places| Self { places })
            .find(|scale| norm <= scale.limit())
    }

    /// The largest Σ|weights| + |bias| of a unit for which half of the range stays free: 1024 in
    /// training.
    pub fn limit(self) -> f64 {
        f64::from(1u32 << (30 - self.places))
    }

    /// What the integer 1 stands for: 2^-places.
    pub fn resolution(self) -> f32 {
        1.0 / (1u32 << self.places) as f32
    }

    /// `x · 2^places` as the nearest integer, ties to even; exact while that is below 2^31.
    ///
    /// Adding 1.5·2^52 to an f64 leaves the rounded integer in its low bits. The same trick in
    /// f32 is wrong from |x| = 4 on, and trained weights reach 6.5.
    #[inline(always)]
    pub fn round(self, x: f32) -> i32 {
        const TO_LOW_BITS: f64 = 1.5 * (1u64 << 52) as f64;
        (f64::from(x) * f64::from(1u32 << self.places) + TO_LOW_BITS).to_bits() as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(Scale::TRAINING.round(x), expected, "{x}");
        }
        for step in -100_000..100_000 {
            let x = step as f32 * 0.000_071_3;
            let expected = (f64::from(x) * f64::from(1 << TRAINING_PLACES)).round_ties_even();
            assert_eq!(Scale::TRAINING.round(x), expected as i32, "{x}");
        }
    }

    #[test]
    fn a_scale_is_as_fine_as_its_norm_allows() {
        assert_eq!(Scale::fitting(0.0), Some(Scale::TRAINING));
        assert_eq!(Scale::fitting(1024.0), Some(Scale::TRAINING));
        assert_eq!(Scale::fitting(1024.1), Some(Scale { places: 19 }));
        assert_eq!(Scale::fitting(1e9), Some(Scale { places: 0 }));
        assert_eq!(Scale::fitting(2e9), None);
        assert_eq!(Scale::fitting(f64::NAN), None);
    }
}
