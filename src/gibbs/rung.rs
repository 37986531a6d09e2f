//! A distribution on a ladder: a model, or a point on the path to it.

use super::path::Tempered;
use super::words::Words;
use super::{Conditional, FEW_ROWS, FixedWeights, Path, block_rows, with_sums};
use crate::bits::{BitPanels, Block};
use crate::error::Result;
use crate::kernels::rows::Target;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::watch::Watch;
use rayon::prelude::*;
use std::f64::consts::LN_2;
use std::ptr;

/// The units of a log-mass in a nat, 2³².
pub const UNITS_A_NAT: f64 = (1u64 << 32) as f64;

/// Rows whose log-masses are one piece of work.
const ROWS: usize = 256;

/// A distribution on a ladder: a model, or p_β on the [`Path`] to one.
///
/// The *log-mass* of v is ln p*(v) = −F(v), the logarithm of its probability but for the normaliser. It
/// belongs to the fixed-point parameters that move the chains, and is an integer, a number of 2⁻³² nats: the
/// terms of each visible unit and of each panel of 64 hidden units are rounded, and their sum depends on
/// no order.
#[derive(Clone, Debug)]
pub struct Rung<'a> {
    weights: &'a FixedWeights,
    /// β and the base; none at the model itself.
    tempered: Option<Tempered>,
    /// What a visible unit that is on adds to the log-mass, in panels.
    visible: Aligned<Row<i64>>,
}

impl<'a> Rung<'a> {
    /// The distribution of a model.
    pub fn of_model(weights: &'a FixedWeights) -> Self {
        Self::new(weights, None)
    }

    /// p_β on a path.
    pub fn on_path(path: &'a Path<'_>, beta: f64) -> Self {
        Self::new(path.weights(), Some(path.at(beta)))
    }

    fn new(weights: &'a FixedWeights, tempered: Option<Tempered>) -> Self {
        let mut rung = Self { weights, tempered, visible: aligned([0; SIDE], 0) };
        let given = rung.visible_given_hidden();
        let mut visible = aligned([0; SIDE], given.n_panels());
        for (panel, row) in visible.iter_mut().enumerate() {
            for (at, term) in row.iter_mut().enumerate() {
                let offset = given.offsets.map_or(0.0, |offsets| f64::from(offsets[panel][at]));
                let input = f64::from(given.bias[panel][at]) * f64::from(given.factor);
                *term = units(input + offset);
            }
        }
        rung.visible = visible;
        rung
    }

    /// The parameters that move the chains.
    pub fn weights(&self) -> &'a FixedWeights {
        self.weights
    }

    /// p(h | v).
    pub fn hidden_given_visible(&self) -> Conditional<'_> {
        match &self.tempered {
            Some(tempered) => tempered.hidden_given_visible(self.weights),
            None => self.weights.hidden_given_visible(),
        }
    }

    /// p(v | h).
    pub fn visible_given_hidden(&self) -> Conditional<'_> {
        match &self.tempered {
            Some(tempered) => tempered.visible_given_hidden(self.weights),
            None => self.weights.visible_given_hidden(),
        }
    }

    /// The log-mass of each row of `visible` (N, V).
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn log_masses(&self, visible: &BitPanels, watch: Watch<'_>) -> Result<Vec<i64>> {
        let [masses] = log_masses([self], visible, watch)?;
        Ok(masses)
    }

    /// The log-masses of each row of `visible` (N, V) at this rung and at `other`. If both have the same
    /// weights, they share the sums over v.
    ///
    /// # Errors
    /// As [`log_masses`](Self::log_masses).
    pub fn log_masses_beside(
        &self,
        other: &Rung<'_>,
        visible: &BitPanels,
        watch: Watch<'_>,
    ) -> Result<[Vec<i64>; 2]> {
        if ptr::eq(self.weights, other.weights) {
            return log_masses([self, other], visible, watch);
        }
        Ok([self.log_masses(visible, watch)?, other.log_masses(visible, watch)?])
    }

    /// The part of the log-mass of v that is not from hidden units.
    fn of_visible(&self, visible: &BitPanels, row: usize) -> i64 {
        visible.active(row).map(|place| self.visible.as_flattened()[place]).sum()
    }
}

