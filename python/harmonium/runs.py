"""Runs in folders, as the command line makes them: start, resume, list, read and report them.

A run keeps its settings, metrics, checkpoints, model and report in a folder. It can be stopped at any time
and resumed, here or by `harmonium resume`, and ends in the same bits. Arrays and frames become files in its
folder, so that it can be resumed and evaluated; `harmonium.train` writes nothing.

>>> import tempfile
>>> from harmonium import runs
>>> folder = tempfile.mkdtemp()
>>> run = runs.train(data="bars-and-stripes:3", hidden=8, epochs=20, out=f"{folder}/bars")
>>> run.state, run.settings["hidden"], len(run.metrics["epoch"])
('done', 8, 20)
>>> run.model
Rbm(n_visible=9, n_hidden=8)
>>> run = runs.resume(run, epochs=25)
>>> [(run.name, len(run.records)) for run in runs.list(folder)]
[('bars', 25)]
>>> runs.train([[0, 0], [1, 1]] * 50, hidden=2, epochs=5, out=f"{folder}/pairs").evaluate().verdict
'exact'
"""

from __future__ import annotations

import builtins
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Sequence, Union

import numpy as np
from numpy.typing import NDArray

from . import _harmonium
from ._harmonium import Rbm, run_setting_table, setting_table
from ._html import of_run
from ._live import Picture, in_notebook
from ._log_likelihood import LogLikelihood
from ._progress import progress_bar
from ._run_data import in_folder
from ._settings import with_keywords
from ._warnings import caller, warn

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._harmonium import RunSettings

__all__ = ["Run", "list", "report", "resume", "train"]

PathLike = Union[str, "os.PathLike[str]"]


class Run:
    """A run in a folder, as it was when it was read; `Run(folder)` reads it again.

    Parameters
    ----------
    folder : path

    Attributes
    ----------
    folder : Path
    name : str
        The name of the folder.
    state : {"running", "done", "stopped"}
    settings : dict
        All settings by name.
    records : list of dict
        The metrics of each recorded epoch.
    n_epochs : int, or None if it is not known yet
        The planned number of epochs.
    failure : str or None
        The error that ended the last session.
    """

    def __init__(self, folder: PathLike) -> None:
        self._take(*_harmonium.read_run(folder))

    @classmethod
    def _of(cls, folder: Path, found: dict[str, Any]) -> Run:
        run = cls.__new__(cls)
        run._take(folder, found)
        return run

    def _take(self, folder: Path, found: dict[str, Any]) -> None:
        self.folder = folder
        self.name: str = self.folder.name or str(self.folder)
        self.state: str = found["state"]
        self.settings: dict[str, Any] = found["settings"]
        self.records: builtins.list[dict[str, Any]] = found["records"]
        self.n_epochs: int | None = found["n_epochs"]
        self.failure: str | None = found["failure"]
        self._evaluation: dict[str, Any] | None = found["evaluation"]

    @property
    def metrics(self) -> dict[str, NDArray[Any]]:
        """The metrics by name, an array each with a value for each recorded epoch; NaN if it was not
        measured."""
        names = dict.fromkeys(name for record in self.records for name in record)
        return {name: _column([record.get(name) for record in self.records]) for name in names}

    def to_pandas(self) -> Any:
        """The metrics as a pandas.DataFrame with a row for each recorded epoch."""
        try:
            import pandas
        except ImportError as cause:
            raise ImportError("data frames need pandas: pip install pandas") from cause
        return pandas.DataFrame(self.records or {"epoch": []}).set_index("epoch")

    @property
    def likelihood(self) -> LogLikelihood | None:
        """The result of `evaluate`, or of `harmonium evaluate`, on the present model; None without one. What was
        evaluated during training is in `metrics`."""
        return None if self._evaluation is None else LogLikelihood._of(self._evaluation)

    @property
    def model(self) -> Rbm:
        """The model of the run; if the run is not done, that of its newest checkpoint."""
        return Rbm.load(self.folder)

    def evaluate(
        self,
        *,
        method: str = "auto",
        n_chains: int | None = None,
        schedule: str | None = None,
        burn_in: int | None = None,
        split: str | None = None,
        seed: int = 0,
        threads: int | None = None,
    ) -> LogLikelihood:
        """Evaluate the model of the run on the run's own data, as `harmonium evaluate` does: the same number, which is
        kept in the folder as `likelihood`.

        Chains are annealed back from those of the run. `Rbm.log_likelihood` knows only the model and anneals back
        from separate forward runs: both estimates differ within their intervals.

        Parameters
        ----------
        method : {"auto", "exact", "ais", "pt", "ptt"}
        n_chains, schedule, burn_in
            The budget: see `Rbm.log_likelihood`.
        split : {"train", "test", "validation"}, optional
            The part of the run's data; None: the test data, else the validation examples, else the training
            data. Results on another part than that are not kept.
        seed : int, 0 or more
        threads : int, or None for all cores
            The result does not depend on it.
        """
        options = {
            "method": method,
            "n_chains": n_chains,
            "schedule": schedule,
            "burn_in": burn_in,
            "split": split,
            "seed": seed,
            "threads": threads,
        }
        report = _command("evaluate", self.folder, options)
        if "log_likelihood" not in report:
            raise ValueError(
                f"{self.folder}: rows that lack values have no log-likelihood where missing is \"absent\"; "
                "`Rbm.predict_ratings` and `impute` predict their values"
            )
        self._take(*_harmonium.read_run(self.folder))
        return LogLikelihood._of(report)

    def report(self) -> Path:
        """Write the report of the run, `report.html` in its folder."""
        return report(self)

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        done = self.records[-1]["epoch"] if self.records else 0
        return f"Run({str(self.folder)!r}, {self.state}, {done} of {self.n_epochs or '?'} epochs)"

    def _repr_html_(self) -> str:
        return of_run(self)


