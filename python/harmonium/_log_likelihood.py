"""A log-likelihood with what is known of its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LogLikelihood:
    """What `log_likelihood` returns; all figures in nats.

    >>> LogLikelihood(-1.5, 0.1, -1.5, -1.5, 3.0, 3.0, 3.0, "exact", None, "exact", [], []).is_believable
    True
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
    """log Z: exact, or Bennett's estimate from annealing both ways."""
    log_z_low: float
    """Lower end of the 95 % interval of log Z."""
    log_z_high: float
    """Upper end of the 95 % interval of log Z."""
    method: str
    """`exact` or `ais`."""
    ess: float | None
    """Effective sample size of forward annealing; None where log Z is exact."""
    verdict: str
    """`exact`, `believable` or `doubtful`."""
    reasons: list[str]
    """Why it is doubtful."""
    remedies: list[str]
    """What to raise or to change."""

    @property
    def is_believable(self) -> bool:
        """Whether the verdict is not `doubtful`."""
        return self.verdict != "doubtful"
