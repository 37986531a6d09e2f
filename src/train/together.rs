//! How ranks stay together.

/// How ranks come to make the same calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Together {
    /// Each is told so by the same program.
    #[default]
    Alike,
    /// Rank 0 asks the others.
    Led {
        /// Whether they wait for a request.
        others_listen: bool,
    },
}
