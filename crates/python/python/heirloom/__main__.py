"""The command: ``heirloom`` on the path, and ``python -m heirloom``."""

import signal
import sys

from ._heirloom import run_command


def main() -> int:
    """Runs the command with this process's arguments and returns its exit status."""
    # Python's handler would wait for Python to go on, which it does when the command has ended. The command
    # takes over a signal that has no handler, and none that is ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run_command(["heirloom", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
