//! The plainest code for what the kernels compute. Tests compare every kernel with it.

/// `sums[n][j] += Σ rows[i][j]` over the units `i` that are on in `states[n]`.
pub fn add_active_rows(rows: &[Vec<i32>], states: &[Vec<bool>], sums: &mut [Vec<i32>]) {
    for (state, sum) in states.iter().zip(sums) {
        for (row, _) in rows.iter().zip(state).filter(|(_, is_on)| **is_on) {
            for (total, addend) in sum.iter_mut().zip(row) {
                *total = total.wrapping_add(*addend);
            }
        }
    }
}

/// `sums[n][j] += Σ vₙᵢ · rows[i][j]` over the units i in order, in f32, skipping vₙᵢ = 0.
pub fn add_scaled_rows(rows: &[[f32; 64]], states: &[Vec<f32>], sums: &mut [Vec<f32>]) {
    for (state, sum) in states.iter().zip(sums) {
        for (row, &v) in rows.iter().zip(state).filter(|(_, v)| **v != 0.0) {
            for (total, &addend) in sum.iter_mut().zip(row) {
                *total += v * addend;
            }
        }
    }
}

/// Bit `j` is on when the top 24 bits of `words[j]` are below `thresholds[j]`.
pub fn draw(thresholds: &[i32], words: &[u32]) -> u64 {
    let is_on = |(threshold, word): (&i32, &u32)| i64::from(word >> 8) < i64::from(*threshold);
    let bits = thresholds.iter().zip(words).map(is_on);
    bits.enumerate().fold(0, |word, (bit, is_on)| word | u64::from(is_on) << bit)
}

/// The first value whose share and those before it add up to more than `word / 2^32` of all shares.
pub fn draw_category(shares: &[i32], word: u32) -> usize {
    let total: u128 = shares.iter().map(|&share| share as u128).sum();
    let sums = shares.iter().scan(0, |sum, &share| {
        *sum += share as u128;
        Some(*sum)
    });
    sums.take_while(|&sum| sum <= (u128::from(word) * total) >> 32).count()
}
