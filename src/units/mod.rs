//! The parts of a layer: *sites*, each of which takes one value.
//!
//! ```text
//!  Rbm, Examples ──► Units ──► the columns of each panel ──► gibbs
//!                      │
//!                      └─────► mean, draw, cumulant, start ──► gibbs, train, evaluate
//!                                          │
//!                          bit, category: formulas and kernels
//! ```
//!
//! A *unit* is off or on. It is a column of the data, and a row or a column of W. A site has one or more
//! units:
//!
//! | kind | values | units |
//! | --- | --- | --- |
//! | [`bit`] | off, on | 1 |
//! | [`category`] | one of q, 2 to 255 | q, of which one is on |
//!
//! One file for each kind of site has all that differs between kinds: the *mean* of its units, given
//! their inputs; the *draw* of its value; its *cumulant*, the logarithm of the sum of e^input over its
//! values; and its *start*, the biases at which a site without weights has given rates. All other code
//! uses [`Units`], for a whole layer or one panel.

pub mod bit;
pub mod category;

pub use bit::{sigmoid, softplus};
pub(crate) use category::{log_sum_exp, softmax};

use category::Site;

use crate::bits::{BitMatrix, active};
use crate::error::Result;
use crate::kernels::Isa;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::layout::Layout;
use crate::ranks::Ranks;
use crate::rng::{STEP, Stream};
use crate::setting::check;
use ndarray::Array1;
use std::ops::Range;
use std::sync::Arc;

/// The sites of a layer and the places of their units.
///
/// All units of a site of up to 64 units are in one panel. The places that are left over are padding: always
/// off, with weights 0.
///
/// ```
/// let units = harmonium::units::Units::bits(70);
/// let layout = units.layout();
/// assert_eq!((layout.n_panels(), layout.columns(1), layout.mask(1)), (2, 64..70, 0b111111));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    layout: Layout,
    /// None if all sites are bits.
    sites: Option<Arc<Sites>>,
}

/// The sites of a layer that are not all bits.
#[derive(Debug, PartialEq, Eq)]
struct Sites {
    /// The number of units of each.
    sizes: Vec<usize>,
    spans: Vec<Span>,
}

/// Sites whose units share panels: those of one panel, or a large one and its panels.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The panels.
    pub panels: Range<usize>,
    /// The sites, by places in these panels.
    pub sites: Vec<Site>,
}

impl Units {
    /// A layer of `n` bits.
    pub fn bits(n: usize) -> Self {
        Self { layout: n.into(), sites: None }
    }

    /// A layer of sites with these numbers of units: 1 for a bit, q from 2 to 255 for one of q values.
    ///
    /// ```
    /// use harmonium::units::Units;
    /// let units = Units::of_sites([21, 1, 3])?;
    /// assert_eq!((units.n_sites(), units.n_units()), (3, 25));
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for another number.
    pub fn of_sites(sizes: impl IntoIterator<Item = usize>) -> Result<Self> {
        let sizes: Vec<usize> = sizes.into_iter().collect();
        for &size in &sizes {
            let is_valid = (1..=category::MOST_UNITS).contains(&size);
            check("the number of values of a site", size, is_valid, || {
                format!("1 for a bit, or from 2 to {}", category::MOST_UNITS)
            })?;
        }
        if sizes.iter().all(|&size| size == 1) {
            return Ok(Self::bits(sizes.len()));
        }
        let layout = Layout::of_groups(sizes.iter().copied());
        let (mut spans, mut next) = (Vec::<Span>::new(), 0);
        for &n_units in &sizes {
            let (place, last) = (layout.place(next), layout.place(next + n_units - 1));
            let panels = place / SIDE..last / SIDE + 1;
            next += n_units;
            match spans.last_mut().filter(|span| span.panels == panels) {
                Some(span) => span.sites.push(Site { first: place % SIDE, n_units }),
                None => {
                    spans.push(Span { panels, sites: vec![Site { first: place % SIDE, n_units }] });
                }
            }
        }
        Ok(Self { layout, sites: Some(Arc::new(Sites { sizes, spans })) })
    }

    /// The number of units of each site, or `None` if all are bits.
    pub fn sizes(&self) -> Option<&[usize]> {
        self.sites.as_ref().map(|sites| &sites.sizes[..])
    }

    /// The number of units of the site whose first unit is in this column.
    pub(crate) fn size_at(&self, column: usize) -> usize {
        match self.are_bits() {
            true => 1,
            false => self.sites().find(|site| site.start == column).expect("a first unit").len(),
        }
    }

