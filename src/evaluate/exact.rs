//! The exact log-likelihood, by enumeration of the smaller layer, or of the hidden one if visible sites are not
//! bits.

use super::Score;
use super::log_mean::log_sum_exp;
use crate::bits::{BitMatrix, active};
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::memory::Bytes;
use crate::model::Rbm;
use crate::rng::Stream;
use crate::units::Units;
use crate::watch::Watch;
use ndarray::{Array1, Array2, CowArray, Ix2};
use rayon::prelude::*;
use std::ops::Range;

/// The largest smaller layer that is enumerated, in units.
pub const MAX_UNITS: usize = 28;

/// The number of units of the layer that is enumerated: the smaller one, or the hidden one if visible sites are
/// not bits.
pub fn n_enumerated(visible: &Units, n_hidden: usize) -> usize {
    if is_visible_enumerated(visible, n_hidden) { visible.n_units() } else { n_hidden }
}

fn is_visible_enumerated(visible: &Units, n_hidden: usize) -> bool {
    visible.are_bits() && visible.n_units() <= n_hidden
}

/// A model in double precision with its exact log Z.
#[derive(Clone, Debug)]
pub struct Exact {
    weights: Array2<f64>,
    visible: Layer,
    hidden: Layer,
    /// The logarithm of the sum over each [piece](PIECE) of the states.
    log_sums: Vec<f64>,
    log_z: f64,
}

/// The units of one layer and their biases.
#[derive(Clone, Debug)]
struct Layer {
    units: Units,
    bias: Array1<f64>,
    isa: Isa,
}

impl Layer {
    fn of_bits(bias: Array1<f64>) -> Self {
        Self { units: Units::bits(bias.len()), bias, isa: Isa::fastest() }
    }

    fn cumulant(&self, inputs: &Array1<f64>) -> f64 {
        self.units.cumulant_by(self.isa, inputs.as_slice().expect("standard layout"))
    }
}

impl Exact {
    /// The memory of the enumeration of a model (V, H): its weights in both orders.
    pub fn bytes(n_visible: usize, n_hidden: usize) -> Bytes {
        Bytes::of::<[f64; 2]>(&[n_visible, n_hidden])
    }

    /// Sums over all states of the smaller layer.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if it has more than [`MAX_UNITS`] units.
    pub fn new(rbm: &Rbm) -> Result<Self> {
        Self::watched(rbm, Isa::fastest(), Watch::default())
    }

    /// As [`new`](Self::new), on the instruction set `isa` and under a watch.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Interrupted`].
    pub fn watched(rbm: &Rbm, isa: Isa, watch: Watch<'_>) -> Result<Self> {
        let layer = |units: &Units, bias: &Array1<f32>| Layer {
            units: units.clone(),
            bias: bias.mapv(f64::from),
            isa,
        };
        let visible = layer(rbm.visible_units(), rbm.visible_bias());
        let hidden = layer(rbm.hidden_units(), rbm.hidden_bias());
        Self::enumerate(rbm.weights().mapv(f64::from), visible, hidden, watch)
    }

