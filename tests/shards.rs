//! Files that a pattern names are one data set: the file that they make, to every bit of a run.

#![cfg(feature = "cli")]

mod folder;

use folder::{Folder, greys};
use ndarray::{Array2, ArrayView2, Axis, ShapeBuilder as _};
use ndarray_npy::WritableElement;
use std::ops::Range;

/// The rows of each of eleven files, whose numbers are not in the order of their names as text.
const ROWS: [Range<usize>; 11] =
    [0..9, 9..10, 10..40, 40..41, 41..42, 42..50, 50..64, 64..65, 65..130, 130..140, 140..200];

/// Writes an array as `NAME.npy`, and its rows as `NAME-1.npy` to `NAME-11.npy`.
fn write_npy<T: WritableElement + Copy>(folder: &Folder, name: &str, array: ArrayView2<'_, T>) {
    folder.write_npy(&format!("{name}.npy"), array);
    for (rows, number) in ROWS.into_iter().zip(1..) {
        let part = array.select(Axis(0), &rows.collect::<Vec<_>>());
        folder.write_npy(&format!("{name}-{number}.npy"), part.view());
    }
}

/// Writes lines as `NAME.csv`, and as `NAME-1.csv` to `NAME-11.csv`, each below the header.
fn write_text(folder: &Folder, name: &str, header: &str, line: impl Fn(usize) -> String) {
    let text = |rows: Range<usize>| header.to_string() + &rows.map(&line).collect::<String>();
    folder.write(&format!("{name}.csv"), text(0..200).as_bytes());
    for (rows, number) in ROWS.into_iter().zip(1..) {
        folder.write(&format!("{name}-{number}.csv"), text(rows).as_bytes());
    }
}

fn parameters(folder: &Folder, data: &str, settings: &str, run: &str) -> serde_json::Value {
    let training = "--hidden 16 --epochs 2 --batch-size 50 --quiet --no-report --validation 20";
    folder.succeed_with_notes(&format!("train --data {data} {settings} {training} --out {run}"));
    folder.fingerprint(&format!("{run}/model.safetensors"))
}

