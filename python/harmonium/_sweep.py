"""Sweeps: many runs side by side that differ in some settings, and the best of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Union

import numpy as np

from . import _harmonium
from ._columns import names_of
from ._harmonium import Rbm, run_setting_table, setting_table
from ._html import of_sweep
from ._progress import progress_bar
from ._run_data import columns_beside, refuse_id, without_ignored
from ._settings import with_keywords
from ._warnings import caller, warn
from .runs import Run, options, report

PathLike = Union[str, "os.PathLike[str]"]

# What a sweep keeps of data that are an array.
_DATA = "data.packed"

# Columns of the table behind the score.
_COLUMNS = ("standard_error", "doubtful", "seeds", "updates", "state", "runs", "failure")


class Sweep:
    """A sweep in a folder, as it was when it was read; `Sweep(folder)` reads it again.

    Parameters
    ----------
    folder : path

    Attributes
    ----------
    folder : Path
    metric : str
        What decides.
    names : list of str
        The settings that vary.
    settings : dict
        All other settings by name.
    table : list of dict
        A row for each choice of values, the best first, with the columns of `table.csv`: `rank`, the values, the
        score by the name of the metric (None if there is none), its `standard_error` over seeds (None for one seed),
        `doubtful`, `seeds`, `updates`, `state` ("done", "stopped", "failed" or "waiting") and `runs`, the names of
        its runs; `failure` says why one failed.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder, found = _harmonium.read_sweep(folder)
        self.metric: str = found["metric"]
        self.names: list[str] = found["names"]
        self.settings: dict[str, Any] = found["settings"]
        columns = ["rank", *self.names, self.metric, *_COLUMNS]
        self.table: list[dict[str, Any]] = [
            {name: row[name] for name in columns} for row in found["table"]
        ]

    @property
    def best(self) -> Run:
        """The run of the best choice of values, with the first seed: `best.settings`, `best.folder` and
        `best.model`. (ValueError if no run has a score.)"""
        return Run(self.folder / "runs" / self._first["runs"][0])

    @property
    def best_values(self) -> dict[str, Any]:
        """The best values of the settings that vary."""
        return {name: self._first[name] for name in self.names}

    @property
    def best_score(self) -> float:
        """The score of the best values, a mean over seeds. They were chosen by it: on other data expect less."""
        score: float = self._first[self.metric]
        return score

    @property
    def _first(self) -> dict[str, Any]:
        if not self.table or self.table[0][self.metric] is None:
            raise ValueError(f"no run of {self.folder} has a score yet; `resume()` goes on with the sweep")
        return self.table[0]

    def load(self) -> Rbm:
        """The model of the best run."""
        return self.best.model

    def to_pandas(self) -> Any:
        """The table as a pandas.DataFrame, with the rank as its index."""
        try:
            import pandas
        except ImportError as cause:
            raise ImportError("data frames need pandas: pip install pandas") from cause
        return pandas.DataFrame(self.table).set_index("rank")

    def resume(
        self,
        *,
        stop_after: str | None = None,
        report: bool = True,
        callback: Callable[[dict[str, Any]], object] | None = None,
        progress: bool = False,
        threads: int | None = None,
    ) -> Sweep:
        """Go on with the sweep after any stop, to the table that it would have had without; see `sweep`."""
        session = options("sweep", None, stop_after, None, threads)
        with _Listener(callback, progress) as listener:
            folder = _harmonium.resume_sweep(self.folder, session, listener)
        return _finished(folder, report)

    def report(self) -> Path:
        """Write the page of the sweep, `report.html` in its folder."""
        return report(self)

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        done = sum(row["state"] == "done" for row in self.table)
        return f"Sweep({str(self.folder)!r}, {done} of {len(self.table)} choices trained to the end)"

    def _repr_html_(self) -> str:
        return of_sweep(self)


