//! Data are read by their content, as other programs write them; damaged files are refused, not believed.

use harmonium::dataset::{Dataset, Encoding};
use harmonium::rng::{Purpose, Stream};
use harmonium::{BitMatrix, Error};
use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The largest block that was asked for.
struct Largest;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
#[allow(unsafe_code, reason = "an allocator can be had no other way")]
unsafe impl GlobalAlloc for Largest {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Largest = Largest;

/// A file that `tests/formats/make.py` made.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)
}

fn error(name: &str) -> String {
    Dataset::read(file(name)).unwrap_err().to_string()
}

/// Whether these are the ten examples of `make.py`, or the first `n`.
fn are_the_examples(dataset: &Dataset, n: usize) -> bool {
    let expected = BitMatrix::from_fn(n, 6, |n, i| (5 * n + 3) >> i & 1 == 1);
    let same = |example: usize, unit| {
        dataset.intensity(example, unit) == f64::from(u8::from(expected.get(example, unit)))
    };
    (dataset.n_examples(), dataset.n_visible(), dataset.is_binary()) == (n, 6, true)
        && (0..n).all(|example| (0..6).all(|unit| same(example, unit)))
}

#[test]
fn the_same_examples_read_the_same_from_every_format() {
    for (name, image_shape) in [
        ("savetxt.txt", None),
        ("integers.tsv", None),
        ("pandas.csv", None),
        ("pandas-bool.csv.gz", None),
        ("excel.csv", None),
        ("polars.csv", None),
        ("strings.txt", None),
        ("float16.npy", None),
        ("one.npz", Some((2, 3))),
        ("one.npz:arr_0", Some((2, 3))),
        ("two.npz:images", Some((2, 3))),
        ("two.npz.gz:images", Some((2, 3))),
        ("images", Some((2, 3))),
    ] {
        let dataset = Dataset::read(file(name)).unwrap_or_else(|error| panic!("{error}"));
        assert!(are_the_examples(&dataset, 10), "{name}");
        assert_eq!(dataset.image_shape(), image_shape, "{name}");
    }
    for name in ["images/image1.png", "sixteen.png"] {
        let dataset = Dataset::read(file(name)).unwrap();
        assert!(are_the_examples(&dataset, 1) && dataset.image_shape() == Some((2, 3)), "{name}");
    }
    // The name of a file does not matter.
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("odd:name.parquet");
    fs::copy(file("polars.csv"), &odd).unwrap();
    assert!(are_the_examples(&Dataset::read(&odd).unwrap(), 10));
}

#[test]
fn an_array_has_the_fingerprint_of_its_npy_however_it_is_packed() {
    let sha256 = |name: &str| Dataset::read(file(name)).unwrap().sha256().unwrap().to_string();
    assert_eq!(sha256("two.npz:images"), sha256("one.npz"));
    assert_eq!(sha256("two.npz.gz:images"), sha256("one.npz"));
    // A folder has one, too; it depends on contents and names.
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for n in 1..=10 {
        let name = format!("image{n}.png");
        fs::copy(file("images").join(&name), at(&name)).unwrap();
    }
    let read = || Dataset::read(folder.path()).unwrap().sha256().unwrap().to_string();
    assert_eq!(read(), sha256("images"));
    fs::write(at(".DS_Store"), "hidden").unwrap();
    assert_eq!(read(), sha256("images"));
    fs::rename(at("image3.png"), at("picture.png")).unwrap();
    let renamed = read();
    assert_ne!(renamed, sha256("images"));
    fs::copy(at("image4.png"), at("image5.png")).unwrap();
    assert_ne!(read(), renamed);
}

#[test]
fn what_cannot_be_read_is_refused_with_a_remedy() {
    for (name, messages) in [
        ("pandas-index.csv", &["line 1, column 1 is empty", "index=False"][..]),
        ("two.npz", &["holds 2 arrays, images, labels; choose one, such as ", "two.npz:images"]),
        ("two.npz:image", &["two.npz:image: holds no array of this name, only images, labels"]),
        ("two.npz:labels", &["holds labels or another vector"]),
        ("float16.npy:a", &["float16.npy:a: names an array, but the file is not an .npz"]),
        ("sparse.npz", &["is a sparse matrix of SciPy", "scipy.sparse.load_npz(FILE).toarray()"]),
        ("colour.png", &["has colours, but a unit takes a grey level; convert it"]),
        ("none.npz:a", &["none.npz:a: cannot read: No such file"]),
        ("make.py", &["make.py: line 3, column 1 is \"Made\", but must be a number"]),
    ] {
        let error = error(name);
        assert!(messages.iter().all(|message| error.contains(message)), "{name}: {error}");
    }
    for (start, name, remedy) in [
        (
            &b"PAR1\x15\x04"[..],
            "is a Parquet file, which cannot be read",
            "pandas.read_parquet(FILE)",
        ),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file", "h5py.File(FILE)"),
        (b"\xFF\xD8\xFF\xE0", "is a JPEG image", "convert it to PNG"),
        (
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            "is a .zip archive without arrays",
            "unzip",
        ),
        (b"\x28\xB5\x2F\xFD", "is packed by Zstandard", "zstd -d"),
        (b"\xFF\xFE1\0,\0", "is text in UTF-16", "UTF-8"),
        (b"\x80\x04\x95", "is a pickle of Python", "numpy.save"),
        (b"\x40\0\0\0\0\0\0\0{\"__meta", "is a safetensors file: a model, not data", "give a file"),
    ] {
        let error = Dataset::read_from("d", start, Encoding::Undeclared).unwrap_err().to_string();
        assert!(error.starts_with(&format!("d: {name}")), "{error}");
        assert!(error.contains(remedy) && error.contains("What can be read: IDX, .npy"), "{error}");
    }
}

