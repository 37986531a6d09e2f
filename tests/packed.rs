//! Packed data are the data that were packed: for every command, and to every bit of a run.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use ndarray::Array2;

/// A run takes the same bits from packed data, under the SHA-256 of the source, and either can take the place of the
/// other.
#[test]
fn a_run_on_packed_data_is_a_run_on_their_source() {
    let folder = Folder::new();
    let bits = Array2::from_shape_fn((300, 40), |(n, i)| u8::from((n * n + i * 3) % 7 < 3));
    folder.write_npy("bits.npy", bits.view());
    folder.write_npy("spins.npy", bits.mapv(|x| 2 * x as i8 - 1).view());
    folder.write_npy(
        "dosages.npy",
        Array2::from_shape_fn((200, 9), |(n, i)| (n + i) as u8 % 3).view(),
    );
    folder.write_npy("reals.npy", bits.mapv(|x| f32::from(x) * 0.625).view());
    let row = |n: usize| format!("{},{}\n", ["red", "green", "blue"][n % 3], n % 2);
    folder.write(
        "table.csv",
        ("colour,on\n".to_string() + &(0..90).map(row).collect::<String>()).as_bytes(),
    );
    let sequence = |n: usize| format!(">s{n}\n{}\n", ["ACDE", "ACDF", "GCDE"][n % 3]);
    folder.write("family.fasta", (0..90).map(sequence).collect::<String>().as_bytes());
    let cases = [
        ("greys.idx", "", "--validation 20"),
        ("greys.idx", "", "--binarize none --shuffle-window 70"),
        ("bits.npy", "", "--limit 250"),
        ("spins.npy", "--spins", ""),
        ("dosages.npy", "--grey-levels 2", "--image-shape 3x3"),
        ("reals.npy", "", "--invert"),
        ("table.csv", "--categories auto", ""),
        ("family.fasta", "--alphabet protein", ""),
    ];
    for (case, (data, meaning, settings)) in cases.into_iter().enumerate() {
        let [source, run] = ["source", "run"].map(|name| format!("{name}-{case}"));
        let training = format!("--hidden 16 --epochs 2 --batch-size 50 --quiet {settings}");
        folder.succeed_with_notes(&format!(
            "train --data {data} {meaning} {training} --out {source}"
        ));
        let said =
            folder.succeed_with_notes(&format!("pack {data} {meaning} --out packed --overwrite"));
        assert!(said.contains("packed"), "{said}");
        folder.succeed_with_notes(&format!("train --data packed {training} --out {run}"));
        let model = |run: &str| folder.read(&format!("{run}/model.safetensors"));
        assert!(model(&run) == model(&source), "{data} {settings}");
        let evaluation = |data: &str| {
            let (_, found, _) =
                folder.run(&format!("evaluate {source} --data {data} --method exact --json"));
            found.replace(data, "DATA")
        };
        assert!(evaluation(data).contains("log_likelihood"), "{}", evaluation(data));
        assert_eq!(evaluation("packed"), evaluation(data), "{data} {settings}");
        folder.succeed_with_notes(&format!("resume {source} --data packed --epochs 3 --quiet"));
    }
}

/// Labels and weights, of columns or of files, are columns of the packed file, of which a run takes the same bits.
#[test]
fn labels_and_weights_are_packed() {
    let folder = Folder::new();
    let row =
        |n: usize| format!("{},{},{},{}\n", n % 2, ["x", "y", "?"][n * n % 3], n % 5, n / 2 % 2);
    let rows = (0..90).map(row).collect::<String>();
    folder.write("table.csv", format!("a,kind,count,b\n{rows}").as_bytes());
    folder.write_npy("digits.npy", Array2::from_shape_fn((200, 1), |(n, _)| n as i64 % 3).view());
    folder
        .write_npy("w.npy", Array2::from_shape_fn((200, 1), |(n, _)| 0.1 * (n % 7) as f64).view());
    let training = "--hidden 16 --epochs 2 --batch-size 50 --quiet --no-report";
    for (case, (data, beside, packed)) in [
        ("table.csv", "--labels kind --weights count", "--labels kind --weights count"),
        (
            "table.csv",
            "--labels kind --weights count --categories auto",
            "--labels column:kind --weights count",
        ),
        ("greys.idx", "--labels digits.npy --weights w.npy", "--labels label --weights weight"),
    ]
    .into_iter()
    .enumerate()
    {
        let [source, run] = ["source", "run"].map(|name| format!("{name}-{case}"));
        folder
            .succeed_with_notes(&format!("train --data {data} {beside} {training} --out {source}"));
        folder.succeed_with_notes(&format!("pack {data} {beside} --out packed --overwrite"));
        folder.succeed_with_notes(&format!("train --data packed {packed} {training} --out {run}"));
        let model = |run: &str| folder.fingerprint(&format!("{run}/model.safetensors"));
        assert_eq!(model(&run), model(&source), "{data}");
        let scores = |data: &str, beside: &str| {
            let line = format!("evaluate {source} --data {data} {beside} --method exact --json");
            folder.run(&line).1.replace(data, "DATA")
        };
        if data == "table.csv" {
            // The labels of a column are found without being named.
            assert!(scores(data, "").contains("log_likelihood"), "{}", scores(data, ""));
            assert_eq!(scores("packed", ""), scores(data, ""));
            folder.succeed_with_notes(&format!("resume {source} --data packed --epochs 3 --quiet"));
        }
    }
    // Without --labels the examples are those without the column.
    folder.succeed_with_notes(&format!("train --data packed {training} --out plain"));
    assert_eq!(folder.facts("plain")["n_visible"], 30);
    folder.fail(
        "train --data packed --labels column:kind --out none",
        "packed: has the columns label, weight, but must have a column \"kind\" of labels",
    );
}

#[test]
fn what_cannot_be_packed_or_read_is_refused_with_a_remedy() {
    let folder = Folder::new();
    folder.succeed("pack greys.idx --out packed");
    folder.fail("pack greys.idx --out packed", "packed: exists already");
    folder.fail(
        "train --data packed --grey-levels 16 --out run",
        "is packed, and what its values mean",
    );
    folder.fail(
        "train --data greys.idx --labels packed --out run",
        "packed: holds packed data, but must hold an array",
    );
    folder.fail(
        "pack greys.idx --out new --ignore a",
        "is no table with a header, but must have a column",
    );
    let mut bytes = folder.read("packed");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    folder.write("packed", &bytes);
    folder
        .fail("train --data packed --out run", "found another checksum than that of its contents");
}
