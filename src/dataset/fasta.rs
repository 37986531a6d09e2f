//! Sequences in FASTA: a line `>name`, then lines of letters. All have one length, as in an alignment.
//!
//! In the formats A2M and A3M, lower-case letters and full stops are inserts, which belong to no site of the
//! alignment. They are removed, whatever the ending of the file.
//!
//! The records are found by these few lines: the bytes are in memory already, and the readers of noodles and
//! seq_io, which stream them, would bring packages of their own and none of what decides here: inserts, alphabets
//! and unknown letters.

use super::alphabet::{Alphabet, GAP, UnknownLetters};
use super::categories::no_states;
use super::columns::{Columns, Form, MISSING};
use super::holes::{Holes, MissingMask};
use super::lined::Lined;
use super::places::Places;
use super::{Categories, Dataset, Encoding};
use crate::bits::BitMatrix;
use crate::error::{Error, Remedy, Result};
use crate::memory::{self, Bytes, Need};
use std::path::Path;

/// Whether unpacked bytes are FASTA.
pub(super) fn is_fasta(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b">")
}

/// A sequence.
pub(super) struct Record<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Its first line; none in an array.
    pub title: Option<&'a [u8]>,
    /// Its other lines.
    pub lines: &'a [u8],
    /// Its file, if there are several.
    pub file: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// The letters of its sites.
    pub fn letters(&self) -> impl Iterator<Item = u8> + 'a {
        self.lines.iter().copied().filter(|c| {
            let is_insert = c.is_ascii_lowercase() || *c == b'.';
            !is_insert && !c.is_ascii_whitespace()
        })
    }

    /// Its first line, without `>`.
    fn title(&self) -> String {
        let title = self.title.map_or(&[][..], |title| &title[1..]);
        String::from_utf8_lossy(title).trim().to_string()
    }

    /// Its name in messages: the first word of its title.
    fn name(&self) -> String {
        if self.title.is_none() {
            return format!("example {}", self.number - 1);
        }
        let title = self.title();
        let word = title.trim_start_matches('>').split_whitespace().next();
        let name = word.map(|word| word.chars().take(40).collect());
        let name = name.unwrap_or_else(|| format!("sequence {}", self.number));
        self.file.map_or(name.clone(), |file| format!("{name} of {file}"))
    }
}

/// The records of a file that begins with one.
fn records<'a>(path: &Path, text: Lined<'a>) -> Result<Vec<Record<'a>>> {
    let Lined { bytes, files } = text;
    let is_start = |at: usize| bytes[at] == b'>' && (at == 0 || bytes[at - 1] == b'\n');
    let starts = || (0..bytes.len()).filter(|&at| is_start(at));
    let need = Need::new(Bytes::of::<Record<'_>>(&[starts().count()]), &[]);
    memory::check(|| format!("the sequences in {}", path.display()), &[need])?;
    let ends = starts().skip(1).chain([bytes.len()]);
    let mut line = 1;
    let record = |(number, (start, end))| {
        let record: &[u8] = &bytes[start..end];
        let title = record.iter().position(|&c| c == b'\n').unwrap_or(record.len());
        let file = files.place(line).file;
        line += record.iter().filter(|&&c| c == b'\n').count();
        Record { number, title: Some(&record[..title]), lines: &record[title..], file }
    };
    Ok((1..).zip(starts().zip(ends)).map(record).collect())
}

/// How letters are read.
struct Rule<'a> {
    /// The alphabet that is declared.
    alphabet: Option<&'a Alphabet>,
    unknown_letters: UnknownLetters,
    /// The sites of a model.
    model: Option<&'a Columns>,
}

