//! How rank 0 leads the others through a run.
//!
//! All ranks hold the same trainer and do the same updates, to the end of an epoch. There the others wait for requests
//! of rank 0, which alone looks at clocks, files and scores. Between two updates of an epoch they wait if a rank
//! [wished it](Ranks::wish) before the last one, as when a checkpoint is due or a signal came.

use super::together::Together;
use super::trainer::Trainer;
use crate::error::{Error, Result};
use crate::ranks::Ranks;
use crate::watch::Watch;

/// What rank 0 asks of the others. They answer 0 while they listen, so requests begin at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// Do updates until the next place to listen.
    Update = 1,
    /// Share all parameters and what is remembered of them.
    Gather,
    /// Take the number of epochs that follows.
    Replan,
    /// The session is over.
    End,
}

impl Request {
    const ALL: [Self; 4] = [Self::Update, Self::Gather, Self::Replan, Self::End];
}

impl Trainer {
    /// The same trainer, whose updates are split among ranks from now on. Every rank must hold the same trainer; rank 0
    /// leads, and the others [follow](Self::follow).
    ///
    /// ```
    /// use harmonium::dataset::{Binarization, Dataset, Examples};
    /// use harmonium::{BitMatrix, TrainConfig, Trainer, ranks::in_process};
    /// let train = |ranks| -> harmonium::Result<Option<String>> {
    ///     let bars = BitMatrix::from_fn(40, 200, |n, i| (n * n + i) % 7 < 3);
    ///     let examples = Examples::new(Dataset::from_bits("bars", bars), Binarization::Stochastic);
    ///     let config = TrainConfig { hidden: Some(150), epochs: Some(2), ..TrainConfig::default() };
    ///     let mut trainer = Trainer::new(config, examples)?.spread(ranks);
    ///     if trainer.ranks().rank() > 0 {
    ///         return trainer.follow(&|| 0).map(|()| None);
    ///     }
    ///     while !trainer.is_done() {
    ///         trainer.update()?;
    ///     }
    ///     trainer.dismiss()?;
    ///     Ok(Some(trainer.model().sha256()))
    /// };
    /// // Each rank has threads of its own.
    /// let train = |ranks| harmonium::threads::in_pool(Some(1), || train(ranks));
    /// let hashes: Vec<_> = std::thread::scope(|scope| {
    ///     let ranks: Vec<_> = in_process::ranks(2).into_iter().map(|rank| scope.spawn(|| train(rank))).collect();
    ///     ranks.into_iter().map(|rank| rank.join().unwrap().unwrap()).collect()
    /// });
    /// assert_eq!(hashes, [train(Default::default())?, None]);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    pub fn spread(mut self, ranks: Ranks) -> Self {
        self.ascent.spread(ranks);
        self.together = Together::Led { others_listen: true };
        self
    }

    /// As [`spread`](Self::spread), but every rank runs the same program, which makes the same calls of this trainer.
    /// (Updates are then not stopped by a watch, and [`gather`](Self::gather) is a call of all ranks.)
    ///
    /// # Errors
    /// [`Error::Ranks`] if a rank has other settings, another state or data with another mean than rank 0.
    pub fn spread_alike(mut self, ranks: Ranks) -> Result<Self> {
        if ranks.are_several() {
            let (examples, state) = (self.examples(), self.state().sha256());
            let (n, mean) = (examples.n_examples(), examples.mean());
            let own = format!("{:?} {n} {mean:?} {state}", self.config()).into_bytes();
            let is_alike = ranks.tell(own.clone())? == own;
            let what = format!("rank {} has other data or settings than rank 0", ranks.rank());
            ranks.all(if is_alike { Ok(()) } else { Err(Error::Ranks { what }) })?;
        }
        self.ascent.spread(ranks);
        Ok(self)
    }

    /// The same trainer, whose ranks have the weights of the others after each update (4 VH bytes), for whoever follows
    /// the [parameters](Self::parameters). Otherwise they have them before and after the last update of an epoch.
    pub fn keep_whole(mut self) -> Self {
        self.is_kept_whole = true;
        self
    }

    /// The ranks that share the updates.
    pub fn ranks(&self) -> &Ranks {
        self.ascent.ranks()
    }

    /// Whether what needs all ranks may be done now: always, if there is only one.
    pub fn others_listen(&self) -> bool {
        !self.ranks().are_several() || self.together != Together::Led { others_listen: false }
    }

    /// Gives every rank the parameters, the memory of the update rule and the average of the others. Before it, or the
    /// end of an epoch, rank 0 may have old ones.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    ///
    /// # Panics
    /// If the others do not [listen](Self::others_listen).
    pub fn gather(&mut self) -> Result<()> {
        self.ask(Request::Gather)?;
        self.ascent.gather()
    }

    /// Ends the work of the other ranks.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    ///
    /// # Panics
    /// As [`gather`](Self::gather).
    pub fn dismiss(&self) -> Result<()> {
        self.ask(Request::End)
    }

    /// Does what rank 0 asks until it [ends](Self::dismiss) the work. Before each update it [wishes](Ranks::wish) what
    /// `wish` gives.
    ///
    /// # Errors
    /// [`Error::Ranks`], and those of [`update`](Self::update), which all ranks have alike.
    pub fn follow(mut self, wish: &dyn Fn() -> u32) -> Result<()> {
        loop {
            let number = self.ranks().largest(0)? as usize;
            let request = number.checked_sub(1).and_then(|at| Request::ALL.get(at));
            match request {
                Some(Request::Update) => loop {
                    self.ranks().wish(wish());
                    self.update()?;
                    if self.others_listen() {
                        break;
                    }
                },
                Some(Request::Gather) => self.ascent.gather()?,
                Some(Request::Replan) => {
                    let epochs = self.ranks().largest(0)?;
                    self.follow_plan(epochs as usize)?;
                }
                Some(Request::End) => return Ok(()),
                None => return Err(Error::Ranks { what: "rank 0 has asked for nothing".into() }),
            }
        }
    }

    /// Brings the ranks together for an update.
    pub(super) fn before_update(&mut self, watch: Watch<'_>) -> Result<()> {
        if !self.ranks().are_several() {
            return Ok(());
        }
        if self.ranks().rank() == 0 && self.together == (Together::Led { others_listen: true }) {
            watch.check()?;
            self.ask(Request::Update)?;
        }
        Ok(())
    }

    /// Shares what the end of an epoch needs, and says whether the others listen now.
    pub(super) fn after_update(&mut self) -> Result<()> {
        if !self.ranks().are_several() {
            return Ok(());
        }
        if let Together::Led { .. } = self.together {
            let others_listen = self.is_at_end_of_epoch() || self.ranks().heard() > 0;
            self.together = Together::Led { others_listen };
        }
        if self.is_at_end_of_epoch() {
            self.ascent.gather()
        } else if self.is_last_of_epoch() || self.is_kept_whole {
            // Whoever measures the last step of an epoch compares with the weights before it.
            self.ascent.parameters.gather()
        } else {
            Ok(())
        }
    }

    /// Asks the others to take a new number of epochs.
    pub(super) fn ask_to_replan(&self, epochs: usize) -> Result<()> {
        self.ask(Request::Replan)?;
        if self.together == Together::Alike {
            return Ok(());
        }
        self.ranks().largest(epochs as u32).map(drop)
    }

    fn ask(&self, request: Request) -> Result<()> {
        assert!(self.others_listen(), "the other ranks are in the middle of an update");
        if self.together == Together::Alike {
            return Ok(());
        }
        self.ranks().largest(request as u32).map(drop)
    }
}
