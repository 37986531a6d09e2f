//! The section on effective couplings: a picture of all pairs of sites, and the names of the strongest.

use super::chart::number;
use super::images::embedded;
use super::site_couplings::SiteCouplings;
use crate::pictures::{self, Grey};
use maud::{Markup, html};

/// The number of pairs that are named.
const MOST_PAIRS: usize = 12;

/// The strength of all pairs of columns as a picture, and that which is white.
pub fn picture(couplings: &SiteCouplings) -> (Vec<u8>, f64) {
    let SiteCouplings { are_bits, scores, .. } = couplings;
    // Norms below what their sites explain are shown as none.
    let size = |score: f64| if *are_bits { score.abs() } else { score.max(0.0) };
    let limit = scores.iter().fold(0.0_f64, |limit, &score| limit.max(size(score)));
    let shares = scores.mapv(|score| (size(score) / limit.max(f64::MIN_POSITIVE)) as f32);
    (pictures::matrix(shares.view(), Grey::Unit), limit)
}

/// What the couplings are.
pub fn quantity(couplings: &SiteCouplings) -> &'static str {
    match (couplings.are_bits, couplings.leave_gaps_out) {
        (true, _) => "|J| of spins −1 and 1",
        (_, false) => "the Frobenius norm of J, with the average-product correction",
        (_, true) => {
            "the Frobenius norm of J, the gap left out, with the average-product correction"
        }
    }
}

pub fn section(couplings: &SiteCouplings) -> Markup {
    let SiteCouplings { columns, are_bits, pairs, .. } = couplings;
    let (png, limit) = picture(couplings);
    html! {
        section #couplings {
            h2 { "Effective couplings" }
            p.note {
                "How strongly two columns are coupled in ln p(v), after all hidden units are summed out: "
                (quantity(couplings)) ". A row and a column for each column of the data, in order; white is " (number(limit)) ". "
                code { "harmonium couplings" } " writes all of them. They are those of one \
                 model, without an error: runs with other seeds, and on halves of the examples, say how far to trust them."
            }
            div.picture { (embedded(&png, "the strength of the couplings of all pairs of columns")) }
            div.scroll {
                table {
                    thead { tr { th { "strongest pairs" } th { "" } th { @if *are_bits { "J" } @else { "score" } } } }
                    tbody {
                        @for pair in pairs.iter().take(MOST_PAIRS) {
                            tr {
                                td { (columns.name(pair.first)) }
                                td { (columns.name(pair.second)) }
                                td { (number(pair.score)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
