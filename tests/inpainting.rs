//! `harmonium sample --clamp` completes images from given pixels.

#![cfg(feature = "cli")]

mod folder;

use folder::{Folder, SHORT, greys, idx};
use harmonium::BitMatrix;
use harmonium::dataset::{Dataset, Half, Mask};
use harmonium::gibbs::{FixedWeights, Inpainting};
use harmonium::kernels::Isa;
use harmonium::model::ModelFile;
use harmonium::rng::{Purpose, Stream};
use ndarray::{Array1, Array2, Array3};
use ndarray_npy::read_npy;

/// A folder with binarized greys in `bits.idx`, and a run on them in `run`.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("bits.idx", &idx(bits()));
    folder.succeed(&format!("train --data bits.idx {SHORT} --out run --quiet"));
    folder
}

fn bits() -> Array3<u8> {
    greys().mapv(|x| x / 128)
}

/// Writes a grey picture of this size.
fn write_png(folder: &Folder, name: &str, (rows, columns): (u32, u32), levels: &[u8]) {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, columns, rows);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(levels).unwrap();
    folder.write(name, &bytes);
}

/// Whether pixel (row, column) of the masks in files is given: about a third of them.
fn is_given(row: usize, column: usize) -> bool {
    (row + column).is_multiple_of(3)
}

#[test]
fn given_pixels_are_kept_and_the_others_are_drawn() {
    let folder = folder();
    let given = Array2::from_shape_fn((6, 5), |(y, x)| u8::from(is_given(y, x)));
    let levels: Vec<u8> = given.iter().map(|&given| given * 255).collect();
    write_png(&folder, "mask.png", (6, 5), &levels);
    folder.write_npy("image.npy", given.view());
    folder.write_npy("row.npy", given.flatten().mapv(f32::from).view());
    let truth = bits();
    let completed = |mask: &str, data: &str| -> Array2<u8> {
        let line = format!("sample run --clamp {mask} --out a.npy --overwrite --data {data}");
        assert_eq!(folder.succeed(&format!("{line} --gibbs-steps 20")), "a.npy\n");
        read_npy(folder.path("a.npy")).unwrap()
    };
    for (mask, is_given) in [
        ("left", (|_, x| x < 2) as fn(usize, usize) -> bool),
        ("right", |_, x| x >= 3),
        ("top", |y, _| y < 3),
        ("bottom", |y, _| y >= 3),
        ("mask.png", is_given),
        ("image.npy", is_given),
        ("row.npy", is_given),
    ] {
        let completed = completed(mask, "bits.idx --number 200");
        assert_eq!(completed.dim(), (200, 30), "{mask}");
        let mut changed = 0;
        for ((n, i), &bit) in completed.indexed_iter() {
            let (y, x) = (i / 5, i % 5);
            if is_given(y, x) {
                assert_eq!(bit, truth[[n, y, x]], "{mask}: example {n}, pixel ({y}, {x})");
            } else {
                assert!(bit <= 1);
                changed += usize::from(bit != truth[[n, y, x]]);
            }
        }
        // At least 200 · 12 pixels are drawn: the model has hardly learned, so they are fair coins.
        assert!(changed > 400, "{mask}: {changed} pixels differ from the truth");
    }
    assert_eq!(completed("left", "bits.idx").nrows(), 20, "the default number");
    folder.write("few.idx", &idx(bits().slice_move(ndarray::s![..7, .., ..])));
    assert_eq!(completed("left", "few.idx").nrows(), 7, "all examples");
}

#[test]
fn a_picture_shows_the_truth_the_given_pixels_and_the_completion() {
    let folder = folder();
    let line = "sample run --data bits.idx --clamp top --gibbs-steps 3";
    folder.succeed(line);
    // 20 stacks of 3 · (6 + 1) + 1 = 22 pixels by 5, 12 across and 2 down with lines between, 8
    // times as large.
    assert_eq!(folder.picture("samples.png"), ((12 * 6 + 1) * 8, (2 * 23 + 1) * 8));
    folder.succeed(&format!("{line} --number 2 --out two.png"));
    assert_eq!(folder.picture("two.png"), ((2 * 6 + 1) * 8, 24 * 8));
}

#[test]
fn completions_depend_on_the_seed_and_not_on_the_threads() {
    let folder = folder();
    let completed = |rest: &str, out: &str| {
        let line = "sample run --data greys.idx --clamp left --number 150 --gibbs-steps 10";
        folder.succeed(&format!("{line} --out {out} --overwrite {rest}"));
        folder.read(out)
    };
    for out in ["a.npy", "a.png"] {
        let one = completed("--seed 3 --threads 1", out);
        assert_eq!(completed("--seed 3 --threads 3", out), one, "{out}");
        assert_ne!(completed("--seed 4 --threads 1", out), one, "{out}");
    }
}