def list(folder: PathLike = "runs") -> builtins.list[Run]:
    """The runs in a folder (or the run that the folder is) by name. A run that cannot be read gives a
    warning."""
    found, unreadable = _harmonium.list_runs(folder)
    for error in unreadable:
        warn(error, RuntimeWarning)
    return [Run._of(*run) for run in found]


def train(  # type: ignore[misc]  # data may be values, too
    data: Any = "mnist",
    *,
    out: PathLike | None = None,
    stop_after: str | None = None,
    time_budget: float | None = None,
    report: bool = True,
    callback: Callable[[dict[str, Any]], object] | None = None,
    progress: bool = False,
    live: bool = False,
    threads: int | None = None,
    **settings: Unpack[RunSettings],
) -> Run:
    """Start a run in a folder and train to its end.

    Ctrl-C stops it within a second and writes a checkpoint, from which `resume` continues.

    Parameters
    ----------
    data : path, array-like, sparse matrix or frame
        The name or path of data, or rows or images as `harmonium.train` takes them. Those are packed into the
        folder of the run (`data/train.packed`), where `resume`, `evaluate` and the command line find them; the
        run has the bits of `harmonium.train`. `labels`, `weights`, `test_data` and `test_labels` may then hold
        values, too, and `labels` and `weights` name columns of a frame. `id` is of files alone: `ignore` leaves the
        column of a frame out that names its rows.
    out : path, optional
        The folder of the run; None: a new one in `runs/`, named after data, sizes and time.
    stop_after : str, optional
        When to stop, such as "10m", "5epochs" or "2000updates", so that `resume` continues from there.
    time_budget : float, optional
        Train for about this time, in seconds: the speed of the first seconds fixes the number of updates.
    report : bool
        Whether to write the report at the end.
    callback : callable, optional
        Called after each recorded epoch with its metrics, a dict; the run stops if it returns true, so that
        `resume` continues from there.
    progress : bool
        Whether to show a progress bar (with tqdm).
    live : bool
        Whether a notebook shows curves, and samples of images, while the run trains; see `harmonium.train`.
    threads : int, or None for all cores
        The result does not depend on it.
    **settings
        {settings}

    Returns
    -------
    Run
    """
    given = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value
        for name, value in {"data": data, **settings}.items()
    }
    with in_folder(out, given) as (out, given), _Monitor(callback, progress, live) as monitor:
        session = options("runs.train", out, stop_after, time_budget, threads)
        folder = _harmonium.train_run(given, session, monitor)
    return _finished(folder, report)


