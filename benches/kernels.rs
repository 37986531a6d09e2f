//! Every kernel on every instruction set of the CPU; each is checked before it is timed.
//!
//! Sums are counted in dense-equivalent multiply-adds: rows x 64 columns x states, including those that
//! are skipped.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use harmonium::BitMatrix;
use harmonium::bits::BitPanels;
use harmonium::fixed::{Fixed as _, Format, Scale};
use harmonium::kernels::ascent::{
    Difference, PhaseSums, Rule, TileGradient, TileParts, ascend_tile,
};
use harmonium::kernels::rows::{Addend, Kernel, Target, add_active_rows_by};
use harmonium::kernels::scaled_rows::add_scaled_rows;
use harmonium::kernels::tile::{Panel, Row, SIDE, Tile};
use harmonium::kernels::transpose::{self, Entry};
use harmonium::kernels::{Isa, categories, sampling, sigmoid};
use harmonium::reals::RealRows;
use harmonium::rng::{Purpose, Stream};
use harmonium::units;
use std::hint::black_box;
use std::time::Duration;

/// The oracle of the kernels' unit tests.
#[path = "../src/kernels/naive.rs"]
mod naive;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Sums of active rows, 16 bits wide (in training) and 32 (in evaluations).
fn sums(criterion: &mut Criterion) {
    sums_of::<i16>(criterion, "16-bits", |value| (value % 511) as i16);
    sums_of::<i32>(criterion, "32-bits", |value| value);
}

/// The shapes of v → h, h → v and the statistics at 784-500, batch 128.
fn sums_of<T: Addend>(criterion: &mut Criterion, width: &str, number: fn(i32) -> T) {
    for (n_rows, n_states) in [(784, 128), (784, 256), (500, 128), (256, 784)] {
        for percent in [5, 13, 25, 50] {
            let mut stream = Stream::new(1, Purpose::Sample, 0);
            let on = BitMatrix::from_fn(n_states, n_rows, |_, _| stream.below(100) < percent);
            let states = BitPanels::from_matrix(&on);
            let value =
                |i: usize, j: usize| number(((i * 7919 + j * 104_729) % 65_537) as i32 - 32_768);
            let tiles: Vec<Tile<T>> = (0..n_rows.div_ceil(SIDE))
                .map(|t| std::array::from_fn(|i| std::array::from_fn(|j| value(t * SIDE + i, j))))
                .collect();
            let rows: Vec<Vec<i32>> =
                (0..n_rows).map(|i| (0..SIDE).map(|j| value(i, j).widened()).collect()).collect();
            let bits: Vec<Vec<bool>> =
                (0..n_states).map(|n| (0..n_rows).map(|i| on.get(n, i)).collect()).collect();
            let mut expected = vec![vec![0; SIDE]; n_states];
            naive::add_active_rows(&rows, &bits, &mut expected);

            let mut sums = vec![[0; SIDE]; n_states];
            for kernel in [Kernel::Gather, Kernel::Tables] {
                let mut group = criterion.benchmark_group(format!("sums-{kernel:?}"));
                group.throughput(Throughput::Elements((n_rows * SIDE * n_states) as u64));
                for isa in Isa::available() {
                    let run = |sums: &mut [Row<i32>]| {
                        let target = Target { states: &states, first_panel: 0, first: 0, sums };
                        let (panel, start) = (Panel::new(&tiles, 1), Some(&[0; SIDE]));
                        add_active_rows_by(isa, kernel, panel, start, &mut [target]);
                    };
                    run(&mut sums);
                    assert!(sums.iter().zip(&expected).all(|(a, b)| a == b.as_slice()));
                    let shape = format!("{width}-{n_rows}x64-{n_states}-states-{percent}-percent");
                    group.bench_function(format!("{}/{shape}", isa.name()), |bencher| {
                        bencher.iter(|| run(black_box(&mut sums)));
                    });
                }
            }
        }
    }
}

