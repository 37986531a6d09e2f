//! What a notebook shows of training that is under way.
//!
//! Curves and samples are pictures with an address of their own: a notebook that is opened later shows those, but
//! removes SVG from within HTML. The ground is white in dark notebooks, too.

use super::curves::{Records, charts_of, sheet_of};
use super::images::{self, MOST_SAMPLES};
use super::pdf;
use crate::error::Result;
use crate::gibbs::FixedModel;
use crate::monitor::EpochRecord;
use crate::monitor::terminal::line;
use crate::pictures::{self, Grey};
use crate::train::Trainer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

/// The charts that are shown if there is something in them, the most telling first.
const SHOWN: [&str; 11] = [
    "log_likelihood",
    "log_likelihood_online",
    "pseudo_likelihood",
    "error",
    "log_loss",
    "log_loss_values",
    "rmse",
    "free_energy_gap",
    "reconstruction_error",
    "flip_rate",
    "weight_norm",
];

/// The most charts.
const MOST_CHARTS: usize = 4;

const SAMPLES: &str = "samples: p(v | h) of chains";

const BOX: &str = "background:#ffffff;color:#111827;border:1px solid #d1d5db;border-radius:6px;\
                   padding:.6em .9em;display:inline-block;max-width:100%;box-sizing:border-box";

/// What a notebook shows of training.
///
/// ```
/// use harmonium::monitor::EpochRecord;
/// use harmonium::report::Notebook;
///
/// let view = Notebook { n_epochs: 20, records: &[], samples: None, note: None };
/// assert_eq!(view.line(), "epoch 0/20");
/// assert!(view.html().contains("epoch 0/20"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Notebook<'a> {
    /// The planned number of epochs.
    pub n_epochs: u64,
    /// The records so far.
    pub records: &'a [EpochRecord],
    /// Samples as a PNG; see [`samples`](Self::samples).
    pub samples: Option<&'a [u8]>,
    /// A remark below the line, such as why training has stopped.
    pub note: Option<&'a str>,
}

impl Notebook<'_> {
    /// p(v | h) of the first chains of a trainer with this [model](Trainer::model), as a PNG; `None` if the data are
    /// not images or there are no chains.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn samples(trainer: &Trainer, model: FixedModel<'_>) -> Result<Option<Vec<u8>>> {
        let hidden = trainer.chains().hidden();
        let Some(shape) = trainer.examples().image_shape().filter(|_| hidden.n_rows() > 0) else {
            return Ok(None);
        };
        let few = hidden.rows(0..hidden.n_rows().min(MOST_SAMPLES));
        let means = model.weights.visible_given_hidden().means(&few)?;
        Ok(Some(pictures::grid(means.view(), shape, Grey::Unit)))
    }

    /// The figures of the last record, and the remark.
    pub fn line(&self) -> String {
        let figures = match self.records.last() {
            Some(record) => line(record, self.n_epochs, None),
            None => format!("epoch 0/{}", self.n_epochs),
        };
        self.note.map_or(figures.clone(), |note| format!("{figures}\n{note}"))
    }

    /// A piece of HTML without scripts and style sheets: the line, curves, and samples.
    pub fn html(&self) -> String {
        let figures = Notebook { note: None, ..*self }.line();
        let markup = html! {
            div style=(BOX) {
                div style="white-space:pre-wrap" { (figures) }
                @if let Some(note) = self.note { div { b { (note) } } }
                div style="display:flex;flex-wrap:wrap;gap:.8em;align-items:flex-start;margin-top:.4em" {
                    (self.curves())
                    @if let Some(png) = self.samples {
                        @let size = pdf::size_of(png).map(|side| side.unsigned_abs() / 2);
                        div {
                            (picture(&images::address(png), SAMPLES, size))
                            div style="font-size:.85em" { (SAMPLES) }
                        }
                    }
                }
            }
        };
        markup.into_string()
    }

    fn curves(&self) -> Markup {
        let mut charts = charts_of(&[Records { name: "", records: self.records }]);
        let rank = |id: &str| SHOWN.iter().position(|shown| *shown == id);
        charts.retain(|chart| rank(chart.id).is_some());
        charts.sort_by_key(|chart| rank(chart.id));
        charts.truncate(MOST_CHARTS);
        if charts.is_empty() {
            return html! {};
        }
        let titles: Vec<_> = charts.iter().map(|chart| &chart.title[..]).collect();
        let (svg, size) = sheet_of(&charts);
        let address = format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg));
        // As wide as half a page.
        picture(&address, &titles.join("; "), size.map(|side| (side * 4.0 / 3.0).ceil() as u32))
    }
}

