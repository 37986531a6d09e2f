//! Examples for training and scores: rows of bits or of numbers.

use super::example_weights::n_effective;
use super::values::{Values, WHITE};
use super::{Binarization, Columns, Dataset, ExampleWeights, Labels, WeightedBits, bit_sums};
use crate::bits::{BitMatrix, active};
use crate::error::{MissingWay, Result};
use crate::kernels::tile::SIDE;
use crate::kernels::{Isa, sampling};
use crate::memory::Bytes;
use crate::reals::RealRows;
use crate::rng::{Purpose, Stream};
use crate::states::States;
use crate::units::Units;
use ndarray::Array1;

/// Examples for training and scores: rows of bits, fixed or drawn anew at each visit, or rows of numbers
/// that are used as they are.
///
/// ```
/// use harmonium::dataset::{Binarization, Dataset, Examples};
/// use ndarray::array;
/// let greys = Dataset::from_bytes("two pixels", array![[0_u8, 51], [255, 204]])?;
/// let examples = Examples::new(greys, Binarization::Threshold(0.5));
/// assert!(examples.is_fixed());
/// assert_eq!(examples.mean(), array![0.5, 0.5]);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Examples {
    /// The data, as bits if the examples are fixed.
    data: Dataset,
    /// Whether the positive phase uses the numbers as they are.
    is_real: bool,
}

impl Examples {
    /// Prepares a data set. Bits stay as they are; intensities become bits by a threshold, are kept to draw
    /// bits from, or are kept as numbers.
    pub fn new(dataset: Dataset, binarization: Binarization) -> Self {
        let values = match (binarization, &dataset.values) {
            (_, Values::Bits(_)) | (Binarization::Stochastic, _) => {
                return Self { data: dataset, is_real: false };
            }
            (Binarization::Threshold(threshold), _) => {
                let is_on = |example, unit| dataset.intensity(example, unit) > threshold;
                Values::Bits(BitMatrix::from_fn(dataset.n_examples(), dataset.n_visible(), is_on))
            }
            (Binarization::None, Values::Reals(_)) => return Self { data: dataset, is_real: true },
            (Binarization::None, Values::Bytes(bytes)) => {
                let mut rows = RealRows::new(dataset.n_visible());
                let intensity = |&x: &u8| (f64::from(x) / WHITE) as f32;
                (0..dataset.n_examples())
                    .for_each(|example| rows.push(bytes.row(example).iter().map(intensity)));
                Values::Reals(rows)
            }
        };
        let is_real = matches!(values, Values::Reals(_));
        Self { data: Dataset { values, ..dataset }, is_real }
    }

    /// The numbers, if they are used as they are and are not all 0 and 1.
    pub fn reals(&self) -> Option<&RealRows> {
        match &self.data.values {
            Values::Reals(reals) if self.is_real => Some(reals),
            _ => None,
        }
    }

    /// The memory of the examples.
    pub fn bytes(&self) -> Bytes {
        let of_weights =
            Bytes::of::<f64>(&[self.n_examples()]) + Bytes::of::<u32>(&[self.n_examples()]);
        let mask = BitMatrix::bytes(self.n_examples(), self.n_visible());
        self.data.values.bytes()
            + if self.weights().is_some() { of_weights } else { Bytes(0) }
            + if self.missing().is_some() { mask } else { Bytes(0) }
    }

    /// The weights of the examples, if they differ.
    pub fn weights(&self) -> Option<&ExampleWeights> {
        self.data.weights()
    }

    /// The labels of the examples, if they have any.
    pub fn labels(&self) -> Option<&Labels> {
        self.data.labels()
    }

    /// The number of examples whose label is known; all if the examples have no labels.
    pub fn n_labelled(&self) -> usize {
        let known = |labels: &Labels| labels.of_examples().iter().flatten().count();
        self.labels().map_or(self.n_examples(), known)
    }

    /// Where units have no value (N, V), if any has none. The examples are 0 there.
    pub fn missing(&self) -> Option<&BitMatrix> {
        self.data.missing()
    }

