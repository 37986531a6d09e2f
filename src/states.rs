//! Rows of visible states: bits or real numbers.

use crate::bits::BitMatrix;
use crate::reals::RealRows;
use std::ops::Range;

/// States that are bits, stored as `B`, or real numbers, stored as `R`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum States<B, R> {
    /// 0 and 1.
    Bits(B),
    /// Any finite numbers.
    Reals(R),
}

/// Rows of visible states (N, V), from which scores and features are computed.
///
/// ```
/// use harmonium::states::VisibleStates;
/// use harmonium::{BitMatrix, reals::RealRows};
/// let bits = BitMatrix::from_fn(2, 3, |n, i| n == i);
/// let numbers = RealRows::from(&bits);
/// let shape = |states: VisibleStates<'_>| (states.n_rows(), states.n_columns());
/// assert_eq!(shape((&bits).into()), shape((&numbers).into()));
/// ```
pub type VisibleStates<'a> = States<&'a BitMatrix, &'a RealRows>;

impl<B, R> States<B, R> {
    /// The states, borrowed.
    pub fn as_ref(&self) -> States<&B, &R> {
        match self {
            Self::Bits(bits) => States::Bits(bits),
            Self::Reals(reals) => States::Reals(reals),
        }
    }

    /// The bits. If the states are numbers, `new` bits replace them first.
    pub fn bits_or_new(&mut self, new: impl FnOnce() -> B) -> &mut B {
        if let Self::Reals(_) = self {
            *self = Self::Bits(new());
        }
        match self {
            Self::Bits(bits) => bits,
            Self::Reals(_) => unreachable!("they are bits now"),
        }
    }

    /// The numbers. If the states are bits, `new` numbers replace them first.
    pub fn reals_or_new(&mut self, new: impl FnOnce() -> R) -> &mut R {
        if let Self::Bits(_) = self {
            *self = Self::Reals(new());
        }
        match self {
            Self::Reals(reals) => reals,
            Self::Bits(_) => unreachable!("they are numbers now"),
        }
    }
}

impl VisibleStates<'_> {
    /// Number of rows, N.
    pub fn n_rows(self) -> usize {
        match self {
            Self::Bits(bits) => bits.n_rows(),
            Self::Reals(reals) => reals.n_rows(),
        }
    }

    /// Number of columns, V.
    pub fn n_columns(self) -> usize {
        match self {
            Self::Bits(bits) => bits.n_columns(),
            Self::Reals(reals) => reals.n_columns(),
        }
    }
}

impl VisibleStates<'_> {
    /// Some of the rows as numbers.
    pub(crate) fn numbers_of(self, rows: Range<usize>) -> RealRows {
        match self {
            Self::Bits(bits) => RealRows::from(&bits.rows(rows)),
            Self::Reals(reals) => reals.rows_of(rows),
        }
    }
}

impl<'a> From<&'a BitMatrix> for VisibleStates<'a> {
    fn from(bits: &'a BitMatrix) -> Self {
        Self::Bits(bits)
    }
}

impl<'a> From<&'a RealRows> for VisibleStates<'a> {
    fn from(reals: &'a RealRows) -> Self {
        Self::Reals(reals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_the_other_kind_are_replaced() {
        let mut states = States::Bits(1);
        assert_eq!(*states.bits_or_new(|| unreachable!()), 1);
        *states.reals_or_new(|| 2.5) += 1.0;
        assert_eq!(states.as_ref(), States::Reals(&3.5));
        assert_eq!(*states.reals_or_new(|| unreachable!()), 3.5);
        assert_eq!(*states.bits_or_new(|| 7), 7);
    }
}