impl<'a> Rule<'a> {
    /// # Errors
    /// [`Error::BadCategory`] for an encoding of other data.
    fn of(data: &str, encoding: &'a Encoding) -> Result<Self> {
        let undeclared =
            Self { alphabet: None, unknown_letters: UnknownLetters::Refuse, model: None };
        let refused = |but: &str| {
            let rule = format!("holds sequences in FASTA, but {but}");
            Err(Error::BadCategory { data: data.into(), rule, remedy: None })
        };
        Ok(match encoding {
            Encoding::Undeclared => undeclared,
            Encoding::Categories { categories: Categories::Auto, ignore } if ignore.is_empty() => {
                undeclared
            }
            Encoding::Letters { alphabet, unknown_letters } => {
                let (alphabet, unknown_letters) = (alphabet.as_ref(), *unknown_letters);
                Self { alphabet, unknown_letters, model: None }
            }
            Encoding::Columns(columns) => match columns.0 {
                Form::Sequences { unknown_letters, .. } => {
                    Self { alphabet: None, unknown_letters, model: Some(columns) }
                }
                Form::Table(_) | Form::Array { .. } => {
                    return refused("the model was trained on columns of a table");
                }
            },
            Encoding::Marked { .. } => {
                return refused(
                    "missing_value declares a number of a table; leave it out: letters that are missing are unknown_letters",
                );
            }
            Encoding::GreyLevels(_) | Encoding::Spins | Encoding::Categories { .. } => {
                return refused(
                    "grey_levels, spins, categories or ignore declare numbers or columns of a table; leave \
                     them out",
                );
            }
        })
    }
}

/// Sequences of one length.
pub(super) struct Sequences<'a> {
    data: String,
    pub records: Vec<Record<'a>>,
    length: usize,
}

impl<'a> Sequences<'a> {
    /// The sequences of a file.
    pub fn of(path: &Path, text: Lined<'a>) -> Result<Self> {
        let text = Lined { bytes: text.bytes.trim_ascii_start(), ..text };
        Self::new(path.display().to_string(), records(path, text)?)
    }

    /// # Panics
    /// If there are none.
    pub fn new(data: String, records: Vec<Record<'a>>) -> Result<Self> {
        let length = records[0].letters().count();
        let sequences = Self { data, records, length };
        let [first, ..] = &sequences.records[..] else { unreachable!("a first record") };
        if length == 0 {
            let rule = format!("{} has no sites{INSERTS}", first.name());
            return Err(sequences.refused(rule, None));
        }
        let lengths = sequences.records.iter().map(|record| record.letters().count());
        let others: Vec<_> = lengths.enumerate().filter(|(_, found)| *found != length).collect();
        let Some(&(at, found)) = others.first() else { return Ok(sequences) };
        let (n, all) = (others.len(), sequences.records.len());
        let which = match n {
            1 => String::new(),
            _ => format!(" ({n} of {all} sequences have another length than the first)"),
        };
        let remedy = match sequences.length_with_lower_case() {
            Some(whole) => format!(
                "with their lower-case letters all have {whole}; these are left out as inserts, so if they are \
                 sites (of a low complexity, say), write them in capitals, as by `seqkit seq --upper-case`"
            ),
            None => format!("align the sequences{INSERTS}"),
        };
        let (name, first) = (sequences.records[at].name(), first.name());
        let rule = format!("{name} has {found} sites, but {first} has {length}{which}; {remedy}");
        Err(sequences.refused(rule, None))
    }

    /// The one length that all sequences have if lower-case letters are sites, too.
    fn length_with_lower_case(&self) -> Option<usize> {
        let is_site = |c: &u8| !c.is_ascii_whitespace() && *c != b'.';
        let length = |record: &Record<'_>| record.lines.iter().filter(|c| is_site(c)).count();
        let mut lengths = self.records.iter().map(length);
        let first = lengths.next()?;
        lengths.all(|length| length == first).then_some(first)
    }

    fn refused(&self, rule: String, remedy: Option<Remedy>) -> Error {
        Error::BadCategory { data: self.data.clone(), rule, remedy }
    }

    /// The sites of a model, which must be as many.
    fn check_length(&self, model: &Columns) -> Result<()> {
        if model.n_columns() == self.length {
            return Ok(());
        }
        let (name, found, n) = (self.records[0].name(), self.length, model.n_columns());
        let rule = format!("{name} has {found} sites, but the model has {n}{INSERTS}");
        Err(self.refused(rule, None))
    }