/// Sums of rows times real numbers: v → h at 784-500, batch 128, for several shares of numbers that are
/// not 0.
fn real_sums(criterion: &mut Criterion) {
    const STATES: usize = 128;
    let rows: Vec<Row<f32>> =
        (0..784).map(|i| std::array::from_fn(|j| (i * 64 + j) as f32 / 25_000.0 - 1.0)).collect();
    let mut group = criterion.benchmark_group("scaled-rows");
    group.throughput(Throughput::Elements((784 * SIDE * STATES) as u64));
    for percent in [19, 50, 100] {
        let mut stream = Stream::new(1, Purpose::Sample, 0);
        let mut states = RealRows::new(784);
        for _ in 0..STATES {
            let mut number = || if stream.below(100) < percent { 0.25 } else { 0.0 };
            states.push((0..784).map(|_| number()));
        }
        let numbers: Vec<Vec<f32>> =
            states.rows().map(|row| (0..784).map(|i| row.value(i)).collect()).collect();
        let mut expected = vec![vec![0.0; SIDE]; STATES];
        naive::add_scaled_rows(&rows, &numbers, &mut expected);
        for isa in Isa::available() {
            let mut sums = [[0.0; SIDE]; STATES];
            add_scaled_rows(isa, &rows, &states, 0, &mut sums);
            assert!(sums.iter().zip(&expected).all(|(a, b)| a == b.as_slice()));
            let name = format!("{}/784x64-{STATES}-states-{percent}-percent", isa.name());
            group.bench_function(name, |bencher| {
                bencher.iter(|| add_scaled_rows(isa, &rows, &states, 0, black_box(&mut sums)));
            });
        }
    }
}

/// σ, draws and random words of 128 rows of 64 units.
fn units(criterion: &mut Criterion) {
    const ROWS: usize = 128;
    let inputs: Vec<Row<i32>> =
        (0..ROWS).map(|n| std::array::from_fn(|j| ((n * SIDE + j) as i32 - 4096) * 3001)).collect();
    let resolution = Scale::TRAINING.resolution();
    let per_row = |group: &mut Group<'_>| {
        group.throughput(Throughput::Elements((ROWS * SIDE) as u64));
    };

    let mut group = criterion.benchmark_group("sigmoid");
    per_row(&mut group);
    for isa in Isa::available() {
        let mut found = inputs.clone();
        sigmoid::thresholds(isa, &mut found, Scale::TRAINING.resolution());
        for (found, input) in found.iter().flatten().zip(inputs.iter().flatten()) {
            let exact = units::sigmoid(f64::from(*input) * f64::from(resolution));
            assert!((f64::from(*found) - exact * f64::from(sigmoid::ONE)).abs() < 3.0);
        }
        let mut rows = inputs.clone();
        group.bench_function(format!("{}/128x64", isa.name()), |bencher| {
            bencher.iter(|| {
                rows.copy_from_slice(&inputs);
                sigmoid::thresholds(isa, black_box(&mut rows), Scale::TRAINING.resolution());
            });
        });
    }
    group.finish();

    let mut words = vec![[0; SIDE]; ROWS];
    let mut group = criterion.benchmark_group("random-words");
    per_row(&mut group);
    for isa in Isa::available() {
        let mut stream = Stream::new(1, Purpose::Sample, 1);
        let mut reference = stream.clone();
        sampling::fill(isa, &mut stream, ROWS * SIDE, &mut words);
        assert!(words.as_flattened().chunks(16).all(|step| step == reference.step()));
        group.bench_function(format!("{}/128x64", isa.name()), |bencher| {
            bencher.iter(|| sampling::fill(isa, &mut stream, ROWS * SIDE, black_box(&mut words)));
        });
    }
    group.finish();

    let mut thresholds = inputs.clone();
    sigmoid::thresholds(Isa::BASELINE, &mut thresholds, Scale::TRAINING.resolution());
    let mut group = criterion.benchmark_group("draw");
    per_row(&mut group);
    for isa in Isa::available() {
        let mut bits = vec![0; ROWS];
        sampling::draw(isa, &thresholds, &words, 1, u64::MAX, &mut bits);
        for n in 0..ROWS {
            assert_eq!(bits[n], naive::draw(&thresholds[n], &words[n]));
        }
        group.bench_function(format!("{}/128x64", isa.name()), |bencher| {
            bencher.iter(|| {
                sampling::draw(isa, &thresholds, &words, 1, u64::MAX, black_box(&mut bits));
            });
        });
    }
    group.finish();

    let greys: Vec<u8> = (0..784).map(|i| (i * 37) as u8).collect();
    let mut group = criterion.benchmark_group("draw-intensities");
    group.throughput(Throughput::Elements(784));
    for isa in Isa::available() {
        let row = |isa| {
            let mut row = [0; 13];
            let stream = Stream::new(1, Purpose::Sample, 2);
            sampling::draw_grey_levels(isa, black_box(&greys), stream, &mut row);
            row
        };
        assert_eq!(row(isa), row(Isa::BASELINE));
        group.bench_function(format!("{}/784", isa.name()), |bencher| bencher.iter(|| row(isa)));
    }
    group.finish();
}

