//! Effective couplings: the model of the visible layer alone, as fields and couplings of its sites.
//!
//! ```text
//!  Rbm ──┬─► zero_sum    ──┐                 gaps: units that scores leave out
//!        └─► lattice_gas ──┴─► Couplings ──┴─► strength: pairs of sites by their scores
//! ```
//!
//! −F(v) is a function of the visible sites, so that ln p(v) is a constant plus fields, pair couplings, and so on up
//! to all sites at once (Decelle, Furtlehner, Navas Gómez and Seoane, SciPost Phys. 16, 095, 2024):
//!
//! ```text
//! −F(v) = const + Σ_u h_u x_u + Σ_{u<t} J_ut x_u x_t + Σ_{u<t<w} J_utw x_u x_t x_w + …
//! ```
//!
//! It depends on the [`Gauge`] which part of −F is a field and which a coupling.

mod gaps;

mod strength;

mod zero_sum;

mod lattice_gas;

pub use gaps::Gaps;
pub use strength::{SitePair, average_product_corrected};

use crate::error::Result;
use crate::kernels::Isa;
use crate::memory::{self, Bytes, Need};
use crate::model::Rbm;
use crate::setting::{by_name, check};
use crate::units::Units;
use crate::watch::Watch;
use ndarray::{Array1, Array2, Array3};
use serde::{Deserialize, Serialize};

/// What the variables x of fields and couplings are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Gauge {
    /// A bit is a spin, x = ±1, and x of a category is 0 or 1. Fields and couplings sum to 0 over the values of each
    /// of their sites, so that as much of −F as can be is in the lowest orders.
    #[default]
    ZeroSum,
    /// [`ZeroSum`](Self::ZeroSum) of a model of bits: an Ising model, x = ±1.
    Ising,
    /// x = 0 or 1, for a model of bits: a lattice gas. A coupling is what bits add to −F when they are on together
    /// and all others are off.
    LatticeGas,
}

by_name!(Gauge, "gauge", { ZeroSum = "zero-sum", Ising = "ising", LatticeGas = "lattice-gas" });

/// Which couplings are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CouplingsConfig {
    /// Their gauge.
    pub gauge: Gauge,
    /// Whether those of three sites are, too.
    pub triples: bool,
}

/// The fields and couplings of the visible layer of a model. They are exact in any gauge, up to rounding.
///
/// All pairs cost some V² H operations, times 30 to 100 in the zero-sum gauge; all triples cost V times as much.
///
/// ```
/// use harmonium::evaluate::couplings::{Couplings, CouplingsConfig, Gauge};
/// use harmonium::{Isa, Rbm, Watch};
/// use ndarray::{arr1, arr2};
/// // Two pixels with the same weight to one hidden unit; b takes away their fields: ln p = J v₁v₂ + const.
/// let (w, c) = (2.0_f32, -4.0_f32);
/// let softplus = |x: f32| x.exp().ln_1p();
/// let b = softplus(c) - softplus(c + w);
/// let rbm = Rbm::new(arr2(&[[w], [w]]), arr1(&[b, b]), arr1(&[c]))?;
/// let expected = softplus(c + 2.0 * w) - 2.0 * softplus(c + w) + softplus(c);
/// let couplings = |gauge| {
///     let config = CouplingsConfig { gauge, triples: false };
///     Couplings::of(&rbm, config, Isa::fastest(), Watch::default())
/// };
/// let gas = couplings(Gauge::LatticeGas)?;
/// assert!((gas.pairs[[0, 1]] as f32 - expected).abs() < 1e-6 && gas.fields[0].abs() < 1e-6);
/// // With v = (1 + s)/2, J v₁v₂ = (J/4) s₁s₂ + (J/4)(s₁ + s₂) + const.
/// let ising = couplings(Gauge::Ising)?;
/// assert!((4.0 * ising.pairs[[0, 1]] - gas.pairs[[0, 1]]).abs() < 1e-12);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Couplings {
    /// The visible sites of the model.
    pub units: Units,
    /// Their gauge.
    pub gauge: Gauge,
    /// h (V).
    pub fields: Array1<f64>,
    /// J of two units (V, V), symmetric, 0 for units of one site.
    pub pairs: Array2<f64>,
    /// J of three units (V, V, V), symmetric, 0 where two are of one site; `None` unless they were asked for.
    pub triples: Option<Array3<f64>>,
    /// The units whose couplings norms and scores leave out, in rising order: none, unless
    /// [`with_gaps`](Self::with_gaps) finds some.
    pub left_out: Vec<usize>,
}

impl Couplings {
    /// The fields and couplings of a model.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for a gauge of bits where the model has categorical
    /// sites, or weights beyond all measure; [`Error::OutOfMemory`](crate::Error::OutOfMemory);
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn of(rbm: &Rbm, config: CouplingsConfig, isa: Isa, watch: Watch<'_>) -> Result<Self> {
        let CouplingsConfig { gauge, triples } = config;
        let (units, n) = (rbm.visible_units(), rbm.n_visible());
        check("gauge", gauge, gauge == Gauge::ZeroSum || units.are_bits(), || {
            format!("{}, as the model has sites of several values", Gauge::ZeroSum)
        })?;
        let mut needs = vec![Need::new(Bytes::of::<f64>(&[n, n]), &[])];
        needs.extend(triples.then(|| Need::new(Bytes::of::<f64>(&[n, n, n]), &[])));
        memory::check(|| format!("the couplings of {n} visible units"), &needs)?;
        let mut found = Self {
            units: units.clone(),
            gauge,
            fields: Array1::zeros(n),
            pairs: Array2::zeros((n, n)),
            triples: triples.then(|| Array3::zeros((n, n, n))),
            left_out: Vec::new(),
        };
        match gauge {
            Gauge::ZeroSum | Gauge::Ising => zero_sum::fill(rbm, &mut found, watch)?,
            Gauge::LatticeGas => lattice_gas::fill(rbm, &mut found, isa, watch)?,
        }
        found.mirror();
        Ok(found)
    }

    /// Copies the couplings of units in rising order to all other orders.
    fn mirror(&mut self) {
        let n = self.fields.len();
        for first in 0..n {
            for second in first + 1..n {
                self.pairs[[second, first]] = self.pairs[[first, second]];
                let Some(triples) = &mut self.triples else { continue };
                for third in second + 1..n {
                    let coupling = triples[[first, second, third]];
                    for order in [
                        [first, third, second],
                        [second, first, third],
                        [second, third, first],
                        [third, first, second],
                        [third, second, first],
                    ] {
                        triples[order] = coupling;
                    }
                }
            }
        }
    }
}