    /// The alphabet that most letters suggest.
    fn inferred(&self) -> Alphabet {
        let mut counts = [0; 256];
        let letters = self.records.iter().flat_map(Record::letters);
        letters.for_each(|letter| counts[usize::from(letter)] += 1);
        Alphabet::inferred(&counts)
    }

    /// Refuses the letters outside an alphabet.
    fn refuse_unknown(&self, letters: &str, setting: &str, values: &'static str) -> Error {
        let mut counts = [0_u64; 256];
        let mut first = None;
        for record in &self.records {
            for (site, letter) in record.letters().enumerate() {
                if !letters.as_bytes().contains(&letter) {
                    counts[usize::from(letter)] += 1;
                    first.get_or_insert((record.name(), site + 1));
                }
            }
        }
        let counts = counts.iter().enumerate().filter(|(_, n)| **n > 0);
        let counts: Vec<_> = counts
            .map(|(letter, n)| {
                let times = if *n == 1 { "once".into() } else { format!("{n} times") };
                format!("{} {times}", char::from(letter as u8))
            })
            .collect();
        let (name, site) = first.expect("an unknown letter");
        let rule = format!(
            "has letters outside the alphabet {letters}: {}, first at site {site} of {name}; {setting}",
            counts.join(", ")
        );
        self.refused(rule, Some(Remedy::with("unknown_letters", values)))
    }
}

/// The rule for inserts, in messages.
const INSERTS: &str = " (lower-case letters and full stops are inserts, which are left out)";

/// Reads sequences. An alphabet that is not declared is inferred. A mask hides letters of all sequences,
/// those that are left out included.
///
/// # Errors
/// [`Error::BadCategory`] for sequences of several lengths, or with letters outside the alphabet;
/// [`Error::OutOfMemory`].
pub(super) fn read(
    path: &Path,
    text: Lined<'_>,
    encoding: &Encoding,
    mask: Option<&MissingMask>,
) -> Result<Dataset> {
    examples(Sequences::of(path, text)?, encoding, mask)
}