/// The log-masses of each row of `visible` at rungs of the same weights.
fn log_masses<const N: usize>(
    rungs: [&Rung<'_>; N],
    visible: &BitPanels,
    watch: Watch<'_>,
) -> Result<[Vec<i64>; N]> {
    let weights = rungs[0].weights;
    let hidden = &weights.hidden_units;
    // Σⱼ softplus(xⱼ) = H ln 2 + Σⱼ (softplus(xⱼ) − softplus(0)), in which padding adds nothing.
    let at_zero = units(hidden.n_units() as f64 * LN_2);
    let mut masses = vec![[0; N]; visible.n_rows()];
    masses.par_chunks_mut(ROWS).enumerate().try_for_each(|(piece, masses)| {
        watch.check()?;
        let first = piece * ROWS;
        for (row, masses) in masses.iter_mut().enumerate() {
            *masses = rungs.map(|rung| at_zero + rung.of_visible(visible, first + row));
        }
        let mut of_panel = [0.0; ROWS];
        let of_panel = &mut of_panel[..masses.len()];
        with_sums(masses.len(), |sums| {
            let conditional = weights.hidden_given_visible();
            for panel in 0..conditional.n_panels() {
                let target = Target { states: visible, first_panel: 0, first, sums: &mut *sums };
                conditional.inputs(panel, &mut [target]);
                for (at, rung) in rungs.iter().enumerate() {
                    let factor = f64::from(rung.hidden_given_visible().factor);
                    hidden.cumulant_differences(weights.isa, sums, 0.0, factor, of_panel);
                    let rows = masses.iter_mut().zip(&*of_panel);
                    rows.for_each(|(masses, &sum)| masses[at] += units(sum));
                }
            }
        });
        Ok(())
    })?;
    Ok(std::array::from_fn(|at| masses.iter().map(|masses| masses[at]).collect()))
}

/// A draw of h at a rung.
pub(super) struct Drawing<'a> {
    pub rung: &'a Rung<'a>,
    pub words: &'a Words,
    /// h (C, H).
    pub hidden: &'a mut BitPanels,
}

