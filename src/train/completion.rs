//! The values that examples lack, with `missing = marginal`: a Gibbs chain for each such example, clamped to
//! what it has.
//!
//! Let v be what an example has and u what it lacks. As in steps 1 to 4 of the crate page,
//!
//! ```text
//! ∂ ln p(v)/∂θ = −E_{p(u, h | v)}[∂E/∂θ] + E_{p(u, v, h)}[∂E/∂θ]
//! ```
//!
//! The second term is the negative phase as ever. The first is an average over u, which its chain draws:
//! whenever the example is visited, h given u and v, then u given h, k times. As the parameters move slowly, a
//! chain that was near p(u | v) stays near it, so it goes on from where the last visit left it (Tieleman, 2008,
//! does the same for the other phase). E[h | u, v] is then known in closed form.
//!
//! Only u is kept. The words of a visit come from a stream of their own, whose index is epoch · N + example.

use super::config::{Missing, TrainConfig};
use super::parameters::Parameters;
use super::positive_phase::{Batch, PositivePhase};
use crate::bits::{BitMatrix, BitPanels, WORD};
use crate::dataset::Examples;
use crate::error::Result;
use crate::gibbs::{Chains, FixedWeights};
use crate::memory::{Bytes, Need};
use crate::rng::{Purpose, Stream};
use crate::state::{State, bad};
use crate::states::States;
use crate::watch::Watch;

/// The name of u in a saved state.
const DRAWN: &str = "missing.drawn";

/// The chains of the examples that lack values.
#[derive(Clone, Debug)]
pub struct Completion {
    /// u of each example of the data set (examples, V), off where it has a value.
    drawn: BitMatrix,
    /// The chains of the mini-batch, one for each of its examples that lack values.
    chains: Chains,
    /// v and u at the start of this visit.
    start: BitPanels,
    /// On where such an example has no value.
    missing: BitPanels,
    /// The numbers of these examples in the data set.
    examples: Vec<u32>,
    /// Their rows in the mini-batch.
    rows: Vec<usize>,
    /// A buffer for v and u of one of them.
    whole: Vec<u64>,
}

impl Completion {
    /// The memory that these examples need by settings [for the data](TrainConfig::for_data): none if no value is
    /// drawn.
    pub(crate) fn need(config: &TrainConfig, examples: &Examples) -> Need {
        let (n_visible, capacity) = (examples.n_visible(), config.batch_size);
        let of_batch = Chains::bytes(capacity, n_visible, config.n_hidden())
            + BitPanels::bytes(capacity, n_visible) * 2;
        let drawn = Self::bytes_of_state(config, examples);
        let bytes = if drawn == Bytes(0) { drawn } else { drawn + of_batch };
        Need::new(bytes, &["batch_size", "limit"])
    }

    /// The memory of what it [saves](Self::save).
    pub(crate) fn bytes_of_state(config: &TrainConfig, examples: &Examples) -> Bytes {
        match (config.missing, examples.missing()) {
            (Some(Missing::Marginal), Some(_)) => {
                BitMatrix::bytes(examples.n_examples(), examples.n_visible())
            }
            _ => Bytes(0),
        }
    }

    /// u before the first visit (examples, V), if an example lacks values: independent draws at the rates of the
    /// values that others have. Example n draws from the stream n.
    pub fn first(examples: &Examples, seed: u64) -> Option<BitMatrix> {
        let missing = examples.missing()?;
        let units = examples.units();
        let biases = units.log_odds(&examples.rates()).mapv(f64::from);
        let mut drawn = BitMatrix::zeros(missing.n_rows(), missing.n_columns());
        for n in 0..missing.n_rows() {
            let mut stream = [Stream::new(seed, Purpose::FirstMissingValues, n as u64)];
            let row = units.draw_independent(biases.iter().copied(), &mut stream);
            let masked = row.row(0).iter().zip(missing.row(n)).map(|(drawn, mask)| drawn & mask);
            drawn.row_mut(n).iter_mut().zip(masked).for_each(|(to, word)| *to = word);
        }
        Some(drawn)
    }