#[test]
fn a_run_on_several_files_is_a_run_on_the_one_that_they_make() {
    let folder = Folder::new();
    let levels = Array2::from_shape_fn((200, 30), |(n, i)| greys()[[n, i / 5, i % 5]]);
    // One file alone would be taken for bits, another for dark levels of an unknown maximum.
    let mut levels = levels;
    levels.slice_mut(ndarray::s![9..10, ..]).mapv_inplace(|x| x / 128);
    levels.slice_mut(ndarray::s![10..40, ..]).mapv_inplace(|x| x / 4);
    write_npy(&folder, "levels", levels.view());
    write_npy(&folder, "bits", levels.mapv(|x| x > 100).view());
    write_npy(&folder, "spins", levels.mapv(|x| if x > 100 { 1_i16 } else { -1 }).view());
    write_npy(&folder, "reals", levels.mapv(|x| f32::from(x) / 255.0).view());
    let mut by_columns = Array2::zeros((1, 30).f());
    by_columns.assign(&levels.slice(ndarray::s![40..41, ..]));
    folder.write_npy("levels-4.npy", by_columns.view());
    // The last file has a state that no other has.
    let kind = |n: usize| if n == 199 { "rare" } else { ["x", "y"][n * n % 2] };
    let colour = |n: usize| ["red", "green", "blue"][n / 7 % 3];
    write_text(&folder, "table", "colour,kind,on\n", |n| {
        format!("{},{},{}\n", colour(n), kind(n), n * n % 5 / 4)
    });
    write_text(&folder, "plain", "", |n| format!("{} {} 0.5\n", n % 2, n * n % 5 / 4));
    write_text(&folder, "family", "", |n| {
        format!(">s{n}\n{}\n", ["ACDE", "ACDF", "GC-E"][n * n / 3 % 3])
    });
    for (case, (name, settings)) in [
        ("levels NPY", ""),
        ("bits NPY", ""),
        ("spins NPY", "--spins"),
        ("reals NPY", "--binarize none"),
        ("table CSV", "--categories auto"),
        ("table CSV", "--categories auto --labels kind"),
        ("plain CSV", ""),
        ("family CSV", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let (name, format) = name.split_once(' ').unwrap();
        let format = format.to_lowercase();
        let [whole, apart] = ["whole", "apart"].map(|run| format!("{run}-{case}"));
        let expected = parameters(&folder, &format!("{name}.{format}"), settings, &whole);
        let pattern = format!("{name}-*.{format}");
        assert_eq!(parameters(&folder, &pattern, settings, &apart), expected, "{name} {settings}");
        if settings.contains("labels") {
            continue;
        }
        // The pattern is packed into one file, which is the same data to a run.
        let (meaning, _) = settings.split_once("--binarize").unwrap_or((settings, ""));
        folder.succeed_with_notes(&format!("pack {pattern} {meaning} --out packed --overwrite"));
        let training = settings.replace("--spins", "").replace("--categories auto", "");
        let packed = format!("packed-{case}");
        assert_eq!(parameters(&folder, "packed", &training, &packed), expected, "{name}");
        let model = |run: &str| folder.read(&format!("{run}/model.safetensors"));
        assert!(model(&packed) == model(&apart), "{name}: the model file");
    }
}

/// The folder of a run needs no quotes in a shell.
#[test]
fn a_run_is_named_after_the_files() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("stars")).unwrap();
    let array = Array2::from_shape_fn((9, 3), |(n, i)| (n + i) as u8 % 2);
    for name in ["part-1.npy", "part-2.npy", "stars/1.npy", "stars/2.npy"] {
        folder.write_npy(name, array.view());
    }
    for (pattern, name) in [("part-*.npy", "part-"), ("stars/?.npy", "stars-")] {
        let line = format!("train --data {pattern} --hidden 2 --updates 1 --quiet --no-report");
        folder.succeed_with_notes(&line);
        let runs = folder.names_in("runs");
        assert!(runs.iter().any(|run| run.starts_with(name)), "{runs:?}");
        assert!(runs.iter().all(|run| !run.contains(['*', '?'])), "{runs:?}");
    }
}

#[test]
fn packed_files_of_one_pattern_are_one_data_set() {
    let folder = Folder::new();
    let levels = Array2::from_shape_fn((200, 30), |(n, i)| (n * 7 + i * 31) as u8 | 2);
    write_npy(&folder, "levels", levels.view());
    write_npy(&folder, "bits", levels.mapv(|x| x > 100).view());
    write_npy(&folder, "reals", levels.mapv(|x| if x > 250 { f32::NAN } else { 0.5 }).view());
    for (name, settings) in
        [("levels", "--grey-levels 255"), ("bits", ""), ("reals", "--missing absent")]
    {
        let meaning = settings.replace("--missing absent", "");
        let pack = |data: &str, out: &str| {
            folder.succeed_with_notes(&format!("pack {data} {meaning} --out {out}"));
        };
        (1..=11).for_each(|number| {
            pack(&format!("{name}-{number}.npy"), &format!("{name}-{number}.packed"))
        });
        let expected =
            parameters(&folder, &format!("{name}-*.npy"), settings, &format!("{name}.npy.run"));
        let settings = settings.replace(&meaning, "");
        let apart = format!("{name}.packed.run");
        assert_eq!(
            parameters(&folder, &format!("{name}-*.packed"), &settings, &apart),
            expected,
            "{name}"
        );
        // Either has the SHA-256 of the sources.
        folder
            .succeed_with_notes(&format!("resume {apart} --data {name}-*.npy --epochs 3 --quiet"));
        pack(&format!("{name}-*.packed"), &format!("{name}.one"));
        assert_eq!(
            parameters(&folder, &format!("{name}.one"), &settings, &format!("{name}.one.run")),
            expected
        );
    }
}

