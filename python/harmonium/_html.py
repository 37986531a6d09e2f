"""What notebooks show of models and log-likelihoods. The page's colours follow the notebook's theme."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING, Any, Iterable

from ._harmonium import filters_png

if TYPE_CHECKING:
    from ._harmonium import Rbm
    from ._log_likelihood import LogLikelihood
    from ._sweep import Sweep
    from .runs import Run

# The most filters that are shown.
_FILTERS = 60
# The most choices of values that are shown.
_CHOICES = 10
_COLOURS = {"exact": "#1a7f37", "believable": "#1a7f37", "doubtful": "#b35900"}
_BOX = "border:1px solid #8888;border-radius:6px;padding:.6em .9em;display:inline-block;max-width:44em"


def of_rbm(rbm: Rbm) -> str:
    """Sizes, norms, and filters if the model is one of images."""
    shape, mean = rbm.image_shape, rbm.data_mean
    integers = "spins" if rbm.spins else rbm.grey_levels and f"grey levels of {rbm.grey_levels}"
    rows: list[tuple[str, Any]] = [
        ("visible units", f"{rbm.n_visible}" + (f", images of {shape[0]} x {shape[1]}" if shape else "")),
        ("columns", f"{len(rbm.sites)}, bits or categories" if rbm.columns else None),
        ("hidden units", rbm.n_hidden),
        ("weights", f"{_range(rbm.weights)}, root mean square {_rms(rbm.weights):.3g}"),
        ("visible bias", _range(rbm.visible_bias)),
        ("hidden bias", _range(rbm.hidden_bias)),
        ("training data", None if mean is None else f"mean {mean.mean():.3g}"),
        ("integers", integers),
    ]
    if rbm.history:
        last = rbm.history[-1]
        rows.append(("trained", f"{last['epoch']} epochs, {last['updates']} updates"))
        score = last["pseudo_likelihood"]
        if score is not None:
            rows.append(("pseudo-likelihood, training", f"{score:.2f} nats an example"))
    rows.append(("SHA-256", f"{rbm.sha256()[:16]}…"))
    return _box("Restricted Boltzmann machine", _table(rows) + _filters(rbm))


def of_log_likelihood(score: LogLikelihood) -> str:
    """The figure, its interval, and the verdict with its reasons."""
    colour = _COLOURS.get(score.verdict, "inherit")
    level = "99 % interval" if score.is_believable else "interval"
    figure = (
        f"<b>{score.mean:.2f}</b> nats an example <span style='opacity:.75'>(± "
        f"{score.standard_error:.2f} over examples)</span>"
    )
    verdict = f"<b style='color:{colour}'>{escape(score._verdict_in_words())}</b>"
    rows: list[tuple[str, Any]] = [("log-likelihood", _Html(figure)), ("verdict", _Html(verdict))]
    if score._estimates():
        rows.append((level, f"{score.low:.2f} to {score.high:.2f}, by that of {score._estimates()}"))
    if score.independent is not None:
        rows.append(("independent units", f"{score.independent:.2f}"))
    ends = f" ({score.log_z_low:.3f} to {score.log_z_high:.3f})" if score.method != "exact" else ""
    rows.append(("log Z", f"{score.log_z:.3f}{ends}, by {score.estimate}"))
    if score.ess is not None:
        rows.append(("effective sample size", f"{score.ess:.0f}"))
    rows += [("base", score.base), ("back from", score.reverse_start)]
    notes = "".join(f"<li>{escape(text)}</li>" for text in score.reasons)
    notes += "".join(f"<li>To do: {escape(text)}</li>" for text in score.remedies)
    for warning in (score.mixing or {}).get("warnings", []):
        notes += f"<li>{escape(warning['what'])}: {escape(warning['remedy'])}</li>"
    caveat = f"<div style='opacity:.75'>{escape(score.caveat)}</div>" if score.caveat else ""
    notes = f"<ul style='margin:.3em 0'>{notes}</ul>" if notes else ""
    return _box("Log-likelihood", _table(rows) + notes + _sides(score) + caveat)


def of_run(run: Run) -> str:
    """The state of a run, its settings that matter, and its last metrics."""
    settings = run.settings
    last = run.records[-1] if run.records else {}
    score = last.get("pseudo_likelihood")
    likelihood = run.likelihood
    rows: list[tuple[str, Any]] = [
        ("folder", run.folder),
        ("state", run.state + (f": {run.failure}" if run.failure else "")),
        ("epochs", f"{last.get('epoch', 0)} of {run.n_epochs or '?'}"),
        ("data", settings["data"]),
        ("hidden units", settings["hidden"]),
        ("algorithm", settings["algorithm"]),
        ("pseudo-likelihood, training", None if score is None else f"{score:.2f} nats an example"),
        ("log-likelihood", likelihood and f"{likelihood.mean:.2f} ({likelihood._verdict_in_words()})"),
    ]
    return _box("Run", _table(rows))


def of_sweep(sweep: Sweep) -> str:
    """The best choices of values, with their scores."""
    cell = "text-align:left;padding:.1em .8em .1em 0;border:none;background:none"
    columns = ["rank", *sweep.names, sweep.metric, "state", "updates", "runs"]
    head = "".join(f"<th style='{cell}'>{escape(name)}</th>" for name in columns)
    lines = []
    for row in sweep.table[:_CHOICES]:
        texts = {name: str(row[name]) for name in columns if name not in ("runs", sweep.metric)}
        texts[sweep.metric] = _score(row, sweep.metric)
        texts["runs"] = " ".join(row["runs"])
        cells = "".join(f"<td style='{cell}'>{escape(texts[name])}</td>" for name in columns)
        lines.append(f"<tr style='background:none'>{cells}</tr>")
    rest = len(sweep.table) - len(lines)
    more = f"<div style='opacity:.75'>and {rest} more in `table`</div>" if rest > 0 else ""
    table = f"<table style='border:none;margin:.3em 0'><tr>{head}</tr>{''.join(lines)}</table>"
    return _box("Sweep", _table([("folder", sweep.folder)]) + table + more)


def _score(row: dict[str, Any], metric: str) -> str:
    score, error = row[metric], row["standard_error"]
    if score is None:
        return "–"
    return f"{score:.3f}" + ("" if error is None else f" ± {error:.3f}") + (" (doubtful)" if row["doubtful"] else "")


class _Html(str):
    """Text that is HTML already."""


def _box(title: str, body: str) -> str:
    return f"<div style='{_BOX}'><div style='font-weight:bold'>{title}</div>{body}</div>"


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    cell = "text-align:left;padding:.1em .8em .1em 0;border:none;background:none;vertical-align:top"
    lines = []
    for name, value in rows:
        if value is not None and value is not False:
            text = value if isinstance(value, _Html) else escape(str(value))
            lines.append(
                f"<tr style='background:none'><td style='{cell};opacity:.75;white-space:nowrap'>{escape(name)}</td>"
                f"<td style='{cell}'>{text}</td></tr>"
            )
    return f"<table style='border:none;margin:.3em 0'>{''.join(lines)}</table>"


def _range(values: Any) -> str:
    return f"{values.min():.3g} to {values.max():.3g}"


def _rms(values: Any) -> float:
    return float((values.astype(float) ** 2).mean() ** 0.5)


def _filters(rbm: Rbm) -> str:
    if rbm.image_shape is None:
        return ""
    picture = base64.b64encode(filters_png(rbm, _FILTERS)).decode()
    return (
        f"<img alt='filters' src='data:image/png;base64,{picture}' "
        "style='max-width:100%;width:32em;image-rendering:pixelated;margin-top:.4em'>"
    )


def _sides(score: LogLikelihood) -> str:
    """The intervals of log Z as bars, one below the other."""
    sides = [
        ("quoted", (score.log_z, score.log_z_low, score.log_z_high)),
        ("forward", score.forward),
        ("reverse", score.reverse),
        ("from uniform", score.witness),
    ]
    known = [(name, side) for name, side in sides if side is not None and side[1] < side[2]]
    if len(known) < 2:
        return ""
    low = min(side[1] for _, side in known)
    high = max(side[2] for _, side in known)
    left, width, line = 96, 380, 20
    x = lambda value: left + 4 + (value - low) / (high - low) * (width - 8)  # noqa: E731
    parts = []
    for at, (name, (middle, start, end)) in enumerate(known):
        y = at * line + line / 2
        colour = _COLOURS.get(score.verdict, "#888") if at == 0 else "#888"
        parts.append(
            f"<text x='0' y='{y + 4:.0f}' font-size='12' fill='currentColor'>{name}</text>"
            f"<line x1='{x(start):.1f}' x2='{x(end):.1f}' y1='{y:.0f}' y2='{y:.0f}' stroke='{colour}' "
            f"stroke-width='3'/><circle cx='{x(middle):.1f}' cy='{y:.0f}' r='4' fill='{colour}'/>"
        )
    foot = len(known) * line + 12
    ends = "".join(
        f"<text x='{at}' y='{foot}' font-size='11' fill='currentColor' text-anchor='{anchor}'>"
        f"{value:.2f}</text>"
        for at, value, anchor in [(left, low, "start"), (left + width, high, "end")]
    )
    return (
        f"<svg width='{left + width}' height='{foot + 4}' role='img' style='max-width:100%'>"
        f"<title>log Z by each estimate</title>{''.join(parts)}{ends}</svg>"
    )
