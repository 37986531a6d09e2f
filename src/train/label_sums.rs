//! The sums over a mini-batch in which the units of the label stand apart from the others.
//!
//! In the [objective](super::Objective) g ln p(v, y) + d ln p(y | v), class k of example n has the share
//!
//! ```text
//! aₙₖ = g πₙₖ + d (1[k = yₙ] − p(k | vₙ)),   πₙₖ = 1[k = yₙ],
//! ```
//!
//! in the gradient of the data: its second part is ∂ ln p(y | v), in closed form. For an example without a
//! label πₙₖ = p(k | vₙ), which sums the label out, and d is 0. With σₙₖⱼ = p(hⱼ | vₙ, k) then
//!
//! | parameter | sum over the data |
//! | --- | --- |
//! | W of visible unit i | Σₙ vₙᵢ rₙⱼ, rₙⱼ = Σₖ aₙₖ σₙₖⱼ |
//! | U of class k | Σₙ aₙₖ σₙₖⱼ |
//! | cⱼ | Σₙ rₙⱼ |
//! | bias of class k | Σₙ aₙₖ |
//! | bᵢ | g Σₙ vₙᵢ |
//!
//! The sums of r are those of p̃ in [`Statistics`](super::statistics::Statistics), as integers; those of the
//! classes are here.

use super::objective::Parts;
use crate::kernels::classes::ClassSums;
use crate::kernels::tile::Row;
use crate::units::Units;
use std::ops::Range;

/// Sums over the examples of a mini-batch, each times its weight.
#[derive(Clone, Debug)]
pub struct LabelSums {
    /// g and d.
    pub parts: Parts,
    /// The places of the units of the label.
    pub places: Range<usize>,
    /// Of the classes, for each panel of hidden units.
    pub panels: Vec<ClassSums>,
    /// Σₙ aₙₖ (K).
    pub of_biases: Vec<f64>,
    /// Σₙ πₙₖ (K).
    pub shares: Vec<f64>,
}

impl LabelSums {
    /// Sums of 0 for a label at these places (K), with panels of hidden units.
    pub fn new(parts: Parts, places: Range<usize>, n_panels: usize) -> Self {
        let k = places.len();
        Self {
            parts,
            places,
            panels: vec![ClassSums::new(k); n_panels],
            of_biases: vec![0.0; k],
            shares: vec![0.0; k],
        }
    }

    /// The places of the units of the label, the last site.
    ///
    /// # Panics
    /// If the last site does not have K units.
    pub fn places_in(units: &Units, n_classes: usize) -> Range<usize> {
        let label = units.sites().last().expect("a site");
        assert_eq!(label.len(), n_classes, "the label is the last site");
        let first = units.layout().place(label.start);
        first..first + n_classes
    }

    /// What p̃ = 255 stands for: the largest |rₙⱼ|.
    pub fn largest(&self) -> f64 {
        self.parts.generative + self.parts.discriminative
    }

    /// Σₙ aₙₖ σₙₖⱼ of a class.
    pub fn of_class(&self, panel: usize, class: usize) -> &Row<f32> {
        &self.panels[panel].of_classes[class]
    }
}
