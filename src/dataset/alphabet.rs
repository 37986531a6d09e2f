//! Alphabets of sequences: the letters of a site, in a fixed order.

use crate::error::{Error, Result};
use crate::setting::{by_name, by_text, invalid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The letter for a site at which a sequence of an alignment has nothing.
pub(crate) const GAP: u8 = b'-';

/// The most states of a site.
pub const MAX_STATES: usize = 255;

/// The amino acids by their letters.
const PROTEIN: &str = "ACDEFGHIKLMNPQRSTVWY";
const DNA: &str = "ACGT";
const RNA: &str = "ACGU";

/// The letters of sequences. As text: `protein`, `dna`, `rna`, or the letters themselves, such as `HP`.
///
/// The order of letters is that of adabmDCA and annaDCA: the gap, then the others by the alphabet. In the
/// three alphabets with names the gap is a letter if some sequence has one; in others, if it is given.
///
/// ```
/// use harmonium::dataset::Alphabet;
/// assert_eq!("dna".parse::<Alphabet>()?.letters(true), "-ACGT");
/// assert_eq!("HP".parse::<Alphabet>()?.letters(true), "HP");
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Alphabet {
    /// The 20 amino acids.
    Protein,
    /// A, C, G and T.
    Dna,
    /// A, C, G and U.
    Rna,
    /// These letters in this order, 2 to 255 of them.
    Letters(String),
}

impl Alphabet {
    /// The letters, each an ASCII character, in the order of the states.
    pub fn letters(&self, has_gaps: bool) -> String {
        let gap = if has_gaps { "-" } else { "" };
        let named = |letters: &str| format!("{gap}{letters}");
        match self {
            Self::Protein => named(PROTEIN),
            Self::Dna => named(DNA),
            Self::Rna => named(RNA),
            Self::Letters(letters) => letters.clone(),
        }
    }

    /// The named alphabet of sequences with these numbers of each letter. Nine tenths of the letters of
    /// DNA and RNA are their own four: the letters of proteins include these, and N, which stands for an
    /// amino acid there and for an unknown base here.
    pub(super) fn inferred(counts: &[u64; 256]) -> Self {
        let sum = |letters: &str| letters.bytes().map(|c| counts[usize::from(c)]).sum::<u64>();
        let all = counts.iter().sum::<u64>() - counts[usize::from(GAP)];
        if 10 * sum("ACGTUN") < 9 * all {
            Self::Protein
        } else if sum("U") > sum("T") {
            Self::Rna
        } else {
            Self::Dna
        }
    }
}

/// Whether sequences may have this letter. Lower case and full stops are inserts of an alignment.
fn is_letter(c: char) -> bool {
    c.is_ascii_graphic() && !c.is_ascii_lowercase() && !".>;,".contains(c)
}

impl FromStr for Alphabet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match &text.to_ascii_lowercase()[..] {
            "protein" => return Ok(Self::Protein),
            "dna" => return Ok(Self::Dna),
            "rna" => return Ok(Self::Rna),
            _ => {}
        }
        let mut letters: Vec<_> = text.chars().collect();
        letters.sort_unstable();
        letters.dedup();
        let are_distinct = letters.len() == text.chars().count();
        if text.len() >= 2 && are_distinct && text.chars().all(is_letter) {
            return Ok(Self::Letters(text.to_string()));
        }
        let rule = "`protein`, `dna`, `rna`, or at least two different letters, capitals or other signs than \
                    `.`, such as -ACDEFGHIKLMNPQRSTVWY";
        Err(invalid("alphabet", text, rule))
    }
}

impl fmt::Display for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protein => f.write_str("protein"),
            Self::Dna => f.write_str("dna"),
            Self::Rna => f.write_str("rna"),
            Self::Letters(letters) => f.write_str(letters),
        }
    }
}

by_text!(Alphabet);

/// What is done with letters outside the alphabet, such as X, B and Z in proteins, or N in DNA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum UnknownLetters {
    /// The data are refused.
    #[default]
    Refuse,
    /// They count as gaps.
    Gap,
    /// Their sites are missing values.
    Missing,
    /// Sequences that have any are left out.
    Drop,
}

by_name!(UnknownLetters, "unknown_letters", {
    Refuse = "refuse",
    Gap = "gap",
    Missing = "missing",
    Drop = "drop",
});

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> [u64; 256] {
        let mut counts = [0; 256];
        text.bytes().for_each(|c| counts[usize::from(c)] += 1);
        counts
    }

    #[test]
    fn the_alphabet_is_inferred_from_nine_tenths_of_the_letters() {
        for (letters, alphabet) in [
            ("ACGTACGT", Alphabet::Dna),
            ("AAAA", Alphabet::Dna),
            ("ACGUACGU", Alphabet::Rna),
            ("ACGTNNNN-----ACGTACGTACGTRY", Alphabet::Dna),
            ("GATTACAGATTACAGATTACAMK", Alphabet::Dna),
            ("EKAMPAMDPDMAHEHKKKIRAWMFEGE", Alphabet::Protein),
            ("ACGTACGTL", Alphabet::Protein),
            ("CAT-----W", Alphabet::Protein),
        ] {
            assert_eq!(Alphabet::inferred(&counts(letters)), alphabet, "{letters}");
        }
    }

    #[test]
    fn alphabets_read_back_and_others_are_refused() {
        for text in ["protein", "dna", "rna", "HP", "-ACDEFGHIKLMNPQRSTVWY", "01"] {
            assert_eq!(text.parse::<Alphabet>().unwrap().to_string(), text);
        }
        assert_eq!("DNA".parse::<Alphabet>().unwrap(), Alphabet::Dna);
        for text in ["", "A", "AA", "acgt", "A.", "A C", "AÄ"] {
            let error = text.parse::<Alphabet>().unwrap_err().to_string();
            let start =
                format!("alphabet is {text}, but must be `protein`, `dna`, `rna`, or at least two");
            assert!(error.starts_with(&start), "{error}");
        }
    }
}
