//! How the arrays of a file are named and laid out.

use crate::error::Result;
use crate::setting::{by_name, check};
use serde::{Deserialize, Serialize};

/// The axes of the weights in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Layout {
    /// (visible, hidden).
    Vh,
    /// (hidden, visible).
    Hv,
}

by_name!(Layout, "layout", { Vh = "vh", Hv = "hv" });

impl Layout {
    /// The axes in words.
    pub fn axes(self) -> &'static str {
        match self {
            Self::Vh => "(visible, hidden)",
            Self::Hv => "(hidden, visible)",
        }
    }

    /// The shape of the weights for these numbers of visible and hidden units.
    pub(super) fn shape(self, n_visible: usize, n_hidden: usize) -> [usize; 2] {
        match self {
            Self::Vh => [n_visible, n_hidden],
            Self::Hv => [n_hidden, n_visible],
        }
    }
}

/// The names of the arrays in a file, and the axes of its weights. What is `None` is found by a table of known
/// names and by the lengths of the biases; in a file that is written it is as in [`Rbm`](crate::Rbm).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// The name of the weights.
    pub weights: Option<String>,
    /// The name of the visible bias.
    pub visible_bias: Option<String>,
    /// The name of the hidden bias.
    pub hidden_bias: Option<String>,
    /// The axes of the weights. They must be given where there are as many visible as hidden units, unless the
    /// name of the weights tells.
    pub layout: Option<Layout>,
}

impl Naming {
    /// The settings by name.
    fn given(&self) -> [(&'static str, Option<String>); 4] {
        [
            ("weights", self.weights.clone()),
            ("visible_bias", self.visible_bias.clone()),
            ("hidden_bias", self.hidden_bias.clone()),
            ("layout", self.layout.map(|layout| layout.to_string())),
        ]
    }

    /// Refuses any naming.
    pub(super) fn refuse(&self, rule: &str) -> Result<()> {
        for (setting, value) in self.given() {
            let is_given = value.is_some();
            check(setting, value.unwrap_or_default(), !is_given, || {
                format!("left out but for {rule}")
            })?;
        }
        Ok(())
    }
}
