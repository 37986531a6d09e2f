"""Settings as keywords: their signature and documentation come from the library's table."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any, Callable, Iterable

_SETTINGS = "**settings\n    {settings}"

# Settings of runs that may hold values in place of a path or a name, and those that are paths.
VALUES = ("data", "labels", "weights", "test_data", "test_labels")
_PATHS = ("missing_mask", "test_missing_mask", "init")
# Settings that take more than the texts of a file.
_TYPES = {"categories": "str | int | tuple[float, ...]"}


def with_keywords(function: Callable[..., Any], table: Iterable[dict[str, Any]]) -> None:
    """Spell `**settings` out in the signature and the documentation of a function, for editors and help."""
    table = list(table)
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    keywords = [
        inspect.Parameter(
            row["name"],
            inspect.Parameter.KEYWORD_ONLY,
            default=row["default"],
            annotation=annotation(row),
        )
        for row in table
    ]
    function.__signature__ = signature.replace(parameters=[*own, *keywords])  # type: ignore[attr-defined]
    if function.__doc__ is not None:
        # Python 3.13 and later keep a docstring without its indentation.
        text = inspect.cleandoc(function.__doc__)
        function.__doc__ = text.replace(_SETTINGS, "\n".join(documented(row) for row in table))


def annotation(row: dict[str, Any]) -> str:
    """The type of a setting.

    >>> annotation({"type": "int", "default": None})
    'int | None'
    """
    name, kind = row.get("name", ""), row["type"]
    if name in VALUES:
        return "Any"
    kind = "str | os.PathLike[str]" if name in _PATHS else _TYPES.get(name, kind)
    return kind + (" | None" if row["default"] is None else "")


def documented(row: dict[str, Any]) -> str:
    """A setting, documented as a parameter."""
    name, kind, default = row["name"], row["type"], repr(row["default"])
    kind = _TYPES.get(name, kind)
    kind = "path, name or array-like" if name in VALUES else "path" if name in _PATHS else kind
    kind += " or None" if row["default"] is None else ""
    facts = [row["sentence"].rstrip(".")]
    facts += [row["range"]] if row["range"] else []
    facts += [f"usual: {row['usual']}"] if row["usual"] else []
    facts += [f"{default}: {row['unset']}"] if row["unset"] else []
    lines = textwrap.wrap("; ".join(facts) + ".", 96)
    return "\n    ".join([f"{name} : {kind}, default {default}", *lines])
