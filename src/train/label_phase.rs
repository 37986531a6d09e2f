//! The positive phase of data with labels where p(h | v, y) of a row of data does not suffice: if p(y | v) is
//! maximised, or if examples have no label.
//!
//! ```text
//!  v without the label ──► x = c + v W ──► Σⱼ softplus(x + u_k) ──► p(k | v) ──► shares aₙₖ
//!                               └────────► σ(x + u_k) ◄──────────────────────────────┘
//!                                             └──► rₙⱼ as p̃, sums of the classes
//! ```

use super::config::{Algorithm, Missing, TrainConfig};
use super::label_sums::LabelSums;
use super::objective::{Objective, Parts};
use super::outset::{LabelSite, Outset};
use super::parameters::Parameters;
use super::positive_phase::{Batch, PositivePhase};
use super::row_weights::RowWeights;
use super::statistics::Statistics;
use crate::dataset::{Examples, Labels};
use crate::error::Result;
use crate::kernels::Isa;
use crate::kernels::classes::{self, ClassShare, ClassSums};
use crate::kernels::sigmoid::MEAN_ONE;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::kernels::tiled::Padded;
use crate::memory::{Bytes, Need};
use crate::ranks::{Ranks, of_panels};
use crate::setting::check;
use crate::units::category;
use crate::watch::Watch;
use rayon::prelude::*;
use std::ops::Range;

/// The rows of a piece of work. Sums over the rows are added piece after piece, so it is fixed.
const ROWS: usize = 64;

/// The label of each example of a mini-batch, and what is computed with it.
#[derive(Clone, Debug)]
pub struct LabelPhase {
    parts: Parts,
    n_classes: usize,
    /// The label of each example (N).
    labels: Vec<Option<u8>>,
    /// Their weights (N), if they differ.
    row_weights: Vec<f32>,
    /// u_k (hidden panels, K), and the biases d_k (K).
    of_classes: (Vec<Row<f32>>, Vec<f64>),
    /// A piece for each 64 rows of each panel of hidden units.
    pieces: Vec<Piece>,
    /// p(k | v) (N, K).
    probabilities: Vec<f64>,
    /// (N, K)
    shares: Vec<ClassShare>,
}

/// Up to 64 rows of a panel of hidden units.
#[derive(Clone, Debug)]
struct Piece {
    /// x, then r.
    inputs: Aligned<Row<f32>>,
    /// Σⱼ softplus(x + u_k) over the panel, (rows, K).
    cumulants: Vec<f64>,
    sums: ClassSums,
}

impl LabelPhase {
    /// The memory of the phase in a run on these examples, if it may need one.
    pub fn need(config: &TrainConfig, examples: &Examples) -> Need {
        let of_labels = |labels: &Labels| {
            Self::bytes(config.batch_size, config.n_hidden(), labels.classes().n())
        };
        let all_known = examples.n_labelled() == examples.n_examples();
        let stands_apart = config.objective != Objective::Generative || !all_known;
        let bytes = examples.labels().filter(|_| stands_apart).map_or(Bytes(0), of_labels);
        Need::new(bytes, &["batch_size", "hidden"])
    }

    /// The memory of a phase for mini-batches of `n_rows` examples.
    fn bytes(n_rows: usize, n_hidden: usize, n_classes: usize) -> Bytes {
        let of_piece =
            Bytes::of::<Row<f32>>(&[ROWS + n_classes + 1]) + Bytes::of::<f64>(&[ROWS, n_classes]);
        let of_panel = of_piece * n_rows.div_ceil(ROWS) + Bytes::of::<Row<f32>>(&[n_classes]);
        of_panel * n_hidden.div_ceil(SIDE)
            + Bytes::of::<ClassShare>(&[n_rows, n_classes])
            + Bytes::of::<f64>(&[n_rows, n_classes])
    }

    /// The phase that a run needs, if it needs one. There is room for one example.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if the objective needs labels and the data have
    /// none, or for a setting that does not go with it.
    pub fn of(config: &TrainConfig, outset: &Outset) -> Result<Option<Self>> {
        let label = Self::label(config, outset.labels, outset.completion.is_some())?;
        Ok(label.map(|label| Self::new(config.objective, label.n_classes, config.n_hidden())))
    }

