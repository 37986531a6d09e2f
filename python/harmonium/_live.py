"""Pictures in a notebook that are renewed in place while a model trains.

They are HTML, which every notebook shows and keeps; no widget has to live for them.
"""

from __future__ import annotations

import sys
import time
from typing import Any

# The least time between two pictures, in seconds.
_PAUSE = 0.5
# The largest share of the time that pictures take.
_SHARE = 0.02


def in_notebook() -> bool:
    """Whether outputs of this process go to a notebook: Jupyter, VS Code, Colab.

    >>> in_notebook()
    False
    """
    # Where nothing has imported IPython there is no notebook.
    get_shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_shell is not None and getattr(get_shell(), "kernel", None) is not None


class Picture:
    """An output of a notebook's cell, of which each picture takes the place of the one before."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._due = self._begin = 0.0

    def is_due(self, is_last: bool = False) -> bool:
        """Whether it is time for another picture, which is to be made now and then shown."""
        self._begin = time.perf_counter()
        return is_last or self._begin >= self._due

    def show(self, line: str, html: str) -> None:
        """Show a picture; `line` is for what shows texts alone."""
        from IPython.display import display

        data = {"text/plain": line, "text/html": html}
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)
        end = time.perf_counter()
        self._due = end + max(_PAUSE, (end - self._begin) / _SHARE)