    /// A note for the user that no value is missing, where a rule for such values is set.
    pub fn none_missing_note(&self) -> Option<String> {
        self.data.none_missing_note()
    }

    /// The number of examples that have a value of each site.
    pub fn n_given(&self) -> Vec<usize> {
        let (units, n) = (self.units(), self.n_examples());
        let lacking = |unit| {
            self.missing().map_or(0, |mask| (0..n).filter(|&row| mask.get(row, unit)).count())
        };
        units.sites().map(|site| n - lacking(site.start)).collect()
    }

    /// The number of examples that count alike with a value of each site: without weights [`n_given`](Self::n_given), else
    /// the share that their weights have in all, of [`n_effective`](Self::n_effective) examples; at least 1 where any
    /// has a value.
    pub fn n_given_alike(&self) -> Vec<usize> {
        let n_given = self.n_given();
        let Some(weights) = self.weights() else { return n_given };
        let (given, of_weight) =
            (self.given_weights(), self.n_effective() / weights.total() as f64);
        let n_alike = |unit: usize| of_weight * given[unit] as f64;
        let starts = self.units().sites().map(|site| site.start).collect::<Vec<_>>();
        let of_site = |(n, start): (usize, usize)| {
            if n == 0 { 0 } else { n_alike(start).round().max(1.0) as usize }
        };
        n_given.into_iter().zip(starts).map(of_site).collect()
    }

    /// Checks that each example has a value. From one without any nothing can be learned.
    ///
    /// # Errors
    /// [`Error::Unsuitable`](crate::Error::Unsuitable) for the first that has none.
    pub fn check_have_values(&self) -> Result<()> {
        self.data.check_have_values()
    }

    /// Refuses missing values, which `user` cannot use unless by one of these settings.
    pub(crate) fn refuse_missing(
        &self,
        user: &'static str,
        ways: &'static [MissingWay],
    ) -> Result<()> {
        self.data.refuse_missing_but(user, ways)
    }

    /// The numbers of the examples that scores of p(v, label) can use: those whose label is known, or all if the
    /// examples have no labels.
    pub fn labelled(&self) -> Vec<usize> {
        let labels = self.labels().map(Labels::of_examples);
        let is_known = |example: &usize| labels.is_none_or(|all| all[*example].is_some());
        (0..self.n_examples()).filter(is_known).collect()
    }

    /// The number of examples of equal weight that are worth as much as these: [`ExampleWeights::n_effective`].
    pub fn n_effective(&self) -> f64 {
        self.weights().map_or(self.n_examples() as f64, ExampleWeights::n_effective)
    }

    /// The name of the data in messages.
    pub fn name(&self) -> &str {
        self.data.name()
    }

    /// The SHA-256 of the file, as [`Dataset::sha256`].
    pub fn sha256(&self) -> Option<&str> {
        self.data.sha256()
    }

    /// (rows, columns) if an example is an image.
    pub fn image_shape(&self) -> Option<(usize, usize)> {
        self.data.image_shape()
    }

    /// The columns, if the units of an example stand for categories or named bits.
    pub fn columns(&self) -> Option<&Columns> {
        self.data.columns()
    }

    /// The largest magnitude of the numbers that are used as they are, at least 1; for bits 1.
    pub fn largest(&self) -> f64 {
        let numbers = self.reals().into_iter().flat_map(RealRows::rows).flat_map(|row| row.values);
        numbers.fold(1.0, |most, x| f64::from(x.abs()).max(most))
    }

    /// The number of examples, at least 1.
    pub fn n_examples(&self) -> usize {
        self.data.n_examples()
    }

    /// V, the number of units of an example, at least 1.
    pub fn n_visible(&self) -> usize {
        self.data.n_visible()
    }

    /// The units of an example.
    pub fn units(&self) -> Units {
        self.data.units()
    }