def sweep(
    folder: PathLike | None = None,
    *,
    data: Any,
    vary: Mapping[str, Any] | Iterable[str] = (),
    seeds: int = 1,
    search: str = "grid",
    score: str = "log_likelihood",
    stop_after: str | None = None,
    report: bool = True,
    callback: Callable[[dict[str, Any]], object] | None = None,
    progress: bool = False,
    threads: int | None = None,
    **settings: Any,
) -> Sweep:
    """Train runs that differ in some settings, side by side, and rank them by their score on validation examples.

    It is `harmonium sweep`: each run has the bits that it would have alone. Ctrl-C stops all runs, with checkpoints
    from which `Sweep(folder).resume()` goes on.

    Parameters
    ----------
    folder : path, optional
        The folder of the sweep; None: a new one in `runs/`, named after data and time.
    data : path, name or array
        As for `runs.train`. An array, or what else `pack` takes, is kept in the folder as `data.packed`; `labels` and
        `weights` are then arrays, too.
    vary : dict
        Values by the names of settings: a list, or a range as a text such as "100..1000:log:4" or "0..0.01:lin:3".
        Without its number of values a range is one to draw from, for a random search.
    seeds : int
        Runs of each choice of values, with the seeds `seed`, `seed` + 1 and so on; the score is their mean.
    search : str
        "grid" trains all choices, "random:N" draws N of them, "halving" trains few of them to the end: of those that
        reach a rung a third goes on ("halving:FACTOR": one in FACTOR).
    score : str
        What decides: "log_likelihood", "log_likelihood_online", "pseudo_likelihood_test", "error_test" or
        "log_loss_test", or with missing="absent" "log_loss_values_test" or "rmse_test", on the validation examples
        (`validation`; a tenth of the training examples, if it is not given).
    stop_after : str, optional
        When to stop, such as "10m", so that `Sweep(folder).resume()` goes on from there.
    report : bool
        Whether to write `report.html` at the end.
    callback : callable, optional
        Called after each run that is scored with a dict of `run`, `values`, `score`, `runs_done`, `runs` and `best`;
        the sweep stops if it returns true.
    progress : bool
        Whether to show a progress bar (with tqdm).
    threads : int, or None for all cores
        Threads of all runs together; the result does not depend on it.
    **settings
        {settings}

    Returns
    -------
    Sweep

    Examples
    --------
    >>> import harmonium, tempfile
    >>> import numpy as np
    >>> pairs = np.array([[0, 0], [1, 1]] * 100)
    >>> rates = {"learning_rate": [1e-6, 0.3]}
    >>> found = harmonium.sweep(tempfile.mkdtemp(), data=pairs, vary=rates, hidden=4, epochs=20, batch_size=10)
    >>> found.best_values, [row["state"] for row in found.table]
    ({'learning_rate': 0.3}, ['done', 'done'])
    >>> found.load()
    Rbm(n_visible=2, n_hidden=4)
    """
    given = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value
        for name, value in settings.items()
    }
    given["data"] = os.fspath(data) if isinstance(data, (str, os.PathLike)) else _packed(data, folder, given)
    config = {"vary": _varied(vary), "seeds": seeds, "search": search, "score": score}
    session = options("sweep", folder, stop_after, None, threads)
    with _Listener(callback, progress) as listener:
        made = _harmonium.begin_sweep(given, config, session, listener)
    return _finished(made, report)


def _packed(data: Any, folder: PathLike | None, settings: dict[str, Any]) -> str:
    """Keep an array in the folder of a sweep. The settings that say how to read it are used up."""
    if folder is None:
        raise ValueError(
            "data are an array, which a sweep keeps in its folder; give the folder, as in sweep(\"sweeps/one\", "
            "data=...), or the path of a file of data"
        )
    refuse_id(settings)
    path = Path(folder) / _DATA
    reading: dict[str, Any] = {name: settings.pop(name) for name in _READING if name in settings}
    data, columns = columns_beside(data, settings)
    beside = {name: settings.pop(name) for name in ("labels", "weights") if name not in columns and name in settings}
    # A sweep that is there keeps its data, and refuses another one.
    if not (Path(folder) / "sweep.toml").exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        for name, values in beside.items():
            if values is not None:
                reading[name] = np.asarray(values)
        reading.update(columns)
        if not reading.get("categories") and names_of(data) is not None:
            data = without_ignored(data, reading.pop("ignore", ()))
        if settings.get("missing") == "absent" and reading.get("categories") and hasattr(data, "tocsr"):
            meaning = {name: reading[name] for name in ("ignore", "missing_value") if name in reading}
            _harmonium.refuse_zeros(data, reading["categories"], **meaning)
        _harmonium.pack(data, path, **reading)
    names = {"labels": "label", "weights": "weight"}
    settings.update({name: names[name] for name, values in beside.items() if values is not None})
    return str(path)


# Settings of reading data, which a packed file keeps.
_READING = ("grey_levels", "spins", "categories", "ignore", "missing_value")


def _varied(vary: Any) -> list[str]:
    """What varies, each as the command line has it.

    >>> _varied({"hidden": [8, 16], "centering": [True, False], "learning_rate": "0.01..1:log"})
    ['hidden=8,16', 'centering=true,false', 'learning_rate=0.01..1:log']
    """
    if isinstance(vary, Mapping):
        return [f"{name}={_values(values)}" for name, values in vary.items()]
    return [vary] if isinstance(vary, str) else list(vary)


def _values(values: Any) -> str:
    if isinstance(values, str):
        return values
    return ",".join(map(_value, values if np.iterable(values) else [values]))


def _value(value: Any) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _finished(folder: Path, with_report: bool) -> Sweep:
    if with_report:
        report(folder)
    return Sweep(folder)


class _Listener:
    """What a sweep calls: the progress bar, the callback, and warnings for its notes."""

    def __init__(self, callback: Callable[[dict[str, Any]], object] | None, shows: bool) -> None:
        self._callback, self._bar, self._done = callback, progress_bar(100, "%", shows), 0
        self._caller = caller()

    def __enter__(self) -> _Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def note(self, text: str) -> None:
        warn(text, RuntimeWarning, self._caller)

    def progress(self, share: float, n_done: int, n_runs: int, best: float | None) -> None:
        percent = int(100 * share)
        self._bar.update(percent - self._done)
        self._done = percent
        figures = {"runs": f"{n_done}/{n_runs}"}
        self._bar.set_postfix(**figures if best is None else {**figures, "best": f"{best:.3f}"})

    def scored(self, run: dict[str, Any]) -> bool:
        return bool(self._callback is not None and self._callback(run))


_TABLE = [row for row in [*run_setting_table(), *setting_table()] if row["name"] != "data"]
with_keywords(sweep, _TABLE)
