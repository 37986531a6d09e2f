//! Help, examples, completions, man pages and progress, as a user at a terminal sees them.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;

/// The commands in the help of the program.
fn commands(folder: &Folder) -> Vec<String> {
    let help = folder.succeed("--help");
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.map(|line| line.split_whitespace().next().unwrap().to_string());
    names.filter(|name| name != "help").collect()
}

#[cfg(feature = "mnist")]
#[test]
fn every_example_of_the_help_works() {
    let folder = Folder::new();
    // Forty copies of a coin, each wrong now and then.
    let coin = |n: usize, i: usize| (n + usize::from((n * 31 + i * 17).is_multiple_of(10))) % 2;
    let coins = ndarray::Array2::from_shape_fn((6000, 40), |(n, i)| coin(n, i) as u8);
    folder.write_npy("coins.npy", coins.view());
    let genotypes = ndarray::Array2::from_shape_fn((60, 9), |(n, i)| ((n + i * n) % 3) as u8);
    folder.write_npy("genotypes.npy", genotypes.view());
    folder.write("people.csv", b"colour,smokes\nred,yes\nblue,no\ngreen,no\n");
    folder.succeed("train --labels mnist --limit 500 --epochs 1 --quiet --out runs/labelled");
    let rating = |n: usize| if n.is_multiple_of(5) { String::new() } else { (n % 3).to_string() };
    let row = |n: usize| format!("{},{},{}\n", rating(n), rating(n + 1), rating(2 * n));
    folder.write("ratings.csv", (0..60).map(row).collect::<String>().as_bytes());
    let line = |n: usize| format!("{},m{},{}\n", n / 3, n % 7, n % 5 + 1);
    let lines = (0..60).map(line).collect::<String>();
    folder.write("long.csv", ("userId,movieId,rating\n".to_string() + &lines).as_bytes());
    let of_ratings = "train --data ratings.csv --categories 3 --missing absent --epochs 2";
    folder.succeed_with_notes(&format!("{of_ratings} --out runs/ratings"));
    folder.succeed("train --data coins.npy --hidden 8 --epochs 1 --quiet --out runs/few");
    let named = "--weights net.0 --visible-bias net.1 --hidden-bias net.2";
    for theirs in
        ["theirs.safetensors", "theirs.npz --layout hv", &format!("net.safetensors {named}")]
    {
        folder.succeed(&format!("export runs/few --out {theirs}"));
    }
    folder.write("study.toml", b"[data]\ndata = \"coins.npy\"\n[sweep]\nvary = [\"hidden=4,8\"]\n");
    for command in commands(&folder) {
        let help = folder.succeed(&format!("{command} --help"));
        let examples = help.lines().filter_map(|line| line.strip_prefix("  harmonium "));
        let examples: Vec<_> = examples.collect();
        assert_eq!(examples.len(), 3, "{help}");
        for example in examples {
            let cheap = match (example.split(' ').next().unwrap(), example.contains("coins.npy")) {
                ("train", false) => " --stop-after 3updates",
                ("sweep", _) => " --limit 300 --epochs 1",
                // Other examples have written such files.
                ("import" | "export", _) => " --overwrite",
                ("bench", _) => " --warm-up 1 --seconds 0",
                _ => "",
            };
            folder.succeed(&format!("{example}{cheap}"));
        }
    }
}

#[test]
fn completions_of_every_shell_know_the_flags() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.succeed(&format!("completions {shell}"));
        for word in ["harmonium", "evaluate", "learning-rate"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        // The other two complete no values.
        let has_values = ["bash", "zsh", "fish"].contains(&shell);
        assert_eq!(script.contains("mnist-500-threshold"), has_values, "{shell}");
    }
    folder.refuse("completions tcsh", 2, "possible values: bash");
}

#[test]
fn there_is_a_man_page_of_the_program_and_of_each_command() {
    let folder = Folder::new();
    let page = folder.succeed("man");
    for part in [".TH harmonium 1", "harmonium\\-train(1)", ".SH \"EXIT STATUS\"", "NO_COLOR"] {
        assert!(page.contains(part), "{page}\nlacks: {part}");
    }
    let page = folder.succeed("man train");
    for part in [".TH harmonium-train 1", ".SH EXAMPLES", "\\-\\-learning\\-rate", "RATE"] {
        assert!(page.contains(part), "{page}\nlacks: {part}");
    }
    assert!(!page.contains(">\\fR\n\n"), "a flag without its meaning:\n{page}");
    folder.succeed("man --out pages");
    let mut names: Vec<_> = commands(&folder).iter().map(|c| format!("harmonium-{c}.1")).collect();
    names.push("harmonium.1".to_string());
    names.sort();
    assert_eq!(folder.names_in("pages"), names);
    folder.fail("man --out pages", "pages/harmonium.1: exists already");
    folder.succeed("man --out pages --overwrite");
    folder.misuse("man trian", "did you mean train?");
}

