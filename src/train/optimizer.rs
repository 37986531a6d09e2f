//! Update rules: how the parameters move along the gradient.

use super::config::{TrainConfig, UpdateRule};
use super::gradient::Gradient;
use super::parameters::Parameters;
use super::statistics::Statistics;
use super::step::{Rules, ascend};
use crate::error::Result;
use crate::kernels::ascent::{Reach, Rule};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::model::TiledParameters;
use crate::ranks::Ranks;
use crate::state::State;

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

/// Smaller values in a rule's memory become 0, so that the results do not depend on how a CPU handles
/// subnormal numbers.
const SMALLEST: f32 = 1e-30;

#[inline(always)]
fn without_subnormals(x: f32) -> f32 {
    if x.abs() < SMALLEST { 0.0 } else { x }
}

impl Rule for Momentum {
    type State = f32;

    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, velocity: &mut f32) -> f32 {
        let Sgd { rate, decay } = self.sgd;
        *velocity =
            without_subnormals(self.momentum * *velocity + rate * (gradient - decay * parameter));
        parameter + *velocity
    }
}

/// m ← β₁m + (1 − β₁)g, s ← β₂s + (1 − β₂)g², θ ← θ + ε m̂/(√ŝ + e) with m̂ = m/(1 − β₁ᵗ) and
/// ŝ = s/(1 − β₂ᵗ) in update t, where g is the gradient less λθ (Kingma and Ba, 2015, algorithm 1).
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// ε and λ.
    pub sgd: Sgd,
    /// β₁ and β₂.
    pub betas: [f32; 2],
    /// e.
    pub epsilon: f32,
    /// 1 − β₁ᵗ and 1 − β₂ᵗ.
    pub corrections: [f32; 2],
}

impl Rule for Adam {
    type State = [f32; 2];

    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, [mean, square]: &mut [f32; 2]) -> f32 {
        let Self { sgd: Sgd { rate, decay }, betas, epsilon, corrections } = self;
        let gradient = gradient - decay * parameter;
        *mean = without_subnormals(betas[0] * *mean + (1.0 - betas[0]) * gradient);
        *square = without_subnormals(betas[1] * *square + (1.0 - betas[1]) * (gradient * gradient));
        let (mean, square) = (*mean / corrections[0], *square / corrections[1]);
        parameter + rate * (mean / (square.sqrt() + epsilon))
    }
}

/// The update rule of a run and its memory.
#[derive(Clone, Debug)]
pub enum Optimizer {
    /// No memory.
    Sgd(TiledParameters<()>),
    /// μ, and the last step u of each parameter.
    Momentum(f32, TiledParameters<f32>),
    /// β₁ and β₂, e, and both moments (m, s) of each parameter's gradient.
    Adam([f64; 2], f64, TiledParameters<[f32; 2]>),
}

impl Optimizer {
    /// The memory of the rule of these settings, for this visible layer.
    pub fn bytes(config: &TrainConfig, visible: &Layout) -> Bytes {
        let n_hidden = config.n_hidden();
        match config.optimizer {
            UpdateRule::Sgd if config.momentum == 0.0 => Bytes(0),
            UpdateRule::Sgd => TiledParameters::<f32>::bytes(visible, n_hidden),
            UpdateRule::Adam => TiledParameters::<[f32; 2]>::bytes(visible, n_hidden),
        }
    }

    /// The rule of these settings, before the first update.
    pub fn new(config: &TrainConfig, parameters: &Parameters) -> Self {
        let (momentum, parameters) = (config.momentum as f32, &parameters.exact);
        match config.optimizer {
            UpdateRule::Sgd if momentum == 0.0 => Self::Sgd(parameters.map(|_| ())),
            UpdateRule::Sgd => Self::Momentum(momentum, parameters.map(|_| 0.0)),
            UpdateRule::Adam => Self::Adam(
                [config.adam_beta1, config.adam_beta2],
                config.adam_epsilon,
                parameters.map(|_| [0.0; 2]),
            ),
        }
    }

