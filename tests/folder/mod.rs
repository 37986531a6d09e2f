//! A folder in which tests run the program as a user would.

#![allow(dead_code, reason = "each test program uses its part")]

use ndarray::{Array3, ArrayView, Dimension};
use ndarray_npy::{WritableElement, WriteNpyExt as _};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Settings of a short run on `greys.idx`: an epoch has four updates.
pub const SHORT: &str = "--hidden 16 --epochs 1 --batch-size 50";

/// A temporary folder in which commands run as a user types them. It holds `greys.idx`, the 200 images
/// of 6 x 5 of [`greys`].
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("greys.idx", &idx(greys()));
        folder
    }

    /// A folder with a short run on `greys.idx` in `run`.
    pub fn with_run() -> Self {
        let folder = Self::new();
        folder.succeed(&format!("train --data greys.idx {SHORT} --out run --quiet"));
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, contents: &[u8]) {
        fs::write(self.path(name), contents).unwrap();
    }

    pub fn write_npy<T: WritableElement, D: Dimension>(
        &self,
        name: &str,
        array: ArrayView<'_, T, D>,
    ) {
        array.write_npy(fs::File::create(self.path(name)).unwrap()).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"))
    }

    /// The (width, height) of a picture, which must not be blank.
    pub fn picture(&self, name: &str) -> (u32, u32) {
        let file = BufReader::new(fs::File::open(self.path(name)).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        pixels.sort();
        pixels.dedup();
        assert!(pixels.len() > 2, "{name} shows nothing but {pixels:?}");
        (frame.width, frame.height)
    }

    /// Every file in a folder and its subfolders: relative path and contents.
    pub fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let (root, mut files) = (self.path(folder), BTreeMap::new());
        let mut left = vec![root.clone()];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                files.insert(name.to_string(), fs::read(&path).unwrap());
            }
        }
        files
    }

    /// The names in a folder, without the contents of its subfolders.
    pub fn names_in(&self, folder: &str) -> Vec<String> {
        let files = self.files(folder).into_keys();
        let mut names: Vec<_> =
            files.map(|name| name.split('/').next().unwrap().to_string()).collect();
        names.dedup();
        names
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harmonium"));
        command.args(line.split_whitespace()).current_dir(self.0.path());
        command
    }

    /// Runs a command line: (exit code, stdout, stderr).
    pub fn run(&self, line: &str) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = self.command(line).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    }

    /// Runs a command line that must succeed, and returns its stdout. With --quiet, stderr must be empty.
    pub fn succeed(&self, line: &str) -> String {
        let (code, stdout, stderr) = self.run(line);
        assert_eq!(code, Some(0), "{line}\n{stderr}");
        assert!(stderr.is_empty() || !line.contains("--quiet"), "{line}\n{stderr}");
        stdout
    }

    /// Runs a command line that must succeed, perhaps with notes on stderr; returns stdout.
    pub fn succeed_with_notes(&self, line: &str) -> String {
        let (code, stdout, stderr) = self.run(line);
        assert_eq!(code, Some(0), "{line}\n{stderr}");
        stdout
    }

    /// Runs a command line that must fail with this code and message, and must not change any file.
    pub fn refuse(&self, line: &str, code: i32, message: &str) -> String {
        let before = self.files("");
        let (found, stdout, stderr) = self.run(line);
        assert_eq!((found, &stdout[..]), (Some(code), ""), "{line}\n{stderr}");
        assert!(stderr.contains(message), "{line}\n{stderr}does not say: {message}");
        assert!(self.files("") == before, "{line}: files are now {:?}", self.names_in(""));
        stderr
    }

    /// Runs a command line that must fail with exit code 1 and this message, in one line.
    pub fn fail(&self, line: &str, message: &str) {
        self.refuse_in_a_line(line, 1, message);
    }

    /// Runs a command line that is misused: it must end with exit code 2 and this message, in one line.
    pub fn misuse(&self, line: &str, message: &str) {
        self.refuse_in_a_line(line, 2, message);
    }

    fn refuse_in_a_line(&self, line: &str, code: i32, message: &str) {
        let stderr = self.refuse(line, code, message);
        assert!(stderr.starts_with("error: ") && stderr.ends_with('\n'), "{line}\n{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{line}\n{stderr}");
    }

    pub fn facts(&self, model: &str) -> Value {
        serde_json::from_str(&self.succeed(&format!("inspect {model} --json"))).unwrap()
    }

    pub fn fingerprint(&self, model: &str) -> Value {
        self.facts(model)["parameters_sha256"].clone()
    }

    /// The records of a run.
    pub fn metrics(&self, run: &str) -> Vec<Map<String, Value>> {
        let text = String::from_utf8(self.read(&format!("{run}/metrics.jsonl"))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Images (200, 6, 5) with all grey levels.
pub fn greys() -> Array3<u8> {
    Array3::from_shape_fn((200, 6, 5), |(n, y, x)| ((n * n + 7 * y + 3 * n * x) % 16 * 17) as u8)
}

pub fn idx(array: Array3<u8>) -> Vec<u8> {
    let sides = array.shape().iter().flat_map(|&side| (side as u32).to_be_bytes());
    [0, 0, 8, 3].into_iter().chain(sides).chain(array.iter().copied()).collect()
}

impl Folder {
    /// The path of a run's newest checkpoint in the folder.
    pub fn newest_checkpoint(&self, run: &str) -> String {
        let names = self.names_in(&format!("{run}/checkpoints"));
        let newest = names.into_iter().rfind(|name| name.starts_with("update-"));
        format!("{run}/checkpoints/{}", newest.expect("a checkpoint"))
    }

    /// The SHA-256 of the trainer's state in the newest checkpoint of a run.
    pub fn state(&self, run: &str) -> String {
        let facts = self.facts(&self.newest_checkpoint(run));
        facts["checkpoint"]["state_sha256"].as_str().unwrap().to_string()
    }

    /// The records of a run without the values that depend on the clock.
    pub fn untimed_metrics(&self, run: &str) -> Vec<Map<String, Value>> {
        let mut records = self.metrics(run);
        records.iter_mut().for_each(|record| record.retain(|key, _| !key.contains("second")));
        records
    }

    /// The output of `harmonium runs --json` for a run.
    pub fn summary(&self, run: &str) -> Value {
        serde_json::from_str(&self.succeed(&format!("runs {run} --json"))).unwrap()
    }
}