    /// The spans, or `None` if all sites are bits.
    pub(crate) fn spans(&self) -> Option<&[Span]> {
        self.sites.as_ref().map(|sites| &sites.spans[..])
    }

    /// Whether all sites are bits.
    pub fn are_bits(&self) -> bool {
        self.sites.is_none()
    }

    /// The columns of each site.
    pub fn sites(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut next = 0;
        (0..self.n_sites()).map(move |site| {
            let size = self.sizes().map_or(1, |sizes| sizes[site]);
            next += size;
            next - size..next
        })
    }

    /// Checks that each row of `states` (N, V), whose name is `what`, has one unit of each categorical site on.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) with the first row and site that do not.
    ///
    /// # Panics
    /// If the rows are not V wide.
    pub fn check_states(&self, what: &str, states: &BitMatrix) -> Result<()> {
        self.check_given(what, states, None)
    }

    /// [`check_states`](Self::check_states), where sites that are on in `missing` (N, V) have no unit on.
    pub(crate) fn check_given(
        &self,
        what: &str,
        states: &BitMatrix,
        missing: Option<&BitMatrix>,
    ) -> Result<()> {
        assert_eq!(states.n_columns(), self.n_units(), "width of the states");
        let Some(sizes) = self.sizes() else { return Ok(()) };
        for row in 0..states.n_rows() {
            // Units that are on, and sites, both in the order of columns.
            let mut on = active(states.row(row)).peekable();
            let mut end = 0;
            for (site, &size) in sizes.iter().enumerate() {
                end += size;
                let mut n_on = 0;
                while on.next_if(|&unit| unit < end).is_some() {
                    n_on += 1;
                }
                let is_missing = missing.is_some_and(|missing| missing.get(row, end - size));
                let is_valid = size == 1 || n_on == usize::from(!is_missing);
                check("the number of units that are on", n_on, is_valid, || {
                    format!(
                        "1 in each categorical site; it is in row {row}, site {site}, of {what}"
                    )
                })?;
            }
        }
        Ok(())
    }

    /// Checks that each row of a mask (N, V) marks all units of a site or none.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) with the first site of which it marks some.
    ///
    /// # Panics
    /// If the mask is not V wide.
    pub fn check_mask(&self, mask: &BitMatrix) -> Result<()> {
        assert_eq!(mask.n_columns(), self.n_units(), "width of the mask");
        if self.are_bits() {
            return Ok(());
        }
        for row in 0..mask.n_rows() {
            for (site, columns) in self.sites().enumerate() {
                let size = columns.len();
                let n_on = columns.filter(|&unit| mask.get(row, unit)).count();
                check("the number of given units of a site", n_on, n_on % size == 0, || {
                    let place =
                        if mask.n_rows() == 1 { String::new() } else { format!(" of row {row}") };
                    format!("0 or all {size}, in site {site}{place}")
                })?;
            }
        }
        Ok(())
    }

    /// Number of sites.
    pub fn n_sites(&self) -> usize {
        self.sizes().map_or(self.n_units(), <[usize]>::len)
    }

    /// Number of units without padding: V or H.
    pub fn n_units(&self) -> usize {
        self.layout.n_units()
    }

    /// Number of panels of 64 places.
    pub fn n_panels(&self) -> usize {
        self.layout.n_panels()
    }

    /// The panels that belong to a rank. No site belongs to two.
    pub(crate) fn panels_of(&self, ranks: &Ranks, rank: usize) -> Range<usize> {
        let Some(spans) = self.spans() else { return ranks.part(rank, self.n_panels()) };
        let first = |span: usize| spans.get(span).map_or(self.n_panels(), |at| at.panels.start);
        let own = ranks.part(rank, spans.len());
        first(own.start)..first(own.end)
    }

    /// Where the units stand.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The columns of the data in a panel, from its first place on.
    ///
    /// # Panics
    /// If there is no such panel.
    pub fn columns(&self, panel: usize) -> Range<usize> {
        self.layout.columns(panel)
    }

    /// A word with a bit for each unit of a panel, without padding.
    ///
    /// # Panics
    /// As [`columns`](Self::columns).
    pub fn mask(&self, panel: usize) -> u64 {
        self.layout.mask(panel)
    }

    /// The number of random words that the sites of each panel take: one each, in their first panel.
    pub(crate) fn n_words(&self) -> Vec<usize> {
        let mut n_words = vec![0; self.n_panels()];
        self.sites().for_each(|site| n_words[self.layout.place(site.start) / SIDE] += 1);
        n_words
    }

