//! A run records the columns of its data, and every command speaks of them.

#![cfg(feature = "cli")]

mod folder;

use folder::{Folder, SHORT};
use ndarray::{Array1, Array2};
use serde_json::json;

/// A table (200) of an id, and of three bits that have names.
fn people() -> String {
    let row = |n: usize| {
        let word = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60;
        let name = |at: usize| if word >> at & 1 == 1 { "true" } else { "false" };
        format!("p{n},{},{},{}\n", word & 1, name(1), name(2))
    };
    "id,smokes,drinks,sleeps\n".to_string() + &(0..200).map(row).collect::<String>()
}

/// The table with its columns in another order, without the id.
fn other_order(people: &str) -> String {
    let row = |line: &str| {
        let cells: Vec<_> = line.split(',').collect();
        format!("{},{},{}\n", cells[3], cells[1], cells[2])
    };
    people.lines().map(row).collect()
}

#[test]
fn a_model_of_named_bits_reads_and_writes_them_by_name() {
    let folder = Folder::new();
    folder.write("people.csv", people().as_bytes());
    folder.write("other.csv", other_order(&people()).as_bytes());
    let line = "train --data people.csv --categories auto";
    folder.fail(
        &format!("{line} {SHORT}"),
        "people.csv: column 1 (\"id\") holds another value in each of the 200 examples, as names do, so there \
         is nothing to learn in it; leave it out by --ignore NAME",
    );
    folder.succeed(&format!("{line} --ignore id {SHORT} --out run --quiet"));
    let columns = json!({"table": [
        {"name": "smokes", "bit": ["0", "1"]},
        {"name": "drinks", "bit": ["false", "true"]},
        {"name": "sleeps", "bit": ["false", "true"]},
    ]});
    assert_eq!(folder.facts("run")["data"]["columns"], columns);

    let score = |data: &str| {
        let line = format!("evaluate run {data} --method exact --json");
        let score: serde_json::Value = serde_json::from_str(&folder.succeed(&line)).unwrap();
        score["log_likelihood"].clone()
    };
    assert_eq!(score("--data other.csv"), score("--data people.csv"));
    assert_eq!(score("--data other.csv"), score(""));
    folder.succeed("transform run other.csv --out features.npy");
    folder.succeed("sample run --number 5");
    let samples = String::from_utf8(folder.read("samples.csv")).unwrap();
    let lines: Vec<_> = samples.lines().collect();
    assert_eq!((lines[0], lines.len()), ("smokes,drinks,sleeps", 6));
    assert!(lines[1..].iter().all(|line| line.ends_with("true") || line.ends_with("false")));
    folder.succeed("sample run --number 5 --start data --data samples.csv --out more.tsv");

    folder.write("bad.csv", b"smokes,drinks,sleeps\n1,true,false\n1,maybe,false\n");
    folder.fail(
        "evaluate run --data bad.csv",
        "bad.csv: line 3, column 2 (\"drinks\") is \"maybe\", but must be one of false, true: the training \
         data of the model have no others",
    );
    folder.fail(
        "sample run --out samples.png",
        "is not a model of images; give a .csv file for --out",
    );
    folder.fail(
        "sample run --out samples.fasta",
        "is not a model of sequences; give a .csv or a .npy",
    );
}

#[test]
fn sequences_are_noted_and_recorded() {
    let folder = Folder::new();
    let sequence = |n: usize| {
        let letters = (0..6).map(|site| b"ACGT"[(n * 7 + site * site) % 4] as char);
        format!(">s{n}\n{}\n", letters.collect::<String>())
    };
    folder.write("dna.fasta", (0..100).map(sequence).collect::<String>().as_bytes());
    let (code, _, notes) = folder.run(&format!("train --data dna.fasta {SHORT} --out run"));
    let note =
        "dna.fasta: the sequences are taken as 6 sites of the 4 letters ACGT; the setting alphabet";
    assert!(code == Some(0) && notes.contains(note), "{notes}");
    let columns =
        json!({"sequences": {"alphabet": "ACGT", "length": 6, "unknown_letters": "refuse"}});
    assert_eq!(folder.facts("run")["data"]["columns"], columns);
    assert_eq!(folder.facts("run")["n_visible"], 24);
    folder.write("unknown.fasta", b">x\nACGTAN\n");
    folder.fail(
        "evaluate run --data unknown.fasta",
        "unknown.fasta: has letters outside the alphabet ACGT: N once, first at site 6 of x; make them gaps \
         or missing values, or leave out the sequences that have them, by --unknown-letters gap|missing|drop",
    );
    folder.write("long.fasta", b">x\nACGTACG\n");
    folder.fail("evaluate run --data long.fasta", "x has 7 sites, but the model has 6");
    // `drop` of training holds for other data of the model.
    folder.succeed(&format!("train --data dna.fasta --unknown-letters drop {SHORT} --out drop"));
    folder.fail("evaluate drop --data unknown.fasta", "all 1 sequences have letters outside");
}