/// Sequences as examples, as [`read`] reads them.
pub(super) fn examples(
    sequences: Sequences<'_>,
    encoding: &Encoding,
    mask: Option<&MissingMask>,
) -> Result<Dataset> {
    let Rule { alphabet, unknown_letters, model } = Rule::of(&sequences.data, encoding)?;
    let inferred = (alphabet.is_none() && model.is_none()).then(|| sequences.inferred());
    let is_inferred = inferred.is_some();
    let letters = |has_gaps| match (model, alphabet.or(inferred.as_ref())) {
        (Some(model), _) => model.alphabet().expect("sites of letters").to_string(),
        (None, Some(alphabet)) => alphabet.letters(has_gaps),
        (None, None) => unreachable!("an inferred alphabet"),
    };
    if let Some(model) = model {
        sequences.check_length(model)?;
    }

    let widest = letters(true);
    let is_known = |letter: &u8| widest.as_bytes().contains(letter);
    let all_known = |record: &&Record<'_>| record.letters().all(|letter| is_known(&letter));
    let n_all = sequences.records.len();
    let n_known = sequences.records.iter().filter(all_known).count();
    let has_unknown = n_known < n_all;
    let kept: Vec<_> = match unknown_letters {
        UnknownLetters::Drop => sequences.records.iter().filter(all_known).collect(),
        UnknownLetters::Gap if !has_unknown || is_known(&GAP) => sequences.records.iter().collect(),
        UnknownLetters::Gap => {
            let rule = "the alphabet has no gap for them, so make them missing values, or leave out the \
                        sequences,";
            return Err(sequences.refuse_unknown(&widest, rule, "missing|drop"));
        }
        UnknownLetters::Refuse if has_unknown => {
            let rule =
                "make them gaps or missing values, or leave out the sequences that have them,";
            return Err(sequences.refuse_unknown(&widest, rule, "gap|missing|drop"));
        }
        UnknownLetters::Refuse | UnknownLetters::Missing => sequences.records.iter().collect(),
    };
    if kept.is_empty() {
        let rule = format!(
            "all {n_all} sequences have letters outside the alphabet {widest}; make these gaps"
        );
        return Err(sequences.refused(rule, Some(Remedy::with("unknown_letters", "gap"))));
    }
    let becomes_gap = has_unknown && unknown_letters == UnknownLetters::Gap;
    let has_gaps = becomes_gap || kept.iter().any(|record| record.letters().any(|c| c == GAP));

    let letters = letters(has_gaps);
    let columns = match model {
        Some(model) => model.clone(),
        None => Columns::sequences(letters.clone(), sequences.length, unknown_letters),
    };
    let mut state_of = [MISSING; 256];
    (0..).zip(letters.bytes()).for_each(|(state, c)| state_of[usize::from(c)] = state);
    let mut states = no_states(&sequences.data, kept.len(), &columns)?;
    let hidden = Holes::hidden_by(mask, &sequences.data, (n_all, sequences.length))?;
    let mut holes = Holes::default();
    for (example, record) in kept.iter().enumerate() {
        for (site, letter) in record.letters().enumerate() {
            let is_hidden = hidden.has(record.number - 1, site);
            let state = match state_of[usize::from(letter)] {
                _ if is_hidden => MISSING,
                MISSING if becomes_gap => state_of[usize::from(GAP)],
                state => state,
            };
            states[[example, site]] = state;
            if state == MISSING {
                holes.note(states.dim(), example, site, || {
                    let (letter, name) = (char::from(letter), record.name());
                    format!("site {} of {name} is {letter}", site + 1)
                });
            }
        }
    }
    let bits = columns.encode(&sequences.data, states.view())?;
    let n_left_out = n_all - kept.len();
    let dataset = holes.missing_from(Dataset::from_columns(sequences.data, columns, bits))?;
    let all = || sequences.records.iter();
    let has_titles = all().all(|record| record.title.is_some());
    let of_kept = || kept.iter().map(|record| record.title()).collect();
    let places = (n_left_out > 0).then(|| Places {
        rows: kept.iter().map(|record| record.number - 1).collect(),
        n_rows: n_all,
        titles: has_titles.then(|| all().map(Record::title).collect()),
    });
    let titles = has_titles.then(of_kept);
    Ok(Dataset { is_inferred, n_left_out, titles, places, ..dataset })
}

