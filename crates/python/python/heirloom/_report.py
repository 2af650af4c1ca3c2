"""What became of the files of a tree: counts, failures, and progress."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ._work import Outcome


class Failed(NamedTuple):
    """A file that was not done."""

    path: str
    """Path within the source."""
    error: str
    """Name of the class of the exception."""
    message: str
    """What is wrong, where, and what can be done."""


@dataclass
class Report:
    """What became of the files of a tree."""

    done: int = 0
    """Files that were encoded or decoded."""
    skipped: int = 0
    """Files whose results were there already."""
    failed: "list[Failed]" = field(default_factory=list)
    """Files that were not done, and why. A later run tries them again."""
    notes: "Counter[str]" = field(default_factory=Counter)
    """What of the images was not kept, in words, and of how many."""
    bytes_read: int = 0
    """Bytes of the files that were done."""
    bytes_written: int = 0
    """Bytes of their results."""
    pixels: int = 0
    """Pixels of their images."""
    lost_workers: int = 0
    """Times that a worker ended in the middle of its work, which was then given to another one."""
    seconds: float = 0.0
    """Duration of the run."""

    @property
    def images_per_second(self) -> float:
        """Images that were done in each second of the run."""
        return self.done / self.seconds if self.seconds else 0.0

    def add(self, outcome: "Outcome") -> None:
        """Counts a file."""
        if outcome.error is not None:
            self.failed.append(Failed(outcome.item.source, *outcome.error))
            return
        self.done += 1
        self.bytes_read += outcome.read
        self.bytes_written += outcome.written
        self.pixels += outcome.pixels
        self.notes.update(outcome.notes)

    def json(self) -> bytes:
        """All of it, as the file in the target."""
        fields = dict(vars(self), failed=[each._asdict() for each in self.failed], notes=dict(self.notes))
        return json.dumps(fields, indent=1).encode()

    def __str__(self) -> str:
        text = f"{self.done} files done, {self.skipped} were done before, {len(self.failed)} failed; "
        text += f"{self.bytes_read} -> {self.bytes_written} bytes"
        return f"{text}; {self.images_per_second:.1f} images a second" if self.done else text


class Progress:
    """Shows a report on standard error, as it grows: every second on a terminal, else every half minute."""

    def __init__(self, shown: bool) -> None:
        self._terminal = sys.stderr.isatty()
        self._pause = (1 if self._terminal else 30) if shown else None
        self._next = time.monotonic() + (self._pause or 0)

    def show(self, report: Report) -> None:
        """Shows the report if it is time."""
        if self._pause is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._pause
            print(f"{report}\033[K\r" if self._terminal else report, end="" if self._terminal else "\n", file=sys.stderr)

    def end(self, report: Report) -> None:
        """Shows the report at last."""
        if self._pause is not None:
            print(f"{report}\033[K" if self._terminal else report, file=sys.stderr, flush=True)
