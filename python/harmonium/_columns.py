"""Columns of bits and categories: tables of values, and the states of sites."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from ._harmonium import refuse_masked

# Names of the columns, or None; the different values of each, as texts; the place of each cell in these.
Coded = Tuple[Optional[List[str]], List[List[str]], NDArray[np.int32]]

# The place of a cell without a value.
_NO_VALUE = -1


def sequences(data: Any, are_sites: bool = True) -> list[str] | None:
    """Texts that are sequences; None for other data. With `are_sites`, rows of single letters are sequences, too.

    >>> sequences(np.array(["AC-T", "TTTT"])), sequences([["A", "C"], ["T", "T"]])
    (['AC-T', 'TTTT'], ['AC', 'TT'])
    >>> sequences([[0, 1]]) is None, sequences([["A", None]]) is None, sequences([["A"]], False) is None
    (True, True, True)
    """
    if hasattr(data, "columns") or hasattr(data, "tocsr") or isinstance(data, np.ma.MaskedArray):
        return None
    if isinstance(data, (list, tuple)):
        first = data[0] if data else None
        if isinstance(first, (list, tuple)):
            first = first[0] if first else None
        if not isinstance(first, (str, bytes)) and getattr(first, "dtype", np.dtype(int)).kind not in "USO":
            return None
    elif getattr(getattr(data, "dtype", None), "kind", "O") in "biufc":
        return None
    try:
        cells = np.asarray(data, object)
    except ValueError:
        # Rows of several lengths.
        return None
    if cells.ndim not in (1, 2) or not cells.size:
        return None
    if not all(isinstance(cell, (str, bytes)) for cell in cells.flat):
        return None
    if cells.ndim == 1:
        return [_decoded(text) for text in cells]
    if not are_sites or any(len(cell) != 1 for cell in cells.flat):
        return None
    return ["".join(map(_decoded, row)) for row in cells]


def coded(data: Any) -> Coded | None:
    """A frame, a list or an array of texts as a table of texts; None for plain numbers.

    >>> names, values, codes = coded([["red", 1], ["blue", 1]])
    >>> names, values, codes.tolist()
    (None, [['red', 'blue'], ['1']], [[0, 0], [1, 0]])
    """
    refuse_masked(data)
    names = names_of(data)
    if names is None:
        data = array_of(data)
        if data.dtype.kind in "biuf":
            return None
        if data.ndim != 2:
            raise ValueError(
                f"X has {data.ndim} dimensions, but must have 2, (rows, columns); reshape(1, -1) makes a "
                "row of a vector"
            )
    parts = [codes_of(column) for column in columns_of(data)]
    n_rows = len(parts[0][1]) if parts else 0
    if not n_rows:
        raise ValueError(
            f"X has the shape ({n_rows}, {len(parts)}), but must have at least one row and one column"
        )
    return names, [texts for texts, _ in parts], np.column_stack([codes for _, codes in parts])


def names_of(data: Any) -> list[str] | None:
    """The names of the columns of a frame; None for data without any."""
    if not hasattr(data, "columns"):
        return None
    return [str(name) for name in data.columns]


def unit_names(data: Any) -> list[str] | None:
    """The names of the columns of a frame of bits or numbers; None if they only count, or two have one name.

    >>> unit_names(np.eye(2)) is None
    True
    """
    names = names_of(data)
    if not names or are_numbers(names) or len(set(names)) < len(names):
        return None
    return names


def in_order(data: Any, names: Sequence[str] | None) -> Any:
    """A frame with the columns of these names, in their order; other data as they are."""
    own = unit_names(data)
    if names is None or own is None or own == list(names):
        return data
    lacking = [name for name in names if name not in own]
    if lacking:
        raise ValueError(
            f"the frame has no column {lacking[0]!r}, which the model needs; its columns are {', '.join(own[:10])}"
        )
    places = [own.index(name) for name in names]
    return data.iloc[:, places] if hasattr(data, "iloc") else data[list(names)]


def columns_of(data: Any) -> list[Any]:
    """The columns of a frame, or of an array."""
    if not hasattr(data, "columns"):
        return list(array_of(data).T)
    if hasattr(data, "iloc"):
        return [data.iloc[:, place] for place in range(len(data.columns))]
    return [data[name] for name in data.columns]


def of_sites(sites: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    """The columns of these sites, as model files have them. A site is a list of the names of its states, the
    number q of the states 0 to q - 1, or 1 for a bit.

    >>> of_sites([1, ["red", "blue"]])["array"]["columns"][1]
    {'name': '2', 'category': ['red', 'blue']}
    """
    if isinstance(sites, Mapping):
        return dict(sites)
    columns = []
    for number, states in enumerate(sites, start=1):
        if np.ndim(states) == 0:
            q = int(states)
            if q != states or not 1 <= q <= 255:
                raise ValueError(
                    f"column {number} has {states} states, but must have from 2 to 255, or 1 for a bit"
                )
            states = range(max(q, 2))
            kind = "bit" if q == 1 else "category"
        else:
            kind = "category"
        columns.append({"name": str(number), kind: [text_of(state) for state in states]})
    return {"array": {"width": len(columns), "columns": columns}}


def state_names(columns: Mapping[str, Any]) -> list[list[str]]:
    """The names of the states of each column.

    >>> state_names(of_sites([1, ["red", "blue"]]))
    [['0', '1'], ['red', 'blue']]
    """
    if "sequences" in columns:
        sequences = columns["sequences"]
        return [list(sequences["alphabet"]) for _ in range(sequences["length"])]
    table = columns["table"] if "table" in columns else columns["array"]["columns"]
    return [column["bit"] if "bit" in column else column["category"] for column in table]


def table_names(columns: Mapping[str, Any]) -> list[str] | None:
    """The names of the columns, if the data have a header."""
    return [column["name"] for column in columns["table"]] if "table" in columns else None


def are_numbers(names: Sequence[str]) -> bool:
    """Whether all names are finite numbers."""
    try:
        return all(np.isfinite(float(name)) for name in names)
    except ValueError:
        return False


def text_of(value: Any) -> str:
    """A value as a table writes it."""
    return str(value.item() if isinstance(value, np.generic) else value)


def plain_values(names: list[str]) -> NDArray[Any]:
    """Names of states as numbers or booleans, if all are."""
    if {name.lower() for name in names} == {"false", "true"}:
        return np.array([name.lower() == "true" for name in names])
    return as_numbers(names) if are_numbers(names) else objects(names)


def as_numbers(names: list[str]) -> NDArray[Any]:
    """Numbers, whole if all are."""
    numbers = np.array([float(name) for name in names])
    return numbers.astype(np.int64) if (numbers == np.floor(numbers)).all() else numbers


def objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """An array that keeps each value as it is."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def is_missing(value: Any) -> bool:
    """Whether a cell has no value: None, or NaN and the like, which differ from themselves.

    >>> is_missing(float("nan")), is_missing("NaN")
    (True, False)
    """
    # pandas.NA does not say whether it differs.
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def unknown_in(values: Any) -> str | None:
    """The first of these values that is none, as messages say it; None if all are values.

    >>> unknown_in(["a", None]), unknown_in([1, float("nan")]), unknown_in(np.ma.masked_array([1, 2], [0, 1]))
    ('None', 'nan', 'a masked value')
    >>> unknown_in(["NaN", 0]) is None
    True
    """
    if np.ma.is_masked(values):
        return "a masked value"
    array = np.asarray(values)
    if array.dtype.kind in "biuSU" and not isinstance(values, (list, tuple)):
        return None
    cells = np.asarray(values, object).reshape(-1)
    return next((str(cell) for cell in cells if is_missing(cell)), None)


