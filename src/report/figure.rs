//! A chart in a page, with its title and its legend.

use super::chart::{Chart, EPOCH, Form};
use super::drawing::line;
use maud::{Markup, PreEscaped, html};

/// A chart with its title and, for several curves, its legend.
pub fn figure(chart: &Chart) -> Markup {
    figure_among(chart, 1)
}

/// A chart of so many runs, which have one legend for all charts if they are several.
pub fn figure_among(chart: &Chart, n_runs: usize) -> Markup {
    let has_legend = n_runs == 1 && chart.series.iter().any(|series| !series.name.is_empty());
    html! {
        figure.chart id={ "chart-" (chart.id) } {
            figcaption { (chart.title) @if chart.axis != EPOCH { " (against " (chart.axis) ")" } }
            @if has_legend {
                ul.legend {
                    @for series in &chart.series {
                        li { (line(series.run, series.form == Form::Dashed)) (series.name) }
                    }
                }
            }
            (PreEscaped(chart.for_page()))
        }
    }
}