/// A sequence that is left out keeps its line, and moves no other.
#[test]
fn results_of_sequences_bear_their_names() {
    let folder = Folder::new();
    let sequence = |n: usize| {
        let letters = (0..6).map(|site| b"ACGT"[(n * 7 + site * site) % 4] as char);
        format!(">s{n} of some\n{}\n", letters.collect::<String>())
    };
    folder.write("dna.fasta", (0..100).map(sequence).collect::<String>().as_bytes());
    folder.succeed(&format!("train --data dna.fasta --unknown-letters drop {SHORT} --out run"));
    folder.write("clean.fasta", b">b\nACGTAC\n>d\nTTGTAC\n");
    folder
        .write("some.fasta", b">a\nACGTAN\n>b some\nACGTAC\n>c\nNCGTAC\n>d\nTTGTAC\n>e\nNNNNNN\n");
    for name in ["clean", "some"] {
        let line = format!("evaluate run --data {name}.fasta --log-probabilities {name}");
        folder.succeed_with_notes(&format!("{line}.csv"));
        folder.succeed_with_notes(&format!("{line}.npy"));
        folder.succeed_with_notes(&format!("transform run {name}.fasta --out h-{name}.npy"));
    }
    let text = |name: &str| String::from_utf8(folder.read(name)).unwrap();
    let clean = text("clean.csv");
    let [_, b, d] = clean.lines().collect::<Vec<_>>()[..] else { panic!("{clean}") };
    assert!(b.starts_with("b,-") && d.starts_with("d,-") && b[1..] != d[1..], "{clean}");
    assert_eq!(text("some.csv"), format!("name,log_p\na,\n{b}\nc,\n{d}\ne,\n"));
    let log_p: Array1<f64> = ndarray_npy::read_npy(folder.path("some.npy")).unwrap();
    let of_clean: Array1<f64> = ndarray_npy::read_npy(folder.path("clean.npy")).unwrap();
    assert_eq!(log_p.mapv(f64::is_nan).to_vec(), [true, false, true, false, true]);
    assert_eq!([log_p[1], log_p[3]], [of_clean[0], of_clean[1]]);
    let hidden: Array2<f32> = ndarray_npy::read_npy(folder.path("h-some.npy")).unwrap();
    let of_clean: Array2<f32> = ndarray_npy::read_npy(folder.path("h-clean.npy")).unwrap();
    assert_eq!((hidden.nrows(), hidden.row(3)), (5, of_clean.row(1)));
    assert!(hidden.row(2).iter().all(|p| p.is_nan()));
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let folder = Folder::new();
    folder.write("t.csv", b"a,b\n0,1\n2,0\n");
    folder.write("settings.toml", b"[data]\ndata = \"t.csv\"\ncategories = 2\n");
    folder.fail(
        "train --config settings.toml",
        "t.csv: line 3, column 1 (\"a\") is \"2\", but must be one of 0, 1, as declared by categories",
    );
    for (flags, message) in [
        (
            "--categories 1",
            "categories is 1, but must be `auto`, a range of numbers such as 1..5, or a number of states from 2 to \
             255",
        ),
        (
            "--categories auto --spins",
            "spins is true, but must be left out for categories and sequences",
        ),
        (
            "--categories auto --invert",
            "invert is true, but must be left out for data of categories",
        ),
        (
            "--categories auto --ignore c",
            "ignore is c, but must be names of columns, of which t.csv has a, b",
        ),
        (
            "--alphabet dna",
            "alphabet is dna, but must be left out for data other than sequences in FASTA",
        ),
        ("--alphabet AA", "alphabet is AA, but must be `protein`, `dna`, `rna`, or at least two"),
    ] {
        folder.refuse(&format!("train --data t.csv {flags} --hidden 2"), 2, message);
    }
    folder.refuse("train --data t.csv --categories auto --alphabet dna", 2, "cannot be used with");
    folder.write("bits.csv", b"a,b\n0,1\n1,0\n");
    folder.fail(
        "train --data bits.csv --ignore c --hidden 2",
        "bits.csv: has the columns a, b, but must have a column \"c\" of values to ignore",
    );
    folder.misuse(
        "train --data shifter --categories auto --hidden 2",
        "data is shifter, but must be a file, as the columns of these data are categories",
    );
}

