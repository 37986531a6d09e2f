//! `harmonium couplings`.

use super::input::{in_pool, model_path};
use super::output::{Output, Overwrite, npy, npz, print_beside, print_text};
use crate::dataset::{Classes, Columns, Encoding};
use crate::error::{Error, Result};
use crate::evaluate::couplings::{Couplings as Found, CouplingsConfig, Gaps, Gauge, SitePair};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::monitor::progress_bar::ProgressBar;
use crate::setting::check;
use crate::watch::Watch;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use ndarray::Array1;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Couplings {
    /// A model, or the folder of a run
    model: PathBuf,
    /// What fields and couplings multiply: `ising`, spins -1 and 1 of a model of bits; `lattice-gas`, its bits 0
    /// and 1; or `zero-sum`, which for bits is `ising`, and at a site of several values sums to 0 over them
    #[arg(long, default_value_t = Gauge::default())]
    gauge: Gauge,
    /// What norms and scores of sequences do with the gap `-`: `leave-out` its couplings, as programs for contacts do
    /// (Ekeberg, Hartonen and Aurell, 2014), or `count` it as a letter. The couplings themselves keep it
    #[arg(long, default_value_t = Gaps::default(), value_name = "leave-out|count")]
    gaps: Gaps,
    /// List only pairs of columns that are at least N apart, and none with a label, which has no place; for contacts
    /// of proteins 5. 1 lists all pairs. Arrays stay whole
    #[arg(long, default_value_t = 1, value_name = "N")]
    min_distance: usize,
    /// Also compute the couplings of three units, for a .npz file. The work grows with V³
    #[arg(long)]
    triples: bool,
    /// Print the N strongest pairs: of bits by their couplings, of sites of several values by the Frobenius norms of
    /// theirs, with the average-product correction
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    /// Write the couplings to this file: a .npy holds those of all pairs of units (V, V), f64; a .npz `fields` (V),
    /// `pairs` (V, V), with --triples `triples` (V, V, V), and if sites have several values `sites`, the number of
    /// units of each, `norms` and `scores` (sites, sites); a .csv or .tsv lists the pairs of sites by name, the
    /// strongest first; `-` is .npy on standard output
    #[arg(long, default_value = "couplings.npz", value_name = "FILE|-",
        value_parser = PathBufValueParser::new().try_map(Output::array))]
    out: Output,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Couplings {
    pub fn run(self, isa: Isa) -> Result<()> {
        in_pool(self.threads, || self.run_in_pool(isa))
    }

    fn run_in_pool(&self, isa: Isa) -> Result<()> {
        if self.triples && !self.out.is_archive() {
            let path = self.out.path().into();
            let rule = "has no place for couplings of three units; give a .npz file for --out";
            return Err(Error::Unsuitable { path, rule: rule.to_string() });
        }
        check("min_distance", self.min_distance, self.min_distance > 0, || "at least 1".into())?;
        self.out.check(&self.overwrite)?;
        let file = ModelFile::read(&model_path(&self.model)?)?;
        let facts = &file.provenance.data;
        let columns = Columns::recorded(facts, file.rbm.visible_units())?;
        let bar = ProgressBar::new();
        let show = |what, done, total| bar.show(what, done, total);
        let watch = Watch::default().reporting_to(&show);
        let config = CouplingsConfig { gauge: self.gauge, triples: self.triples };
        let found = Found::of(&file.rbm, config, isa, watch)?;
        bar.finish();
        let found = found.with_gaps(self.gaps, Encoding::recorded(facts)?.columns());
        let n_places = columns.n_columns() - usize::from(Classes::recorded(facts)?.is_some());
        let mut strongest = found.strongest();
        strongest.retain(|pair| self.lists(pair, n_places));
        self.out.write(&self.encoded(&found, &columns, &strongest))?;
        let text = self.text(&found, &columns, &strongest);
        match self.out.is_stdout() {
            true => print_beside(text),
            false => print_text(&text, 0)?,
        }
        self.out.say()
    }

    /// Whether a pair is far enough apart; sites from `n_places` on, that of a label, have no place.
    fn lists(&self, &SitePair { first, second, .. }: &SitePair, n_places: usize) -> bool {
        self.min_distance == 1 || second < n_places && second - first >= self.min_distance
    }

    fn encoded(&self, found: &Found, columns: &Columns, strongest: &[SitePair]) -> Vec<u8> {
        if self.out.is_table() {
            return self.table(found, columns, strongest);
        }
        if !self.out.is_archive() {
            return self.out.encode("pairs", &found.pairs);
        }
        let mut arrays = vec![("fields", npy(&found.fields)), ("pairs", npy(&found.pairs))];
        arrays.extend(found.triples.as_ref().map(|triples| ("triples", npy(triples))));
        if let Some(sizes) = found.units.sizes() {
            let sizes: Array1<i64> = sizes.iter().map(|&size| size as i64).collect();
            arrays.push(("sites", npy(&sizes)));
            arrays.push(("norms", npy(&found.norms())));
            arrays.push(("scores", npy(&found.scores())));
        }
        npz(&arrays)
    }

    /// A line for each of these pairs of sites.
    fn table(&self, found: &Found, columns: &Columns, strongest: &[SitePair]) -> Vec<u8> {
        let mut table = self.out.table_writer();
        let norms = (!found.units.are_bits()).then(|| found.norms());
        let figures: &[&str] = if norms.is_some() { &["norm", "score"] } else { &["coupling"] };
        let header = ["first", "second"].iter().chain(figures).map(ToString::to_string).collect();
        let line = |&SitePair { first, second, score }: &SitePair| -> Vec<String> {
            let norm = norms.as_ref().map(|norms| norms[[first, second]].to_string());
            let names = [first, second].map(|site| columns.name(site).into_owned());
            names.into_iter().chain(norm).chain([score.to_string()]).collect()
        };
        let mut lines = std::iter::once(header).chain(strongest.iter().map(line));
        let written = lines.try_for_each(|line| table.write_record(line));
        written.expect("writing to memory does not fail");
        table.into_inner().expect("writing to memory does not fail")
    }

    /// The strongest of these pairs, for people.
    fn text(&self, found: &Found, columns: &Columns, strongest: &[SitePair]) -> String {
        let what = match (found.gauge, found.units.are_bits(), found.left_out.is_empty()) {
            (Gauge::LatticeGas, ..) => "couplings of bits (0, 1)",
            (_, true, _) => "couplings of spins (-1, 1)",
            (_, _, true) => "norms of couplings, with the average-product correction",
            _ => "norms of couplings, the gap left out, with the average-product correction",
        };
        let apart = match self.min_distance {
            1 => String::new(),
            n => format!(" at least {n} apart"),
        };
        let (n, top) = (strongest.len(), self.top.min(strongest.len()));
        let mut lines = vec![format!("The {top} strongest of {n} pairs{apart}: {what}")];
        let names = |pair: &SitePair| [pair.first, pair.second].map(|site| columns.name(site));
        let shown = || strongest.iter().take(top);
        let width = shown().map(|pair| names(pair)[0].chars().count()).max().unwrap_or(0);
        for pair in shown() {
            let [first, second] = names(pair);
            lines.push(format!("{:>10.4}  {first:<width$}  {second}", pair.score));
        }
        lines.join("\n")
    }
}
