//! Ticks of axes, with the digits that they need.

/// How values lie on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Linear,
    /// In their logarithm; only values above 0 can be shown.
    Log,
}

/// Places of ticks and their texts.
pub type Ticks = Vec<(f64, String)>;

/// About `most` ticks from `low` to `high`; of an axis of whole numbers at these alone.
pub fn ticks(scale: Scale, [low, high]: [f64; 2], most: usize, are_whole: bool) -> Ticks {
    match scale {
        Scale::Linear => linear([low, high], most, are_whole),
        Scale::Log => {
            let found = decades([low, high], most);
            if found.len() < 2 { linear([low, high], most, are_whole) } else { found }
        }
    }
}

fn linear([low, high]: [f64; 2], most: usize, are_whole: bool) -> Ticks {
    let rough = (high - low) / most as f64;
    let power = rough.log10().floor() as i32;
    let (mut step, mut power) = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| (factor * 10_f64.powi(power), if factor == 10.0 { power + 1 } else { power }))
        .find(|(step, _)| *step >= rough * (1.0 - 1e-9))
        .unwrap_or((rough, power));
    if are_whole && step < 1.0 {
        (step, power) = (1.0, 0);
    }
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    let text = |at: i64| {
        let x = at as f64 * step;
        if at == 0 { "0".to_string() } else { with_digits(x, power, low.abs().max(high.abs())) }
    };
    (first..=last).map(|at| (at as f64 * step, text(at))).collect()
}

/// Powers of ten, and where there are few their multiples by 2 and 5.
fn decades([low, high]: [f64; 2], most: usize) -> Ticks {
    let ends = [low.log10().floor() as i32, high.log10().ceil() as i32];
    let within = |factors: &[f64], every: i32| -> Ticks {
        (ends[0]..=ends[1])
            .filter(|power| power.rem_euclid(every) == 0)
            .flat_map(|power| {
                factors.iter().map(move |factor| (factor * 10_f64.powi(power), power))
            })
            .filter(|(x, _)| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(x))
            .map(|(x, power)| (x, with_digits(x, power, x)))
            .collect()
    };
    let fine = within(&[1.0, 2.0, 5.0], 1);
    if fine.len() < 3 {
        return within(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0], 1);
    }
    if fine.len() <= most {
        return fine;
    }
    (1..).map(|every| within(&[1.0], every)).find(|found| found.len() <= most).unwrap_or_default()
}

/// A multiple of 10^power, on an axis whose largest value is `most`.
fn with_digits(x: f64, power: i32, most: f64) -> String {
    let text = if (1e-3..1e5).contains(&most) && power >= -6 {
        format!("{x:.*}", (-power).max(0) as usize)
    } else {
        let digits = (x.abs().log10() + 1e-9).floor() as i32 - power;
        format!("{x:.*e}", digits.max(0) as usize)
    };
    text.replacen('-', "−", usize::from(x < 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scale: Scale, ends: [f64; 2], are_whole: bool) -> Vec<String> {
        ticks(scale, ends, 6, are_whole).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_have_the_digits_that_tell_them_apart() {
        let linear = |ends| texts(Scale::Linear, ends, false);
        assert_eq!(linear([0.0, 0.014]), ["0", "0.005", "0.010"]);
        assert_eq!(linear([-11.0925, -11.0915]).first().unwrap(), "−11.0924");
        assert_eq!(linear([-100.0, 20.0]), ["−100", "−80", "−60", "−40", "−20", "0", "20"]);
        assert_eq!(linear([0.0, 3e6]), ["0", "5e5", "1.0e6", "1.5e6", "2.0e6", "2.5e6", "3.0e6"]);
        assert_eq!(texts(Scale::Linear, [1.0, 3.0], true), ["1", "2", "3"]);
    }

    #[test]
    fn a_log_axis_has_powers_of_ten_and_between_few_of_them_others() {
        let log = |ends| texts(Scale::Log, ends, false);
        assert_eq!(log([1.0, 30.0]), ["1", "2", "5", "10", "20"]);
        assert_eq!(
            log([1e-4, 1.0]),
            ["1e−4", "0.001", "0.01", "0.1", "1"].map(|t| t.replace('−', "-"))
        );
        assert_eq!(log([1.0, 1e9]), ["1", "100", "10000", "1e6", "1e8"]);
        assert_eq!(log([4.1, 4.4]).len(), 7, "{:?}", log([4.1, 4.4]));
    }
}
