"""How many threads there are unless ``set_threads`` says so."""

import os
import sys

from .errors import BadParameterError

# Process that this package was imported in first. In another one, it was copied by fork.
_process = os.getpid()


def from_environment() -> "int | None":
    """Number of threads that the environment asks for, or None for one per core.

    ``HEIRLOOM_THREADS`` comes first; then ``OMP_NUM_THREADS``, which Ray, joblib and Slurm set for their
    workers; then 1 in a process that ``multiprocessing`` or ``os.fork`` has made, since there are mostly
    as many of them as cores.
    """
    if text := os.environ.get("HEIRLOOM_THREADS"):
        if not text.isdecimal() or int(text) == 0:
            raise BadParameterError(f"HEIRLOOM_THREADS is {text!r}, not a number from 1 on")
        return int(text)
    # It may be a list, one number for each level of nesting. OpenMP ignores other texts.
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if first.isdecimal() and int(first) > 0:
        return int(first)
    return 1 if _is_worker() else None


def _is_worker() -> bool:
    # Where it is not imported, this is not one of its workers.
    process = sys.modules.get("multiprocessing.process")
    return os.getpid() != _process or (process is not None and process.parent_process() is not None)
