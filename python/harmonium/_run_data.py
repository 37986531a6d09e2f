"""Arrays and frames as the data of a run: files in its folder, so that it can be resumed and evaluated."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import time
from pathlib import Path
from typing import Any, Iterable, Iterator

import numpy as np

from ._columns import in_order, is_missing, names_of, text_of, unit_names
from ._harmonium import held_run, pack, refuse_zeros, states_of, write_whole
from ._settings import VALUES

# The subfolder of a run that holds them.
FOLDER = "data"
# The settings that say what values mean. A packed file knows it.
_MEANING = ("grey_levels", "spins", "categories", "ignore", "missing_value")


@contextlib.contextmanager
def in_folder(
    out: str | os.PathLike[str] | None, settings: dict[str, Any]
) -> Iterator[tuple[str | os.PathLike[str] | None, dict[str, Any]]]:
    """The folder of a run, and its settings with files in place of values. A run that does not begin leaves no
    files."""
    for name, value in settings.items():
        if isinstance(value, (np.ndarray, list, tuple)) or hasattr(value, "columns"):
            if name not in (*VALUES, "image_shape", "ignore", "categories"):
                raise TypeError(
                    f"{name} holds values, but must be a path: a run takes arrays and frames as "
                    f"{', '.join(VALUES)}; values that are missing are NaN in data"
                )
    if out is not None:
        _refuse_run(Path(out))
    if all(_is_name(settings.get(name)) for name in VALUES):
        yield out, settings
        return
    folder, is_new = _made(out)
    files = folder / FOLDER
    had_files = files.is_dir()
    try:
        files.mkdir(exist_ok=True)
        yield folder, _with_files(files, settings)
    finally:
        if held_run(folder) is None:
            # A session that ended before its run began leaves its lock.
            written = [] if had_files else [files / name for name in os.listdir(files)]
            for path in [*written, *([folder / ".lock"] if is_new else [])]:
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                files.rmdir()
                if is_new:
                    folder.rmdir()


def _refuse_run(out: Path) -> None:
    """Refuse a folder that holds a run."""
    found = held_run(out)
    if found is not None:
        raise ValueError(
            f"{out}: already holds a run ({found}); continue it with harmonium.runs.resume({str(out)!r}), or "
            "choose another folder with out="
        )


def _made(out: str | os.PathLike[str] | None) -> tuple[Path, bool]:
    """The folder of a run, and whether it is new."""
    if out is not None:
        folder = Path(out)
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        return folder, is_new
    runs = Path("runs")
    runs.mkdir(exist_ok=True)
    name = time.strftime("array-%Y%m%d-%H%M%S", time.gmtime())
    for attempt in range(1, 1000):
        folder = runs / (name if attempt == 1 else f"{name}-{attempt}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder, True
    raise FileExistsError(f"{runs / name}: exists already; choose another folder with out=")


def _with_files(files: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that name files, which hold the values that were given."""
    settings = dict(settings)
    if _is_name(settings.get("data")):
        for name in ("test_data", "test_labels"):
            if not _is_name(settings.get(name)):
                raise TypeError(
                    f"{name} holds values, but data is {settings['data']!r}: give both as paths, or both as "
                    "arrays"
                )
        for name in ("labels", "weights"):
            _write_column(files, name, settings)
        return settings
    meaning = {name: settings.pop(name) for name in _MEANING if name in settings}
    meaning = {name: value for name, value in meaning.items() if value not in (None, [], ())}
    if isinstance(meaning.get("categories"), str) and meaning["categories"].isdigit():
        meaning["categories"] = int(meaning["categories"])
    refuse_id(settings)
    data, test = settings["data"], settings.get("test_data")
    if "categories" not in meaning and names_of(data) is not None:
        ignored = meaning.pop("ignore", ())
        data, test = without_ignored(data, ignored), without_ignored(test, ignored, are_there=False)
    reading = {name: meaning[name] for name in ("ignore", "missing_value") if name in meaning}
    if settings.get("missing") == "absent" and "categories" in meaning and hasattr(data, "tocsr"):
        refuse_zeros(data, meaning["categories"], **reading)
    data, beside = columns_beside(data, settings)
    test, test_beside = _test_columns(test, settings, beside)
    if "categories" not in meaning:
        test = in_order(test, unit_names(data))
    settings["data"] = str(files / "train.packed")
    pack(data, settings["data"], **meaning, **beside)
    if not _is_name(test):
        settings["test_data"] = str(files / "test.packed")
        if "categories" in meaning:
            # The same states as in training, which test data may not show.
            meaning["categories"] = states_of(data, meaning["categories"], **reading)[0]
            # These columns are all that is read.
            meaning.pop("ignore", None)
        pack(test, settings["test_data"], **meaning, **test_beside)
    for name in ("labels", "test_labels", "weights"):
        _write_column(files, name, settings)
    return settings