    /// Puts values in the order of columns, one for each unit, into panels. Padding gets the default.
    ///
    /// # Panics
    /// If there are fewer values than units.
    pub(crate) fn in_panels<T: Copy + Default>(&self, values: &[T]) -> Aligned<Row<T>> {
        let mut rows = aligned([T::default(); SIDE], self.n_panels());
        for (panel, row) in rows.iter_mut().enumerate() {
            let columns = self.columns(panel);
            row[..columns.len()].copy_from_slice(&values[columns]);
        }
        rows
    }

    /// Puts values in panels, one for each unit, into the order of columns.
    ///
    /// # Panics
    /// If there are fewer panels than the layer has.
    pub(crate) fn in_columns<T: Copy>(&self, rows: &[Row<T>]) -> Vec<T> {
        let panels = (0..self.n_panels()).map(|panel| &rows[panel][..self.columns(panel).len()]);
        panels.flatten().copied().collect()
    }
}

/// Operations in double precision, for a whole layer.
impl Units {
    /// The mean of each unit, given the inputs.
    pub fn means(&self, inputs: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut means: Vec<f64> = inputs.into_iter().collect();
        self.each_site(&mut means, |bit| *bit = sigmoid(*bit), category::softmax);
        means
    }

    /// Turns inputs into means, in place. It uses a kernel, which is faster than
    /// [`means`](Self::means) and has errors of a few units of the last place.
    pub(crate) fn means_by(&self, isa: Isa, inputs: &mut [f64]) {
        match self.are_bits() {
            true => bit::sigmoids(isa, inputs),
            false => self.each_site(inputs, |bit| *bit = sigmoid(*bit), category::softmax),
        }
    }

    /// Calls a function with the values of each site, which depends on its kind.
    fn each_site(
        &self,
        values: &mut [f64],
        of_bit: impl Fn(&mut f64),
        of_category: impl Fn(&mut [f64]),
    ) {
        if self.are_bits() {
            return values.iter_mut().for_each(of_bit);
        }
        for site in self.sites() {
            match &mut values[site] {
                [bit] => of_bit(bit),
                category => of_category(category),
            }
        }
    }

    /// The sum of the cumulants of all sites, given the inputs of the units.
    pub fn cumulant(&self, inputs: impl IntoIterator<Item = f64>) -> f64 {
        let inputs = inputs.into_iter();
        if self.are_bits() {
            return inputs.map(softplus).sum();
        }
        let inputs: Vec<f64> = inputs.collect();
        let cumulants = self.sites().map(|site| match &inputs[site] {
            [input] => softplus(*input),
            inputs => category::log_sum_exp(inputs),
        });
        cumulants.sum()
    }

    /// [`cumulant`](Self::cumulant) by a kernel, which is faster and adds in another order.
    pub(crate) fn cumulant_by(&self, isa: Isa, inputs: &[f64]) -> f64 {
        match self.are_bits() {
            true => bit::sum(isa, inputs),
            false => self.cumulant(inputs.iter().copied()),
        }
    }

    /// The terms of the units in the entropy of independent sites, given their means.
    pub(crate) fn entropies(&self, means: &[f64]) -> Vec<f64> {
        let mut terms = means.to_vec();
        self.each_site(
            &mut terms,
            |mean| *mean = bit::entropy(*mean),
            |means| means.iter_mut().for_each(|mean| *mean = category::entropy(*mean)),
        );
        terms
    }

    /// ln p of the value of a site given all other sites, if −F rises by `rises` when the site takes its
    /// other values.
    pub(crate) fn log_conditional(rises: &[f64]) -> f64 {
        match rises {
            [rise] => bit::log_conditional(*rise),
            rises => category::log_conditional(rises),
        }
    }

    /// The sum of [`log_conditional`](Self::log_conditional) over all sites, given the rise of −F when each
    /// unit flips, or when its site takes its value instead (0 for the value that it has), by a kernel.
    pub(crate) fn log_conditionals(&self, isa: Isa, rises: &[f64]) -> f64 {
        match self.are_bits() {
            true => -bit::sum(isa, rises),
            false => self.sites().map(|site| Self::log_conditional(&rises[site])).sum(),
        }
    }

    /// The terms of each unit, off and on, in the log-likelihood of independent sites of these rates.
    pub(crate) fn log_probabilities(&self, rates: &Array1<f64>) -> Vec<[f64; 2]> {
        let of_site = |site: Range<usize>| -> Vec<[f64; 2]> {
            let is_bit = site.len() == 1;
            let of_unit = |&rate: &f64| match is_bit {
                true => bit::log_probabilities(rate),
                false => category::log_probabilities(rate),
            };
            rates.slice(ndarray::s![site]).iter().map(of_unit).collect()
        };
        self.sites().flat_map(of_site).collect()
    }