/// Two families of sequences, and sites that say which.
#[test]
fn a_model_of_sequences_samples_sequences_like_those_it_has_seen() {
    let folder = Folder::new();
    let sequence = |n: usize| {
        let family = if n.is_multiple_of(2) { "MKVLA" } else { "GRWDE" };
        let rare = [b'M', b'G', b'A', b'E'][n % 4] as char;
        format!(">s{n}\n{family}{rare}\n")
    };
    folder.write("some.fasta", (0..200).map(sequence).collect::<String>().as_bytes());
    let train =
        "train --data some.fasta --alphabet protein --hidden 4 --epochs 200 --batch-size 20";
    folder.succeed(&format!("{train} --learning-rate 0.2 --seed 1 --quiet --out run"));
    folder.succeed("sample run --number 100 --gibbs-steps 1000 --out new.fasta");
    folder.succeed("sample run --number 100 --gibbs-steps 1000");
    assert_eq!(folder.read("samples.fasta"), folder.read("new.fasta"));
    let text = String::from_utf8(folder.read("new.fasta")).unwrap();
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('>')).collect();
    assert_eq!(samples.len(), 100);
    assert!(samples.iter().all(|sample| sample.len() == 6), "{text}");
    let of_a_family =
        samples.iter().filter(|sample| sample.starts_with("MKVLA") || sample.starts_with("GRWDE"));
    assert!(of_a_family.count() > 70, "{text}");
    // A mask may give whole sites, but not a part of one.
    let given =
        |n: usize| (0..6 * 20).map(|unit| if unit < n { "1" } else { "0" }).collect::<String>();
    folder.write("whole.txt", given(5 * 20).as_bytes());
    folder.write("part.txt", given(30).as_bytes());
    folder
        .succeed("sample run --clamp whole.txt --number 4 --gibbs-steps 50 --out completed.fasta");
    let text = String::from_utf8(folder.read("completed.fasta")).unwrap();
    let families: Vec<&str> =
        text.lines().filter(|line| !line.starts_with('>')).map(|line| &line[..5]).collect();
    assert_eq!(families, ["MKVLA", "GRWDE", "MKVLA", "GRWDE"]);
    folder.refuse(
        "sample run --clamp part.txt --number 4 --out none.fasta",
        2,
        "the number of given units of a site is 10, but must be 0 or all 20, in site 1",
    );
    // At best -ln 4, for two equally likely families with two equally likely last letters; independent sites
    // have -7 ln 2 = -4.85.
    let line = "evaluate run --method exact --json";
    let score: serde_json::Value = serde_json::from_str(&folder.succeed(line)).unwrap();
    let score = score["log_likelihood"].as_f64().unwrap();
    assert!(score > -2.5 && score < -4_f64.ln(), "{score}");
}