    /// Whether an example has the same bits at each visit.
    pub fn is_fixed(&self) -> bool {
        self.data.is_binary()
    }

    /// Writes the bits of one example to `row`, ⌈V/64⌉ words; those past the last unit are 0.
    ///
    /// To draw bits, unit i takes word i mod 16 of step ⌊i/16⌋ of the stream, ⌈V/16⌉ steps in all, and is
    /// on if the top 24 bits of the word are below its intensity times 2²⁴, rounded. Fixed bits do not
    /// call `stream`.
    ///
    /// # Panics
    /// If the example does not exist, or `row` has another length.
    pub fn write_bits(
        &self,
        isa: Isa,
        example: usize,
        stream: impl FnOnce() -> Stream,
        row: &mut [u64],
    ) {
        assert_eq!(row.len(), self.n_visible().div_ceil(SIDE), "words of a row");
        match &self.data.values {
            Values::Bits(bits) => row.copy_from_slice(bits.row(example)),
            Values::Bytes(bytes) => {
                sampling::draw_grey_levels(isa, bytes.row(example), stream(), row);
            }
            Values::Reals(reals) => {
                let n_units = reals.n_columns();
                sampling::draw_intensities(isa, reals.row(example), n_units, stream(), row);
            }
        }
    }

    /// Prepares for the [bits](Self::write_bits) of an example.
    pub(crate) fn prefetch(&self, example: usize) {
        if let Values::Bytes(bytes) = &self.data.values {
            sampling::prefetch(bytes.row(example));
        }
    }

    /// Σ w̃ over the examples that have a value of each unit (V).
    fn given_weights(&self) -> Array1<u64> {
        let weights = self.weights();
        let total = weights.map_or(self.n_examples() as u64, ExampleWeights::total);
        let mut given = Array1::from_elem(self.n_visible(), total);
        let weight = |row: usize| weights.map_or(1, |all| u64::from(all.whole()[row]));
        if let Some(missing) = self.missing() {
            for row in 0..missing.n_rows() {
                active(missing.row(row)).for_each(|unit| given[unit] -= weight(row));
            }
        }
        if let Some(labels) = self.labels() {
            let known: u64 = self.labelled().into_iter().map(weight).sum();
            let first = self.n_visible() - labels.classes().n();
            given.iter_mut().skip(first).for_each(|given| *given = known);
        }
        given
    }

    /// The rates of the units (V), by Laplace's rule ([`Units::laplace_rates`]) from the examples that have a value.
    pub fn rates(&self) -> Array1<f64> {
        // Shares keep the start that runs had before their sum was their number.
        let n_of_all =
            self.weights().map_or(self.n_examples() as f64, |all| n_effective(all.values()));
        let (units, mean) = (self.units(), self.mean());
        if self.missing().is_none() && self.n_labelled() == self.n_examples() {
            return units.laplace_rates(&mean, n_of_all.round() as usize);
        }
        let given = self.given_weights();
        let total = self.weights().map_or(self.n_examples() as u64, ExampleWeights::total) as f64;
        let n_examples = |unit: usize| (n_of_all * given[unit] as f64 / total).round() as usize;
        units.laplace_rates_of(&mean, n_examples)
    }

