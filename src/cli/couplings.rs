//! `harmonium couplings`.

use super::input::{in_pool, model_path};
use super::output::{Output, Overwrite, npy, npz, print_beside, print_text};
use crate::dataset::Columns;
use crate::error::{Error, Result};
use crate::evaluate::couplings::{Couplings as Found, CouplingsConfig, Gauge, SitePair};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::monitor::progress_bar::ProgressBar;
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
    /// Also compute the couplings of three units, for a .npz file. The work grows with V³
    #[arg(long)]
    triples: bool,
    /// Print the N strongest pairs: of bits by their couplings, of sites of several values by the Frobenius norms of
    /// theirs, with the average-product correction
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    /// Write the couplings to this file: a .npy holds those of all pairs of units (V, V), f64; a .npz `fields` (V),
    /// `pairs` (V, V), with --triples `triples` (V, V, V), and if sites have several values `sites`, the number of
    /// units of each, `norms` and `scores` (sites, sites); a .csv or .tsv lists all pairs of sites by name, the
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
        self.out.check(&self.overwrite)?;
        let file = ModelFile::read(&model_path(&self.model)?)?;
        let columns = Columns::recorded(&file.provenance.data, file.rbm.visible_units())?;
        let bar = ProgressBar::new();
        let show = |what, done, total| bar.show(what, done, total);
        let watch = Watch::default().reporting_to(&show);
        let config = CouplingsConfig { gauge: self.gauge, triples: self.triples };
        let found = Found::of(&file.rbm, config, isa, watch)?;
        bar.finish();
        let strongest = found.strongest();
        self.out.write(&self.encoded(&found, &columns, &strongest))?;
        let text = text(&found, &columns, &strongest, self.top);
        match self.out.is_stdout() {
            true => print_beside(text),
            false => print_text(&text, 0)?,
        }
        self.out.say()
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

    /// A line for each pair of sites.
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
}

/// The strongest pairs, for people.
fn text(found: &Found, columns: &Columns, strongest: &[SitePair], top: usize) -> String {
    let what = match (found.gauge, found.units.are_bits()) {
        (Gauge::LatticeGas, _) => "couplings of bits (0, 1)",
        (_, true) => "couplings of spins (-1, 1)",
        (_, false) => "norms of couplings, with the average-product correction",
    };
    let top = top.min(strongest.len());
    let mut lines = vec![format!("The {top} strongest of {} pairs: {what}", strongest.len())];
    let names = |pair: &SitePair| [pair.first, pair.second].map(|site| columns.name(site));
    let shown = || strongest.iter().take(top);
    let width = shown().map(|pair| names(pair)[0].chars().count()).max().unwrap_or(0);
    for pair in shown() {
        let [first, second] = names(pair);
        lines.push(format!("{:>10.4}  {first:<width$}  {second}", pair.score));
    }
    lines.join("\n")
}