    /// As [`new`](Self::new), for units that are bits, with W (V, H), b (V) and c (H) in double precision.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn from_arrays(
        weights: Array2<f64>,
        visible_bias: Array1<f64>,
        hidden_bias: Array1<f64>,
    ) -> Result<Self> {
        let (visible, hidden) = (Layer::of_bits(visible_bias), Layer::of_bits(hidden_bias));
        Self::enumerate(weights, visible, hidden, Watch::default())
    }

    fn enumerate(
        weights: Array2<f64>,
        visible: Layer,
        hidden: Layer,
        watch: Watch<'_>,
    ) -> Result<Self> {
        let (n_visible, n_hidden) = weights.dim();
        assert_eq!((visible.bias.len(), hidden.bias.len()), (n_visible, n_hidden), "shapes");
        let n_units = n_enumerated(&visible.units, n_hidden);
        if n_units > MAX_UNITS {
            return Err(Error::InvalidSetting {
                setting: "the number of units in the smaller layer",
                value: n_units.to_string(),
                rule: format!("at most {MAX_UNITS} for enumeration; use the method `ais`"),
            });
        }
        let mut exact = Self { weights, visible, hidden, log_sums: Vec::new(), log_z: 0.0 };
        exact.log_sums = exact.states().log_sums(watch)?;
        exact.log_z = log_sum_exp(&exact.log_sums);
        Ok(exact)
    }

    /// The states that are enumerated.
    fn states(&self) -> States<'_> {
        let Self { weights, visible, hidden, .. } = self;
        match is_visible_enumerated(&visible.units, hidden.bias.len()) {
            true => States { weights: weights.view().into(), layer: visible, other: hidden },
            false => {
                let transposed = weights.t().as_standard_layout().into_owned();
                States { weights: transposed.into(), layer: hidden, other: visible }
            }
        }
    }

    /// Draws v from the model for each stream, exactly: (streams, V). States of a piece are summed once for all
    /// streams that draw from it, so that many draws cost at most what the enumeration cost.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub fn draw(&self, streams: &mut [Stream], watch: Watch<'_>) -> Result<BitMatrix> {
        let states = self.states();
        // The share of each piece, added up.
        let ends: Vec<f64> = self
            .log_sums
            .iter()
            .scan(0.0, |end, &log_sum| {
                *end += libm::exp(log_sum - self.log_z);
                Some(*end)
            })
            .collect();
        let uniform = |stream: &mut Stream| {
            let [high, low, ..] = stream.step();
            (f64::from(high) + f64::from(low) / TWO_TO_32) / TWO_TO_32
        };
        let mut draws: Vec<(f64, usize)> =
            streams.iter_mut().enumerate().map(|(at, stream)| (uniform(stream), at)).collect();
        draws.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let piece = |uniform| ends.partition_point(|end| *end <= uniform).min(ends.len() - 1);
        let of_pieces: Vec<_> =
            draws.chunk_by(|(one, _), (other, _)| piece(*one) == piece(*other)).collect();
        let found = of_pieces.into_par_iter().map(|draws| {
            watch.check()?;
            let piece = piece(draws[0].0);
            let codes = states.codes(piece as u64);
            let mut end = if piece == 0 { 0.0 } else { ends[piece - 1] };
            let ends: Vec<f64> = states
                .terms(codes.clone())
                .into_iter()
                .map(|term| {
                    end += libm::exp(term - self.log_z);
                    end
                })
                .collect();
            let state = |&(uniform, at): &(f64, usize)| {
                // Rounding may leave the last state short of the end of its piece.
                let within = ends.partition_point(|end| *end <= uniform).min(ends.len() - 1);
                (at, gray(codes.start + within as u64))
            };
            Ok(draws.iter().map(state).collect::<Vec<_>>())
        });
        let mut drawn = vec![0; streams.len()];
        for (at, state) in found.collect::<Result<Vec<_>>>()?.into_iter().flatten() {
            drawn[at] = state;
        }
        let (units, n_visible) = (&self.visible.units, self.visible.bias.len());
        if std::ptr::eq(states.layer, &self.visible) {
            let is_on = |row: usize, unit: usize| drawn[row] >> unit & 1 == 1;
            return Ok(BitMatrix::from_fn(streams.len(), n_visible, is_on));
        }
        let rows = streams.par_iter_mut().zip(drawn).map(|(stream, state)| {
            let mut inputs = self.visible.bias.clone();
            active(&[state]).for_each(|j| inputs += &self.weights.column(j));
            units.draw_independent(inputs, std::slice::from_mut(stream))
        });
        Ok(BitMatrix::concatenate(&rows.collect::<Vec<_>>()))
    }

    /// log Z.
    pub fn log_z(&self) -> f64 {
        self.log_z
    }

    /// log p(v) = −F(v) − log Z, in nats, of a state v in words of bits; those beyond V must be 0.
    ///
    /// # Panics
    /// If a bit beyond V is on.
    pub fn log_probability(&self, v: &[u64]) -> f64 {
        let mut inputs = self.hidden.bias.clone();
        let mut visible = 0.0;
        for i in active(v) {
            visible += self.visible.bias[i];
            inputs += &self.weights.row(i);
        }
        visible + self.hidden.cumulant(&inputs) - self.log_z
    }

    /// The mean of log p(v) over the rows of `visible` (N, V), in nats an example.
    ///
    /// # Panics
    /// If there is no row, or rows are not V wide.
    pub fn log_likelihood(&self, visible: &BitMatrix) -> Score {
        assert!(visible.n_rows() > 0, "a mean needs at least one row");
        assert_eq!(visible.n_columns(), self.visible.units.n_units(), "visible units");
        let rows = (0..visible.n_rows()).into_par_iter();
        Score::of(&rows.map(|n| self.log_probability(visible.row(n))).collect::<Vec<_>>())
    }
}

