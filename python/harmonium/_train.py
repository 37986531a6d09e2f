"""Training in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Sequence

from ._epochs import run_epochs
from ._harmonium import Rbm, Trainer, check_keywords, setting_table
from ._live import in_notebook
from ._settings import with_keywords
from ._warnings import warn
from ._weights import one_each

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._harmonium import Settings


def train(
    data: Any,
    *,
    weights: Any = None,
    labels: Any = None,
    classes: Sequence[Any] | None = None,
    initial: Rbm | None = None,
    held_out: Any = None,
    grey_levels: int | None = None,
    spins: bool = False,
    categories: str | int | tuple[float, ...] | dict[str, Any] | None = None,
    ignore: Sequence[str] = (),
    alphabet: str | None = None,
    unknown_letters: str | None = None,
    missing_value: float | None = None,
    callback: Callable[[dict[str, Any]], object] | None = None,
    progress: bool = False,
    live: bool = False,
    threads: int | None = None,
    comm: Any = None,
    **settings: Unpack[Settings],
) -> Rbm:
    """Train a model on data. The settings, their names and the resulting bits are the same on the
    command line and in Rust.

    Parameters
    ----------
    data : array-like or sparse matrix of shape (n_examples, n_visible), or images (n, rows, columns)
        0 and 1, floating-point intensities from 0 to 1, grey levels (see `grey_levels`) or spins. The
        model keeps the shape of images. With `missing`, NaN and masked numbers are values that are missing.
        Texts of one length, or rows of single letters, are aligned sequences, of which each site is a category. A
        text or a path by itself is a file or a folder that is read as by the command line.
    weights : array-like of shape (n_examples,), optional
        How much each example counts, a finite number of at least 0: an example of weight 2 counts as two,
        one of weight 0 is left out.
    labels : array-like of shape (n_examples,), optional
        The class of each example: a number, a text or a boolean; None, NaN or "" if it is unknown. The label
        becomes one more site, and the model predicts it (`Rbm.predict_proba`); `objective` says for what it
        is trained. Unknown labels are summed out.
    classes : sequence, optional
        All labels, if the data do not show them; None: those of the data, numbers by size, texts by the
        alphabet.
    initial : Rbm, optional
        Parameters to start from. They give the number of hidden units.
    held_out : array-like or sparse matrix of shape (n, n_visible), optional
        Data on which metrics are measured as well, under names that end in `_test`; a pair (data, weights) weighs
        them. With `labels` it is a pair (data, labels), or (data, labels, weights).
    grey_levels : int from 1 to 65,535, or None
        Integers k are grey levels: intensities k / grey_levels; so are whole floating-point numbers, if some are
        above 1. None: integers from 0 to 255 are grey levels of 255 if the largest is above 127, with a warning;
        any others but 0 and 1 are refused.
    spins : bool
        -1 and 1 mean 0 and 1, in samples too.
    categories : "auto", tuple, int or dict, optional
        Each column of data is a bit or a category. Data may then be a frame, with texts, too. "auto" finds
        the states of each column in the data, a column of 0 and 1 being a bit; (1, 5), or "1..5", says that all
        columns hold the numbers from 1 to 5, as ratings do, whether or not the data show all of them, and
        (0.5, 5, 0.5) that they do so in halves; a number q is (0, q - 1); a dict is `Rbm.columns` of another model. The model keeps them in `columns`, and
        reads other data by them.
    ignore : sequence of str
        The columns that are left out, by their names, or by their numbers from 1.
    alphabet : str, optional
        The letters of sequences: "protein", "dna", "rna", each with the gap if a sequence has one, or the letters
        themselves in their order; None: as the letters suggest. Lower-case letters and full stops are inserts and
        are left out.
    unknown_letters : "refuse", "gap", "missing" or "drop", optional
        What is done with other letters: the data are refused (the default), each counts as a gap or as a value
        that is missing, or sequences that have any are left out.
    missing_value : float, optional
        The number that stands for a missing value in data, such as -9 or 0, besides NaN and masked numbers. In a sparse
        matrix, 0 stands for all that it does not store. `missing` says how such values are learned from. The model keeps it.
    callback : callable, optional
        Called after each epoch with its metrics, a dict (see `Trainer.metrics`); training ends if it
        returns true.
    progress : bool
        Whether to show a progress bar (with tqdm).
    live : bool
        Whether a notebook (Jupyter, VS Code, Colab) shows curves, and samples of images, while the model trains. The
        last picture stays. Ctrl-C then ends training with a warning and returns the model as it stands. Outside of
        notebooks there is a progress bar.
    threads : int, or None for all cores
        The result does not depend on it.
    comm : mpi4py.MPI.Comm, optional
        The processes that train the model together, such as `MPI.COMM_WORLD` of mpi4py in a script that was
        started by ``mpiexec -n 4 python -m mpi4py SCRIPT``. Each calls `train` with the same data and settings, and
        gets the model that one process would get. Training ends if `callback` returns true in any of them.
    **settings
        {settings}

    Returns
    -------
    Rbm
        The model, with averaged parameters unless `averaging` is "none". It keeps the mean of the data,
        what integers mean (`grey_levels`, `spins`), and the metrics of the epochs (`history`). Ctrl-C
        loses what was learned, unless it is `live` in a notebook: to keep it, use a `Trainer`.

    Examples
    --------
    >>> import numpy as np
    >>> from harmonium import train
    >>> pairs = np.array([[0, 0], [1, 1]] * 50)
    >>> rbm = train(pairs, hidden=4, epochs=5, batch_size=10)
    >>> rbm.weights.shape
    (2, 4)
    >>> people = [["red", "yes"], ["blue", "no"], ["green", "no"]] * 10
    >>> rbm = train(people, categories="auto", hidden=4, epochs=5)
    >>> rbm.sites, rbm.mean_hidden([["blue", "yes"]]).shape
    ([3, 2], (1, 4))
    >>> rbm = train(["AC-T", "ACGT"] * 50, alphabet="dna", hidden=4, epochs=5)
    >>> rbm.sites, rbm.free_energy(["AC-T"]).shape, len(rbm.sample(3, as_texts=True)[0])
    ([5, 5, 5, 5], (1,), 4)
    >>> rbm = train(pairs, labels=["off", "on"] * 50, objective="discriminative")
    >>> rbm.classes, rbm.predict_proba([[1, 1]]).argmax(axis=1).tolist()
    (['off', 'on'], [1])
    """
    check_keywords(list(settings))
    trainer = Trainer(
        data,
        weights=one_each(weights, "weights"),
        labels=labels,
        classes=classes,
        initial=initial,
        held_out=held_out,
        grey_levels=grey_levels,
        spins=spins,
        categories=categories,
        ignore=list(ignore),
        alphabet=alphabet,
        unknown_letters=unknown_letters,
        missing_value=missing_value,
        threads=threads,
        comm=comm,
        **settings,
    )

    def after_epoch(epoch: int) -> object:
        if callback is not None:
            return callback(trainer.metrics(threads=threads))
        if trainer.is_recorded:
            trainer.metrics(threads=threads)
        return False

    try:
        run_epochs(
            trainer, trainer.n_epochs, after_epoch, progress=progress, live=live, threads=threads
        )
    except KeyboardInterrupt:
        if not (live and in_notebook()):
            raise
        warn(
            f"Ctrl-C ended training after {trainer.updates} of {trainer.total_updates} updates: this is the model "
            "as it stands",
            RuntimeWarning,
        )
    return trainer.model


with_keywords(train, setting_table())
