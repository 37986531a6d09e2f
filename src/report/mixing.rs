//! The shares of the clusters of data, among samples and chains.

use super::chart::number;
use crate::evaluate::Mixing;
use crate::evaluate::mixing::ClusterShares;
use maud::{Markup, html};

/// The section on the modes of the data; empty if they are not known, or there is one alone and nothing beside it.
pub fn section(found: Option<&Mixing>) -> Markup {
    let Some(mixing) = found.filter(|mixing| !is_plain(mixing)) else { return html! {} };
    let model = mixing.model.as_ref().zip(mixing.model_samples.as_ref());
    let n_sweeps = mixing.n_sweeps;
    html! {
        section #mixing {
            h2 { "Modes" }
            p.note {
                "The shares of the clusters of " (mixing.n_examples) " examples. A good model has those of the examples; \
                 chains that do not have those of the model do not pass between its modes. The chains remember their \
                 start for "
                @match mixing.n_independent {
                    Some(n) => { (number((mixing.n_chains * n_sweeps) as f64 / n)) " sweeps." }
                    None => { "longer than their " (n_sweeps) " sweeps." }
                }
            }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { "" }
                            @for at in 0..mixing.examples.clusters.len() { th { "cluster " (at + 1) } }
                            th { "where no example lies" }
                        }
                    }
                    tbody {
                        (row("examples", &mixing.examples))
                        @if let Some((shares, origin)) = model { (row(&format!("the model ({origin})"), shares)) }
                        (row("Gibbs chains that started at random", &mixing.from_random))
                        (row("Gibbs chains that started at examples", &mixing.from_examples))
                    }
                }
            }
        }
    }
}

/// Whether there is nothing to see.
fn is_plain(mixing: &Mixing) -> bool {
    mixing.examples.clusters.len() == 1 && mixing.warnings.is_empty()
}

fn row(name: &str, shares: &ClusterShares) -> Markup {
    html! {
        tr {
            th { (name) }
            @for share in &shares.clusters { td { (format!("{share:.2}")) } }
            td { (format!("{:.2}", shares.outside)) }
        }
    }
}