/// States that are summed as one piece, in the order of Gray's code. Each piece starts afresh, so that
/// the rounding of increments does not build up.
const PIECE: u64 = 1 << 10;

/// 2³², the number of values of a random word.
const TWO_TO_32: f64 = (1u64 << 32) as f64;

/// All states s of a layer of bits. The inputs of the other layer are its biases + Σᵢ sᵢ Wᵢⱼ.
struct States<'a> {
    /// A row for each unit of `layer`.
    weights: CowArray<'a, f64, Ix2>,
    layer: &'a Layer,
    other: &'a Layer,
}

impl States<'_> {
    fn n(&self) -> u64 {
        1 << self.layer.bias.len()
    }

    /// The numbers, in Gray's code, of the states of a piece.
    fn codes(&self, piece: u64) -> Range<u64> {
        piece * PIECE..((piece + 1) * PIECE).min(self.n())
    }

    /// log Σ_s exp(bias·s + the cumulant of `other`) over each piece.
    fn log_sums(&self, watch: Watch<'_>) -> Result<Vec<f64>> {
        let count = watch.counter("enumeration", self.n());
        let pieces = (0..self.n().div_ceil(PIECE)).into_par_iter();
        let log_sums = pieces.map(|piece| {
            let terms = self.terms(self.codes(piece));
            count(terms.len())?;
            Ok(log_sum_exp(&terms))
        });
        log_sums.collect()
    }

    /// bias·s + the cumulant of `other` for these states.
    fn terms(&self, codes: Range<u64>) -> Vec<f64> {
        let Self { weights, layer: Layer { bias, .. }, other } = self;
        let first = gray(codes.start);
        let mut inputs = other.bias.clone();
        let mut linear = 0.0;
        for i in active(&[first]) {
            linear += bias[i];
            inputs += &weights.row(i);
        }
        let mut terms = Vec::with_capacity(PIECE as usize);
        for code in codes.clone() {
            if code > codes.start {
                // Neighbours in Gray's code differ in unit i alone, so one row of W is added or taken away.
                let i = code.trailing_zeros() as usize;
                if gray(code) >> i & 1 == 1 {
                    linear += bias[i];
                    inputs += &weights.row(i);
                } else {
                    linear -= bias[i];
                    inputs -= &weights.row(i);
                }
            }
            terms.push(linear + other.cumulant(&inputs));
        }
        terms
    }
}