def resume(
    run: PathLike,
    *,
    epochs: int | None = None,
    stop_after: str | None = None,
    report: bool = True,
    callback: Callable[[dict[str, Any]], object] | None = None,
    progress: bool = False,
    live: bool = False,
    threads: int | None = None,
) -> Run:
    """Continue a run that was stopped or killed, or make it longer.

    Parameters
    ----------
    run : Run or path of its folder
    epochs : int, optional
        The new number of epochs, including those that are done.
    stop_after, report, callback, progress, live, threads
        See `train`.

    Returns
    -------
    Run
    """
    session = options("runs.resume", None, stop_after, None, threads)
    with _Monitor(callback, progress, live) as monitor:
        folder = _harmonium.resume_run(os.fspath(run), epochs, session, monitor)
    return _finished(folder, report)


def report(
    runs: PathLike | Sequence[PathLike], out: PathLike | None = None, *, overwrite: bool = False
) -> Path:
    """Write a page for a browser on a run, or on several side by side, and return its path.

    Parameters
    ----------
    runs : Run or path, or several
    out : path, optional
        The file, which ends in .html; None: `report.html` in the folder of the run, where it is renewed, or
        here for several.
    overwrite : bool
        Whether to replace a file outside the folder of the run. If not, a file that exists is a
        FileExistsError.
    """
    one = isinstance(runs, (str, os.PathLike))
    folders = [os.fspath(runs)] if one else [os.fspath(run) for run in runs]  # type: ignore[arg-type,union-attr]
    return _harmonium.write_report(folders, out, overwrite)


def options(
    command: str,
    out: PathLike | None,
    stop_after: str | None,
    time_budget: float | None,
    threads: int | None,
) -> dict[str, Any]:
    """How a session works on runs."""
    return {
        "out": out,
        "stop_after": stop_after,
        "time_budget": time_budget,
        "threads": threads,
        "command": f"harmonium.{command}",
    }


def _command(name: str, folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    """What a command of the command line says of a run. Its flags are keywords here."""
    words = [sys.executable, "-m", "harmonium", name, os.path.abspath(folder), "--json"]
    for option, value in options.items():
        if value is not None:
            words += [f"--{option.replace('_', '-')}", str(value)]
    # The package that runs now, wherever it was imported from.
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(words, capture_output=True, text=True, env=env, check=False)
    notes = re.sub(
        "--([a-z][a-z-]+)", lambda flag: flag[1].replace("-", "_"), done.stderr.strip()
    )
    if done.returncode != 0:
        raise ValueError(notes.removeprefix("error: ") or f"{name} ended with {done.returncode}")
    for note in notes.splitlines():
        warn(note.removeprefix("note: "), RuntimeWarning)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _finished(folder: Path, with_report: bool) -> Run:
    if with_report:
        report(folder)
    return Run(folder)


def _column(values: Sequence[Any]) -> NDArray[Any]:
    if all(isinstance(value, int) for value in values):
        return np.array(values)
    if all(value is None or isinstance(value, (int, float)) for value in values):
        return np.array(values, dtype=float)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


class _Monitor:
    """What a run calls: the progress bar, the callback, a notebook's picture, and warnings for its notes."""

    def __init__(
        self, callback: Callable[[dict[str, Any]], object] | None, progress: bool, live: bool
    ) -> None:
        self._callback, self._bar, self._done = callback, progress_bar(0, "epoch", False), 0
        self._picture = Picture() if live and in_notebook() else None
        self._shows = progress or (live and self._picture is None)
        self._caller = caller()

    def __enter__(self) -> _Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def begin(self, n_epochs: int, n_done: int) -> None:
        self._bar, self._done = progress_bar(n_epochs, "epoch", self._shows), n_done
        self._bar.update(n_done)

    def note(self, text: str) -> None:
        warn(text, RuntimeWarning, self._caller)

    def record(self, metrics: dict[str, Any]) -> bool:
        self._bar.update(metrics["epoch"] - self._done)
        self._done = metrics["epoch"]
        score = metrics["pseudo_likelihood"]
        if score is not None:
            self._bar.set_postfix(pseudo_likelihood=f"{score:.2f}")
        return bool(self._callback is not None and self._callback(metrics))

    def is_due(self, is_last: bool) -> bool:
        return self._picture is not None and self._picture.is_due(is_last)

    def show(self, line: str, html: str) -> None:
        assert self._picture is not None
        self._picture.show(line, html)


def __dir__() -> builtins.list[str]:
    return sorted(__all__)


_rows = [*run_setting_table(), *setting_table()]
with_keywords(train, [row for row in _rows if row["name"] != "data"])
del _rows
