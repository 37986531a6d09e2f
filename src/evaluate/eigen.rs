//! Small dense linear algebra in a fixed order.

use ndarray::Array2;

/// The most rounds of Jacobi's method; a dozen suffice for twelve rows.
const ROUNDS: usize = 60;

/// Makes the columns orthonormal, by Gram and Schmidt, twice. A column that depends on those before it becomes 0.
pub fn orthonormalise(vectors: &mut Array2<f64>) {
    for k in 0..vectors.ncols() {
        let mut column = vectors.column(k).to_vec();
        let before = norm(&column);
        for _ in 0..2 {
            for earlier in 0..k {
                let other = vectors.column(earlier);
                let along: f64 = column.iter().zip(other).map(|(x, y)| x * y).sum();
                column.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let after = norm(&column);
        let factor = if after > 1e-10 * before { after.recip() } else { 0.0 };
        vectors.column_mut(k).iter_mut().zip(column).for_each(|(x, new)| *x = factor * new);
    }
}

fn norm(column: &[f64]) -> f64 {
    column.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The eigenvalues of a symmetric matrix, falling, and its eigenvectors as columns, by Jacobi's rotations.
pub fn symmetric(mut matrix: Array2<f64>) -> (Vec<f64>, Array2<f64>) {
    let n = matrix.nrows();
    let mut vectors = Array2::eye(n);
    for _ in 0..ROUNDS {
        for p in 0..n {
            for q in p + 1..n {
                let off = matrix[[p, q]];
                if off == 0.0 {
                    continue;
                }
                let theta = (matrix[[q, q]] - matrix[[p, p]]) / (2.0 * off);
                let sign = if theta < 0.0 { -1.0 } else { 1.0 };
                let t = sign / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = (t * t + 1.0).sqrt().recip();
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (matrix[[k, p]], matrix[[k, q]]);
                    (matrix[[k, p]], matrix[[k, q]]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (matrix[[p, k]], matrix[[q, k]]);
                    (matrix[[p, k]], matrix[[q, k]]) = (c * x - s * y, s * x + c * y);
                    let (x, y) = (vectors[[k, p]], vectors[[k, q]]);
                    (vectors[[k, p]], vectors[[k, q]]) = (c * x - s * y, s * x + c * y);
                }
                (matrix[[p, q]], matrix[[q, p]]) = (0.0, 0.0);
            }
        }
    }
    let mut order: Vec<_> = (0..n).collect();
    order.sort_by(|&one, &other| matrix[[other, other]].total_cmp(&matrix[[one, one]]));
    let values = order.iter().map(|&k| matrix[[k, k]]).collect();
    (values, Array2::from_shape_fn((n, n), |(row, k)| vectors[[row, order[k]]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn eigenvectors_are_turned_into_their_multiples() {
        let matrix = array![[4.0, 1.0, -2.0], [1.0, 2.0, 0.5], [-2.0, 0.5, 3.0]];
        let (values, vectors) = symmetric(matrix.clone());
        assert!(values.is_sorted_by(|one, other| one >= other));
        for (k, value) in values.iter().enumerate() {
            for row in 0..3 {
                let turned: f64 = (0..3).map(|at| matrix[[row, at]] * vectors[[at, k]]).sum();
                assert!((turned - value * vectors[[row, k]]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_dependent_column_becomes_zero() {
        let mut vectors = array![[3.0, 6.0, 1.0], [4.0, 8.0, 0.0]];
        orthonormalise(&mut vectors);
        assert_eq!(vectors.column(1).to_vec(), [0.0, 0.0]);
        let product: f64 = (0..2).map(|row| vectors[[row, 0]] * vectors[[row, 2]]).sum();
        assert!(product.abs() < 1e-15 && (vectors[[0, 0]] - 0.6).abs() < 1e-15);
    }
}
