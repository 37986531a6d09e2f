//! How runs look in all charts, captions and tables: a colour and a mark each.
//!
//! The colours are the eight of M. A. Petroff, *Accessible Color Sequences for Data Visualization*
//! (arXiv:2107.02270), which differ for readers with any of the common kinds of colour blindness. Run n has colour
//! n mod 8 and mark n mod 5. As 8 and 5 have no common factor, the first 40 runs all differ, and neighbours differ in
//! print without colours, too. From run 40 on looks repeat.

/// The colours on white paper; dark pages have lighter ones, `--series-0` to `--series-7`.
pub const COLOURS: [&str; 8] =
    ["#1845fb", "#ff5e02", "#c91f16", "#c849a9", "#adad7d", "#86c8dd", "#578dff", "#656364"];

/// The colours of letters on white paper; dark pages have lighter ones, `--letter-0` to `--letter-9`.
pub const LETTERS: [&str; 10] = [
    "#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#64748b", "#0891b2", "#b91c1c",
    "#65a30d", "#a16207",
];

/// A mark on a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

const MARKS: [Mark; 5] = [Mark::Circle, Mark::Square, Mark::Triangle, Mark::Diamond, Mark::Cross];

/// The place of a run's colour among [`COLOURS`].
pub fn colour(run: usize) -> usize {
    run % COLOURS.len()
}

/// The mark of a run.
pub fn mark(run: usize) -> Mark {
    MARKS[run % MARKS.len()]
}

impl Mark {
    /// The corners of the mark of size 1 around the origin; none of a circle.
    pub fn corners(self) -> &'static [[f64; 2]] {
        match self {
            Self::Circle => &[],
            Self::Square => &[[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
            Self::Triangle => &[[0.0, -1.2], [1.1, 0.8], [-1.1, 0.8]],
            Self::Diamond => &[[0.0, -1.3], [1.1, 0.0], [0.0, 1.3], [-1.1, 0.0]],
            Self::Cross => &[
                [-1.2, -0.4],
                [-0.4, -0.4],
                [-0.4, -1.2],
                [0.4, -1.2],
                [0.4, -0.4],
                [1.2, -0.4],
                [1.2, 0.4],
                [0.4, 0.4],
                [0.4, 1.2],
                [-0.4, 1.2],
                [-0.4, 0.4],
                [-1.2, 0.4],
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn forty_runs_differ_and_neighbours_have_other_marks() {
        let looks: BTreeSet<_> =
            (0..40).map(|run| (colour(run), format!("{:?}", mark(run)))).collect();
        assert_eq!(looks.len(), 40);
        assert!((0..40).all(|run| mark(run) != mark(run + 1) && colour(run) != colour(run + 1)));
    }
}
