//! Update rules: how the parameters move along the gradient.

use super::parameters::Parameters;
use super::statistics::Statistics;
use super::update::{Memory, ascend};
use crate::kernels::ascent::Rule;

/// θ ← θ + ε (g − λθ).
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    /// ε.
    pub rate: f32,
    /// λ.
    pub decay: f32,
}

impl Rule for Sgd {
    type State = ();

    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, (): &mut ()) -> f32 {
        parameter + self.rate * (gradient - self.decay * parameter)
    }
}

/// u ← μu + ε (g − λθ), θ ← θ + u (Polyak's heavy ball; Hinton's guide, section 9).
#[derive(Clone, Copy, Debug)]
pub struct Momentum {
    /// ε and λ.
    pub sgd: Sgd,
    /// μ.
    pub momentum: f32,
}

/// Steps smaller than this become 0, so that no machine's way with subnormal numbers matters.
const SMALLEST_STEP: f32 = 1e-30;

impl Rule for Momentum {
    type State = f32;

    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, velocity: &mut f32) -> f32 {
        let Sgd { rate, decay } = self.sgd;
        let step = self.momentum * *velocity + rate * (gradient - decay * parameter);
        *velocity = if step.abs() < SMALLEST_STEP { 0.0 } else { step };
        parameter + *velocity
    }
}

/// The rule of a run and what it remembers.
#[derive(Clone, Debug)]
pub enum Optimizer {
    /// No memory.
    Sgd(Memory<()>),
    /// The last step of each parameter.
    Momentum(f32, Memory<f32>),
}

impl Optimizer {
    /// The rule of these settings, before the first update.
    pub fn new(momentum: f64, n_visible: usize, n_hidden: usize) -> Self {
        if momentum == 0.0 {
            Self::Sgd(Memory::new(n_visible, n_hidden))
        } else {
            Self::Momentum(momentum as f32, Memory::new(n_visible, n_hidden))
        }
    }

    /// Moves the parameters one step up the gradient, the difference of the two phases, at the
    /// learning rate and weight decay of `step`.
    pub fn update(&mut self, parameters: &mut Parameters, statistics: &Statistics, step: Sgd) {
        let no_decay = Sgd { decay: 0.0, ..step };
        match self {
            Self::Sgd(memory) => ascend(parameters, memory, statistics, (step, no_decay)),
            Self::Momentum(momentum, memory) => {
                let rule = |sgd| Momentum { sgd, momentum: *momentum };
                ascend(parameters, memory, statistics, (rule(step), rule(no_decay)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn momentum_of_zero_is_plain_ascent() {
        let sgd = Sgd { rate: 0.1, decay: 0.01 };
        let mut velocity = 5.0;
        let moved = Momentum { sgd, momentum: 0.0 }.step(0.7, -0.3, &mut velocity);
        assert_eq!(moved, sgd.step(0.7, -0.3, &mut ()));
    }

    #[test]
    fn a_constant_gradient_is_followed_at_the_terminal_velocity() {
        let rule = Momentum { sgd: Sgd { rate: 0.1, decay: 0.0 }, momentum: 0.9 };
        let (mut parameter, mut velocity) = (0.0, 0.0);
        for _ in 0..500 {
            parameter = rule.step(parameter, 1.0, &mut velocity);
        }
        assert!((velocity - 1.0).abs() < 1e-5, "ε / (1 − μ) = 1, not {velocity}");
    }

    #[test]
    fn a_step_that_dies_away_ends_at_zero() {
        let rule = Momentum { sgd: Sgd { rate: 0.1, decay: 0.0 }, momentum: 0.5 };
        let mut velocity = 1.0;
        for _ in 0..200 {
            rule.step(1.0, 0.0, &mut velocity);
        }
        assert_eq!(velocity, 0.0);
    }
}
