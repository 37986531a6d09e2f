//! Models of other programs come in, and models go out to them, with the parameters' bits.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use harmonium::Rbm;
use harmonium::interchange::{Format, Layout, Naming, encode, read};
use harmonium::model::ModelFile;
use ndarray::{Array1, Array2, ArrayView2, Axis, ShapeBuilder as _, arr1};
use safetensors::tensor::{Dtype, TensorView};

const SIZES: [(usize, usize); 2] = [(5, 3), (4, 4)];

fn model(n_visible: usize, n_hidden: usize) -> Rbm {
    let value = |at: usize| (at as f32 * 0.7).sin();
    Rbm::new(
        Array2::from_shape_fn((n_visible, n_hidden), |(i, j)| value(i * n_hidden + j)),
        Array1::from_shape_fn(n_visible, |i| value(100 + i)),
        Array1::from_shape_fn(n_hidden, |j| value(200 + j)),
    )
    .unwrap()
}

/// A folder with the model of 5 + 3 units in `model.safetensors`.
fn folder() -> Folder {
    let folder = Folder::new();
    model(5, 3).write(folder.path("model.safetensors")).unwrap();
    folder
}

fn named(weights: &str, visible_bias: &str, hidden_bias: &str) -> Naming {
    let [weights, visible_bias, hidden_bias] =
        [weights, visible_bias, hidden_bias].map(|name| Some(name.to_string()));
    Naming { weights, visible_bias, hidden_bias, layout: None }
}

/// A tensor of a safetensors file.
struct Tensor {
    name: &'static str,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn f32s(name: &'static str, shape: &[usize], first: f32) -> Tensor {
    let n = shape.iter().product();
    let values = (0..n).map(|at| if at == 0 { first } else { at as f32 / 8.0 });
    let bytes = values.flat_map(f32::to_le_bytes).collect();
    Tensor { name, dtype: Dtype::F32, shape: shape.to_vec(), bytes }
}