/// The log-masses of each row of `visible` (C, V) at two rungs, each of which also draws its h given v from the inputs
/// that its log-masses need. Rungs of the same weights share the sums over v. Of several ranks each draws the panels of
/// its own. The sum of their log-masses is that of v.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted); some rows are then not drawn.
pub(super) fn weigh_and_draw(
    [one, other]: [Drawing<'_>; 2],
    visible: &BitPanels,
    watch: Watch<'_>,
) -> Result<[Vec<i64>; 2]> {
    if ptr::eq(one.rung.weights, other.rung.weights) {
        return weigh_and_draw_by_sums([one, other], visible, watch);
    }
    let (one, other) = rayon::join(
        || weigh_and_draw_by_sums([one], visible, watch),
        || weigh_and_draw_by_sums([other], visible, watch),
    );
    let ([one], [other]) = (one?, other?);
    Ok([one, other])
}

/// [`weigh_and_draw`] at rungs of the same weights.
fn weigh_and_draw_by_sums<const N: usize>(
    mut drawings: [Drawing<'_>; N],
    visible: &BitPanels,
    watch: Watch<'_>,
) -> Result<[Vec<i64>; N]> {
    let weights = drawings[0].rung.weights;
    let (units_of_h, conditional) = (&weights.hidden_units, weights.hidden_given_visible());
    assert!(units_of_h.are_bits(), "hidden units are bits");
    let (capacity, own) = (visible.row_capacity(), conditional.own_panels());
    let height = block_rows(capacity, own.len());
    let places = drawings.each_ref().map(|drawing| (drawing.rung, drawing.words));
    let mut blocks: Vec<Vec<Block<'_>>> = Vec::new();
    for drawing in &mut drawings {
        let of_rung: Vec<_> = drawing.hidden.par_blocks_mut(own.clone(), height).collect();
        blocks.resize_with(of_rung.len(), Vec::new);
        blocks.iter_mut().zip(of_rung).for_each(|(all, block)| all.push(block));
    }
    // Of each panel, whose masses are rounded before they are added.
    let mut parts = vec![[0; N]; own.len() * capacity];
    let pieces = blocks.into_par_iter().zip(parts.par_chunks_mut(height));
    pieces.try_for_each(|(blocks, parts)| {
        watch.check()?;
        let Block { panel, first, .. } = blocks[0];
        with_sums(2 * height, |sums| {
            let (sums, thresholds) = sums.split_at_mut(height);
            let n = blocks[0].words.len();
            let (sums, thresholds) = (&mut sums[..n], &mut thresholds[..n]);
            let target = Target { states: visible, first_panel: 0, first, sums: &mut *sums };
            conditional.inputs(panel, &mut [target]);
            let mut of_rows = [0.0; FEW_ROWS];
            for (at, ((rung, words), block)) in places.iter().zip(blocks).enumerate() {
                let own = rung.hidden_given_visible();
                thresholds.copy_from_slice(sums);
                let rows = sums.chunks(FEW_ROWS).zip(parts.chunks_mut(FEW_ROWS));
                let drawn = thresholds.chunks_mut(FEW_ROWS).zip(block.words.chunks_mut(FEW_ROWS));
                for (few, ((sums, parts), (thresholds, bits))) in rows.zip(drawn).enumerate() {
                    let differences = &mut of_rows[..sums.len()];
                    let factor = f64::from(own.factor);
                    units_of_h.cumulant_differences(weights.isa, sums, 0.0, factor, differences);
                    let parts = parts.iter_mut().zip(differences);
                    parts.for_each(|(parts, sum)| parts[at] = units(*sum));
                    own.to_thresholds(panel, thresholds);
                    own.draw_panel(panel, thresholds, words, first + few * FEW_ROWS, bits);
                }
            }
        });
        Ok(())
    })?;
    let at_zero = units(units_of_h.n_units() as f64 * LN_2);
    let is_first = weights.ranks.rank() == 0;
    Ok(std::array::from_fn(|at| {
        let of_row = |row: usize| {
            let panels = parts.get(row..).unwrap_or_default();
            let of_hidden = panels.iter().step_by(capacity).map(|parts| parts[at]).sum::<i64>();
            let of_visible = || at_zero + places[at].0.of_visible(visible, row);
            of_hidden + if is_first { of_visible() } else { 0 }
        };
        (0..visible.n_rows()).map(of_row).collect()
    }))
}

/// A number of nats in units of a log-mass.
fn units(nats: f64) -> i64 {
    libm::rint(nats * UNITS_A_NAT) as i64
}

/// The mean probability with which a state of one rung and a state of another swap, over all pairs. `here` and
/// `there` are the log-masses of both at the other rung, less those at the one.
///
/// # Panics
/// If there are no states on either side.
pub fn swap_rate(here: &[i64], there: &[i64]) -> f64 {
    let of_pair = |(a, b): (&i64, &i64)| swap_probability(a - b);
    let pairs = here.iter().flat_map(|a| there.iter().map(move |b| (a, b)));
    pairs.map(of_pair).sum::<f64>() / (here.len() * there.len()) as f64
}

/// The same from states of the one rung alone, where `rises` are their log-masses at the other less those at the one.
/// States of the other have the weights w = e^rise among them:
///
/// ```text
/// Σₙₘ min(wₙ, wₘ) / (N Σₘ wₘ)
/// ```
///
/// With rungs too far apart for their states to have enough weight, it errs low.
///
/// # Panics
/// If there are no states.
pub fn reweighted_swap_rate(rises: &[i64]) -> f64 {
    let largest = *rises.iter().max().expect("at least one state");
    let mut weights: Vec<f64> = rises.iter().map(|rise| swap_probability(rise - largest)).collect();
    weights.sort_unstable_by(f64::total_cmp);
    // The weight at place k from below is the smaller one of 2 (N − k) − 1 pairs.
    let n = weights.len();
    let pairs = weights.iter().enumerate().map(|(at, w)| w * (2 * (n - at) - 1) as f64);
    pairs.sum::<f64>() / (n as f64 * weights.iter().sum::<f64>())
}

/// min(1, e^rise) for a rise of the joint log-mass of two rungs.
pub(super) fn swap_probability(rise: i64) -> f64 {
    if rise >= 0 { 1.0 } else { libm::exp(rise as f64 / UNITS_A_NAT) }
}

#[cfg(test)]
mod tests {
    use super::super::test_model::model;
    use super::super::{Chains, FixedModel};
    use super::*;
    use crate::bits::BitMatrix;
    use crate::kernels::Isa;
    use crate::layout::Layout;
    use crate::model::Rbm;
    use crate::rng::{Purpose, Stream};
    use crate::units::Units;
    use crate::units::softplus;
    use ndarray::{Array1, Array2};

    /// −F at β on a path, in double precision.
    fn log_mass(rbm: &Rbm, rates: &Array1<f64>, beta: f64, v: &[u64]) -> f64 {
        let base = rbm.visible_units().log_odds(rates);
        let of_unit =
            |i: usize| (1.0 - beta) * f64::from(base[i]) + beta * f64::from(rbm.visible_bias()[i]);
        let of_hidden = rbm.hidden_inputs(v).iter().map(|&x| softplus(beta * x)).sum::<f64>();
        crate::bits::active(v).map(of_unit).sum::<f64>() + of_hidden
    }

    #[test]
    fn log_masses_are_free_energies() {
        let bits = model(70, 130);
        let sites = Rbm::of_sites(
            Units::of_sites([3, 1, 21, 45]).unwrap(),
            bits.weights().clone(),
            bits.visible_bias().clone(),
            bits.hidden_bias().clone(),
        )
        .unwrap();
        for rbm in [bits, sites] {
            let rates = Array1::from_shape_fn(70, |i| 0.005 + 0.01 * i as f64 / 70.0);
            let weights = FixedWeights::of(&rbm, Isa::fastest());
            let path = Path::new(FixedModel { rbm: &rbm, weights: &weights }, &rates).unwrap();
            // More rows than a piece has.
            let states = BitMatrix::from_fn(300, 70, |n, i| match rbm.visible_units().are_bits() {
                true => (i * i + 3 * n) % 5 < 2,
                false => [n % 3, 3, 4 + n % 21, 25 + n % 45].contains(&i),
            });
            let panels = BitPanels::in_layout(&states, rbm.visible_units().layout());
            let whole = Rung::of_model(&weights);
            let half = Rung::on_path(&path, 0.5);
            let watch = Watch::default();
            let [first, second] = whole.log_masses_beside(&half, &panels, watch).unwrap();
            assert_eq!(first, Rung::on_path(&path, 1.0).log_masses(&panels, watch).unwrap());
            assert_eq!(second, half.log_masses(&panels, watch).unwrap());
            for n in 0..300 {
                for (found, beta) in [(first[n], 1.0), (second[n], 0.5)] {
                    let exact = log_mass(&rbm, &rates, beta, states.row(n));
                    let found = found as f64 / UNITS_A_NAT;
                    // 131 sums of at most 71 parameters, each rounded by half of 2⁻²⁰.
                    assert!((found - exact).abs() < 131.0 * 71.0 * 0.5e-6, "{found} {exact}");
                }
            }
        }
    }

    /// The same log-masses as on their own, and the same h as a plain draw with the same words.
    #[test]
    fn a_draw_that_weighs_is_a_weighing_and_a_draw() {
        let rbm = model(70, 130);
        let turned = model(130, 70).transposed();
        let [weights, others] = [&rbm, &turned].map(|rbm| FixedWeights::of(rbm, Isa::fastest()));
        let rates = Array1::from_elem(70, 0.3);
        let path = Path::new(FixedModel { rbm: &rbm, weights: &weights }, &rates).unwrap();
        let states = BitMatrix::from_fn(300, 70, |n, i| (i * i + 3 * n) % 5 < 2);
        let visible = BitPanels::from_matrix(&states);
        let watch = Watch::default();
        let whole = Rung::of_model(&weights);
        for other in [Rung::on_path(&path, 0.5), Rung::of_model(&others)] {
            let rungs = [&whole, &other];
            let mut chains = [3, 4].map(|seed| {
                let streams = Stream::first(300, seed, Purpose::Sample);
                let mut chains = Chains::from_visible(&weights, &states, streams);
                chains.words.fill_sweep(Isa::fastest(), &mut chains.streams);
                chains
            });
            let mut drawn = [(); 2].map(|()| BitPanels::zeros(300, Layout::from(130)));
            let [hidden, other_hidden] = &mut drawn;
            let found = weigh_and_draw(
                [
                    Drawing { rung: rungs[0], words: &chains[0].words, hidden },
                    Drawing { rung: rungs[1], words: &chains[1].words, hidden: other_hidden },
                ],
                &visible,
                watch,
            );
            let expected = rungs.map(|rung| rung.log_masses(&visible, watch).unwrap());
            assert_eq!(found.unwrap(), expected);
            for ((rung, chains), drawn) in rungs.iter().zip(&mut chains).zip(&drawn) {
                chains.draw_hidden(rung.hidden_given_visible(), watch).unwrap();
                assert_eq!(chains.hidden(), drawn.to_matrix());
            }
        }
    }

    #[test]
    fn equal_rungs_always_swap_and_distant_ones_hardly_ever() {
        let nat = UNITS_A_NAT as i64;
        assert_eq!(swap_rate(&[0, 0], &[0]), 1.0);
        assert_eq!(swap_rate(&[3 * nat], &[nat]), 1.0);
        let rare = swap_rate(&[-nat, -nat], &[nat]);
        assert!((rare - (-2.0_f64).exp()).abs() < 1e-9);
        assert_eq!(reweighted_swap_rate(&[7, 7, 7]), 1.0);
        // Weights of 1 and e: (1 + 1 + 1 + e) / (2 (1 + e)).
        let e = 1.0_f64.exp();
        let found = reweighted_swap_rate(&[0, nat]);
        assert!((found - (3.0 + e) / (2.0 + 2.0 * e)).abs() < 1e-9, "{found}");
    }

    #[test]
    fn a_model_without_weights_has_independent_units() {
        let rbm =
            Rbm::new(Array2::zeros((3, 5)), Array1::from_elem(3, 0.5), Array1::zeros(5)).unwrap();
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let on = BitPanels::from_matrix(&BitMatrix::from_fn(1, 3, |_, i| i < 2));
        let found = Rung::of_model(&weights).log_masses(&on, Watch::default()).unwrap()[0];
        assert!((found as f64 / UNITS_A_NAT - (1.0 + 5.0 * LN_2)).abs() < 1e-6);
    }
}
