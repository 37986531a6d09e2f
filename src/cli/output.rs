//! The output of results: standard output, and arrays in files.

use crate::error::{Error, Result};
use ndarray::{Array, Dimension};
use ndarray_npy::{WritableElement, WriteNpyExt as _};
use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;

/// Prints a result. A reader that closes the pipe early (`| head`) is not an error.
pub fn print(result: impl Display) -> Result<()> {
    match writeln!(std::io::stdout(), "{result}") {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Io { path: PathBuf::from("standard output"), action: "write", cause })
        }
        _ => Ok(()),
    }
}

/// Prints a result for people. Where a terminal is too narrow for a line, the line goes on below, from the
/// column `indent` on.
pub fn print_text(text: &str, indent: usize) -> Result<()> {
    match console::Term::stdout().size_checked() {
        Some((_, columns)) => print(wrapped(text, indent, columns.into())),
        None => print(text),
    }
}

fn wrapped(text: &str, indent: usize, columns: usize) -> String {
    let indent = " ".repeat(indent.min(columns / 2));
    // A fingerprint that does not fit is not broken, so that it can be copied.
    let options = textwrap::Options::new(columns).subsequent_indent(&indent).break_words(false);
    let options = options.word_splitter(textwrap::WordSplitter::NoHyphenation);
    let lines = text.lines().flat_map(|line| textwrap::wrap(line, &options));
    lines.collect::<Vec<_>>().join("\n")
}

/// The bytes of an .npy file.
pub fn npy<T: WritableElement, D: Dimension>(array: &Array<T, D>) -> Vec<u8> {
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).expect("writing to memory does not fail");
    bytes
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn a_line_that_is_too_long_goes_on_below() {
        let text =
            "verdict           exact\nlog-likelihood    -13.8 nats an example\n  SHA  9912d1ebba";
        assert_eq!(wrapped(text, 18, 80), text);
        assert_eq!(
            wrapped(text, 18, 30),
            "verdict           exact\nlog-likelihood    -13.8 nats\n                  an example\n  \
             SHA  9912d1ebba"
        );
    }
}