/// Names and other texts of a table of bits are no units: the names come back with the results.
#[test]
fn rows_keep_their_names_and_ignored_columns_are_no_units() {
    let folder = Folder::new();
    let row = |n: usize| format!("row {n},{},x,{}\n", n % 2, n % 2);
    let table: String = (0..60).map(row).collect();
    folder.write("t.csv", format!("who,a,note,b\n{table}").as_bytes());
    folder.succeed(&format!("train --data t.csv --id who --ignore note {SHORT} --out run"));
    assert_eq!(folder.facts("run")["data"]["ignored_columns"], json!(["note"]));
    let lines = |name: &str| {
        let text = String::from_utf8(folder.read(name)).unwrap();
        text.lines().map(str::to_string).collect::<Vec<_>>()
    };
    folder.succeed("evaluate run --log-probabilities p.csv");
    assert!(lines("p.csv")[0] == "who,log_p" && lines("p.csv")[2].starts_with("row 1,-"));
    folder.refuse("evaluate run --clusters c.csv", 2, "left out for fewer than 100 examples");
    // Other data may have these columns, or lack them.
    folder.write("other.csv", b"b,who,a,note\n1,new,0,y\n");
    folder.write("less.csv", b"a,b\n1,0\n");
    folder.succeed("transform run other.csv --out h.csv");
    assert!(lines("h.csv")[0].starts_with("who,h0,") && lines("h.csv")[1].starts_with("new,"));
    folder.succeed("transform run less.csv --out less.tsv");
    assert!(lines("less.tsv")[0].starts_with("h0\t"));
    // The names of training are no site where others are given in their place.
    folder.write("given.csv", b"key,who,a,b\nk 1,x,1,0\n");
    folder.succeed("transform run given.csv --id key --out given.tsv");
    assert!(
        lines("given.tsv")[0].starts_with("key\th0") && lines("given.tsv")[1].starts_with("k 1\t")
    );
    let categories = format!("train --data t.csv --categories auto --id who --ignore note {SHORT}");
    folder.succeed(&format!("{categories} --out columns"));
    folder.write("holes.csv", b"who,a,note,b\nfirst,1,x,\n");
    folder.succeed("predict columns holes.csv --fill --probabilities p-b.csv --out filled.csv");
    assert_eq!(
        (&lines("filled.csv")[0][..], &lines("filled.csv")[1][..8]),
        ("who,a,b", "first,1,")
    );
    assert_eq!(
        (&lines("p-b.csv")[0][..], &lines("p-b.csv")[1][..10]),
        ("who,a=1,b=1", "first,1,0.")
    );
    // Units have the names of the header; what is written can be read again.
    folder.succeed("predict run holes.csv --fill --probabilities p-u.csv --out filled-u.csv");
    assert_eq!(lines("filled-u.csv")[0], "who,a,b");
    assert_eq!(lines("p-u.csv")[0], "who,a,b");
    for (run, name) in [("columns", "filled"), ("run", "filled-u")] {
        folder
            .succeed(&format!("evaluate {run} --data {name}.csv --log-probabilities {name}-p.csv"));
        let [header, first] = &lines(&format!("{name}-p.csv"))[..] else { panic!("{name}") };
        assert!(header == "who,log_p" && first.starts_with("first,-"), "{header} {first}");
    }
    let labelled = format!("train --data t.csv --id who --ignore note --labels b {SHORT}");
    folder.succeed(&format!("{labelled} --out labelled"));
    folder.succeed("predict labelled --out classes.csv");
    assert!(lines("classes.csv")[0].starts_with("who,b,p(0)"), "{:?}", lines("classes.csv")[0]);
}

/// A table for a model of whole examples must have all columns; what training ignored is known where some are lacking.
#[test]
fn a_model_of_tables_with_holes_reads_tables_that_lack_columns() {
    let folder = Folder::new();
    let row = |n: usize| format!("{},x{n},{},{}\n", n % 2, n / 2 % 2, n / 3 % 2);
    folder.write(
        "t.csv",
        ("a,note,b,c\n".to_string() + &(0..60).map(row).collect::<String>()).as_bytes(),
    );
    let train = format!("train --data t.csv --categories auto --ignore note {SHORT} --quiet");
    folder.succeed(&format!("{train} --out whole"));
    folder.succeed_with_notes(&format!("{train} --missing marginal --out marginal"));
    folder.write("few.csv", b"c,note,a\n1,x,0\n0,y,1\n");
    folder.write("all.csv", b"a,b,c\n0,,1\n1,,0\n");
    let rule = "few.csv: has no column \"b\", which the model needs; its columns are c, note, a; the model was trained on \
                examples that lack no value: train it for tables that lack columns by `harmonium train --missing \
                absent|marginal`";
    folder.fail("evaluate whole --data few.csv", rule);
    for name in ["few", "all"] {
        let line = format!("evaluate marginal --data {name}.csv --log-probabilities {name}.npy");
        let (code, _, notes) = folder.run(&line);
        let note = "few.csv: the table lacks 1 of 3 columns, which counts as missing: b";
        assert!(code == Some(0) && notes.contains(note) == (name == "few"), "{notes}");
    }
    assert!(folder.read("few.npy") == folder.read("all.npy"));
    folder.refuse(
        "transform marginal few.csv --out h.npy",
        1,
        "few.csv: line 2 has no column \"b\" (1 other value is missing), but p(h | v)",
    );
}