    /// The label of the phase that a run on examples with these labels needs, if it needs one; `completes` says whether
    /// examples lack values that are completed.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn label(
        config: &TrainConfig,
        labels: Option<LabelSite>,
        completes: bool,
    ) -> Result<Option<LabelSite>> {
        let TrainConfig { objective, algorithm, chain_reset, sparsity_cost, .. } = *config;
        let needs_labels = objective != Objective::Generative;
        let Some(labels) = labels else {
            check("objective", objective, !needs_labels, || {
                "generative, as the examples have no labels".to_string()
            })?;
            return Ok(None);
        };
        if !needs_labels && labels.are_known {
            return Ok(None);
        }
        let why = match needs_labels {
            true => format!("with the objective {objective}"),
            false => "where some examples have no label".to_string(),
        };
        let is_cd = algorithm == Algorithm::Cd && objective.needs_chains();
        let is_absent = is_cd && config.missing == Some(Missing::Absent);
        check("missing", "absent", !is_absent, || format!("left out {why}"))?;
        check("algorithm", algorithm, !is_cd, || format!("auto, pcd, pt or ptt {why}"))?;
        let or = if needs_labels { "" } else { "; or leave out those examples, or the labels" };
        check("missing", "marginal", !completes, || format!("left out {why}{or}"))?;
        check("chain_reset", chain_reset, chain_reset == 0.0, || format!("0 {why}"))?;
        check("sparsity_cost", sparsity_cost, sparsity_cost == 0.0, || format!("0 {why}"))?;
        Ok(Some(labels))
    }

    /// A phase for one example.
    fn new(objective: Objective, n_classes: usize, n_hidden: usize) -> Self {
        let mut phase = Self {
            parts: objective.parts(),
            n_classes,
            labels: Vec::new(),
            row_weights: Vec::new(),
            of_classes: (Vec::new(), Vec::new()),
            pieces: Vec::new(),
            probabilities: Vec::new(),
            shares: Vec::new(),
        };
        phase.make_room(1, n_hidden);
        phase
    }

    /// The memory that [`make_room`](Self::make_room) needs.
    pub fn need_of_room(&self, n_rows: usize, n_hidden: usize) -> Need {
        Need::new(Self::bytes(n_rows, n_hidden, self.n_classes), &["batch_size", "hidden"])
    }

    /// Makes room for mini-batches of at most `n_rows` examples.
    pub fn make_room(&mut self, n_rows: usize, n_hidden: usize) {
        let (k, n_panels) = (self.n_classes, n_hidden.div_ceil(SIDE));
        let piece = Piece {
            inputs: aligned([0.0; SIDE], ROWS),
            cumulants: vec![0.0; ROWS * k],
            sums: ClassSums::new(k),
        };
        self.pieces = vec![piece; n_panels * n_rows.div_ceil(ROWS)];
        self.of_classes = (vec![[0.0; SIDE]; n_panels * k], vec![0.0; k]);
        self.probabilities = vec![0.0; n_rows * k];
        self.shares = vec![ClassShare::default(); n_rows * k];
        self.labels = Vec::with_capacity(n_rows);
        self.row_weights = Vec::with_capacity(n_rows);
    }

    /// Takes the labels of a mini-batch.
    pub fn take_labels(&mut self, batch: Batch<'_>) {
        let labels = batch.examples.labels().expect("examples with labels").of_examples();
        self.labels.clear();
        self.labels.extend(batch.rows.iter().map(|&row| labels[row as usize]));
    }

    /// K.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Computes the shares of the classes, writes r as p̃ of the examples to the statistics, and sets their sums
    /// of the label. `shifts` (H) are those of the dither.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn take(
        &mut self,
        parameters: &Parameters,
        positive: &PositivePhase,
        statistics: &mut Statistics,
        shifts: &Padded<u32>,
        watch: Watch<'_>,
    ) -> Result<()> {
        let (isa, n, k) = (parameters.fixed().isa, self.labels.len(), self.n_classes);
        let places = LabelSums::places_in(&parameters.exact.visible_units, k);
        let n_panels = parameters.exact.hidden_bias.len();
        let n_blocks = n.div_ceil(ROWS);
        self.take_classes(parameters, &places);
        self.row_weights.clear();
        let weights = statistics.weights().map_or(&[][..], RowWeights::rows);
        self.row_weights.extend(weights.iter().map(|&weight| weight as f32));
        let rows_of = |block: usize| block * ROWS..((block + 1) * ROWS).min(n);
        let Self { pieces, of_classes: (of_classes, _), .. } = self;
        // A longer mini-batch has more pieces.
        let pieces = &mut pieces[..n_panels * n_blocks];
        let ranks = parameters.ranks();
        let own = ranks.own(n_panels);
        let own_pieces = of_panels(pieces, n_panels, &own).par_iter_mut().enumerate();
        own_pieces.try_for_each(|(at, piece)| {
            watch.check()?;
            let (panel, rows) = (own.start + at / n_blocks, rows_of(at % n_blocks));
            piece.take_inputs(parameters, positive, panel, rows.start, rows.len());
            piece.cumulants.resize(rows.len() * k, 0.0);
            let weights = &of_classes[panel * k..][..k];
            classes::cumulants(isa, &piece.inputs, weights, &mut piece.cumulants);
            Ok(())
        })?;
        self.share_cumulants(ranks, n_panels)?;
        self.take_shares(n_panels);

        let Self { parts, pieces, shares, row_weights, of_classes: (of_classes, _), .. } = self;
        let (parts, shares, row_weights) = (*parts, &*shares, &**row_weights);
        let pieces = &mut pieces[..n_panels * n_blocks];
        let scale = f64::from(MEAN_ONE) / (parts.generative + parts.discriminative);
        let capacity = statistics.capacities().0 + statistics.capacities().1;
        let means = of_panels(&mut statistics.mean_hidden, n_panels, &own);
        let own_pieces = of_panels(pieces, n_panels, &own).par_chunks_mut(n_blocks);
        let panels = means.par_chunks_mut(capacity).zip(own_pieces).enumerate();
        panels.try_for_each(|(at, (means, pieces))| {
            let panel = own.start + at;
            let blocks = means[..n].par_chunks_mut(ROWS).zip(pieces).enumerate();
            blocks.try_for_each(|(block, (means, piece))| {
                watch.check()?;
                let rows = rows_of(block);
                let weights = row_weights.get(rows.clone());
                let shares = &shares[rows.start * k..rows.end * k];
                piece.weigh(isa, &of_classes[panel * k..][..k], shares, weights);
                let shifts = &shifts[panel];
                classes::dithered(isa, &piece.inputs, scale as f32, rows.start, shifts, means);
                Ok(())
            })
        })?;
        let weight = |n: usize| row_weights.get(n).map_or(1.0, |&weight| f64::from(weight));
        let sum = |class: usize, share: fn(&ClassShare) -> f32| -> f64 {
            (0..n).map(|n| weight(n) * f64::from(share(&shares[n * k + class]))).sum()
        };
        let sums = statistics.label_sums_or_new(|| LabelSums::new(parts, places.clone(), n_panels));
        for (total, pieces) in sums.panels.iter_mut().zip(pieces.chunks(n_blocks)) {
            total.clear();
            pieces.iter().for_each(|piece| total.add(&piece.sums));
        }
        share_sums(&mut sums.panels, k, ranks)?;
        for class in 0..k {
            sums.of_biases[class] = sum(class, |share| share.gradient);
            sums.shares[class] = sum(class, |share| share.mean);
        }
        Ok(())
    }

    /// Gives every rank Σⱼ softplus(xⱼ + u_k) over the panels of the others.
    fn share_cumulants(&mut self, ranks: &Ranks, n_panels: usize) -> Result<()> {
        if !ranks.are_several() {
            return Ok(());
        }
        let (n, k) = (self.labels.len(), self.n_classes);
        let n_blocks = n.div_ceil(ROWS);
        let own = ranks.own(n_panels);
        let mut all = vec![0.0; n_panels * n * k];
        for (panel, pieces) in self.pieces.chunks(n_blocks).enumerate().take(n_panels) {
            let rows = all[panel * n * k..][..n * k].chunks_mut(ROWS * k).zip(pieces);
            rows.filter(|_| own.contains(&panel))
                .for_each(|(to, piece)| to.copy_from_slice(&piece.cumulants));
        }
        ranks.share(&mut [&mut all], n_panels, |rank| ranks.part(rank, n_panels))?;
        for (panel, pieces) in self.pieces.chunks_mut(n_blocks).enumerate().take(n_panels) {
            let rows = all[panel * n * k..][..n * k].chunks(ROWS * k).zip(pieces);
            for (from, piece) in rows {
                piece.cumulants.clear();
                piece.cumulants.extend_from_slice(from);
            }
        }
        Ok(())
    }

    /// Copies the weights and the biases of the units of the label.
    fn take_classes(&mut self, parameters: &Parameters, places: &Range<usize>) {
        let (weights, biases) = &mut self.of_classes;
        for (panel, weights) in weights.chunks_mut(places.len()).enumerate() {
            weights.copy_from_slice(&parameters.exact.weights.panel(panel).rows()[places.clone()]);
        }
        let of_places = &parameters.exact.visible_bias.as_flattened()[places.clone()];
        biases.iter_mut().zip(of_places).for_each(|(to, &bias)| *to = bias.into());
    }

    /// The shares of the classes of each example, from p(k | v) ∝ exp(d_k + Σⱼ softplus(xⱼ + u_k)).
    fn take_shares(&mut self, n_panels: usize) {
        let Self { parts, n_classes, labels, of_classes: (_, biases), pieces, .. } = self;
        let (k, n_blocks) = (*n_classes, labels.len().div_ceil(ROWS));
        let blocks = self.shares.par_chunks_mut(ROWS * k);
        let blocks = blocks.zip(self.probabilities.par_chunks_mut(ROWS * k));
        let blocks = blocks.zip(labels.par_chunks(ROWS)).enumerate();
        blocks.for_each(|(block, ((shares, probabilities), labels))| {
            let rows = shares.chunks_mut(k).zip(probabilities.chunks_mut(k)).zip(labels);
            for (row, ((shares, p), label)) in rows.enumerate() {
                p.copy_from_slice(biases);
                for panel in 0..n_panels {
                    let of_panel = &pieces[panel * n_blocks + block].cumulants[row * k..][..k];
                    p.iter_mut().zip(of_panel).for_each(|(p, x)| *p += x);
                }
                category::softmax(p);
                for (class, (share, &p)) in shares.iter_mut().zip(&*p).enumerate() {
                    let is_label =
                        label.map(|label| f64::from(u8::from(usize::from(label) == class)));
                    let mean = is_label.unwrap_or(p);
                    let rise = is_label.map_or(0.0, |is_label| is_label - p);
                    *share = ClassShare {
                        gradient: (parts.generative * mean + parts.discriminative * rise) as f32,
                        mean: mean as f32,
                    };
                }
            }
        });
    }
}