    /// Chains that start at u = `drawn` (examples, V), for mini-batches of at most `capacity` examples.
    pub fn new(drawn: BitMatrix, weights: &FixedWeights, capacity: usize) -> Self {
        let start = BitPanels::zeros(capacity, weights.visible_units.layout().clone());
        let streams = Stream::first(capacity, 0, Purpose::MissingValues);
        let chains = Chains::from_visible(weights, &start.to_matrix(), streams);
        Self {
            drawn,
            chains,
            missing: start.clone(),
            start,
            examples: Vec::with_capacity(capacity),
            rows: Vec::with_capacity(capacity),
            whole: Vec::new(),
        }
    }

    /// Makes room for mini-batches of at most `capacity` examples.
    pub fn make_room(&mut self, weights: &FixedWeights, capacity: usize) {
        let drawn = std::mem::replace(&mut self.drawn, BitMatrix::zeros(0, weights.n_visible()));
        *self = Self::new(drawn, weights, capacity);
    }

    /// Puts u under its name.
    pub fn save(&self, state: &mut State) {
        let shape = [self.drawn.n_rows(), self.drawn.n_columns().div_ceil(WORD)];
        state.put(DRAWN, &shape, self.drawn.words().to_vec());
    }

    /// Continues from a saved u.
    ///
    /// # Errors
    /// [`Error::BadState`](crate::Error::BadState) if it does not fit the data set.
    pub fn restore(&mut self, state: &State) -> Result<()> {
        let (n_examples, n_visible) = (self.drawn.n_rows(), self.drawn.n_columns());
        let words = state.get(DRAWN, &[n_examples, n_visible.div_ceil(WORD)])?;
        let drawn = BitMatrix::from_words(n_examples, n_visible, words.to_vec());
        self.drawn = drawn.ok_or_else(|| bad(DRAWN, "has bits past the last unit"))?;
        Ok(())
    }

    /// Takes the examples of a mini-batch that lack values; the positive phase is clamped to what they have.
    pub fn visit(&mut self, batch: Batch<'_>, positive: &PositivePhase, seed: u64) {
        let Self { drawn, chains, start, missing, examples, rows, whole } = self;
        examples.clear();
        rows.clear();
        chains.streams.clear();
        let mask = batch.examples.missing().expect("examples that lack values");
        for (row, &example) in batch.rows.iter().enumerate() {
            if mask.row(example as usize).iter().any(|&word| word != 0) {
                let address = batch.first_address + u64::from(example);
                chains.streams.push(Stream::new(seed, Purpose::MissingValues, address));
                examples.push(example);
                rows.push(row);
            }
        }
        start.set_n_rows(rows.len());
        missing.set_n_rows(rows.len());
        for (at, (&example, &row)) in examples.iter().zip(&*rows).enumerate() {
            let (mask, drawn) = (mask.row(example as usize), drawn.row(example as usize));
            let given = positive.rows().row(row).iter();
            whole.clear();
            whole.extend(given.zip(drawn).map(|(given, drawn)| given | drawn));
            start.set_row(at, whole);
            missing.set_row(at, mask);
        }
    }

    /// Moves the chains by `gibbs_steps` sweeps, and clamps the positive phase to their v and u.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn sweep(
        &mut self,
        parameters: &Parameters,
        positive: &mut PositivePhase,
        gibbs_steps: usize,
        watch: Watch<'_>,
    ) -> Result<()> {
        let Self { chains, start, missing, rows, .. } = self;
        if rows.is_empty() {
            return Ok(());
        }
        let weights = parameters.fixed();
        chains.restart(weights, parameters.hidden_given_reals(), States::Bits(start))?;
        for step in 1..=gibbs_steps {
            chains.draw_visible(weights.visible_given_hidden(), watch)?;
            chains.visible.take_others(missing, start);
            if step < gibbs_steps {
                chains.draw_hidden(weights.hidden_given_visible(), watch)?;
            }
        }
        positive.set_rows(rows, &chains.visible);
        Ok(())
    }

    /// Keeps u for the next visit.
    pub fn keep(&mut self) {
        let Self { drawn, chains, missing, examples, .. } = self;
        for (at, &example) in examples.iter().enumerate() {
            let words = chains.visible.row(at).zip(missing.row(at)).map(|(v, mask)| v & mask);
            let row = drawn.row_mut(example as usize);
            row.fill(0);
            missing.layout().pack(words, row);
        }
    }
}
