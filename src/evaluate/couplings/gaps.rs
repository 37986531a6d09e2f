//! Whether the gaps of sequences count in how strongly two sites are coupled.
//!
//! Gaps of an alignment come in runs, most at its ends, so that the largest couplings of many neighbours are those of
//! gap and gap. They say how the sequences were aligned or cut, and not which sites touch. Programs for contacts leave
//! the gap out of the Frobenius norm, after the zero-sum gauge over all letters and before the average-product
//! correction (Ekeberg, Hartonen and Aurell, J. Comput. Phys. 276, 341, 2014; so do PlmDCA.jl and adabmDCA, and CCMpred
//! and GREMLIN in gauges of their own).

use super::Couplings;
use crate::dataset::{Columns, GAP};
use crate::setting::by_name;
use serde::{Deserialize, Serialize};

/// What the norms and scores of two sites of sequences do with the gap, the letter `-`. Fields and couplings keep it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Gaps {
    /// Couplings with a gap are left out.
    #[default]
    LeaveOut,
    /// A gap counts as any other letter.
    Count,
}

by_name!(Gaps, "gaps", { LeaveOut = "leave-out", Count = "count" });

impl Couplings {
    /// The same couplings, whose norms and scores treat gaps in this way. `columns` are those of the examples without
    /// their label; if they are no sequences, or of other sites than the model, there are no gaps.
    ///
    /// ```
    /// use harmonium::dataset::Columns;
    /// use harmonium::evaluate::couplings::{Couplings, CouplingsConfig, Gaps};
    /// use harmonium::units::Units;
    /// use harmonium::{Isa, Rbm, Watch};
    /// use ndarray::{arr1, arr2};
    /// // Two sites of the letters -AC, whose gaps go together.
    /// let weights = arr2(&[[6.0], [0.0], [0.0], [6.0], [0.0], [0.0]]);
    /// let rbm = Rbm::of_sites(Units::of_sites([3, 3])?, weights, arr1(&[0.0; 6]), arr1(&[-6.0]))?;
    /// let columns = r#"{"sequences": {"alphabet": "-AC", "length": 2, "unknown_letters": "refuse"}}"#;
    /// let columns: Columns = serde_json::from_str(columns).unwrap();
    /// let counted = Couplings::of(&rbm, CouplingsConfig::default(), Isa::fastest(), Watch::default())?;
    /// let without = counted.clone().with_gaps(Gaps::LeaveOut, Some(&columns));
    /// assert_eq!((&without.left_out[..], &without.pairs), (&[0, 3][..], &counted.pairs));
    /// // J is that of two gaps times (δ − 1/3)(δ − 1/3): a third of the norm is left.
    /// assert!((3.0 * without.norms()[[0, 1]] - counted.norms()[[0, 1]]).abs() < 1e-12);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    pub fn with_gaps(mut self, gaps: Gaps, columns: Option<&Columns>) -> Self {
        let of_sites = |columns: &Columns| self.units.sites().take(columns.n_columns());
        let fits =
            |columns: &&Columns| of_sites(columns).map(|site| site.len()).eq(columns.sites());
        let gaps_of = |columns: &Columns| -> Option<Vec<usize>> {
            let gap = columns.alphabet()?.bytes().position(|letter| letter == GAP)?;
            Some(of_sites(columns).map(|site| site.start + gap).collect())
        };
        let columns = columns.filter(|_| gaps == Gaps::LeaveOut).filter(fits);
        self.left_out = columns.and_then(gaps_of).unwrap_or_default();
        self
    }
}
