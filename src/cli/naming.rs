//! The flags that say how the arrays of other programs are named.

use crate::interchange::{Layout, Naming};
use clap::Args;

#[derive(Debug, Args)]
pub struct NamingFlags {
    /// The name of the weights [default: a known name; in a file that is written: weights]
    #[arg(long, value_name = "NAME")]
    weights: Option<String>,
    /// The name of the visible bias [default: as for --weights; visible_bias]
    #[arg(long, value_name = "NAME")]
    visible_bias: Option<String>,
    /// The name of the hidden bias [default: as for --weights; hidden_bias]
    #[arg(long, value_name = "NAME")]
    hidden_bias: Option<String>,
    /// The axes of the weights: `vh` is (visible, hidden), `hv` (hidden, visible) [default: as the lengths of
    /// the biases say; in a file that is written: vh]
    #[arg(long, value_name = "vh|hv")]
    layout: Option<Layout>,
}

impl NamingFlags {
    /// The naming that is given.
    pub fn naming(&self) -> Naming {
        let Self { weights, visible_bias, hidden_bias, layout } = self;
        Naming {
            weights: weights.clone(),
            visible_bias: visible_bias.clone(),
            hidden_bias: hidden_bias.clone(),
            layout: *layout,
        }
    }
}