/// A picture with its size in pixels, for which a page keeps its place while it changes.
fn picture(address: &str, text: &str, [width, height]: [u32; 2]) -> Markup {
    html! {
        img src=(address) alt=(text) title=(text) width=(width) height=(height) style="max-width:100%;height:auto";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: usize) -> EpochRecord {
        EpochRecord {
            epoch,
            pseudo_likelihood: Some(-80.0 + epoch as f64),
            reconstruction_error: Some(0.1),
            flip_rate: Some(0.2),
            weight_norm: Some(3.0),
            update_norm: Some(0.1),
            error_train: Some(0.5),
            ..EpochRecord::default()
        }
    }

    fn view<'a>(records: &'a [EpochRecord], samples: Option<&'a [u8]>) -> Notebook<'a> {
        Notebook { n_epochs: 20, records, samples, note: None }
    }

    /// The text of the SVG in a piece of HTML.
    fn svg(html: &str) -> String {
        let (_, rest) = html.split_once("data:image/svg+xml;base64,").unwrap();
        let bytes = STANDARD.decode(rest.split_once('"').unwrap().0).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn four_curves_are_shown_the_most_telling_first() {
        let records: Vec<_> = (1..=3).map(record).collect();
        let html = view(&records, None).html();
        let svg = svg(&html);
        roxmltree::Document::parse(&svg).unwrap();
        let place = |text: &str| svg.find(text);
        assert!(place("pseudo-likelihood") < place("share of wrong classes"), "{svg}");
        assert!(place("share of visible bits").is_some());
        assert_eq!((place("norm of the weights"), place("norm of the last update")), (None, None));
        assert!(html.contains(">epoch  3/20  ") && !html.contains("<svg"), "{html}");
    }

    #[test]
    fn every_chart_that_may_be_shown_exists() {
        let everything = r#"{"epoch": 1, "updates": 1, "seconds": 1, "samples_per_second": 1}"#;
        let mut record: EpochRecord = serde_json::from_str(everything).unwrap();
        record.likelihood.log_likelihood = Some(-1.0);
        for value in [
            &mut record.log_likelihood_online,
            &mut record.pseudo_likelihood,
            &mut record.error_test,
            &mut record.log_loss_test,
            &mut record.log_loss_values_test,
            &mut record.rmse_test,
            &mut record.free_energy_gap,
            &mut record.reconstruction_error,
            &mut record.flip_rate,
            &mut record.weight_norm,
        ] {
            *value = Some(1.0);
        }
        let charts = charts_of(&[Records { name: "", records: &[record] }]);
        for id in SHOWN {
            assert!(charts.iter().any(|chart| chart.id == id), "{id}");
        }
    }

    #[test]
    fn samples_and_a_remark_are_shown() {
        let png = pictures::grid(ndarray::Array2::zeros((6, 9)).view(), (3, 3), Grey::Unit);
        let note = "stopped: 1 < 2";
        let html = Notebook { note: Some(note), ..view(&[], Some(&png)) }.html();
        assert!(
            html.contains("stopped: 1 &lt; 2") && html.contains("data:image/png;base64,"),
            "{html}"
        );
        assert!(!html.contains("svg+xml"), "there are no curves yet");
        assert_eq!(
            Notebook { note: Some(note), ..view(&[], None) }.line(),
            "epoch 0/20\nstopped: 1 < 2"
        );
    }
}