#[test]
fn the_file_that_does_not_fit_is_named_and_how_it_differs() {
    let folder = Folder::new();
    let refused = |files: &[(&str, &str)], settings: &str, message: &str| {
        for (name, text) in files {
            folder.write(&format!("{name}.csv"), text.as_bytes());
        }
        folder.fail(&format!("train --data t-*.csv {settings} --out run"), message);
        for (name, _) in files {
            std::fs::remove_file(folder.path(&format!("{name}.csv"))).unwrap();
        }
    };
    let (ab, ba) = ("a,b\n0,1\n1,0\n", "b,a\n1,1\n");
    refused(
        &[("t-2", ab), ("t-10", ba)],
        "",
        "error: t-10.csv: begins with the names of columns b, a, but t-2.csv begins with the names of columns a, b; \
         the files of a pattern must agree in this",
    );
    refused(
        &[("t-1", ab), ("t-2", "0,1\n")],
        "",
        "t-2.csv: begins with an example, but t-1.csv begins with the names of columns a, b",
    );
    refused(
        &[("t-1", ab), ("t-2", "a,b\n0,1\n\n1,7\n")],
        "",
        "t-*.csv: line 4 of t-2.csv, column 2: example 3, unit 1 is 7, but must be 0 or 1",
    );
    refused(
        &[("t-1", ab), ("t-2", "a,b\n0,1\n1,0,1\n")],
        "",
        "t-*.csv: line 3 of t-2.csv has 3 cells, but line 1 of t-1.csv has 2 cells",
    );
    refused(
        &[("t-1", "a,b\nx,1\ny,0\n"), ("t-2", "a,b\nx,1\n"), ("t-3", "a,b\ny,?\n")],
        "--categories auto",
        "line 2 of t-3.csv, column 2 (\"b\") is \"?\"",
    );
    refused(
        &[("t-1", "a,k,w\n1,x,1\n0,y,2\n"), ("t-2", "a,k,w\n1,y,3\n\n1,x,-1\n")],
        "--labels k --weights w",
        "t-*.csv: line 4 of t-2.csv, column 3 (\"w\") is \"-1\"",
    );
    refused(
        &[("t-1", ">a\nACD\n"), ("t-2", ">b\nACD\n>c\nAC\n")],
        "",
        "c of t-2.csv has 2 sites, but a of t-1.csv has 3",
    );
    refused(
        &[("t-1", ab), ("t-2", ">b\nACD\n")],
        "",
        "t-2.csv: is in the format FASTA, but t-1.csv is in the format text",
    );
    refused(&[("u", ab)], "", "t-*.csv: cannot read: no file in the folder . has such a name");

    let array = Array2::from_shape_fn((4, 3), |(n, i)| (n + i) as u8 % 2);
    folder.write_npy("a1.npy", array.view());
    folder.write_npy("a2.npy", array.mapv(f64::from).view());
    let message = "a2.npy: holds floating-point numbers of 64 bits, but a1.npy holds whole numbers without a sign of 8 bits";
    folder.fail("train --data a*.npy --out run", message);
    folder.write_npy("a2.npy", array.slice(ndarray::s![.., ..2]));
    folder.fail(
        "train --data a*.npy --out run",
        "a2.npy: holds examples of 2 units, but a1.npy holds examples of 3 units",
    );
    folder.write_npy("a2.npy", (&array + 6).view());
    folder.fail(
        "train --data a*.npy --out run",
        "a2.npy: example 0, unit 0 is 6, but must be 0 or 1",
    );
    folder.succeed_with_notes("pack a1.npy --out a1.packed");
    folder.succeed_with_notes("pack a2.npy --grey-levels 7 --out a2.packed");
    folder.fail(
        "train --data a*.packed --out run",
        "a2.packed: holds numbers, but a1.packed holds bits",
    );
    folder.write("a3.npy", b"nothing of use \x01");
    folder.fail(
        "train --data a*.npy --out run",
        "a3.npy: byte 0: expected data in a format that can be read",
    );
}
