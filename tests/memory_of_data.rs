//! Large data are no private memory: bits are packed from where they stand in their file.

#![cfg(all(feature = "cli", target_os = "linux"))]

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const N_EXAMPLES: usize = 1 << 16;
const N_UNITS: usize = 1 << 10;

/// The bytes of the examples, of which an eighth is packed bits.
const N_BYTES: u64 = (N_EXAMPLES * N_UNITS) as u64;

/// More than a small run needs besides its data, which is 15 MB.
const PROGRAM: u64 = 24 << 20;

/// Writes the header of a file, and the examples in it.
fn write(path: &Path, header: &[u8], byte: impl Fn(usize, usize) -> u8) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    file.write_all(header).unwrap();
    for example in 0..N_EXAMPLES {
        let row: Vec<u8> = (0..N_UNITS).map(|unit| byte(example, unit)).collect();
        file.write_all(&row).unwrap();
    }
    file.flush().unwrap();
}

/// The header of a .npy with these examples of a type of one byte.
fn npy(number: &str) -> Vec<u8> {
    let shape = format!("({N_EXAMPLES}, {N_UNITS})");
    let text = format!("{{'descr': '{number}', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], text.as_bytes()].concat()
}

fn bit(example: usize, unit: usize) -> u8 {
    u8::from((example + unit * unit).is_multiple_of(3))
}

/// The most private memory (RssAnon) that the program has with this line, looked at every millisecond.
fn most_private_memory(folder: &Path, line: &str) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_harmonium"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(File::create(folder.join("stderr")).unwrap())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let ended = loop {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let private = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kilobytes =
            private.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0) * 1024);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        sleep(Duration::from_millis(1));
    };
    assert!(ended.success(), "{line}: {}", fs::read_to_string(folder.join("stderr")).unwrap());
    assert!(most > 0, "{line}: nothing was measured");
    most
}

#[test]
fn a_run_on_bits_holds_them_packed_and_nothing_else_of_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let idx = [N_EXAMPLES, N_UNITS].map(|side| (side as u32).to_be_bytes()).concat();
    for (name, header, off) in
        [("spins.npy", npy("|i1"), 255), ("bytes.idx", [&[0, 0, 8, 2][..], &idx].concat(), 0)]
    {
        let path = folder.path().join(name);
        write(&path, &header, |example, unit| if bit(example, unit) == 1 { 1 } else { off });
        let spins = if off == 0 { "" } else { "--spins" };
        let run = format!("--out {name}.run --no-report --hidden 4 --updates 1 --validation 100");
        let found =
            most_private_memory(folder.path(), &format!("train --data {name} {run} {spins}"));
        fs::remove_file(&path).unwrap();
        let most = N_BYTES / 8 + PROGRAM;
        assert!(
            found < most,
            "{name}: {found} bytes of private memory, but at most {most} expected"
        );
    }
}

#[test]
fn grey_levels_are_packed_and_trained_on_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("greys.npy");
    write(&path, &npy("|u1"), |example, unit| (example + unit * unit) as u8);
    let run = "--no-report --hidden 4 --updates 1 --validation 100 --out run";
    // Files of a pattern stay where they are, too.
    for (name, link) in [("greys.npy", "part-1.npy"), ("greys.npy", "part-2.npy")] {
        fs::hard_link(folder.path().join(name), folder.path().join(link)).unwrap();
    }
    for line in [
        "pack greys.npy --out packed",
        &format!("train --data packed {run}"),
        "pack part-*.npy --out both.packed",
        "pack packed --out one.packed",
        &format!("train --data *.packed {run}-of-both"),
    ] {
        let found = most_private_memory(folder.path(), line);
        let most = PROGRAM;
        assert!(
            found < most,
            "{line}: {found} bytes of private memory, but at most {most} expected"
        );
    }
}
