//! `harmonium couplings`: couplings of a run as text and as files.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use harmonium::Rbm;
use ndarray::{Array1, Array2, Array3};
use std::fs;

/// A table of three bits, of which the first two agree nearly always, and a run on it.
fn people() -> Folder {
    let folder = Folder::new();
    let row = |n: usize| {
        let tea = n % 2;
        let milk = if n.is_multiple_of(17) { 1 - tea } else { tea };
        format!("{tea},{milk},{}\n", n / 3 % 2)
    };
    let table: String = (0..300).map(row).collect();
    fs::write(folder.path("people.csv"), format!("tea,milk,sugar\n{table}")).unwrap();
    folder.succeed(
        "train --data people.csv --categories auto --hidden 4 --epochs 300 --learning-rate 0.3 --out run --quiet",
    );
    folder
}

#[test]
fn the_strongest_pairs_are_printed_by_their_names() {
    let folder = people();
    let said = folder.succeed("couplings run --out J.npy");
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some("The 3 strongest of 3 pairs: couplings of spins (-1, 1)"));
    let first: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(first[1..], ["tea", "milk"], "{said}");
    assert!(first[0].parse::<f64>().unwrap() > 0.8, "{said}");
    assert_eq!(lines.last(), Some("J.npy"));
    let pairs: Array2<f64> = ndarray_npy::ReadNpyExt::read_npy(&folder.read("J.npy")[..]).unwrap();
    assert_eq!(format!("{:.4}", pairs[[0, 1]]), first[0]);

    let said = folder.succeed("couplings run --gauge lattice-gas --out J.csv --top 0 --threads 1");
    assert_eq!(said, "The 0 strongest of 3 pairs: couplings of bits (0, 1)\nJ.csv\n");
    let listed = String::from_utf8(folder.read("J.csv")).unwrap();
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0] == "first,second,coupling" && lines[1].starts_with("tea,milk,"), "{listed}");
    assert_eq!(lines.len(), 4);
    // The result does not depend on the threads.
    folder.succeed("couplings run --gauge lattice-gas --out again.csv --threads 2");
    assert_eq!(folder.read("again.csv"), folder.read("J.csv"));
}

#[test]
fn an_archive_holds_fields_pairs_and_triples() {
    let folder = people();
    folder.succeed("couplings run --triples --out J.npz");
    let arrays = npz(&folder.read("J.npz"));
    assert_eq!(
        arrays.iter().map(|(name, _)| &name[..]).collect::<Vec<_>>(),
        ["fields", "pairs", "triples"]
    );
    let fields: Array1<f64> = ndarray_npy::ReadNpyExt::read_npy(&arrays[0].1[..]).unwrap();
    let triples: Array3<f64> = ndarray_npy::ReadNpyExt::read_npy(&arrays[2].1[..]).unwrap();
    assert_eq!((fields.len(), triples.dim()), (3, (3, 3, 3)));
    folder.fail("couplings run --out J.npz", "J.npz: exists already");
    folder.fail(
        "couplings run --triples --out J.npy",
        "J.npy: has no place for couplings of three units; give a .npz file for --out",
    );
    folder.refuse("couplings run --gauge isign --out a.npy", 2, "did you mean ising?");
    folder.refuse("couplings run --out a.png", 2, "must end in .npy, .npz, .csv or .tsv");
    folder.fail("couplings nothing --out a.npy", "nothing: cannot");
}

#[test]
fn sites_of_several_values_and_the_label_are_ranked_by_norms() {
    let folder = Folder::new();
    let row = |n: usize| {
        let kind = ["apple", "pear", "plum"][n % 3];
        format!("{},{kind},{}\n", ["red", "green", "blue"][n % 3], n / 5 % 2)
    };
    let table: String = (0..300).map(row).collect();
    fs::write(folder.path("fruit.csv"), format!("colour,kind,small\n{table}")).unwrap();
    folder.succeed(
        "train --data fruit.csv --categories auto --labels kind --hidden 6 --epochs 200 --learning-rate 0.3 \
         --out run --quiet",
    );
    let said = folder.succeed("couplings run --out J.csv");
    assert!(said.starts_with("The 3 strongest of 3 pairs: norms of couplings, with the"), "{said}");
    let listed = String::from_utf8(folder.read("J.csv")).unwrap();
    assert!(listed.starts_with("first,second,norm,score\ncolour,kind,"), "{listed}");
    folder.succeed("couplings run");
    let names: Vec<_> =
        npz(&folder.read("couplings.npz")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["fields", "pairs", "sites", "norms", "scores"]);
    folder.misuse(
        "couplings run --gauge ising --out a.npy",
        "gauge is ising, but must be zero-sum, as the model has sites of several values",
    );
    let model = Rbm::load(folder.path("run/model.safetensors")).unwrap();
    assert_eq!(model.n_visible(), 3 + 1 + 3);
}

/// The files of an archive that is not packed, by name.
fn npz(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let starts: Vec<usize> =
        (0..archive.len() - 6).filter(|&at| archive[at..].starts_with(b"PK\x03\x04")).collect();
    let file = |&start: &usize| {
        let size = |at: usize| u16::from_le_bytes([archive[start + at], archive[start + at + 1]]);
        let name = &archive[start + 30..][..size(26).into()];
        let data = &archive[start + 30 + usize::from(size(26)) + usize::from(size(28))..];
        // The sizes stand behind the data.
        let end = data.windows(4).position(|bytes| bytes == b"PK\x07\x08").unwrap();
        let name = String::from_utf8(name.to_vec()).unwrap();
        (name.trim_end_matches(".npy").to_string(), data[..end].to_vec())
    };
    starts.iter().map(file).collect()
}