/// Shares and draws of 128 rows of one panel, 16 rows at a time as in a sweep: three categories of 21,
/// both kinds of site, and bits by either kernel.
fn categories(criterion: &mut Criterion) {
    const ROWS: usize = 128;
    /// Rows at a time.
    const FEW: usize = 16;
    let inputs: Vec<Row<i32>> =
        (0..ROWS).map(|n| std::array::from_fn(|j| ((n * SIDE + j) as i32 - 4096) % 7919)).collect();
    let resolution = Scale::TRAINING.resolution();
    let mut stream = Stream::new(1, Purpose::Sample, 3);
    let mut words = vec![[0; SIDE]; ROWS];
    sampling::fill(Isa::BASELINE, &mut stream, ROWS * SIDE, &mut words);

    let mut group = criterion.benchmark_group("shares-and-draw");
    group.throughput(Throughput::Elements(ROWS as u64));
    let mixed = [vec![20, 20], vec![1; 24]].concat();
    for (name, sizes) in
        [("3x21", vec![21; 3]), ("2x20-and-24-bits", mixed), ("64-bits", vec![1; 64])]
    {
        let mut first = 0;
        let site = |n_units| {
            first += n_units;
            categories::Site { first: first - n_units, n_units }
        };
        let sites: Vec<_> = sizes.into_iter().map(site).collect();
        for isa in Isa::available() {
            let (mut rows, mut bits) = (inputs.clone(), [0; ROWS]);
            let run = |rows: &mut [Row<i32>], bits: &mut [u64]| {
                rows.copy_from_slice(&inputs);
                let of_words = words.chunks(FEW).zip(bits.chunks_mut(FEW));
                for (rows, (words, bits)) in rows.chunks_mut(FEW).zip(of_words) {
                    categories::shares(isa, &sites, black_box(rows), resolution, None);
                    categories::draw(isa, &sites, rows, words.as_flattened(), SIDE, bits);
                }
            };
            run(&mut rows, &mut bits);
            for n in 0..ROWS {
                let of_site = |(site, word): (&categories::Site, &u32)| {
                    let shares = &rows[n][site.places()];
                    match site.n_units {
                        1 => naive::draw(shares, &[*word]) << site.first,
                        _ => 1 << (site.first + naive::draw_category(shares, *word)),
                    }
                };
                let expected: u64 = sites.iter().zip(&words[n]).map(of_site).sum();
                assert_eq!(bits[n], expected);
            }
            group.bench_function(format!("{}/128-rows-of-{name}", isa.name()), |bencher| {
                bencher.iter(|| run(&mut rows, &mut bits));
            });
        }
    }
    for isa in Isa::available() {
        let (mut rows, mut bits) = (inputs.clone(), [0; ROWS]);
        let name = format!("{}/128-rows-of-64-bits-by-sigmoid-and-draw", isa.name());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                rows.copy_from_slice(&inputs);
                let of_words = words.chunks(FEW).zip(bits.chunks_mut(FEW));
                for (rows, (words, bits)) in rows.chunks_mut(FEW).zip(of_words) {
                    sigmoid::thresholds(isa, black_box(rows), resolution);
                    sampling::draw(isa, rows, words, 1, u64::MAX, bits);
                }
            });
        });
    }
    group.finish();
}