    /// Gives every rank the memory of the weights of the others.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn gather(&mut self, ranks: &Ranks) -> Result<()> {
        match self {
            Self::Sgd(_) => Ok(()),
            Self::Momentum(_, velocity) => velocity.gather(ranks),
            Self::Adam(_, _, moments) => moments.gather(ranks),
        }
    }

    /// Saves the memory of the rule.
    pub fn save(&self, state: &mut State) {
        match self {
            Self::Sgd(_) => {}
            Self::Momentum(_, velocity) => velocity.save("velocity.", state),
            Self::Adam(_, _, moments) => {
                moments.map(|[mean, _]| mean).save("adam_mean.", state);
                moments.map(|[_, square]| square).save("adam_square.", state);
            }
        }
    }

    /// Restores what [`save`](Self::save) saved under the same settings.
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(&mut self, state: &State) -> Result<()> {
        match self {
            Self::Sgd(_) => {}
            Self::Momentum(_, velocity) => {
                *velocity = velocity.restored("velocity.", state)?;
            }
            Self::Adam(_, _, moments) => {
                let means: TiledParameters<f32> = moments.restored("adam_mean.", state)?;
                moments.zip(&means, |[mean, _], &x| *mean = x);
                let squares: TiledParameters<f32> = moments.restored("adam_square.", state)?;
                moments.zip(&squares, |[_, square], &x| *square = x);
            }
        }
        Ok(())
    }

    /// Moves the parameters one step along the gradient in update `update` (from 0), with the learning
    /// rate and weight decay of `step`. Returns the largest moves of a weight and of a bias.
    pub fn update(
        &mut self,
        parameters: &mut Parameters,
        gradient: &Gradient,
        statistics: &Statistics,
        step: Sgd,
        update: u64,
    ) -> Result<[Reach; 2]> {
        // Biases do not decay.
        let no_decay = Sgd { decay: 0.0, ..step };
        match self {
            Self::Sgd(memory) => {
                let rules = Rules { weights: step, biases: no_decay };
                ascend(parameters, memory, gradient, statistics, rules)
            }
            Self::Momentum(momentum, memory) => {
                let rule = |sgd| Momentum { sgd, momentum: *momentum };
                let rules = Rules { weights: rule(step), biases: rule(no_decay) };
                ascend(parameters, memory, gradient, statistics, rules)
            }
            Self::Adam(betas, epsilon, memory) => {
                // 1 − βᵗ = −(e^(t ln β) − 1), with t = update + 1.
                let correction = |beta: f64| -libm::expm1((update + 1) as f64 * libm::log(beta));
                let rule = |sgd| Adam {
                    sgd,
                    betas: betas.map(|beta| beta as f32),
                    epsilon: *epsilon as f32,
                    corrections: betas.map(|beta| correction(beta) as f32),
                };
                let rules = Rules { weights: rule(step), biases: rule(no_decay) };
                ascend(parameters, memory, gradient, statistics, rules)
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
    fn a_constant_gradient_leads_to_the_terminal_velocity() {
        let rule = Momentum { sgd: Sgd { rate: 0.1, decay: 0.0 }, momentum: 0.9 };
        let (mut parameter, mut velocity) = (0.0, 0.0);
        for _ in 0..500 {
            parameter = rule.step(parameter, 1.0, &mut velocity);
        }
        assert!((velocity - 1.0).abs() < 1e-5, "ε / (1 − μ) = 1, not {velocity}");
    }

    #[test]
    fn a_decaying_memory_ends_at_zero() {
        let sgd = Sgd { rate: 0.1, decay: 0.0 };
        let mut velocity = 1.0;
        let mut moments = [1.0, 1.0];
        let adam = Adam { sgd, betas: [0.5, 0.5], epsilon: 1e-8, corrections: [1.0, 1.0] };
        for _ in 0..200 {
            Momentum { sgd, momentum: 0.5 }.step(1.0, 0.0, &mut velocity);
            adam.step(1.0, 0.0, &mut moments);
        }
        assert_eq!((velocity, moments), (0.0, [0.0, 0.0]));
    }

    /// While the gradient is constant, each step of Adam has size ε, whatever the size of the gradient.
    #[test]
    fn adam_steps_by_the_rate() {
        let sgd = Sgd { rate: 0.01, decay: 0.0 };
        for gradient in [1e-3_f32, -0.5] {
            let (mut parameter, mut moments) = (0.0, [0.0, 0.0]);
            for update in 1..=50 {
                let betas = [0.9_f32, 0.999];
                let corrections = betas.map(|beta| 1.0 - beta.powi(update));
                let adam = Adam { sgd, betas, epsilon: 1e-8, corrections };
                parameter = adam.step(parameter, gradient, &mut moments);
                let expected = 0.01 * update as f32 * gradient.signum();
                assert!((parameter - expected).abs() < 1e-3 * expected.abs(), "{parameter}");
            }
        }
    }
}
