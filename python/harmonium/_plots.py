"""Pictures of a model by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ._harmonium import Rbm

# Metrics that `plot_history` draws by itself, and what independent units reach.
_USUAL = ("pseudo_likelihood", "pseudo_likelihood_test", "log_likelihood", "validation_score")
_TO_BEAT = "{}_independent"


def filters(
    rbm: Rbm, number: int, image_shape: tuple[int, int] | None, ax: Any = None
) -> Any:
    """The columns of the weights as images, those of the largest norm first."""
    shape = _shape(rbm, image_shape)
    # Behind the pixels may be the units of a label.
    weights = rbm.weights.T[:, : shape[0] * shape[1]]
    order = np.argsort(-np.linalg.norm(weights, axis=1), kind="stable")[:number]
    # A few pixels of extreme weight would leave the others grey.
    limit = float(np.quantile(np.abs(weights), 0.999)) or 1.0
    ax = _axes(ax)
    picture = ax.imshow(_grid(weights[order], shape), cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.figure.colorbar(picture, ax=ax, shrink=0.8, label="weight")
    return _without_ticks(ax, f"{len(order)} of {rbm.n_hidden} filters")


def samples(
    rbm: Rbm,
    number: int,
    gibbs_steps: int,
    seed: int,
    image_shape: tuple[int, int] | None,
    ax: Any = None,
) -> Any:
    """p(v | h) of chains after some sweeps, as images."""
    shape, ax = _shape(rbm, image_shape), _axes(ax)
    states = rbm.sample(number, gibbs_steps=gibbs_steps, seed=seed)
    # A label is not among the states of a sample, which p(v | h) would need.
    means = rbm.reconstruct(states, seed=seed) if rbm.classes is None else states
    ax.imshow(_grid(means, shape), cmap="gray", vmin=0, vmax=1)
    return _without_ticks(ax, f"samples after {gibbs_steps} sweeps")


def history(rbm: Rbm, metrics: Sequence[str] | None, ax: Any = None) -> Any:
    """Metrics over epochs."""
    if not rbm.history:
        raise ValueError(
            "the model has no history: only a model that `train` has just returned, or one loaded from the "
            "folder of a run, has it"
        )
    return records_drawn(rbm.history, metrics, ax)


def records_drawn(
    records: Sequence[dict[str, Any]], metrics: Sequence[str] | None, ax: Any = None
) -> Any:
    """Metrics of records over epochs."""
    known = [name for name in records[-1] if _curve(records, name)[0]]
    chosen = [name for name in _USUAL if name in known] if metrics is None else list(metrics)
    for name in chosen:
        if name not in known:
            raise ValueError(f"{name!r} is not a metric of this history: they are {', '.join(known)}")
    ax = _axes(ax)
    for name in chosen:
        epochs, values = _curve(records, name)
        marker, style = "." if len(values) < 40 else "", "--" if name.endswith("_test") else "-"
        (line,) = ax.plot(epochs, values, marker=marker, linestyle=style, label=_words(name))
        rival = _TO_BEAT.format(name)
        if rival in known:
            level = _curve(records, rival)[1][-1]
            label = f"{_words(name)}; independent units"
            ax.axhline(level, color=line.get_color(), linestyle=":", label=label)
    ax.set_xlabel("epoch")
    if all("likelihood" in name for name in chosen):
        ax.set_ylabel("nats an example")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def _curve(records: Sequence[dict[str, Any]], name: str) -> tuple[list[int], list[float]]:
    points = [
        (record["epoch"], record[name])
        for record in records
        if isinstance(record.get(name), (int, float))
    ]
    return [epoch for epoch, _ in points], [value for _, value in points]


def _words(name: str) -> str:
    """The name for people, which says on which examples the metric is measured."""
    rows = {"train": "training", "test": "held out"}.get(name.rsplit("_", 1)[-1])
    if rows:
        name = name.rsplit("_", 1)[0]
    elif name in ("pseudo_likelihood", "reconstruction_error"):
        rows = "training"
    words = name.replace("pseudo_", "pseudo-").replace("log_", "log-").replace("_", " ")
    return f"{words}, {rows}" if rows else words


def _shape(rbm: Rbm, given: tuple[int, int] | None) -> tuple[int, int]:
    shape = given or rbm.image_shape
    if shape is None:
        raise ValueError(
            "the model does not know the shape of its images: give image_shape=(rows, columns), or train "
            "on an array of shape (n, rows, columns)"
        )
    n_pixels = rbm.n_visible - len(rbm.classes or [])
    if shape[0] * shape[1] != n_pixels:
        raise ValueError(
            f"image_shape is {shape}, but must have {n_pixels} pixels, one for each visible unit"
        )
    return shape


def _grid(images: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """Images (n, pixels) side by side, NaN between them."""
    rows, columns = shape
    # The grid is about 3 : 2.
    across = max(1, min(len(images), int(np.ceil(np.sqrt(1.5 * len(images) * rows / columns)))))
    down = -(-len(images) // across)
    grid = np.full((down * (rows + 1) - 1, across * (columns + 1) - 1), np.nan)
    for at, image in enumerate(images):
        top, left = at // across * (rows + 1), at % across * (columns + 1)
        grid[top : top + rows, left : left + columns] = image.reshape(shape)
    return grid


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as cause:
        raise ImportError("plots need matplotlib: pip install matplotlib") from cause
    return pyplot.subplots(layout="constrained")[1]


def _without_ticks(ax: Any, title: str) -> Any:
    ax.set(xticks=[], yticks=[], title=title)
    ax.set_frame_on(False)
    return ax