impl Columns {
    /// Sequences as FASTA, from their one-hot bits (N, units), with these titles (N), or else `sample1`, `sample2`,
    /// …; `None` if the data are not sequences.
    ///
    /// # Panics
    /// As [`decode`](Self::decode), and if there are other numbers of titles and sequences.
    pub fn to_fasta(&self, bits: &BitMatrix, titles: Option<&[String]>) -> Option<String> {
        self.alphabet()?;
        assert!(titles.is_none_or(|titles| titles.len() == bits.n_rows()), "a title for each");
        let title = |n: usize| match titles {
            Some(titles) => titles[n].clone(),
            None => format!("sample{}", n + 1),
        };
        let sequences = self.rows(bits).enumerate();
        Some(sequences.map(|(n, row)| format!(">{}\n{}\n", title(n), row.concat())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, encoding: &Encoding) -> Result<Dataset, String> {
        let dataset = super::read(Path::new("x.fasta"), text.into(), encoding, None);
        dataset.map_err(|error| error.to_string())
    }

    fn letters(alphabet: Option<&str>, unknown_letters: UnknownLetters) -> Encoding {
        let alphabet = alphabet.map(|text| text.parse().unwrap());
        Encoding::Letters { alphabet, unknown_letters }
    }

    /// The alphabet of a data set, and its sequences.
    fn contents(dataset: &Dataset) -> (String, Vec<String>) {
        let columns = dataset.columns().expect("columns");
        let bits = BitMatrix::from_fn(dataset.n_examples(), dataset.n_visible(), |n, unit| {
            dataset.intensity(n, unit) == 1.0
        });
        let rows = columns.rows(&bits).map(|row| row.concat()).collect();
        (columns.alphabet().expect("letters").to_string(), rows)
    }

    fn found(text: &str, encoding: &Encoding) -> (String, Vec<String>) {
        contents(&read(text, encoding).unwrap())
    }

    #[test]
    fn sequences_are_read_by_the_rules_of_a3m() {
        let expected = ("ACGT".to_string(), vec!["ACGT".to_string(), "TTTT".to_string()]);
        for text in [
            ">a\nACGT\n>b\nTTTT\n",
            ">a\nACGT\n>b\nTTTT",
            "\n>a some words\r\nAC\r\nGT\r\n\r\n>b\r\nTTTT\r\n",
            ">>S1\nACGT\n>>S2\nTT TT\n",
            ">a\nAaaCGT.\n>b\n..TTTTt\n",
            ">\nACGT\n>\nTTTT\n",
        ] {
            assert!(is_fasta(text.as_bytes()));
            assert_eq!(found(text, &Encoding::Undeclared), expected, "{text:?}");
        }
    }

    #[test]
    fn the_gap_is_a_state_if_a_sequence_has_one() {
        let undeclared = Encoding::Undeclared;
        assert_eq!(found(">a\nEKLW\n", &undeclared).0, "ACDEFGHIKLMNPQRSTVWY");
        assert_eq!(found(">a\nEKLW\n>b\nEK-W\n", &undeclared).0, "-ACDEFGHIKLMNPQRSTVWY");
        assert_eq!(found(">a\nACG-\n", &undeclared).0, "-ACGT");
        assert_eq!(found(">a\nACGU\n", &undeclared).0, "ACGU");
        let refuse = UnknownLetters::Refuse;
        assert_eq!(found(">a\nACGT\n", &letters(Some("protein"), refuse)).0.len(), 20);
        assert_eq!(found(">a\nHPPH\n", &letters(Some("PH"), refuse)).0, "PH");
        let auto = Encoding::Categories { categories: Categories::Auto, ignore: Vec::new() };
        assert_eq!(found(">a\nACGU\n", &auto).0, "ACGU");
    }

    #[test]
    fn unknown_letters_become_gaps_or_take_their_sequences_away() {
        let text = ">a\nEKLW\n>b\nXKBW\n>c\nAAAA\n";
        let (alphabet, rows) = found(text, &letters(None, UnknownLetters::Gap));
        assert_eq!((&alphabet[..3], &rows[1][..]), ("-AC", "-K-W"));
        let dataset = read(text, &letters(None, UnknownLetters::Drop)).unwrap();
        let (alphabet, rows) = contents(&dataset);
        assert_eq!((&alphabet[..3], rows), ("ACD", vec!["EKLW".into(), "AAAA".into()]));
        assert_eq!(
            dataset.inferred().unwrap(),
            "x.fasta: the sequences are taken as 4 sites of the 20 letters ACDEFGHIKLMNPQRSTVWY; the \
             setting alphabet overrides this; 1 sequence with other letters is left out"
        );
        // Gaps of sequences that are left out are not states.
        let (alphabet, _) = found(">a\nEKLW\n>b\nXK-W\n", &letters(None, UnknownLetters::Drop));
        assert_eq!(alphabet.len(), 20);
    }

    #[test]
    fn other_sequences_are_read_as_those_of_the_model() {
        let model = read(">a\nEK-W\n", &letters(None, UnknownLetters::Gap)).unwrap();
        let encoding = Encoding::recorded(&model.encoding().facts()).unwrap();
        // By their own letters they would be DNA.
        let (alphabet, rows) = found(">b\nACGX\n", &encoding);
        assert_eq!((alphabet.len(), &rows[0][..]), (21, "ACG-"));
        assert_eq!(
            read(">b\nACG\n", &encoding).unwrap_err(),
            "x.fasta: b has 3 sites, but the model has 4 (lower-case letters and full stops are inserts, \
             which are left out)"
        );
        let table = Columns::table(vec![super::super::Column {
            name: "c".into(),
            kind: super::super::ColumnKind::Bit(["0".into(), "1".into()]),
        }]);
        let of_table = Encoding::Columns(std::sync::Arc::new(table));
        let error = read(">b\nACG\n", &of_table).unwrap_err();
        assert!(error.ends_with("but the model was trained on columns of a table"), "{error}");
    }

    #[test]
    fn each_error_says_the_sequence_and_the_remedy() {
        let undeclared = Encoding::Undeclared;
        let inserts = "(lower-case letters and full stops are inserts, which are left out)";
        let gap = |alphabet| letters(Some(alphabet), UnknownLetters::Gap);
        for (text, encoding, message) in [
            (
                ">first one\nACGT\n>second\nACG\n",
                &undeclared,
                format!("second has 3 sites, but first has 4; align the sequences {inserts}"),
            ),
            (
                ">a\nACGT\n>b\nACg\n>c\nACG\n",
                &undeclared,
                format!(
                    "b has 2 sites, but a has 4 (2 of 3 sequences have another length than the first); align the \
                     sequences {inserts}"
                ),
            ),
            (
                ">a\nACGT\n>b\nACgT\n",
                &undeclared,
                "b has 3 sites, but a has 4; with their lower-case letters all have 4; these are left out as inserts"
                    .to_string(),
            ),
            (">a\nACGT\n>\nACGTA\n", &undeclared, "sequence 2 has 5 sites, but a has 4; align".into()),
            (">a\nacgt\n", &undeclared, format!("a has no sites {inserts}")),
            (">a\n", &undeclared, format!("a has no sites {inserts}")),
            (
                ">a\nEKLW\n>b\nXKBW\n>c\nXXXX\n",
                &undeclared,
                "has letters outside the alphabet -ACDEFGHIKLMNPQRSTVWY: B once, X 5 times, first at site 1 \
                 of b; make them gaps or missing values, or leave out the sequences that have them, by \
                 unknown_letters = gap|missing|drop"
                    .into(),
            ),
            (
                ">a\nHPPX\n",
                &gap("HP"),
                "has letters outside the alphabet HP: X once, first at site 4 of a; the alphabet has no gap \
                 for them, so make them missing values, or leave out the sequences, by unknown_letters = \
                 missing|drop"
                    .into(),
            ),
            (
                ">a\nXX\n>b\nBX\n",
                &letters(Some("dna"), UnknownLetters::Drop),
                "all 2 sequences have letters outside the alphabet -ACGT; make these gaps by \
                 unknown_letters = gap"
                    .into(),
            ),
            (
                ">a\nACGT\n",
                &Encoding::Spins,
                "holds sequences in FASTA, but grey_levels, spins, categories or ignore declare".into(),
            ),
        ] {
            let error = read(text, encoding).unwrap_err();
            let message = format!("x.fasta: {message}");
            assert!(error.starts_with(&message), "{error}\ndoes not say: {message}");
        }
    }

    #[test]
    fn unknown_letters_may_be_missing_values() {
        let text = ">a\nEKLW\n>b\nXKBW\n>c\nAAAA\n";
        let dataset = read(text, &letters(None, UnknownLetters::Missing)).unwrap();
        assert_eq!(dataset.columns().unwrap().alphabet().unwrap().len(), 20);
        assert_eq!((dataset.n_examples(), dataset.n_missing()), (3, 2));
        let missing = dataset.missing().unwrap();
        assert_eq!(missing.to_array(u8::from).row(1).sum(), 40);
        assert!((0..20).all(|unit| missing.get(1, unit) && missing.get(1, 40 + unit)));
        assert!((0..80).all(|unit| !missing.get(1, unit) || dataset.intensity(1, unit) == 0.0));
        assert_eq!(dataset.first_missing().unwrap(), "site 1 of b is X");
        // Others for the model are read by the same rule.
        let encoding = Encoding::recorded(&dataset.encoding().facts()).unwrap();
        assert_eq!(
            read(">d\nA-AA\n", &encoding).unwrap().first_missing().unwrap(),
            "site 2 of d is -"
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = ">sample1\nACGT\n>sample2\nTT-T\n";
        let dataset = read(text, &Encoding::Undeclared).unwrap();
        let bits =
            BitMatrix::from_fn(2, dataset.n_visible(), |n, unit| dataset.intensity(n, unit) == 1.0);
        assert_eq!(dataset.columns().unwrap().to_fasta(&bits, None).unwrap(), text);
    }
}