#[cfg(target_os = "linux")]
mod at_a_terminal {
    use super::*;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};
    use std::fs::{File, OpenOptions};
    use std::io::Read as _;

    /// What a command writes to a terminal with this number of columns.
    fn shown(folder: &Folder, line: &str, columns: u16, variable: (&str, &str)) -> String {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let end = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let mut command = folder.command(line);
        command.env("TERM", "xterm").env_remove("NO_COLOR").env(variable.0, variable.1);
        command.stdin(end.try_clone().unwrap()).stdout(end.try_clone().unwrap()).stderr(end);
        let mut child = command.spawn().unwrap();
        // The last owner of the other end is now the child.
        drop(command);
        let (mut terminal, mut bytes, mut part) = (File::from(terminal), Vec::new(), [0; 4096]);
        // Linux ends the reading with an error once the child has closed its end.
        while let Ok(n @ 1..) = terminal.read(&mut part) {
            bytes.extend_from_slice(&part[..n]);
        }
        assert!(child.wait().unwrap().success(), "{line}");
        String::from_utf8(bytes).unwrap()
    }

    /// The lines without what steers the terminal.
    fn lines(shown: &str) -> Vec<String> {
        let mut parts = shown.split("\x1b[");
        let mut text = parts.next().unwrap_or_default().to_string();
        for part in parts {
            let end = part.find(|c: char| c.is_ascii_alphabetic()).unwrap();
            text += &part[end + 1..];
        }
        text.split(['\r', '\n']).map(str::to_string).collect()
    }

    /// The rows that a terminal makes of lines. The bar fills its row and the next begins without a break.
    fn rows(lines: &[String], columns: u16) -> Vec<String> {
        let rows = lines.iter().flat_map(|line| {
            let letters: Vec<char> = line.chars().collect();
            let rows = letters.chunks(columns.into()).map(|row| row.iter().collect::<String>());
            rows.collect::<Vec<_>>()
        });
        rows.collect()
    }

    fn assert_fits(lines: &[String], columns: u16) {
        for line in lines {
            assert!(line.chars().count() <= usize::from(columns), "{columns} columns: {line}");
        }
    }

    const TRAIN: &str = "train --data greys.idx --hidden 16 --batch-size 50 --epochs 60 \
                         --validation 40 --evaluate-every 20 --no-report --out";

    #[test]
    fn progress_fits_the_terminal() {
        for columns in [60, 80, 200] {
            let folder = Folder::new();
            let shown = shown(&folder, &format!("{TRAIN} run"), columns, ("A", "b"));
            let lines = rows(&lines(&shown), columns);
            // A line that was broken would go on in a row of its own.
            let is_whole = |row: &String| row.starts_with("epoch") || row.starts_with("run");
            let broken = lines.iter().find(|row| !row.trim().is_empty() && !is_whole(row));
            assert_eq!(broken, None, "{columns} columns");
            let is_record = |line: &&String| line.starts_with("epoch 20/60  ");
            let record = lines.iter().find(is_record).unwrap_or_else(|| panic!("{lines:?}"));
            assert!(record.contains("log-likelihood -") && record.contains("(exact)"), "{record}");
            assert_eq!(record.contains("samples/s"), columns == 200, "{record}");
            assert!(lines.iter().any(|line| line.contains('━') && line.contains(" left")));
        }
    }

    #[test]
    fn colours_can_be_turned_off() {
        let folder = Folder::new();
        let is_coloured = |shown: &str| shown.contains("\x1b[36m");
        assert!(is_coloured(&shown(&folder, &format!("{TRAIN} a"), 80, ("A", "b"))));
        let plain = shown(&folder, &format!("{TRAIN} b"), 80, ("NO_COLOR", "1"));
        assert!(!is_coloured(&plain), "{plain:?}");
        assert!(!shown(&folder, "--help", 80, ("NO_COLOR", "1")).contains('\x1b'));
    }

    #[test]
    fn help_wraps_at_the_width_of_the_terminal() {
        let folder = Folder::new();
        for columns in [60, 80] {
            for line in ["--help", "train -h", "train --help", "evaluate --help", "runs -h"] {
                assert_fits(&lines(&shown(&folder, line, columns, ("A", "b"))), columns);
            }
        }
    }
}