/// θ ← θ + ε·gradient.
#[derive(Clone, Copy)]
struct Plain(f32);

impl Rule for Plain {
    type State = ();

    fn step(self, parameter: f32, gradient: f32, (): &mut ()) -> f32 {
        parameter + self.0 * gradient
    }
}

/// The update of a tile, and the transpose of one.
fn tiles(criterion: &mut Criterion) {
    let sums: Tile<i32> =
        std::array::from_fn(|i| std::array::from_fn(|j| ((i * SIDE + j) as i32 - 2048) * 7));
    let scale = Format::fitting(1.0, Scale::TRAINING).scale();
    let mut group = criterion.benchmark_group("ascend");
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    for isa in Isa::available() {
        let (mut weights, mut state) = (Box::new([[0.5; SIDE]; SIDE]), [[(); SIDE]; SIDE]);
        let (mut fixed, mut transposed) =
            (Box::new([[0_i16; SIDE]; SIDE]), Box::new([[0; SIDE]; SIDE]));
        let mut run = |rate: f32| {
            let parts = TileParts {
                weights: &mut weights,
                state: &mut state,
                fixed: &mut fixed,
                transposed: &mut transposed,
            };
            let difference = Difference::joint(128.0, 255);
            let gradient = TileGradient {
                difference,
                data: PhaseSums::Whole(&sums),
                model: None,
                rows: None,
                terms: &[],
            };
            ascend_tile(isa, Plain(rate), scale, gradient, parts);
            (weights[3][5], fixed[3][5], transposed[5][3])
        };
        let expected = 0.5 + 0.1 * (sums[3][5] as f32 * (1.0 / (128.0 * 255.0)));
        let rounded = i16::round(scale, expected);
        assert_eq!(run(0.1), (expected, rounded, rounded));
        group.bench_function(format!("{}/64x64", isa.name()), |bencher| {
            bencher.iter(|| run(black_box(1e-9)));
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("transpose-tile");
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    for isa in Isa::available() {
        let tile: Box<Tile<i16>> = Box::new(sums.map(|row| row.map(|x| x as i16)));
        let mut transposed = Box::new([[0; SIDE]; SIDE]);
        Entry::transpose(isa, &tile, &mut transposed);
        assert!((0..SIDE).all(|i| (0..SIDE).all(|j| transposed[j][i] == tile[i][j])));
        group.bench_function(format!("{}/64x64", isa.name()), |bencher| {
            bencher.iter(|| Entry::transpose(isa, black_box(&tile), &mut transposed));
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("transpose-bits");
    group.throughput(Throughput::Elements((784 * SIDE) as u64));
    let rows = BitMatrix::from_fn(SIDE, 784, |n, i| (n * n + 3 * i) % 7 < 2);
    let states = BitPanels::from_matrix(&rows);
    let mut by_unit = vec![0; 784_usize.next_multiple_of(SIDE)];
    transpose::bits_of_rows(&states, 0, &mut by_unit);
    assert!((0..784).all(|i| (0..SIDE).all(|n| (by_unit[i] >> n & 1 == 1) == rows.get(n, i))));
    group.bench_function("baseline/64x784", |bencher| {
        bencher.iter(|| transpose::bits_of_rows(black_box(&states), 0, &mut by_unit));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500));
    targets = sums, real_sums, units, categories, tiles
}
criterion_main!(benches);