def array_of(rows: Any) -> NDArray[Any]:
    """Rows as an array. Numbers among texts stay numbers."""
    array = np.asarray(rows)
    return np.asarray(rows, object) if array.dtype.kind in "US" and array is not rows else array


def codes_of(column: Any) -> tuple[list[str], NDArray[np.int32]]:
    """The different values of a column as texts, and the place of each cell in them, or -1 if it has none."""
    if hasattr(column, "cat") and hasattr(column.cat, "codes"):
        # A categorical of pandas: values that do not occur do no harm.
        return [text_of(value) for value in column.cat.categories], _narrow(column.cat.codes)
    cells = np.asarray(column)
    if cells.dtype.kind in "biuSUf":
        values, places = np.unique(cells, return_inverse=True)
        texts = [_decoded(value) for value in values.tolist()]
        codes = _narrow(places)
        if cells.dtype.kind == "f":
            codes[np.isnan(cells)] = _NO_VALUE
        return texts, codes
    seen: dict[str, int] = {}
    codes = np.full(len(cells), _NO_VALUE, np.int32)
    for row, value in enumerate(cells.tolist()):
        if not is_missing(value):
            codes[row] = seen.setdefault(_decoded(value), len(seen))
    return list(seen), codes


def _narrow(codes: Any) -> NDArray[np.int32]:
    narrow: NDArray[np.int32] = np.array(codes, np.int32).reshape(-1)
    return narrow


def _decoded(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