#[test]
fn the_command_does_what_the_library_does() {
    let folder = folder();
    let line = "sample run --data bits.idx --clamp left --number 9 --gibbs-steps 5 --seed 2";
    folder.succeed(&format!("{line} --out a.npy --overwrite"));
    let rbm = ModelFile::read(&folder.path("run/model.safetensors")).unwrap().rbm;
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let truth = bits();
    let examples = BitMatrix::from_fn(9, 30, |n, i| truth[[n, i / 5, i % 5]] == 1);
    let given = Mask::Half(Half::Left).read(30, Some((6, 5))).unwrap();
    let streams = (0..9).map(|n| Stream::new(2, Purpose::Inpainting, n)).collect();
    let mut inpainting = Inpainting::new(&weights, &examples, &given, streams).unwrap();
    (0..5).for_each(|_| inpainting.sweep(&weights));
    let visible = inpainting.visible();
    let found: Array2<u8> = read_npy(folder.path("a.npy")).unwrap();
    assert!(found.indexed_iter().all(|((n, i), &bit)| (bit == 1) == visible.get(n, i)));
}

/// In bars and stripes, the top half determines bars but not the lower rows of stripes. A trained model
/// completes every half to bars or stripes, and bars to themselves.
#[test]
fn a_trained_model_completes_bars_and_stripes() {
    let folder = Folder::new();
    folder.succeed("train --preset bars-and-stripes --out run --quiet");
    let line =
        "sample run --data bars-and-stripes:4 --clamp top --number 32 --out a.npy --overwrite";
    folder.succeed(line);
    let completed: Array2<u8> = read_npy(folder.path("a.npy")).unwrap();
    let all = Dataset::bars_and_stripes(4);
    let is_example = |image: &[u8], n: usize| {
        image.iter().enumerate().all(|(i, &bit)| f64::from(bit) == all.intensity(n, i))
    };
    let (mut n_good, mut n_bars) = (0, 0);
    for (n, image) in completed.outer_iter().enumerate() {
        let image = image.to_vec();
        n_good += usize::from((0..32).any(|other| is_example(&image, other)));
        // Every second example has bars; if all pixels are equal, it could also be stripes.
        let is_open = n % 2 == 1 || n == 0 || n == 30;
        n_bars += usize::from(!is_open && is_example(&image, n));
    }
    assert!(n_good >= 30 && n_bars >= 13, "{n_good} of 32 are good, {n_bars} of 14 bars are");
}

#[test]
fn each_error_says_what_is_wrong_and_what_to_do() {
    let folder = folder();
    write_png(&folder, "wide.png", (5, 6), &[255; 30]);
    folder.write_npy("short.npy", Array1::<u8>::ones(29).view());
    folder.write_npy("none.npy", Array1::<u8>::zeros(30).view());
    folder.write_npy("all.npy", Array2::<u8>::ones((6, 5)).view());
    folder.write("mask.gif", b"GIF89a\x06\x00\x05\x00");
    let some = "but must be a mask that gives some of the 30 units and leaves others to draw";
    for (mask, message) in [
        (
            "wide.png",
            "wide.png: is a mask of 5 x 6, but the model has 30 visible units; make it 6 x 5 \
             (rows x columns) or an array of 30 values"
                .to_string(),
        ),
        ("short.npy", "short.npy: is a mask of 29, but the model has 30 visible".to_string()),
        ("none.npy", format!("clamp is none.npy, {some}, but this one gives none; white")),
        ("all.npy", format!("clamp is all.npy, {some}, but this one gives all; white")),
        (
            "mask.gif",
            "mask.gif: is a GIF image, which cannot be read; convert it to PNG".to_string(),
        ),
        ("lower", "clamp is lower, but must be left, right, top, bottom or the path".to_string()),
        ("run", "run: cannot read: Is a directory".to_string()),
    ] {
        let line = format!("sample run --data bits.idx --clamp {mask}");
        match message.starts_with("clamp is") {
            true => folder.misuse(&line, &message),
            false => folder.fail(&line, &message),
        }
    }
    let left = "sample run --clamp left --data";
    folder.misuse(&format!("{left} bits.idx --number 201"), "at most the number of examples, 200");
    folder.misuse(&format!("{left} bits.idx --number 0"), "number is 0, but must be at least 1");
    let shape = format!("{left} bits.idx --image-shape 5x5 --out a.npy --overwrite");
    folder
        .misuse(&shape, "image_shape is 5x5, but must be a shape of the model's 30 visible units");
    folder.write_npy("other.npy", Array2::<u8>::ones((60, 31)).view());
    let wide = "other.npy has 31 visible units an example, but the model has 30";
    folder.fail(&format!("{left} other.npy"), wide);
    folder.refuse("sample run --clamp left --start data", 2, "cannot be used with");
}

#[test]
fn a_half_needs_the_shape_of_the_images() {
    let folder = Folder::new();
    folder.write_npy("rows.npy", bits().into_shape_with_order((200, 30)).unwrap().view());
    folder.succeed(&format!("train --data rows.npy {SHORT} --out run --quiet"));
    let sample = "sample run --data rows.npy --gibbs-steps 1 --out a.npy --overwrite --clamp";
    let rule = "clamp is left, but must be a file with a mask, because the shape of the images is \
                not known; give image_shape";
    folder.misuse(&format!("{sample} left"), rule);
    folder.succeed(&format!("{sample} left --image-shape 6x5"));
    folder.write_npy("mask.npy", Array1::from_shape_fn(30, |i| i % 2).mapv(|x| x as u8).view());
    folder.succeed(&format!("{sample} mask.npy"));
}