    /// The rates of sites with this mean over `n_examples`, by Laplace's rule: see
    /// [`bit::laplace_rate`] and [`category::laplace_rates`].
    pub fn laplace_rates(&self, mean: &Array1<f64>, n_examples: usize) -> Array1<f64> {
        self.laplace_rates_of(mean, |_| n_examples)
    }

    /// [`laplace_rates`](Self::laplace_rates) of sites each of which has values in `n_examples(first unit)`
    /// examples.
    pub(crate) fn laplace_rates_of(
        &self,
        mean: &Array1<f64>,
        n_examples: impl Fn(usize) -> usize,
    ) -> Array1<f64> {
        let mut rates = mean.to_vec();
        for site in self.sites() {
            let n_examples = n_examples(site.start);
            match &mut rates[site] {
                [mean] => *mean = bit::laplace_rate(*mean, n_examples),
                means => category::laplace_rates(means, n_examples),
            }
        }
        rates.into()
    }

    /// The rates of the base of annealing for data with this mean: see [`bit::smoothed_rate`] and
    /// [`category::smoothed_rates`].
    pub fn smoothed_rates(&self, mean: &Array1<f64>) -> Array1<f64> {
        let of_bit = |mean: &mut f64| *mean = bit::smoothed_rate(*mean);
        self.of_each_site(mean, of_bit, category::smoothed_rates)
    }

    /// The rates at which every value of a site is equally likely.
    pub fn uniform_rates(&self) -> Array1<f64> {
        let of_category = |rates: &mut [f64]| rates.fill(category::uniform(rates.len()));
        self.of_each_site(&Array1::zeros(self.n_units()), |rate| *rate = bit::UNIFORM, of_category)
    }

    /// The biases at which sites without weights have these rates, each above 0 and below 1: see
    /// [`bit::log_odds`] and [`category::start`].
    pub fn log_odds(&self, rates: &Array1<f64>) -> Array1<f32> {
        let of_category = |rates: &mut [f64]| {
            let biases: Vec<f32> = category::start(rates).collect();
            rates.iter_mut().zip(biases).for_each(|(to, bias)| *to = bias.into());
        };
        let of_bit = |rate: &mut f64| *rate = bit::log_odds(*rate).into();
        self.of_each_site(rates, of_bit, of_category).mapv(|bias| bias as f32)
    }

    /// [`each_site`](Self::each_site) on a copy of the values.
    fn of_each_site(
        &self,
        values: &Array1<f64>,
        of_bit: impl Fn(&mut f64),
        of_category: impl Fn(&mut [f64]),
    ) -> Array1<f64> {
        let mut values = values.to_vec();
        self.each_site(&mut values, of_bit, of_category);
        values.into()
    }

    /// Draws a row from each stream for a layer with these biases and no weights: ⌈sites/16⌉ steps.
    pub fn draw_independent(
        &self,
        biases: impl IntoIterator<Item = f64>,
        streams: &mut [Stream],
    ) -> BitMatrix {
        let rates = self.means(biases);
        if self.are_bits() {
            return bit::draw_independent(&rates, streams);
        }
        let sites: Vec<Range<usize>> = self.sites().collect();
        let mut states = BitMatrix::zeros(streams.len(), self.n_units());
        for (row, stream) in streams.iter_mut().enumerate() {
            for sites in sites.chunks(STEP) {
                for (site, word) in sites.iter().zip(stream.step()) {
                    match &rates[site.clone()] {
                        [rate] => states.set(row, site.start, bit::is_on(*rate, word)),
                        rates => states.set(
                            row,
                            site.start + category::draw_independent(rates, word),
                            true,
                        ),
                    }
                }
            }
        }
        states
    }
}

/// Operations in fixed point, for one panel.
impl Units {
    /// Turns the inputs x of a panel into thresholds, in place: 2^24 times the means at
    /// `factor` · x + `offsets`.
    pub(crate) fn to_thresholds(
        &self,
        isa: Isa,
        inputs: &mut [Row<i32>],
        factor: f32,
        offsets: Option<&Row<f32>>,
    ) {
        match offsets {
            None => bit::thresholds(isa, inputs, factor),
            Some(offsets) => bit::offset_thresholds(isa, inputs, factor, offsets),
        }
    }

    /// Draws a panel from its thresholds. Row n uses the words `words[n · stride]`.
    pub(crate) fn draw(
        &self,
        isa: Isa,
        panel: usize,
        thresholds: &[Row<i32>],
        words: &[Row<u32>],
        stride: usize,
        bits: &mut [u64],
    ) {
        bit::draw(isa, thresholds, words, stride, self.mask(panel), bits);
    }