    /// ⟨vᵢ⟩ over the examples that have a value of unit i (V): the mean of fixed bits, or of the numbers, weighted as
    /// in training. If none has, all values of its site are equally likely. Bits and grey levels are summed
    /// exactly, reals in f64 in the order of the examples.
    pub fn mean(&self) -> Array1<f64> {
        let weights = self.weights();
        let weight = |example: usize| weights.map_or(1, |all| u64::from(all.whole()[example]));
        let given = self.given_weights();
        let mut means = match &self.data.values {
            Values::Bits(bits) => {
                let sums = match weights {
                    None => bit_sums::n_on(bits),
                    Some(all) => bit_sums::weight_on(bits, all.whole()),
                };
                ndarray::Zip::from(&sums).and(&given).map_collect(|&sum, &n| sum as f64 / n as f64)
            }
            Values::Bytes(bytes) => {
                let mut sums = Array1::<u64>::zeros(bytes.shape().1);
                for (example, row) in bytes.rows().enumerate() {
                    let weight = weight(example);
                    sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += u64::from(x) * weight);
                }
                ndarray::Zip::from(&sums)
                    .and(&given)
                    .map_collect(|&sum, &n| sum as f64 / (WHITE * n as f64))
            }
            Values::Reals(reals) => {
                let mut sums = Array1::<f64>::zeros(reals.n_columns());
                for (example, row) in reals.rows().enumerate() {
                    let weight = weight(example) as f64;
                    row.iter().for_each(|(unit, x)| sums[unit] += f64::from(x) * weight);
                }
                sums / given.mapv(|n| n as f64)
            }
        };
        if let Some(unit) = given.iter().position(|&n| n == 0) {
            let uniform = self.units().uniform_rates();
            (unit..given.len())
                .filter(|&unit| given[unit] == 0)
                .for_each(|unit| means[unit] = uniform[unit]);
        }
        means
    }

    /// All examples, as numbers if these are used as they are, else as [bits](Self::fixed_bits).
    pub fn visible(&self, seed: u64) -> States<BitMatrix, RealRows> {
        match self.reals() {
            Some(reals) => States::Reals(reals.clone()),
            None => States::Bits(self.fixed_bits(seed, 0..self.n_examples())),
        }
    }

    /// The bits of some examples, a row each, for scores and monitors. Every call with the same seed
    /// returns the same bits.
    pub fn fixed_bits(&self, seed: u64, examples: impl Iterator<Item = usize>) -> BitMatrix {
        self.fixed_draw(seed, 0, examples)
    }

    /// [`fixed_bits`](Self::fixed_bits) with the weights of the examples, and what they lack.
    pub fn weighted_bits(&self, seed: u64, examples: impl Iterator<Item = usize>) -> WeightedBits {
        let examples: Vec<_> = examples.collect();
        let weight = |all: &ExampleWeights| examples.iter().map(|&n| all.values()[n]).collect();
        let weights = self.weights().map(weight);
        let missing = self.missing().map(|missing| missing.chosen(&examples));
        let are_shares = self.weights().is_some_and(ExampleWeights::are_shares);
        WeightedBits::new(self.fixed_bits(seed, examples.iter().copied()), weights)
            .of_shares(are_shares)
            .lacking(missing)
    }

    /// Draw number `draw` of these bits, for means over several draws. Number 0 is
    /// [`fixed_bits`](Self::fixed_bits).
    pub fn fixed_draw(
        &self,
        seed: u64,
        draw: u64,
        examples: impl Iterator<Item = usize>,
    ) -> BitMatrix {
        let examples: Vec<_> = examples.collect();
        let first = draw * self.n_examples() as u64;
        let mut bits = BitMatrix::zeros(examples.len(), self.n_visible());
        for (row, &example) in examples.iter().enumerate() {
            let stream = || Stream::new(seed, Purpose::EvaluationBits, first + example as u64);
            self.write_bits(Isa::fastest(), example, stream, bits.row_mut(row));
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Encoding;
    use crate::rng::STEP;
    use ndarray::{Array2, Axis, array};

    fn greys(bytes: Array2<u8>) -> Dataset {
        Dataset::from_bytes_as("greys", bytes, Encoding::GreyLevels(255)).unwrap()
    }

    fn stochastic(bytes: Array2<u8>) -> Examples {
        Examples::new(greys(bytes), Binarization::Stochastic)
    }

    fn never() -> Stream {
        panic!("fixed bits need no stream")
    }

    fn row(examples: &Examples, example: usize, index: u64) -> Vec<u64> {
        let mut row = vec![u64::MAX; examples.n_visible().div_ceil(64)];
        let stream = || Stream::new(3, Purpose::Binarize, index);
        examples.write_bits(Isa::fastest(), example, stream, &mut row);
        row
    }

    #[test]
    fn bits_are_taken_as_they_are() {
        let bits = BitMatrix::from_fn(3, 70, |row, column| (row + column) % 3 == 0);
        for binarization in [Binarization::Stochastic, Binarization::Threshold(0.9)] {
            let examples = Examples::new(Dataset::from_bits("bits", bits.clone()), binarization);
            assert!(examples.is_fixed());
            let mut row = [u64::MAX; 2];
            examples.write_bits(Isa::fastest(), 1, never, &mut row);
            assert_eq!(row, bits.row(1));
            assert_eq!(examples.fixed_bits(0, 0..3), bits);
        }
    }

    #[test]
    fn only_intensities_above_the_threshold_are_on() {
        let bytes = array![[0_u8, 51, 52, 255]];
        let examples =
            |data, at| Examples::new(data, Binarization::Threshold(at)).fixed_bits(0, 0..1);
        let on = |bits: &BitMatrix| active(bits.row(0)).collect::<Vec<_>>();
        assert_eq!(on(&examples(greys(bytes.clone()), 0.2)), [2, 3]);
        assert_eq!(on(&examples(greys(bytes), 0.0)), [1, 2, 3]);
        let reals =
            Dataset::from_intensities("reals", array![[0.0, 0.25, 0.250_000_03, 1.0]]).unwrap();
        assert_eq!(on(&examples(reals, 0.25)), [2, 3]);
    }

    #[test]
    fn draws_follow_the_definition() {
        for n_visible in [1, 15, 16, 17, 63, 64, 65, 130, 784] {
            let bytes = Array2::from_shape_fn((2, n_visible), |(n, i)| (n * 91 + i * 37) as u8);
            // Levels of at least 2 are never taken for bits.
            let bytes = bytes.mapv(|x| x.max(2));
            let reals = bytes.mapv(|x| f32::from(x) / 256.0);
            let data = Dataset::from_intensities("reals", reals.clone()).unwrap();
            let (greys, reals_drawn) =
                (stochastic(bytes.clone()), Examples::new(data, Binarization::Stochastic));
            let mut stream = Stream::new(3, Purpose::Binarize, 8);
            let steps: Vec<_> = (0..n_visible.div_ceil(STEP)).map(|_| stream.step()).collect();
            let draw = |i: usize| f64::from(steps[i / STEP][i % STEP] >> 8);
            let scale = f64::from(1 << 24);
            let expected = |threshold: &dyn Fn(usize) -> f64| {
                BitMatrix::from_fn(1, n_visible, |_, i| draw(i) < threshold(i)).row(0).to_vec()
            };
            let of_byte = |i| (f64::from(bytes[[1, i]]) * scale / 255.0).round();
            let of_real = |i| (f64::from(reals[[1, i]]) * scale).round();
            assert_eq!(row(&greys, 1, 8), expected(&of_byte), "{n_visible}");
            assert_eq!(row(&reals_drawn, 1, 8), expected(&of_real), "{n_visible}");
        }
    }

    #[test]
    fn a_grey_pixel_is_on_with_its_intensity_as_probability() {
        const DRAWS: u64 = 40_000;
        let examples = stochastic(array![[64_u8, 0, 255]]);
        let mut counts = [0.0; 3];
        for index in 0..DRAWS {
            active(&row(&examples, 0, index)).for_each(|unit| counts[unit] += 1.0);
        }
        let (n, p) = (DRAWS as f64, 64.0 / 255.0);
        let six_deviations = 6.0 * (n * p * (1.0 - p)).sqrt();
        assert!((counts[0] - n * p).abs() < six_deviations, "{counts:?}");
        assert_eq!(counts[1..], [0.0, n]);
    }

    #[test]
    fn fixed_bits_depend_only_on_the_example_and_the_seed() {
        let bytes = Array2::from_shape_fn((5, 100), |(n, i)| (n * 50 + i) as u8);
        let examples = stochastic(bytes);
        let all = examples.fixed_bits(7, 0..5);
        let some = examples.fixed_bits(7, [4, 1, 1].into_iter());
        assert_eq!((some.row(0), some.row(1), some.row(2)), (all.row(4), all.row(1), all.row(1)));
        assert_ne!(examples.fixed_bits(8, 0..5), all);
        let stream = || Stream::new(7, Purpose::EvaluationBits, 4);
        let mut row = [0; 2];
        examples.write_bits(Isa::fastest(), 4, stream, &mut row);
        assert_eq!(row, all.row(4));
    }

    #[test]
    fn means_run_over_fixed_bits_or_intensities() {
        let bytes = array![[0_u8, 255, 100], [0, 255, 200]];
        let data = greys(bytes);
        let drawn = Examples::new(data.clone(), Binarization::Stochastic);
        assert_eq!(drawn.mean(), array![0.0, 1.0, 300.0 / 510.0]);
        let fixed = Examples::new(data, Binarization::Threshold(0.5));
        assert_eq!(fixed.mean(), array![0.0, 1.0, 0.5]);
        let reals = Dataset::from_intensities("reals", array![[0.25, 1.0], [0.5, 1.0]]).unwrap();
        assert_eq!(Examples::new(reals, Binarization::Stochastic).mean(), array![0.375, 1.0]);
    }

    #[test]
    fn a_mean_with_whole_weights_is_that_of_repeated_examples() {
        let rows = array![[0.0_f32, 0.25, 1.0], [1.0, 0.5, 0.0], [1.0, 0.75, 0.0]];
        let whole = rows.mapv(f32::round);
        let bytes = rows.mapv(|x| (x * 255.0).round() as u8);
        let repeated = [0, 1, 1, 1, 2, 2];
        let pairs = [
            [rows.clone(), rows.select(Axis(0), &repeated)],
            [whole.clone(), whole.select(Axis(0), &repeated)],
        ];
        let of = |rows: Array2<f32>| Dataset::from_intensities("rows", rows).unwrap();
        let mut pairs = Vec::from(pairs.map(|pair| pair.map(of)));
        pairs.push([bytes.clone(), bytes.select(Axis(0), &repeated)].map(greys));
        for [once, repeated] in pairs {
            let weighted = once.weighted("w", &[1.0, 3.0, 2.0]).unwrap();
            let mean = |data| Examples::new(data, Binarization::Stochastic).mean();
            assert_eq!(mean(weighted), mean(repeated));
        }
    }

    #[test]
    fn numbers_are_used_as_they_are_without_binarization() {
        let greys = greys(array![[0, 51], [255, 204]]);
        let examples = Examples::new(greys, Binarization::None);
        let expected = RealRows::from(array![[0.0_f32, 0.2], [1.0, 0.8]].view());
        assert_eq!(examples.reals(), Some(&expected));
        assert_eq!(examples.mean(), array![0.5, (f64::from(0.2_f32) + f64::from(0.8_f32)) / 2.0]);
        let spread = RealRows::from(array![[-3.0_f32, 0.5, 7.0]].view());
        let examples = Examples::new(Dataset::from_numbers("any", spread), Binarization::None);
        let draws: Vec<_> = (0..20).map(|draw| examples.fixed_draw(5, draw, 0..1)).collect();
        let bits = BitMatrix::concatenate(&draws);
        assert!((0..20).all(|n| !bits.get(n, 0) && bits.get(n, 2)));
        assert!((0..20).any(|n| bits.get(n, 1)) && (0..20).any(|n| !bits.get(n, 1)));
        // Neither bits nor intensities to draw from are used as numbers.
        let bits = Dataset::from_bits("bits", BitMatrix::zeros(2, 2));
        assert_eq!(Examples::new(bits, Binarization::None).reals(), None);
        let reals = Dataset::from_intensities("reals", array![[0.25, 1.0]]).unwrap();
        assert_eq!(Examples::new(reals, Binarization::Stochastic).reals(), None);
    }
}