/// Gives every rank the sums of the panels of the others, for K classes.
fn share_sums(panels: &mut [ClassSums], k: usize, ranks: &Ranks) -> Result<()> {
    if !ranks.are_several() {
        return Ok(());
    }
    let mut all = vec![[0.0; SIDE]; panels.len() * (k + 1)];
    for (rows, sums) in all.chunks_mut(k + 1).zip(&*panels) {
        rows[..k].copy_from_slice(&sums.of_classes);
        rows[k] = sums.mean;
    }
    ranks.share(&mut [&mut all], panels.len(), |rank| ranks.part(rank, panels.len()))?;
    for (rows, sums) in all.chunks(k + 1).zip(panels) {
        sums.of_classes.copy_from_slice(&rows[..k]);
        sums.mean = rows[k];
    }
    Ok(())
}

impl Piece {
    /// Computes x of the rows from `first` on.
    fn take_inputs(
        &mut self,
        parameters: &Parameters,
        positive: &PositivePhase,
        panel: usize,
        first: usize,
        n: usize,
    ) {
        self.inputs.resize(n, [0.0; SIDE]);
        parameters.hidden_inputs(panel, positive.visible(), first, &mut self.inputs);
        let n_units = parameters.exact.hidden_units.columns(panel).len();
        if n_units < SIDE {
            self.inputs.iter_mut().for_each(|row| row[n_units..].fill(classes::PADDING));
        }
    }