/// The `code`-th word of Gray's code: neighbours differ in bit `code.trailing_zeros()`.
fn gray(code: u64) -> u64 {
    code ^ code >> 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;
    use crate::units::softplus;
    use ndarray::array;

    #[test]
    fn zero_weights_give_the_closed_form() {
        let (b, c) = (array![0.3, -1.0, 2.5], array![0.1, 4.0, -0.5, 0.0]);
        let exact = Exact::from_arrays(Array2::zeros((3, 4)), b.clone(), c.clone()).unwrap();
        let expected: f64 = b.iter().chain(&c).map(|&x| softplus(x)).sum();
        assert!((exact.log_z() / expected - 1.0).abs() < 1e-12);
    }

    #[test]
    #[should_panic(expected = "visible units")]
    fn rows_of_another_width_have_no_likelihood() {
        let exact = Exact::from_arrays(Array2::zeros((3, 4)), Array1::zeros(3), Array1::zeros(4));
        exact.unwrap().log_likelihood(&BitMatrix::zeros(5, 2));
    }

    #[test]
    #[should_panic(expected = "at least one row")]
    fn no_rows_have_no_likelihood() {
        let exact = Exact::from_arrays(Array2::zeros((3, 4)), Array1::zeros(3), Array1::zeros(4));
        exact.unwrap().log_likelihood(&BitMatrix::zeros(0, 3));
    }

    #[test]
    fn either_layer_gives_the_same_sum() {
        let weights =
            Array2::from_shape_fn((11, 13), |(i, j)| ((i * 31 + j * 17) % 23) as f64 / 6.0 - 2.0);
        let b = Array1::from_shape_fn(11, |i| (i % 5) as f64 - 2.0);
        let c = Array1::from_shape_fn(13, |j| (j % 7) as f64 / 2.0 - 1.0);
        let (b, c) = (Layer::of_bits(b), Layer::of_bits(c));
        let log_sum = |weights: Array2<f64>, layer, other| {
            let states = States { weights: weights.into(), layer, other };
            log_sum_exp(&states.log_sums(Watch::default()).unwrap())
        };
        let transposed = weights.t().as_standard_layout().into_owned();
        let (by_visible, by_hidden) = (log_sum(weights, &b, &c), log_sum(transposed, &c, &b));
        assert!((by_visible - by_hidden).abs() < 1e-10, "{by_visible} {by_hidden}");
    }

    #[test]
    fn probabilities_add_up_to_one() {
        let weights = array![[1.0, -2.0], [0.5, 3.0], [-1.5, 0.25]];
        let exact = Exact::from_arrays(weights, array![0.1, 0.2, -0.3], array![-0.5, 0.5]).unwrap();
        let sum: f64 = (0..8).map(|v| exact.log_probability(&[v]).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    /// Each state is drawn as often as its probability says, within 5 standard deviations, by either layer.
    #[test]
    fn draws_have_the_frequencies_of_the_model() {
        const DRAWS: usize = 20_000;
        for (n_visible, n_hidden) in [(4, 5), (5, 3)] {
            let value = |at: usize| ((at * 7919) % 401) as f64 / 100.0 - 2.0;
            let weights = Array2::from_shape_fn((n_visible, n_hidden), |(i, j)| value(i * 6 + j));
            let (b, c) = (Array1::from_shape_fn(n_visible, value), Array1::zeros(n_hidden));
            let exact = Exact::from_arrays(weights, b, c).unwrap();
            let mut streams = Stream::first(DRAWS, 1, Purpose::OnlineLogZ);
            let drawn = exact.draw(&mut streams, Watch::default()).unwrap();
            for v in 0..1 << n_visible {
                let found = (0..DRAWS).filter(|&n| drawn.row(n) == [v]).count() as f64;
                let p = exact.log_probability(&[v]).exp();
                let expected = DRAWS as f64 * p;
                let bound = 5.0 * (expected * (1.0 - p)).sqrt().max(1.0);
                assert!((found - expected).abs() < bound, "{v:b}: {found}, expected {expected}");
            }
        }
    }

    /// Bars and stripes of 2 x 2 pixels, well learned, with weights up to 60; log Z and the mean
    /// log-likelihood of the eight draws by independent enumeration in double precision.
    #[test]
    fn a_model_of_large_weights_has_its_known_figures() {
        let weights = array![
            [0.12179488, 2.95950177, 0.33513356, 35.05380642],
            [0.20318085, -28.62372894, 26.52611278, 28.41793445],
            [-0.19105386, -28.58530584, -26.52747507, 28.78447320],
            [0.08953740, -59.82556859, -0.06665933, -27.71723459],
        ];
        let b = array![-19.24399659, -13.26258696, 13.25909850, 43.74408543];
        let c = array![-0.11155958, 57.02097584, -0.13331758, -32.25991501];
        let exact = Exact::from_arrays(weights, b, c).unwrap();
        assert!((exact.log_z() - 59.67490196521).abs() < 1e-9, "{}", exact.log_z());
        let draws: [u64; 8] = [0b0000, 0b0000, 0b1111, 0b1111, 0b0011, 0b1100, 0b0101, 0b1010];
        let visible = BitMatrix::from_fn(8, 4, |n, i| draws[n] >> i & 1 == 1);
        let score = exact.log_likelihood(&visible);
        assert!((score.mean + 1.73286990780).abs() < 1e-9, "{score:?}");
    }

    #[test]
    fn a_small_model_has_its_known_log_z() {
        let turned = array![
            [0.4967141530112327, -0.13826430117118466, 0.6476885381006925, 1.5230298564080254],
            [-0.23415337472333597, -0.23413695694918055, 1.5792128155073915, 0.7674347291529088],
            [-0.4694743859349521, 0.5425600435859647, -0.46341769281246226, -0.46572975357025687],
        ];
        let c = array![0.24196227156603412, -1.913280244657798, -1.7249178325130328];
        let b = array![
            -0.5622875292409727,
            -1.0128311203344238,
            0.3142473325952739,
            -0.9080240755212109
        ];
        let exact = Exact::from_arrays(turned.t().to_owned(), b, c).unwrap();
        assert!((exact.log_z() - 4.371393737010015).abs() < 1e-12, "{}", exact.log_z());
    }

    #[test]
    fn steps_from_state_to_state_give_the_plain_sum() {
        // 2^13 states make eight pieces, each with a fresh start.
        let weights = Array2::from_shape_fn((13, 70), |(i, j)| ((i * 7 + j * 3) % 11) as f64 - 5.0);
        let (b, c) = (Array1::from_elem(13, 0.5), Array1::from_elem(70, -0.25));
        let plain: Vec<f64> = (0..1u64 << 13)
            .map(|v| {
                let mut inputs = c.clone();
                active(&[v]).for_each(|i| inputs += &weights.row(i));
                0.5 * f64::from(v.count_ones()) + inputs.iter().map(|&x| softplus(x)).sum::<f64>()
            })
            .collect();
        let exact = Exact::from_arrays(weights, b, c).unwrap();
        assert!((exact.log_z() / log_sum_exp(&plain) - 1.0).abs() < 1e-14);
    }

    /// Units in another order describe the same model. So does a flipped unit: on stands for off, the
    /// signs of its weights and bias change, and the biases that it fed take up the difference.
    #[test]
    fn permuted_and_flipped_units_keep_the_likelihood() {
        let value = |at: usize| ((at * 7919) % 401) as f64 / 100.0 - 2.0;
        let weights = Array2::from_shape_fn((9, 6), |(i, j)| value(i * 6 + j));
        let (b, c) = (Array1::from_shape_fn(9, value), Array1::from_shape_fn(6, |j| value(j + 99)));
        let visible = BitMatrix::from_fn(20, 9, |n, i| (n * n + 3 * i * n + i) % 5 < 2);
        let likelihood = |weights: &Array2<f64>, b: &Array1<f64>, c: &Array1<f64>| {
            let exact = Exact::from_arrays(weights.clone(), b.clone(), c.clone()).unwrap();
            exact.log_likelihood(&visible).mean
        };
        let expected = likelihood(&weights, &b, &c);

        let order = [3, 0, 5, 1, 4, 2];
        let permuted = likelihood(
            &Array2::from_shape_fn((9, 6), |(i, j)| weights[[i, order[j]]]),
            &b,
            &Array1::from_shape_fn(6, |j| c[order[j]]),
        );
        assert!((permuted - expected).abs() < 1e-10, "{permuted} {expected}");

        let (mut flipped, mut flipped_b, mut flipped_c) = (weights.clone(), b.clone(), c.clone());
        flipped_b += &weights.column(2);
        flipped.column_mut(2).mapv_inplace(|w| -w);
        flipped_c[2] = -c[2];
        let found = likelihood(&flipped, &flipped_b, &flipped_c);
        assert!((found - expected).abs() < 1e-10, "{found} {expected}");
    }

    #[test]
    fn too_many_units_are_refused() {
        let (b, c) = (Array1::zeros(29), Array1::zeros(30));
        let error = Exact::from_arrays(Array2::zeros((29, 30)), b, c).unwrap_err().to_string();
        assert!(
            error.contains("units in the smaller layer is 29, but must be at most 28"),
            "{error}"
        );
    }
}