    /// Turns the inputs x of a span into shares, in place: see [`category::shares`].
    pub(crate) fn to_shares(
        isa: Isa,
        span: &Span,
        inputs: &mut [Row<i32>],
        factor: f32,
        offsets: Option<&[Row<f32>]>,
    ) {
        let offsets = offsets.map(|offsets| &offsets[span.panels.clone()]);
        category::shares(isa, &span.sites, inputs, factor, offsets);
    }

    /// Draws a span from its shares. Row n uses the words `words[n · stride]`.
    pub(crate) fn draw_span(
        isa: Isa,
        span: &Span,
        shares: &[Row<i32>],
        words: &[Row<u32>],
        stride: usize,
        bits: &mut [u64],
    ) {
        let (words, stride) = (words.as_flattened(), stride * SIDE);
        category::draw(isa, &span.sites, shares, words, stride, bits);
    }

    /// Writes the means that belong to the shares of a span to its columns of `means` (rows, units).
    pub(crate) fn write_means_of_span(
        &self,
        isa: Isa,
        span: &Span,
        shares: &[Row<i32>],
        means: &mut [f32],
    ) {
        let mut of_span = vec![[0.0; SIDE]; shares.len()];
        category::means(isa, &span.sites, shares, &mut of_span);
        let n_rows = shares.len() / span.panels.len();
        for (panel, rows) in span.panels.clone().zip(of_span.chunks(n_rows)) {
            let columns = self.columns(panel);
            for (means, row) in means.chunks_exact_mut(self.n_units()).zip(rows) {
                means[columns.clone()].copy_from_slice(&row[..columns.len()]);
            }
        }
    }

    /// Writes the means that belong to the thresholds of a panel to its columns of `means` (rows,
    /// units).
    pub(crate) fn write_means(&self, panel: usize, thresholds: &[Row<i32>], means: &mut [f32]) {
        let columns = self.columns(panel);
        for (means, thresholds) in means.chunks_exact_mut(self.n_units()).zip(thresholds) {
            let units = means[columns.clone()].iter_mut().zip(thresholds);
            units.for_each(|(mean, &threshold)| *mean = bit::mean_of(threshold));
        }
    }

    /// Writes, for every row of inputs x of a panel, the change of the sum of cumulants when the inputs
    /// change from `from` · x to `to` · x. Padding adds nothing.
    pub(crate) fn cumulant_differences(
        &self,
        isa: Isa,
        inputs: &[Row<i32>],
        from: f64,
        to: f64,
        differences: &mut [f64],
    ) {
        bit::differences(isa, inputs, from, to, differences);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_hold_all_columns_in_order_and_mask_the_rest() {
        for (n, n_panels, last_mask) in [
            (1, 1, 0b1),
            (63, 1, u64::MAX >> 1),
            (64, 1, u64::MAX),
            (65, 2, 0b1),
            (784, 13, 0xffff),
        ] {
            let units = Units::bits(n);
            assert_eq!((units.n_sites(), units.n_units(), units.n_panels()), (n, n, n_panels));
            let columns: Vec<usize> =
                (0..n_panels).flat_map(|panel| units.columns(panel)).collect();
            assert_eq!(columns, Vec::from_iter(0..n), "{n} bits");
            for panel in 0..n_panels {
                let mask = if panel + 1 == n_panels { last_mask } else { u64::MAX };
                assert_eq!(units.mask(panel), mask, "{n} bits, panel {panel}");
                assert_eq!(mask.count_ones() as usize, units.columns(panel).len());
            }
            let values: Vec<usize> = (0..n).map(|column| column + 1000).collect();
            let rows = units.in_panels(&values);
            assert_eq!(units.in_columns(&rows), values);
            for (at, &value) in rows.as_flattened().iter().enumerate() {
                assert_eq!(value, if at < n { at + 1000 } else { 0 }, "{n} bits, unit {at}");
            }
        }
    }

    #[test]
    fn means_of_a_panel_go_to_its_columns() {
        let units = Units::bits(66);
        let mut means = vec![0.0; 2 * 66];
        for panel in 0..2 {
            let row = |n| -> Row<i32> { std::array::from_fn(|j| (n * 64 + j as i32) << 14) };
            units.write_means(panel, &[row(1), row(2)], &mut means);
        }
        for (at, mean) in means.into_iter().enumerate() {
            let (row, column) = (at / 66 + 1, at % 66);
            let threshold = (row * 64 + column % 64) << 14;
            assert_eq!(mean, threshold as f32 / (1 << 24) as f32, "row {row}, column {column}");
        }
    }
}