    /// Turns x into r, and sums over the rows.
    fn weigh(
        &mut self,
        isa: Isa,
        of_classes: &[Row<f32>],
        shares: &[ClassShare],
        row_weights: Option<&[f32]>,
    ) {
        self.sums.clear();
        classes::weigh_classes(
            isa,
            &mut self.inputs,
            of_classes,
            shares,
            row_weights,
            &mut self.sums,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::ascent::Ascent;
    use super::super::schedule::Schedule;
    use super::super::timetable::Timetable;
    use super::*;
    use crate::bits::BitMatrix;
    use crate::dataset::{Binarization, Classes, Dataset};
    use crate::model::Rbm;
    use crate::units::Units;
    use ndarray::{Array1, Array2, Axis, s};

    const FEATURES: usize = 5;
    const K: usize = 3;
    const V: usize = FEATURES + K;
    const H: usize = 4;
    const N: usize = 20;
    const RATE: f32 = 1e-3;

    /// W, b and c as one list.
    type Flat = Vec<f64>;

    fn model() -> Rbm {
        let value = |at: usize| ((at * 37 + 11) % 29) as f32 / 16.0 - 0.875;
        let sites = Units::of_sites([1, 1, 1, 1, 1, K]).unwrap();
        let weights = Array2::from_shape_fn((V, H), |(i, j)| value(i * H + j));
        let visible = Array1::from_shape_fn(V, |i| value(i + 100));
        Rbm::of_sites(sites, weights, visible, Array1::from_shape_fn(H, |j| value(j + 200)))
            .unwrap()
    }

    fn flat(rbm: &Rbm) -> Flat {
        let all = rbm.weights().iter().chain(rbm.visible_bias()).chain(rbm.hidden_bias());
        all.map(|&x| f64::from(x)).collect()
    }

    fn moved(rbm: &Rbm, at: usize, by: f32) -> Rbm {
        let mut w = rbm.weights().clone();
        let (mut b, mut c) = (rbm.visible_bias().clone(), rbm.hidden_bias().clone());
        match at {
            _ if at < V * H => w[[at / H, at % H]] += by,
            _ if at < V * H + V => b[at - V * H] += by,
            _ => c[at - V * H - V] += by,
        }
        Rbm::of_sites(rbm.visible_units().clone(), w, b, c).unwrap()
    }

    /// −F(v, y) of a state of the features and a class.
    fn log_weight(rbm: &Rbm, features: u64, class: usize) -> f64 {
        -rbm.free_energy(&[features | 1 << (FEATURES + class)])
    }

    fn log_sum_exp(terms: impl Iterator<Item = f64>) -> f64 {
        category::log_sum_exp(&terms.collect::<Vec<_>>())
    }

    struct Case {
        labels: Vec<Option<u8>>,
        weights: Vec<f64>,
        objective: Objective,
    }

    impl Case {
        fn features(n: usize) -> u64 {
            (0..FEATURES).map(|i| u64::from((n * n + 3 * i * n + i) % 5 < 2) << i).sum()
        }

        fn examples(&self) -> Examples {
            let bits = BitMatrix::from_fn(N, FEATURES, |n, i| Self::features(n) >> i & 1 == 1);
            let classes = Classes::new("y", ["a", "b", "c"].map(String::from).to_vec()).unwrap();
            let labels = Labels::of_states(classes, self.labels.clone());
            let data = Dataset::from_bits("few", bits).labelled(labels).unwrap();
            Examples::new(data.weighted("w", &self.weights).unwrap(), Binarization::Stochastic)
        }

        /// The objective, a weighted mean over the examples, by enumeration.
        fn value(&self, rbm: &Rbm) -> f64 {
            let Parts { generative, discriminative } = self.objective.parts();
            let all = (0..1 << FEATURES).flat_map(|v| (0..K).map(move |k| (v, k)));
            let log_z = log_sum_exp(all.map(|(v, k)| log_weight(rbm, v, k)));
            let of_example = |n: usize| {
                let v = Self::features(n);
                let marginal = log_sum_exp((0..K).map(|k| log_weight(rbm, v, k)));
                match self.labels[n] {
                    None => generative * (marginal - log_z),
                    Some(y) => {
                        let joint = log_weight(rbm, v, y.into());
                        generative * (joint - log_z) + discriminative * (joint - marginal)
                    }
                }
            };
            let sum: f64 = (0..N).map(|n| self.weights[n] * of_example(n)).sum();
            sum / self.weights.iter().sum::<f64>()
        }

        fn gradient(&self, rbm: &Rbm) -> Flat {
            const BY: f32 = 1.0 / 128.0;
            let slope = |at| {
                let rise = self.value(&moved(rbm, at, BY)) - self.value(&moved(rbm, at, -BY));
                rise / f64::from(2.0 * BY)
            };
            (0..V * H + V + H).map(slope).collect()
        }

        /// The step of an update whose chains, if it has any, hold every state in proportion to its
        /// probability, divided by the rate; the mean over several dithers.
        fn step(&self, rbm: &Rbm, centering: bool) -> Flat {
            const SEEDS: u64 = 40;
            const ROWS: f64 = 8000.0;
            let examples = self.examples();
            let mut chains = Vec::new();
            let states = (0..1_u64 << FEATURES).flat_map(|v| (0..K).map(move |k| (v, k)));
            let log_z = log_sum_exp(states.clone().map(|(v, k)| log_weight(rbm, v, k)));
            for (v, k) in states {
                let n = ((log_weight(rbm, v, k) - log_z).exp() * ROWS).round() as usize;
                chains.extend(vec![v | 1 << (FEATURES + k); n]);
            }
            let mut mean = vec![0.0; V * H + V + H];
            for seed in 0..SEEDS {
                let config = TrainConfig {
                    hidden: Some(H),
                    objective: self.objective,
                    epochs: Some(1),
                    batch_size: N,
                    algorithm: Algorithm::Auto,
                    chains: self.objective.needs_chains().then_some(8100),
                    learning_rate: RATE.into(),
                    schedule: Schedule::Constant,
                    centering,
                    seed,
                    ..TrainConfig::default()
                };
                let config = TrainConfig { algorithm: Algorithm::Pcd, ..config };
                let config = match self.objective.needs_chains() {
                    true => config,
                    false => TrainConfig { algorithm: Algorithm::Cd, ..config },
                };
                let outset = Outset::of_examples(&config, &examples, Isa::fastest());
                let timetable = Timetable::new(config, 1);
                let mut ascent = Ascent::start(timetable, &outset, rbm, Isa::fastest()).unwrap();
                ascent.make_room(N).unwrap();
                let visible = &mut ascent.negative.chains.visible;
                if self.objective.needs_chains() {
                    visible.set_n_rows(chains.len());
                    chains.iter().enumerate().for_each(|(n, v)| visible.set_row(n, &[*v]));
                } else {
                    visible.set_n_rows(0);
                }
                let rows: Vec<_> = (0..N as u32).collect();
                let batch = Batch { examples: &examples, rows: &rows, first_address: 0 };
                ascent.clamp(batch);
                ascent.mean_hidden(Watch::default()).unwrap();
                ascent.ascend().unwrap();
                let step = flat(&ascent.current()).into_iter().zip(flat(rbm));
                for (mean, (after, before)) in mean.iter_mut().zip(step) {
                    *mean += (after - before) / f64::from(RATE) / SEEDS as f64;
                }
            }
            mean
        }
    }

    fn furthest(one: &[f64], other: &[f64]) -> f64 {
        one.iter().zip(other).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
    }

    fn cases() -> Vec<Case> {
        let some = |n: usize| (n % 4 != 1).then_some((n * n % 3) as u8);
        let all = |n: usize| Some((n * n % 3) as u8);
        let mut cases = Vec::new();
        for objective in [Objective::Generative, Objective::Discriminative, Objective::Hybrid(0.3)]
        {
            for labels in [(0..N).map(some).collect::<Vec<_>>(), (0..N).map(all).collect()] {
                for weigh in [false, true] {
                    let weight = |n: usize| if weigh { 0.05 + (n * n % 7) as f64 } else { 1.0 };
                    let weights = (0..N).map(weight).collect();
                    cases.push(Case { labels: labels.clone(), weights, objective });
                }
            }
        }
        cases
    }

    /// The step of a full batch is the derivative of the objective by finite differences, for labels that
    /// are known or not.
    #[test]
    fn a_step_climbs_its_objective() {
        let rbm = model();
        for case in cases() {
            let (expected, found) = (case.gradient(&rbm), case.step(&rbm, false));
            let apart = furthest(&expected, &found);
            // p̃ is rounded to 1/255 in 20 rows, states to 1 in 8,000.
            assert!(apart < 0.0015, "{} {:?}: {apart}", case.objective, case.labels[1]);
            assert!(furthest(&expected, &vec![0.0; found.len()]) > 0.05);
        }
    }

    /// With one class p(y | v) is 1: ln p(v, y) is ln p(v) of the model whose hidden biases are c + U, and the
    /// gradient of ln p(y | v) is 0. (Data have two classes or more.)
    #[test]
    fn with_one_class_the_joint_model_is_the_plain_one() {
        const SEEDS: u64 = 40;
        let joint = {
            let value = |at: usize| ((at * 37 + 11) % 29) as f32 / 16.0 - 0.875;
            let weights = Array2::from_shape_fn((FEATURES + 1, H), |(i, j)| value(i * H + j));
            let visible = Array1::from_shape_fn(FEATURES + 1, |i| value(i + 100));
            Rbm::new(weights, visible, Array1::from_shape_fn(H, |j| value(j + 200))).unwrap()
        };
        let plain = Rbm::new(
            joint.weights().slice(s![..FEATURES, ..]).to_owned(),
            joint.visible_bias().slice(s![..FEATURES]).to_owned(),
            joint.hidden_bias() + &joint.weights().row(FEATURES),
        )
        .unwrap();
        let log_z = log_sum_exp((0..1 << FEATURES).map(|v| -plain.free_energy(&[v])));
        let chains: Vec<u64> = (0..1_u64 << FEATURES)
            .flat_map(|v| {
                let n = (-plain.free_energy(&[v]) - log_z).exp() * 8000.0;
                std::iter::repeat_n(v, n.round() as usize)
            })
            .collect();
        // The label is on in all examples and chains.
        let label = |is_joint: bool| u64::from(is_joint) << FEATURES;
        let step = |rbm: &Rbm, objective: Objective, centering: bool, is_joint: bool| {
            let n_visible = rbm.n_visible();
            let bits = BitMatrix::from_fn(N, n_visible, |n, i| {
                (Case::features(n) | label(is_joint)) >> i & 1 == 1
            });
            let examples = Examples::new(Dataset::from_bits("few", bits), Binarization::None);
            let mut mean = vec![0.0; n_visible * H + n_visible + H];
            for seed in 0..SEEDS {
                let config = TrainConfig {
                    hidden: Some(H),
                    epochs: Some(1),
                    batch_size: N,
                    algorithm: Algorithm::Pcd,
                    chains: Some(8100),
                    learning_rate: RATE.into(),
                    schedule: Schedule::Constant,
                    centering,
                    seed,
                    ..TrainConfig::default()
                };
                let outset = Outset::of_examples(&config, &examples, Isa::fastest());
                let timetable = Timetable::new(config, 1);
                let mut ascent = Ascent::start(timetable, &outset, rbm, Isa::fastest()).unwrap();
                ascent.labels = is_joint.then(|| LabelPhase::new(objective, 1, H));
                ascent.make_room(N).unwrap();
                let visible = &mut ascent.negative.chains.visible;
                visible.set_n_rows(if objective.needs_chains() { chains.len() } else { 0 });
                for (n, v) in chains.iter().enumerate().take(visible.n_rows()) {
                    visible.set_row(n, &[v | label(is_joint)]);
                }
                let rows: Vec<_> = (0..N as u32).collect();
                let batch = Batch { examples: &examples, rows: &rows, first_address: 0 };
                ascent.positive.clamp(batch, FEATURES, seed);
                if let Some(phase) = &mut ascent.labels {
                    phase.labels.extend([Some(0); N]);
                }
                ascent.mean_hidden(Watch::default()).unwrap();
                ascent.ascend().unwrap();
                let step = flat(&ascent.current()).into_iter().zip(flat(rbm));
                for (mean, (after, before)) in mean.iter_mut().zip(step) {
                    *mean += (after - before) / f64::from(RATE) / SEEDS as f64;
                }
            }
            mean
        };
        // W, b and c of the features, and the rest: U and d.
        let split = |step: Flat| {
            let (weights, biases) = step.split_at((FEATURES + 1) * H);
            let (w, u) = weights.split_at(FEATURES * H);
            let of_features = [w, &biases[..FEATURES], &biases[FEATURES + 1..]].concat();
            (of_features, u.to_vec(), biases[FEATURES])
        };
        for centering in [false, true] {
            let expected = step(&plain, Objective::Generative, centering, false);
            assert!(furthest(&expected, &vec![0.0; expected.len()]) > 0.05);
            for objective in
                [Objective::Generative, Objective::Hybrid(0.3), Objective::Discriminative]
            {
                let share = objective.parts().generative;
                let (found, u, d) = split(step(&joint, objective, centering, true));
                let scaled: Flat = expected.iter().map(|x| share * x).collect();
                // p̃ is rounded to 1/255 in 20 rows, states to 1 in 8,000.
                let apart = furthest(&scaled, &found);
                assert!(apart < 0.0015, "{objective}, centring {centering}: {apart}");
                // A label that is always on moves as the hidden biases do, but its offset is 1.
                let of_hidden = &found[FEATURES * H + FEATURES..];
                let expected_u = if centering { vec![0.0; H] } else { of_hidden.to_vec() };
                let apart = furthest(&expected_u, &u).max(d.abs());
                assert!(apart < 0.0015, "{objective}, centring {centering}: {apart}");
            }
        }
    }

    /// The centred gradient is ∇W = D − μ gᵀ − f λᵀ, ∇b = f − ∇W λ, ∇c = g − ∇Wᵀ μ of the plain one.
    #[test]
    fn the_centred_step_is_the_transformed_gradient() {
        let rbm = model();
        for case in cases() {
            let plain = case.gradient(&rbm);
            let d = Array2::from_shape_vec((V, H), plain[..V * H].to_vec()).unwrap();
            let f = Array1::from(plain[V * H..V * H + V].to_vec());
            let g = Array1::from(plain[V * H + V..].to_vec());
            let total: f64 = case.weights.iter().sum();
            let known = case.weights.iter().zip(&case.labels).filter(|(_, label)| label.is_some());
            let labelled: f64 = known.map(|(weight, _)| weight).sum();
            // λ of the first update: the mean of p(h | v, y), where an unknown y is summed out.
            let (mut mu, mut lambda) = (Array1::zeros(V), Array1::zeros(H));
            for n in 0..N {
                let v = Case::features(n);
                let marginal = log_sum_exp((0..K).map(|k| log_weight(&rbm, v, k)));
                for k in 0..K {
                    let share = match case.labels[n] {
                        Some(y) => f64::from(u8::from(usize::from(y) == k)),
                        None => (log_weight(&rbm, v, k) - marginal).exp(),
                    };
                    let state = v | 1 << (FEATURES + k);
                    let means = BitMatrix::from_fn(1, V, |_, i| state >> i & 1 == 1);
                    let means = rbm.mean_hidden(&means).unwrap();
                    lambda.scaled_add(
                        share * case.weights[n] / total,
                        &means.index_axis(Axis(0), 0).mapv(f64::from),
                    );
                }
                let known = case.labels[n].map_or(0, |y| 1 << (FEATURES + usize::from(y)));
                for i in 0..V {
                    let on = f64::from(u8::from((v | known) >> i & 1 == 1));
                    // Of the label, the mean is over the examples that have one.
                    mu[i] += on * case.weights[n] / if i < FEATURES { total } else { labelled };
                }
            }
            let outer = |x: &Array1<f64>, y: &Array1<f64>| {
                Array2::from_shape_fn((x.len(), y.len()), |(i, j)| x[i] * y[j])
            };
            let of_weights = &d - outer(&mu, &g) - outer(&f, &lambda);
            let visible = &f - of_weights.dot(&lambda);
            let hidden = &g - of_weights.t().dot(&mu);
            let expected: Flat =
                of_weights.iter().chain(&visible).chain(&hidden).copied().collect();
            let apart = furthest(&expected, &case.step(&rbm, true));
            assert!(apart < 0.003, "{} {:?}: {apart}", case.objective, case.labels[1]);
            assert!(furthest(&plain, &expected) > 0.02, "centring makes no difference");
        }
    }
}
