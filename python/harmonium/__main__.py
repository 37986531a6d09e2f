"""`python -m harmonium`, and the command `harmonium` that the package brings."""

from __future__ import annotations

import signal
import sys

from ._harmonium import command


def main() -> None:
    """Run the command line and end the process with its exit code, as the program of the library does."""
    # Python would only remember Ctrl-C until the command returns. Who started it may have Ctrl-C ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    command(["harmonium", *sys.argv[1:]])


if __name__ == "__main__":
    main()
