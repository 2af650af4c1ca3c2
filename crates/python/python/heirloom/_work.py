"""What a worker does with a few files of a tree."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from . import Model
from ._heirloom import decode_file, encode_file
from ._options import decoding, encoding

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ._trees import Item, Tree

# Files that are read ahead while one is coded: other machines answer slowly.
_AHEAD = 4


@dataclass(frozen=True)
class Work:
    """What is to be done with each file of a tree."""

    source: "Tree"
    target: "Tree"
    # The folder of unfinished files.
    run: str
    # Format of the results, None to encode.
    format: "str | None"
    # Arguments of `encoding` or `decoding`, but for the model.
    options: "dict[str, Any]"
    strict: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    item: "Item"
    # Bytes read and written, and pixels; 0 if it failed.
    read: int = 0
    written: int = 0
    pixels: int = 0
    # What was not kept, in words.
    notes: "tuple[str, ...]" = ()
    # Name of the class of the exception, and its message.
    error: "tuple[str, str] | None" = None


@lru_cache(maxsize=2)
def _model(data: bytes) -> Model:
    return Model(data)


def work_on(work: Work, items: "list[Item]", model: "bytes | None") -> "list[Outcome]":
    """Encodes or decodes files. One that fails does not keep the others from being done."""
    options = dict(work.options, model=_model(model) if model is not None else None)
    options = encoding(**options) if work.format is None else decoding(**options)
    outcomes: "list[Outcome]" = []
    with ThreadPoolExecutor(_AHEAD) as threads:
        reads: "deque[tuple[Item, Future[bytes]]]" = deque()
        writes: "list[tuple[Outcome, Future[None]]]" = []
        waiting = iter(items)

        def read_ahead() -> None:
            while len(reads) < _AHEAD and (item := next(waiting, None)) is not None:
                reads.append((item, threads.submit(work.source.read, item.source)))

        read_ahead()
        while reads:
            item, future = reads.popleft()
            try:
                data = future.result()
                read_ahead()
                if work.format is None:
                    result, (width, height), notes = encode_file(data, options, work.strict)
                else:
                    result, (width, height), notes = decode_file(data, options, work.format)
            except Exception as error:
                outcomes.append(_failed(item, error))
                read_ahead()
                continue
            done = Outcome(item, len(data), len(result), width * height, tuple(notes))
            writes.append((done, threads.submit(work.target.write, item.target, result, work.run, item.modified)))
        for done, future in writes:
            try:
                future.result()
                outcomes.append(done)
            except Exception as error:
                outcomes.append(_failed(done.item, error))
    return outcomes


def _failed(item: "Item", error: Exception) -> Outcome:
    return Outcome(item, error=(type(error).__name__, str(error)))
