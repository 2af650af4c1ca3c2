"""The command: ``heirloom`` on the path, and ``python -m heirloom``."""

import sys

from ._heirloom import run_command


def main() -> int:
    """Runs the command with this process's arguments and returns its exit status."""
    return run_command(["heirloom", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
