"""A log-likelihood with what is known of its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LogLikelihood:
    """What `log_likelihood` returns; all figures in nats.

    >>> import numpy as np
    >>> from harmonium import Rbm
    >>> fair = Rbm(np.zeros((2, 3)), np.zeros(2), np.zeros(3))
    >>> score = fair.log_likelihood([[0, 1]], method="ais", chains=100, schedule="linear:10")
    >>> score.is_believable, score.low < -1.3863 < score.high
    (True, True)
    """

    mean: float
    """Mean log p(v) over the rows, by the best estimate of log Z."""
    standard_error: float
    """Standard error of the mean over the rows, log Z taken as known."""
    low: float
    """The mean at the upper end of log Z's interval."""
    high: float
    """The mean at the lower end of log Z's interval."""
    log_z: float
    """log Z: exact, or the estimate that the evidence supports."""
    log_z_low: float
    """Lower end of the interval of log Z, which where the verdict is `believable` is meant to hold for
    99 % of models."""
    log_z_high: float
    """Upper end of the interval of log Z."""
    method: str
    """`exact` or `ais`."""
    estimate: str
    """Which estimate of log Z it is: `enumeration`, `bennett`, `forward` or `witness`."""
    base: str | None
    """Where the base of annealing comes from; None where log Z is exact, as all below."""
    forward: tuple[float, float, float] | None
    """log Z by annealing from the base, and its 95 % interval."""
    reverse: tuple[float, float, float] | None
    """log Z by annealing back to the base, and its 95 % interval."""
    witness: tuple[float, float, float] | None
    """log Z by a shorter annealing from a uniform base, and its 95 % interval."""
    ess: float | None
    """Effective sample size of forward annealing."""
    verdict: str
    """`exact`, `believable` or `doubtful`."""
    reasons: list[str]
    """Why it is doubtful."""
    remedies: list[str]
    """What to raise or to change."""
    caveat: str | None
    """What no estimate can exclude; None where log Z is exact."""

    @property
    def is_believable(self) -> bool:
        """Whether the verdict is not `doubtful`."""
        return self.verdict != "doubtful"
