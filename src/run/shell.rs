//! Commands as a user pastes them into a shell.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

/// A word that a shell reads as exactly this one.
pub fn quoted(word: &OsStr) -> String {
    match word.to_str().map(shlex::try_quote) {
        Some(Ok(word)) => word.into_owned(),
        // Bytes that are not UTF-8, which bash, zsh and POSIX of 2024 read in octal.
        _ => {
            let mut text = "$'".to_string();
            for byte in word.as_encoded_bytes() {
                match byte {
                    byte if byte.is_ascii_alphanumeric() => text.push(char::from(*byte)),
                    byte => write!(text, "\\{byte:03o}").expect("a string takes everything"),
                }
            }
            text + "'"
        }
    }
}

/// The command that continues the run in a folder.
pub fn resume_command(folder: &Path) -> String {
    let is_like_flag = folder.as_os_str().as_encoded_bytes().starts_with(b"-");
    let folder = if is_like_flag { &Path::new(".").join(folder) } else { folder };
    format!("harmonium resume {}", quoted(folder.as_os_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_its_folder_as_a_shell_reads_it() {
        assert_eq!(resume_command(Path::new("runs/a-1.5")), "harmonium resume runs/a-1.5");
        assert_eq!(resume_command(Path::new("-run")), "harmonium resume ./-run");
    }

    /// Every word comes back from a real shell.
    #[cfg(unix)]
    #[test]
    fn a_shell_reads_back_every_word() {
        use std::os::unix::ffi::OsStrExt as _;
        let words: [&[u8]; 12] = [
            b"",
            b"it's",
            b"two words",
            b"$HOME",
            b"`id`",
            b"a;b&c|d",
            b"*?[x]~",
            b"\\",
            b"line\nbreak",
            b"!1",
            "ε=½".as_bytes(),
            b"\xff\x01'7",
        ];
        let line: Vec<_> = words.iter().map(|word| quoted(OsStr::from_bytes(word))).collect();
        let script = format!("printf '%s\\0' {}", line.join(" "));
        let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        let found: Vec<_> = output.stdout.split(|byte| *byte == 0).collect();
        assert_eq!(found[..words.len()], words, "{script}");
    }
}
