//! `harmonium couplings`: couplings of a run as text and as files.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use harmonium::Rbm;
use harmonium::model::{ModelFile, Provenance};
use harmonium::units::Units;
use ndarray::{Array1, Array2, Array3};
use serde_json::json;
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
    // A label has no place.
    let said = folder.succeed("couplings run --min-distance 2 --out far.csv");
    assert!(said.starts_with("The 0 strongest of 0 pairs at least 2 apart: "), "{said}");
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

/// Eight sites of the letters `-ACGU`: the gaps of the first two go together, and less so A at the third site and C at
/// the last.
fn planted() -> Folder {
    let folder = Folder::new();
    let mut weights = Array2::zeros((40, 2));
    let strong: [([usize; 2], f32); 2] = [([0, 5], 6.0), ([2 * 5 + 1, 7 * 5 + 2], 3.0)];
    for (hidden, (units, weight)) in strong.into_iter().enumerate() {
        units.into_iter().for_each(|unit| weights[[unit, hidden]] = weight);
    }
    let hidden_bias = Array1::from(vec![-6.0, -3.0]);
    let units = Units::of_sites([5; 8]).unwrap();
    let rbm = Rbm::of_sites(units, weights, Array1::zeros(40), hidden_bias).unwrap();
    let form = json!({"alphabet": "-ACGU", "length": 8, "unknown_letters": "refuse"});
    let mut provenance = Provenance::default();
    provenance.data.insert("columns".into(), json!({ "sequences": form }));
    let file = ModelFile { rbm, provenance, data_mean: None };
    file.write(&folder.path("model.safetensors")).unwrap();
    folder
}

/// The first line, and the sites of the strongest pair below it.
fn first_pair(said: &str) -> (&str, [&str; 2]) {
    let mut lines = said.lines();
    let head = lines.next().unwrap();
    let cells: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    (head, [cells[1], cells[2]])
}

#[test]
fn gaps_that_go_together_are_no_strong_pair_unless_they_count() {
    let folder = planted();
    let said = folder.succeed("couplings model.safetensors");
    let head = "The 10 strongest of 28 pairs: norms of couplings, the gap left out, with the \
                average-product correction";
    assert_eq!(first_pair(&said), (head, ["3", "8"]));
    let said = folder.succeed("couplings model.safetensors --gaps count --out counted.npz");
    let head =
        "The 10 strongest of 28 pairs: norms of couplings, with the average-product correction";
    assert_eq!(first_pair(&said), (head, ["1", "2"]));
    let [found, counted] = ["couplings.npz", "counted.npz"].map(|name| npz(&folder.read(name)));
    for ((name, found), (_, counted)) in found.iter().zip(&counted) {
        let differ = ["norms", "scores"].contains(&&name[..]);
        assert_eq!(found != counted, differ, "{name}");
    }
    // A gap and a gap have J (δ − 1/5)(δ − 1/5): all but 1/5 of the norm is theirs.
    let norms = [found, counted].map(|arrays| {
        let norms: Array2<f64> = ndarray_npy::ReadNpyExt::read_npy(&arrays[3].1[..]).unwrap();
        norms[[0, 1]]
    });
    assert!((5.0 * norms[0] - norms[1]).abs() < 1e-12 && norms[1] > 3.0, "{norms:?}");
    folder.refuse(
        "couplings model.safetensors --gaps leave --out a.npy",
        2,
        "`leave-out` or `count`",
    );
}

#[test]
fn pairs_of_neighbours_are_not_listed_where_a_distance_is_given() {
    let folder = planted();
    let line = "couplings model.safetensors --gaps count --min-distance";
    let said = folder.succeed(&format!("{line} 5 --out far.csv"));
    let head = "The 6 strongest of 6 pairs at least 5 apart: norms of couplings, with the average-product correction";
    assert_eq!(first_pair(&said), (head, ["3", "8"]));
    let listed = String::from_utf8(folder.read("far.csv")).unwrap();
    let mut pairs: Vec<&str> = listed.lines().skip(1).map(|line| &line[..3]).collect();
    pairs.sort_unstable();
    assert_eq!(pairs, ["1,6", "1,7", "1,8", "2,7", "2,8", "3,8"]);
    // Arrays, and the scores of what is listed, are those of all pairs.
    folder.succeed(&format!("{line} 5 --out far.npz"));
    let said = folder.succeed(&format!("{line} 1 --out all.npz"));
    assert!(said.starts_with("The 10 strongest of 28 pairs: norms"), "{said}");
    assert_eq!(folder.read("far.npz"), folder.read("all.npz"));
    let rule = "min_distance is 0, but must be at least 1";
    folder.misuse(&format!("{line} 0 --out a.npy"), rule);
}

#[test]
fn a_report_leaves_gaps_out_and_says_so() {
    let folder = Folder::new();
    // Half of the sequences begin with three gaps; the last letter is that of the fifth site.
    let row = |n: usize| {
        let letter = |at: usize| ["A", "C", "G", "U"][n / at % 4];
        let start =
            if n.is_multiple_of(2) { "---" } else { ["ACG", "CUU", "GAA", "UGC"][n / 7 % 4] };
        format!(">s{n}\n{start}{}{}{}{}\n", letter(3), letter(11), letter(5), letter(11))
    };
    fs::write(folder.path("family.fasta"), (0..400).map(row).collect::<String>()).unwrap();
    folder.succeed(
        "train --data family.fasta --alphabet rna --hidden 8 --epochs 100 --learning-rate 0.3 --out run --quiet",
    );
    folder.succeed("report run --out report.html");
    let page = String::from_utf8(folder.read("report.html")).unwrap();
    let section = &page[page.find("id=\"couplings\"").unwrap()..];
    let sentence = "the Frobenius norm of J, the gap left out, with the average-product correction";
    assert!(section.contains(sentence), "{section:.2000}");
    let said = folder.succeed("couplings run --top 12");
    let (_, [first, second]) = first_pair(&said);
    assert!(section.contains(&format!("<td>{first}</td><td>{second}</td>")), "{said}");
    assert_eq!([first, second], ["5", "7"], "{said}");
    let counted = folder.succeed("couplings run --gaps count --out counted.npz");
    assert_eq!(first_pair(&counted).1, ["1", "3"], "{counted}");
    folder.succeed("report run --figures figures");
    let figure = String::from_utf8(folder.read("figures/couplings.svg")).unwrap();
    assert!(figure.contains("the gap left out"), "{figure:.1000}");
    // Sites are numbered down and across.
    assert_eq!(figure.matches(">7</text>").count(), 2, "{figure:.1000}");
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