fn safetensors(tensors: &[Tensor]) -> Vec<u8> {
    let views = tensors.iter().map(|Tensor { name, dtype, shape, bytes }| {
        (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn every_format_to_and_fro_gives_the_same_parameters() {
    let folder = Folder::new();
    let names = [
        named("weights", "visible_bias", "hidden_bias"),
        named("W", "v_bias", "h_bias"),
        named("my own", "1", "2"),
    ];
    for (n_visible, n_hidden) in SIZES {
        let rbm = model(n_visible, n_hidden);
        for (format, file) in [(Format::Npz, "a.npz"), (Format::Safetensors, "a.safetensors")] {
            for naming in &names {
                for layout in [Layout::Vh, Layout::Hv] {
                    let naming = Naming { layout: Some(layout), ..naming.clone() };
                    folder.write(file, &encode(&rbm, format, &naming).unwrap());
                    let found = read(&folder.path(file), &naming).unwrap();
                    assert_eq!(found.rbm.sha256(), rbm.sha256(), "{naming:?}");
                    assert!(found.notes.is_empty(), "{:?}", found.notes);
                }
            }
        }
    }
}

#[test]
fn the_command_line_goes_to_and_fro() {
    let folder = folder();
    let pytorch = "--weights net.W --visible-bias net.v_bias --hidden-bias net.h_bias --layout hv";
    for (file, flags) in [
        ("a.npz", ""),
        ("b.npz", "--weights components_"),
        ("a.safetensors", ""),
        ("b.safetensors", pytorch),
    ] {
        let line = format!("export model.safetensors --out {file} {flags}");
        assert_eq!(folder.succeed(&line), format!("{file}\n"));
        folder.fail(&line, "exists already; give another path, or replace it with --overwrite");
        // The names are known, and the lengths of the biases tell the axes.
        let (code, stdout, stderr) =
            folder.run(&format!("import {file} --out new.safetensors --overwrite"));
        assert_eq!((code, &stdout[..]), (Some(0), "new.safetensors\n"), "{stderr}");
        assert_eq!(folder.fingerprint("new.safetensors"), folder.fingerprint("model.safetensors"));
        let axes = if flags.is_empty() { "(visible, hidden)" } else { "(hidden, visible)" };
        assert!(stderr.contains(&format!("weights {axes} from `")), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    folder.write_npy("v.npy", Array2::<u8>::ones((2, 5)).view());
    folder.succeed("transform new.safetensors v.npy --out features.npy");
}

#[test]
fn arrays_of_scikit_learn_have_their_names_and_axes() {
    let folder = folder();
    folder.succeed("export model.safetensors --out a.npz --weights components_");
    let found = read(&folder.path("a.npz"), &Naming::default()).unwrap();
    assert_eq!(found.rbm, model(5, 3));
    assert_eq!(
        found.taken,
        "weights (hidden, visible) from `components_`, visible bias from `intercept_visible_`, hidden bias from \
         `intercept_hidden_`"
    );
    // A square model of scikit-learn needs no layout, as its name tells.
    let rbm = model(4, 4);
    let naming = Naming { weights: Some("components_".to_string()), ..Naming::default() };
    folder.write("square.npz", &encode(&rbm, Format::Npz, &naming).unwrap());
    let path = folder.path("square.npz");
    assert_eq!(read(&path, &Naming::default()).unwrap().rbm, rbm);
    let wrong = Naming { layout: Some(Layout::Vh), ..naming };
    let error = encode(&rbm, Format::Npz, &wrong).unwrap_err().to_string();
    assert_eq!(error, "layout is vh, but must be hv, as `components_` has it");
}

#[test]
fn square_models_need_their_layout() {
    let folder = Folder::new();
    let rbm = model(4, 4);
    folder.write("a.npz", &encode(&rbm, Format::Npz, &Naming::default()).unwrap());
    folder.fail(
        "import a.npz",
        "a.npz: `weights` has the shape [4, 4], which may be (visible, hidden) or (hidden, visible), as \
         `visible_bias` has 4 numbers and `hidden_bias` 4; give --layout vh|hv",
    );
    folder.succeed_with_notes("import a.npz --layout vh --out vh.safetensors");
    folder.succeed_with_notes("import a.npz --layout hv --out hv.safetensors");
    assert_eq!(folder.fingerprint("vh.safetensors"), rbm.sha256());
    let turned = Rbm::new(
        rbm.weights().t().to_owned(),
        rbm.visible_bias().clone(),
        rbm.hidden_bias().clone(),
    );
    assert_eq!(folder.fingerprint("hv.safetensors"), turned.unwrap().sha256());
    folder.refuse("import a.npz --layout hh", 2, "layout is hh, but must be `vh` or `hv`");
}

#[test]
fn names_are_known_with_the_modules_of_pytorch_before_them_or_are_given() {
    let folder = Folder::new();
    let import = |tensors: &[Tensor], naming: &Naming| {
        folder.write("a.safetensors", &safetensors(tensors));
        read(&folder.path("a.safetensors"), naming)
    };
    for [w, b, c] in [
        ["rbm.W", "rbm.v_bias", "rbm.h_bias"],
        ["module.weight", "module.vbias", "module.hbias"],
        ["W", "b", "c"],
        ["W", "a", "b"],
    ] {
        let tensors = [f32s(w, &[5, 3], 1.0), f32s(b, &[5], 2.0), f32s(c, &[3], 3.0)];
        let rbm = import(&tensors, &Naming::default()).unwrap().rbm;
        assert_eq!((rbm.visible_bias()[0], rbm.hidden_bias()[0]), (2.0, 3.0), "{w} {b} {c}");
    }
    // Neither pair of names is the only one.
    let both =
        [f32s("W", &[5, 3], 1.0), f32s("a", &[5], 2.0), f32s("b", &[3], 3.0), f32s("c", &[3], 4.0)];
    let error = import(&both, &Naming::default()).unwrap_err().to_string();
    assert!(error.contains("has 2 choices of arrays with known names of a visible"), "{error}");
    let given = Naming { hidden_bias: Some("c".to_string()), ..Naming::default() };
    let error = import(&both, &given).unwrap_err().to_string();
    assert!(error.contains("2 choices"), "{error}");
    let given = named("W", "a", "c");
    let found = import(&both, &given).unwrap();
    assert_eq!(
        (found.rbm.hidden_bias()[0], &found.notes[..]),
        (4.0, &["not read: `b`".to_string()][..])
    );
    // A bias may have more axes of length 1.
    let rows = [f32s("W", &[3, 5], 1.0), f32s("bv", &[1, 5], 2.0), f32s("bh", &[3, 1], 3.0)];
    let rbm = import(&rows, &Naming::default()).unwrap().rbm;
    assert_eq!((rbm.n_visible(), rbm.weights()[[1, 0]]), (5, 0.125));
}

/// The length of a header is the start of a file, and may look like another format's.
#[test]
fn headers_of_any_length_are_read() {
    let folder = Folder::new();
    let tensors = [f32s("W", &[5, 3], 0.5), f32s("b", &[5], 0.5), f32s("c", &[3], 0.5)];
    let mut lengths = Vec::new();
    for n in 350..500 {
        let views = tensors.iter().map(|Tensor { name, dtype, shape, bytes }| {
            (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        let note = [("note".to_string(), "x".repeat(n))].into_iter().collect();
        let bytes = safetensors::serialize(views, Some(note)).unwrap();
        folder.write("a.safetensors", &bytes);
        read(&folder.path("a.safetensors"), &Naming::default()).unwrap();
        lengths.push([bytes[0], bytes[1]]);
    }
    // A pickle, too, begins with these.
    assert!(lengths.contains(&[0x80, 2]), "{lengths:?}");
}

#[test]
fn what_cannot_be_a_model_of_bits_is_refused_by_name() {
    let folder = folder();
    let [b, c] = [|| f32s("b", &[5], 0.5), || f32s("c", &[3], 0.5)];
    let w = |shape: &[usize]| f32s("W", shape, 0.5);
    for (tensors, message) in [
        (
            vec![f32s("x", &[5, 3], 0.5), b(), c()],
            "has no arrays with a known name of weights, but must have one; it holds `b` (float32, [5]), `c` \
             (float32, [3]), `x` (float32, [5, 3]); give --weights NAME, --visible-bias NAME, --hidden-bias NAME",
        ),
        (
            vec![w(&[5, 3]), b()],
            "has no arrays with known names of a visible and a hidden bias, but must have one; it holds `W`",
        ),
        (
            vec![w(&[5, 2]), b(), c()],
            "`W` has the shape [5, 2], but must have [5, 3], (visible, hidden), or [3, 5], (hidden, visible), as \
             `b` has 5 numbers and `c` 3",
        ),
        (vec![w(&[5, 2, 3]), b(), c()], "more axes are those of a model of categories"),
        (
            vec![w(&[5, 3]), f32s("b", &[5, 2], 0.5), c()],
            "`b` has the shape [5, 2], but a bias must have one axis",
        ),
        (
            vec![w(&[5, 3]), f32s("b", &[5], f32::NAN), c()],
            "`b`: the value at [0] is NaN, but must be finite as float32",
        ),
        (
            vec![w(&[5, 3]), Tensor { dtype: Dtype::I32, ..b() }, c()],
            "`b` has the type i32, but must have float16, bfloat16, float32 or float64",
        ),
        (
            vec![w(&[5, 3]), b(), c(), f32s("v.sigma", &[5], 1.0)],
            "holds `v.sigma`, standard deviations, of Gaussian units, but only models of bits are imported",
        ),
    ] {
        folder.write("a.safetensors", &safetensors(&tensors));
        folder.fail("import a.safetensors --out b.safetensors", message);
    }
    folder.fail(
        "import model.safetensors --out b.safetensors",
        "is a model or a checkpoint of this program",
    );
    folder.write("a.safetensors", &safetensors(&[w(&[5, 3]), b(), c()]));
    folder.fail(
        "import a.safetensors --weights Z --out b.safetensors",
        "has no array `Z`; it holds `W`",
    );
    folder.fail(
        "import a.safetensors --visible-bias b --hidden-bias b --out b.safetensors",
        "has one array `b`, which is named twice",
    );
    folder.refuse("import a.safetensors --out b.npz", 2, "b.npz: must end in .safetensors");
    for (bytes, message) in [
        (
            &b"\x89HDF\r\n\x1a\n"[..],
            "is an HDF5 file, which the Python package reads: harmonium.import_model(FILE)",
        ),
        (b"\x80\x02}q", "is a pickle of Python or PyTorch, which may run programs"),
        (b"PK\x03\x04 archive/data.pkl", "is a pickle of Python or PyTorch"),
        (b"nothing", "is neither a whole safetensors file"),
        (b"PK\x03\x04nothing", "expected a whole .npz archive"),
        (&encode(&model(5, 3), Format::Onnx, &Naming::default()).unwrap(), "is an ONNX graph"),
    ] {
        folder.write("a.file", bytes);
        folder.fail("import a.file --out b.safetensors", message);
    }
    folder.fail("import nothing --out b.safetensors", "nothing: cannot read");
}

#[test]
fn models_of_categories_are_exported_with_their_columns_alone_and_names_not_to_a_graph() {
    let folder = folder();
    let columns = "a,b\nx,1\ny,2\nz,3\n";
    folder.write("t.csv", columns.as_bytes());
    folder.succeed("train --data t.csv --categories auto --hidden 4 --epochs 1 --batch-size 3 --out cats --quiet");
    for file in ["a.safetensors", "a.onnx"] {
        folder.misuse(
            &format!("export cats --out {file}"),
            "the number of units of a visible site is 3, but must be 1 in this file, which does not say which units \
             are one site; a .npz file",
        );
    }
    folder.misuse(
        "export cats --out a.npz --weights site",
        "weights is site, but must be another name than site, number, state, column",
    );
    folder.succeed("export cats --out cats.npz");
    folder.fail("import cats.npz --out b.safetensors", "`site`");
    let rule = "weights is W, but must be left out but for a file with named arrays";
    folder.misuse("export model.safetensors --out a.onnx --weights W", rule);
    let rule = "hidden_bias is visible_bias, but must be another name than each of the others";
    folder.misuse("export model.safetensors --out a.npz --hidden-bias visible_bias", rule);
    folder.refuse(
        "export model.safetensors --out a.pt",
        2,
        "must end in .safetensors, .npz or .onnx",
    );
}

#[test]
fn numbers_of_other_sizes_are_read_and_rounding_is_said() {
    let folder = Folder::new();
    let of = |dtype, bytes: [Vec<u8>; 3]| {
        let [w, b, c] = bytes;
        let tensor =
            |name, shape: &[usize], bytes| Tensor { name, dtype, shape: shape.to_vec(), bytes };
        safetensors(&[tensor("W", &[2, 1], w), tensor("b", &[2], b), tensor("c", &[1], c)])
    };
    let sixteen = |one: u16| {
        [vec![one, one], vec![one, one], vec![one]]
            .map(|words| words.iter().flat_map(|word| word.to_le_bytes()).collect())
    };
    let doubles = |x: f64| {
        [vec![x, x], vec![x, x], vec![x]]
            .map(|numbers| numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
    };
    for (bytes, value, notes) in [
        (of(Dtype::F16, sixteen(0x3E00)), 1.5, ""),
        (of(Dtype::BF16, sixteen(0x3FC0)), 1.5, ""),
        (of(Dtype::F64, doubles(1.5)), 1.5, ""),
        (of(Dtype::F64, doubles(0.1)), 0.1, "`W`, `b`, `c`: rounded to float32"),
    ] {
        folder.write("a.safetensors", &bytes);
        let found = read(&folder.path("a.safetensors"), &Naming::default()).unwrap();
        assert_eq!(found.rbm.weights()[[1, 0]], value);
        assert_eq!(found.notes.join("\n"), notes);
    }
    folder.write("a.safetensors", &of(Dtype::F64, doubles(1e300)));
    folder.fail("import a.safetensors", "`b`: the value at [0] is 1");
    // NumPy's column-major order, and float64.
    let (rbm, wide) = (model(5, 3), |x: &f32| f64::from(*x));
    let rows = rbm.weights().map(wide);
    let mut columns = Array2::zeros((5, 3).f());
    columns.assign(&rows);
    for weights in [rows.view(), columns.view()] {
        let arrays = [
            ("W", bytes_of(weights)),
            ("vbias", bytes_of(rbm.visible_bias().map(wide).insert_axis(Axis(0)).view())),
            ("hbias", bytes_of(rbm.hidden_bias().map(wide).insert_axis(Axis(0)).view())),
        ];
        folder.write("a.npz", &zip(&arrays));
        let found = read(&folder.path("a.npz"), &Naming::default()).unwrap();
        assert_eq!((found.rbm.sha256(), found.notes.len()), (rbm.sha256(), 0));
    }
}

fn bytes_of(array: ArrayView2<'_, f64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    ndarray_npy::WriteNpyExt::write_npy(&array, &mut bytes).unwrap();
    bytes
}

fn zip(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write as _;
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in arrays {
        let (mut entry, config) = archive.new_file(format!("{name}.npy")).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        writer.write_all(bytes).unwrap();
        let (_, descriptor) = writer.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap()
}

#[test]
fn commands_that_take_models_point_to_import() {
    let folder = folder();
    folder.succeed("export model.safetensors --out plain.safetensors");
    let message = "plain.safetensors: has no metadata key `harmonium`, so it is not a model of this program; \
                   `harmonium import` makes one of another program's tensors";
    for line in ["evaluate", "sample", "transform", "inspect", "export"] {
        let out = if line == "export" { " --out b.npz" } else { "" };
        folder.fail(&format!("{line} plain.safetensors{out}"), message);
    }
    folder.succeed("export model.safetensors --out a.npz");
    folder
        .fail("evaluate a.npz", "; `harmonium import` makes a model of the arrays of a .npz file");
    assert!(ModelFile::read(&folder.path("plain.safetensors")).is_err());
}

/// A field of a message of protobuf: its number, and a varint or bytes.
#[derive(Debug)]
enum Field<'a> {
    Number(u64, u64),
    Bytes(u64, &'a [u8]),
}

/// The fields of a message, read by the rules of the wire format alone.
fn fields(mut bytes: &[u8]) -> Vec<Field<'_>> {
    let varint = |bytes: &mut &[u8]| {
        let mut value = 0;
        for place in 0.. {
            let (&byte, rest) = bytes.split_first().expect("a whole varint");
            *bytes = rest;
            value |= u64::from(byte & 0x7F) << (7 * place);
            if byte < 0x80 {
                break;
            }
        }
        value
    };
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = varint(&mut bytes);
        found.push(match key & 7 {
            0 => Field::Number(key >> 3, value),
            2 => {
                let (inside, rest) = bytes.split_at(value as usize);
                bytes = rest;
                Field::Bytes(key >> 3, inside)
            }
            kind => panic!("wire type {kind}"),
        });
    }
    found
}

/// The values of the fields with this number.
fn bytes_in(message: &[u8], number: u64) -> Vec<&[u8]> {
    let found = fields(message).into_iter();
    found
        .filter_map(|field| match field {
            Field::Bytes(n, bytes) if n == number => Some(bytes),
            _ => None,
        })
        .collect()
}

fn numbers_in(message: &[u8], number: u64) -> Vec<u64> {
    let found = fields(message).into_iter();
    found
        .filter_map(|field| match field {
            Field::Number(n, value) if n == number => Some(value),
            _ => None,
        })
        .collect()
}

fn texts_in(message: &[u8], number: u64) -> Vec<&str> {
    bytes_in(message, number).into_iter().map(|bytes| std::str::from_utf8(bytes).unwrap()).collect()
}

/// The numbers are those of the fields in ONNX's onnx.proto.
#[test]
fn an_onnx_graph_decodes_to_the_parameters_and_two_nodes() {
    let folder = folder();
    folder.succeed("export model.safetensors --out a.onnx");
    let (rbm, bytes) = (model(5, 3), folder.read("a.onnx"));
    assert_eq!(numbers_in(&bytes, 1), [7], "ir_version");
    assert_eq!(
        bytes_in(&bytes, 8).into_iter().map(|set| numbers_in(set, 2)).collect::<Vec<_>>(),
        [[13]]
    );
    let property = bytes_in(&bytes, 14)[0];
    assert_eq!(
        (texts_in(property, 1), texts_in(property, 2)),
        (vec!["parameters_sha256"], vec![&rbm.sha256()[..]])
    );
    let graph = bytes_in(&bytes, 7)[0];
    let nodes: Vec<_> = bytes_in(graph, 1)
        .into_iter()
        .map(|node| (texts_in(node, 4)[0], texts_in(node, 1), texts_in(node, 2)))
        .collect();
    assert_eq!(
        nodes,
        [
            ("Gemm", vec!["visible", "weights", "hidden_bias"], vec!["inputs"]),
            ("Sigmoid", vec!["inputs"], vec!["hidden"]),
        ]
    );
    let tensors: Vec<_> = bytes_in(graph, 5)
        .into_iter()
        .map(|tensor| {
            (
                texts_in(tensor, 8)[0],
                numbers_in(tensor, 1),
                numbers_in(tensor, 2),
                bytes_in(tensor, 9)[0],
            )
        })
        .collect();
    let raw = |values: &mut dyn Iterator<Item = &f32>| -> Vec<u8> {
        values.flat_map(|x| x.to_le_bytes()).collect()
    };
    let (weights, bias) = (raw(&mut rbm.weights().iter()), raw(&mut rbm.hidden_bias().iter()));
    assert_eq!(
        tensors,
        [
            ("weights", vec![5, 3], vec![1], &weights[..]),
            ("hidden_bias", vec![3], vec![1], &bias[..]),
        ]
    );
    for (number, name, n_units) in [(11, "visible", 5), (12, "hidden", 3)] {
        let value = bytes_in(graph, number)[0];
        let tensor = bytes_in(bytes_in(value, 2)[0], 1)[0];
        let dims = bytes_in(bytes_in(tensor, 2)[0], 1);
        assert_eq!((texts_in(value, 1), numbers_in(tensor, 1)), (vec![name], vec![1]));
        assert_eq!((texts_in(dims[0], 2), numbers_in(dims[1], 1)), (vec!["N"], vec![n_units]));
    }
    // The graph of these tensors is p(h | v).
    let v = arr1(&[1.0_f32, 0.0, 1.0, 1.0, 0.0]);
    let inputs = v.dot(rbm.weights()) + rbm.hidden_bias();
    let bits = harmonium::BitMatrix::from_fn(1, 5, |_, i| v[i] == 1.0);
    let means = rbm.mean_hidden(&bits).unwrap();
    for (j, x) in inputs.iter().enumerate() {
        assert!((means[[0, j]] - 1.0 / (1.0 + (-x).exp())).abs() < 1e-6);
    }
}
