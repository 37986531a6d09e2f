"""A log-likelihood with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan
from typing import Any


@dataclass(frozen=True)
class LogLikelihood:
    """The result of `log_likelihood`; all values are in nats.

    >>> import numpy as np
    >>> from harmonium import Rbm
    >>> fair = Rbm(np.zeros((2, 3)), np.zeros(2), np.zeros(3))
    >>> score = fair.log_likelihood([[0, 1]], method="ais", n_chains=100, schedule="linear:10")
    >>> score.is_believable, score.low < -1.3863 < score.high
    (True, True)
    """

    mean: float
    """Mean log p(v) over the rows, by the best estimate of log Z; of rows that lack values, log p of what they have."""
    standard_error: float
    """Standard error of the mean over the rows, as if log Z were known."""
    low: float
    """The mean at the upper end of log Z's interval; where sums over what rows lack are annealed, less the 99 % interval
    of that."""
    high: float
    """The mean at the lower end of log Z's interval; where sums over what rows lack are annealed, plus the 99 % interval
    of that."""
    independent: float | None
    """The mean for independent units with the rates of the training data, which a model has to beat; None if the number of
    training examples (`n_examples`) is not known, or they lacked values."""
    log_z: float
    """log Z: exact, or the estimate that the evidence supports."""
    log_z_low: float
    """Lower end of the interval of log Z. If the verdict is `believable`, the interval should hold for
    99 % of models."""
    log_z_high: float
    """Upper end of the interval of log Z."""
    method: str
    """How log Z was found: `exact`, `ais` or `pt`."""
    estimate: str
    """How log Z was estimated: `enumeration`, `bennett`, `forward`, `witness` or `ladder`."""
    base: str | None
    """Origin of the base of annealing, or of the temperatures of `pt`; None if log Z is exact."""
    reverse_start: str | None
    """Origin of the states from which chains were annealed back. This field and those up to `ess` are
    None without annealing."""
    forward: tuple[float, float, float] | None
    """log Z by annealing from the base, and its 95 % interval."""
    reverse: tuple[float, float, float] | None
    """log Z by annealing back to the base, and its 95 % interval."""
    witness: tuple[float, float, float] | None
    """log Z by a shorter annealing from a uniform base, and its 95 % interval."""
    ess: float | None
    """Effective sample size of forward annealing."""
    ladder: dict[str, Any] | None
    """The course of parallel tempering; None with other methods. `halves` and `standard_errors` (log Z from
    both halves of the run), `swap_rates` (of each rung with the next, from the base on), `round_trips` (of a
    state, on average), `drift` (of the mean of a unit in the second half, in standard errors),
    `n_chains`, `n_sweeps`."""
    verdict: str
    """How well log Z is known: `exact`, `believable` or `doubtful`. Of rows that lack values log p may be annealed even
    if log Z is exact: see `observed`."""
    reasons: list[str]
    """Why the verdict is `doubtful`."""
    remedies: list[str]
    """What to raise or to change."""
    caveat: str | None
    """What no estimate can exclude; None if log Z is exact."""
    mixing: dict[str, Any] | None = None
    """Whether the model gives the modes of the rows the right mass, and whether plain chains reach them: `warnings`
    (each with `name`, `what` and `remedy`), the shares of the clusters among the `examples`, the `model`'s samples and
    chains `from_random` and `from_examples`, autocorrelation times in sweeps, moments. None for fewer than 100 rows, rows
    that lack most values, and rows that do not vary."""
    mixing_unchecked: str | None = None
    """Why that was not looked at, if it is as too many values are missing."""
    observed: dict[str, Any] | None = None
    """How what rows lack was summed out: `n_examples`, the rows that are scored, of `n_given`; `n_annealed`, those whose
    sum is by annealing, which errs low on average (the others are exact); `annealing_error`, the standard error that this
    adds to the mean. At most 200 rows are scored if any is annealed. None if no row lacks a value."""

    def __str__(self) -> str:
        """The mean with its standard error, the interval that log Z leaves it, and the verdict; and which part is not
        exact if rows lack values.

        >>> import numpy as np
        >>> from harmonium import Rbm
        >>> print(Rbm(np.zeros((2, 3)), np.zeros(2), np.zeros(3)).log_likelihood([[0, 1], [1, 1]]))
        -1.386 nats an example (± 0.000), exact
        """
        # The level of the interval holds only for a believable estimate.
        level = "99 % interval" if self.is_believable else "interval"
        estimates = self._estimates()
        reach = f", {self.low:.2f} to {self.high:.2f} by the {level} of {estimates}" if estimates else ""
        reasons = "".join(f"; {reason}" for reason in self.reasons)
        error = "one example, no standard error" if isnan(self.standard_error) else f"± {self.standard_error:.3f}"
        beaten = "; the model is worse than independent units, " if self.is_worse_than_independent else "; independent units: "
        other = "" if self.independent is None else f"{beaten}{self.independent:.3f}"
        return f"{self.mean:.3f} nats an example ({error}){reach}, {self._verdict_in_words(reasons)}{other}"

    def _estimates(self) -> str:
        """The parts of the mean that are no exact sums, in words; "" if all are."""
        of_log_z = ["log Z"] if self.method != "exact" else []
        return " and ".join(of_log_z + (["annealing"] if self._n_annealed else []))

    def _verdict_in_words(self, reasons: str = "") -> str:
        """The verdict and its reasons; if it is of log Z alone, that, and what else there is."""
        if not self.observed or not self._n_annealed:
            return self.verdict + reasons
        n_rows, n_given = self.observed["n_examples"], self.observed["n_given"]
        some = f" ({n_rows} of {n_given} rows are scored, as annealing takes time)" if n_given > n_rows else ""
        return (
            f"log Z {self.verdict}{reasons}; ln p of what rows have is by annealing for {self._n_annealed} of {n_rows} rows, "
            f"which errs low on average{some}"
        )

    @property
    def _n_annealed(self) -> int:
        return self.observed["n_annealed"] if self.observed else 0

    @classmethod
    def _of(cls, report: dict[str, Any]) -> LogLikelihood:
        """From the library's report, where None is a number that is not finite."""

        def number(value: float | None) -> float:
            return nan if value is None else value

        def side(name: str) -> tuple[float, float, float] | None:
            if name not in report:
                return None
            log_z, low, high = (number(report[name][key]) for key in ("log_z", "low", "high"))
            return log_z, low, high

        return cls(
            mean=number(report["log_likelihood"]),
            standard_error=number(report["standard_error"]),
            low=number(report["log_likelihood_low"]),
            high=number(report["log_likelihood_high"]),
            independent=report["log_likelihood_independent"],
            log_z=number(report["log_z"]),
            log_z_low=number(report["log_z_low"]),
            log_z_high=number(report["log_z_high"]),
            method=report["method"],
            estimate=report["estimate"],
            base=None if report["method"] == "exact" else report["base"],
            reverse_start=report.get("reverse_start"),
            forward=side("forward"),
            reverse=side("reverse"),
            witness=side("witness"),
            ess=report["ess"],
            ladder=report.get("ladder"),
            verdict=report["verdict"],
            reasons=report.get("reasons", []),
            remedies=report.get("remedies", []),
            caveat=report.get("caveat"),
            mixing=report.get("mixing"),
            mixing_unchecked=report.get("mixing_unchecked"),
            observed=_observed(report.get("observed")),
        )

    @property
    def is_believable(self) -> bool:
        """Whether the verdict, which is on log Z, is not `doubtful`."""
        return self.verdict != "doubtful"

    @property
    def is_worse_than_independent(self) -> bool:
        """Whether the model is surely worse than independent units: `high`, and a standard error more, is below theirs.
        Nothing should be read from such a model."""
        return self.independent is not None and self.high + self.standard_error < self.independent

    def _repr_html_(self) -> str:
        """The log-likelihood as notebooks show it."""
        from ._html import of_log_likelihood

        return of_log_likelihood(self)


def _observed(report: dict[str, Any] | None) -> dict[str, Any] | None:
    """How what rows lack was summed out. Earlier versions did not write all of it."""
    if report is None:
        return None
    annealing_error = report.get("annealing_error")
    return {
        "n_examples": report["n_examples"],
        "n_given": report.get("n_given", report["n_examples"]),
        "n_annealed": report["n_annealed"],
        "annealing_error": nan if annealing_error is None else annealing_error,
    }