#[test]
fn a_table_may_begin_with_the_letters_of_another_format() {
    for header in ["PK1,b", "PAR1,b", "RIFF,b", "BZh9,b", "GIF8,b", "MATLAB 5,b"] {
        let table = format!("{header}\n0,1\n1,0\n");
        let dataset = Dataset::read_from("d", table.as_bytes(), Encoding::Undeclared).unwrap();
        assert_eq!((dataset.n_examples(), dataset.n_visible()), (2, 2), "{header}");
    }
}

#[test]
fn a_folder_names_the_file_that_differs() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let copy = |from: &str, name: &str| assert!(fs::copy(file(from), at(name)).is_ok());
    let error = || Dataset::read(folder.path()).unwrap_err().to_string();
    copy("images/image1.png", "a.png");
    copy("sixteen.png", "b.png");
    let depth = "b.png: has 3 x 2 pixels of 16 bits, but a.png has 3 x 2 pixels of 8 bits";
    assert!(error().contains(depth), "{}", error());
    copy("colour.png", "b.png");
    assert!(error().contains("b.png: has colours"), "{}", error());
    copy("polars.csv", "b.png");
    assert!(error().contains("b.png: is not a PNG image"), "{}", error());
    fs::remove_file(at("b.png")).unwrap();
    fs::create_dir(at("b")).unwrap();
    assert!(error().contains("b: is a folder, but a folder of data holds only"), "{}", error());
}

/// The seed files, each changed in a few bytes, cut, or doubled.
#[test]
fn damaged_files_are_refused_without_a_panic_or_a_large_block() {
    let names = [
        "savetxt.txt",
        "excel.csv",
        "strings.txt",
        "float16.npy",
        "one.npz",
        "two.npz:images",
        "pandas-bool.csv.gz",
        "images/image1.png",
        "images/image4.png",
        "images/image5.png",
        "sixteen.png",
    ];
    let idx = [&[0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 2, 0, 0, 0, 3][..], &[1; 60]].concat();
    let files = names.map(|name| fs::read(file(name.trim_end_matches(":images"))).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let chosen = folder.path().join("file:images");
    let (mut n_read, mut n_refused) = (0, 0);
    for (at, whole) in files.iter().chain([&idx]).enumerate() {
        for round in 0..400 {
            let mut stream = Stream::new(round, Purpose::Sample, at as u64);
            let mut below = |n: usize| stream.below(n as u32) as usize;
            let mut bytes = whole.clone();
            for _ in 0..=below(3) {
                let place = below(bytes.len());
                match below(8) {
                    0 => bytes.truncate(place.max(1)),
                    1 => bytes.extend_from_within(place..),
                    2 => bytes[place] = u8::MAX,
                    3 => bytes[place] = 0,
                    4 => bytes[place] ^= 1 << below(8),
                    5 => bytes[place] = b"0123456789,.;\t\n\"#-eE"[below(20)],
                    _ => bytes[place] = below(256) as u8,
                }
            }
            let is_one_of_two = names.get(at) == Some(&"two.npz:images");
            if is_one_of_two {
                fs::write(&path, &bytes).unwrap();
            }
            LARGEST.store(0, Ordering::Relaxed);
            let read = match is_one_of_two {
                true => Dataset::read(&chosen),
                false => Dataset::read_from("file", &bytes[..], Encoding::Undeclared),
            };
            match read {
                Ok(_) => n_read += 1,
                Err(Error::Io { .. }) => panic!("the file is there"),
                Err(_) => n_refused += 1,
            }
            // A byte of Deflate holds at most 1,032, and a file here a few hundred.
            let largest = LARGEST.load(Ordering::Relaxed);
            assert!(largest <= 1 << 24, "{at}, {round}: {largest} bytes at once");
        }
    }
    assert!(n_read > 100 && n_refused > 1000, "{n_read} {n_refused}");
}