def columns_beside(data: Any, settings: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A frame without its columns of labels and weights, and these columns, which `pack` keeps under their names: the
    settings then name columns of the packed file."""
    beside: dict[str, Any] = {}
    for name in ("labels", "weights"):
        column = settings.get(name)
        if isinstance(column, str) and column in (names_of(data) or []):
            data, beside[name] = _without(data, column)
            settings[name] = f"column:{column}"
    return data, beside


def _test_columns(
    test: Any, settings: dict[str, Any], beside: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """A frame of test data without the columns that hold labels and weights in the frame of the training data, and these
    columns. Labels may have a column of their own, or be given as values."""
    names, found = names_of(test) or [], {}
    for name, values in beside.items():
        if values.name in names:
            test, found[name] = _without(test, values.name)
    labels = settings.get("test_labels")
    if labels is None:
        return test, found
    found.pop("labels", None)
    if isinstance(labels, str) and labels in (names_of(test) or []):
        test, found["labels"] = _without(test, labels)
        settings["test_labels"] = f"column:{labels}"
    return test, found


def refuse_id(settings: dict[str, Any]) -> None:
    """Refuse names of rows for values, which the files of a run do not keep."""
    column = settings.get("id")
    if column is not None:
        raise TypeError(
            "id names a column of a file, but data holds values, whose results are in the order of their rows: leave id out, "
            f"and a column of a frame by ignore=[{column!r}]; or give data as the path of a table that has this column"
        )


def _write_column(files: Path, name: str, settings: dict[str, Any]) -> None:
    """Write values, one for each example, to a file that the settings then name."""
    values: Any = settings.get(name)
    if _is_name(values):
        return
    if np.ndim(values) != 1:
        raise ValueError(
            f"{name} has the shape {np.shape(values)}, but must have one value for each example"
        )
    if name == "weights":
        settings[name] = str(files / "weights.npy")
        numbers = io.BytesIO()
        np.save(numbers, np.asarray(values, float))
        write_whole(settings[name], numbers.getvalue())
        return
    # One row, as blanks would separate the cells of a column. Texts may hold commas and semicolons.
    text = io.StringIO()
    known = (value.item() if isinstance(value, np.generic) else value for value in values)
    cells = ["" if is_missing(value) else text_of(value) for value in known]
    csv.writer(text, delimiter="\t", lineterminator="\n").writerow(cells)
    settings[name] = str(files / f"{name}.tsv")
    write_whole(settings[name], text.getvalue().encode())


def without_ignored(data: Any, ignored: Iterable[str], are_there: bool = True) -> Any:
    """A frame of numbers without the columns that are ignored; data of categories leave out their own. If they must be
    there, others are refused."""
    for name in ignored:
        if name in (names_of(data) or []):
            data = _without(data, name)[0]
        elif are_there:
            raise ValueError(f"ignore is {name!r}, but must be names of columns of data")
    return data


def _without(frame: Any, name: str) -> tuple[Any, Any]:
    """A frame without a column, and the column."""
    is_pandas = hasattr(frame, "iloc")
    return frame.drop(columns=[name]) if is_pandas else frame.drop(name), frame[name]


def _is_name(value: Any) -> bool:
    """Whether a setting is a path or another name, or is not given."""
    return value is None or isinstance(value, (str, os.PathLike))
