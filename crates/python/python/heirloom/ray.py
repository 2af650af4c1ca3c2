"""Whole trees of images on Ray, on one machine or many.

:func:`encode_files` and :func:`decode_files` work on trees of files; :class:`Encoder` and :class:`Decoder`
are actors for ``map_batches`` of Ray Data::

    import heirloom.ray

    report = heirloom.ray.encode_files("photos", "archive", quality=60)
    print(report, report.failed)

Each task has one processor and one thread. Ray must be able to import this package on every machine.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from . import Model
from ._actors import Decoder, Encoder
from ._cluster import run as _run
from ._heirloom import encode_file as _encode_file
from ._options import decoding, encoding
from ._report import Failed, Report
from ._trees import Tree
from ._work import Work
from .errors import BadParameterError
from .files import EXTENSIONS, FORMATS

if TYPE_CHECKING:
    import os

__all__ = ["Decoder", "Encoder", "Failed", "Report", "decode_files", "encode_files"]


def encode_files(
    source: "str | os.PathLike[str]",
    target: "str | os.PathLike[str]",
    quality: float = 50,
    *,
    lam: "float | None" = None,
    target_size: "int | None" = None,
    target_psnr: "float | None" = None,
    lossless: "bool | None" = None,
    effort: int = 1,
    strict: bool = False,
    model: "Model | str | os.PathLike[str] | None" = None,
    max_memory: "int | None" = None,
    source_filesystem: Any = None,
    target_filesystem: Any = None,
    retries: int = 3,
    progress: bool = True,
    task_options: "dict[str, Any] | None" = None,
) -> Report:
    """Encodes all images of a tree into a tree like it: ``a/b.jpg`` becomes ``a/b.jpg.hlm``.

    The files are those that ``heirloom encode --recursive`` writes. Those are taken whose extension is one of
    ``heirloom.files.EXTENSIONS``. A result that is not older than its image is not made again, so that a run
    that was ended goes on where it was, and a second one does nothing.

    Args:
        source: A folder: a path, a URI that ``pyarrow.fs`` knows, such as ``s3://bucket/photos``, or a path
            on `source_filesystem`. On one machine only, a path may be one of its own disk; all machines must
            see the same files.
        target: Likewise. New, empty, or of an earlier run with the same settings.
        quality, lam, target_size, target_psnr, lossless, effort, max_memory: As in :func:`heirloom.encode`.
        strict: Whether to count images as failed of which anything would not be kept. The report says how
            many there were otherwise.
        model: The model that encodes, which is sent to the workers.
        source_filesystem, target_filesystem: A file system of ``pyarrow.fs`` or fsspec.
        retries: How often a file is tried again whose worker has ended.
        progress: Whether to show progress on standard error.
        task_options: Further options of Ray's tasks, such as ``{"memory": 4 << 30}``.

    Returns:
        A report, which is also written to ``.heirloom/report.json`` in the target. Images that are damaged,
        or whose worker ended each time, are in ``report.failed``; they never end the run.

    Raises:
        BadParameterError: A target that holds something else, or an option out of range.
        OSError: A source that is not there, or a file system that fails in listing.
    """
    rate = {"quality": quality, "lam": lam, "target_size": target_size, "target_psnr": target_psnr}
    options = {**rate, "lossless": lossless, "effort": effort, "max_memory": max_memory}
    # A value out of range is the caller's mistake, not that of every image.
    _encode_file(b"P5 1 1 255 \0", encoding(quality=quality, lam=lam, effort=effort, model=model), strict)

    def name(file: str) -> "str | None":
        return f"{file}.hlm" if file.rpartition(".")[2].lower() in EXTENSIONS and "." in file else None

    trees = _trees(source, target, source_filesystem, target_filesystem)
    settings = {"work": "encode", "strict": strict, **options}
    work = Work(*trees, _new_run(), None, options, strict)
    return _start(work, name, settings, model, retries, progress, task_options)


def decode_files(
    source: "str | os.PathLike[str]",
    target: "str | os.PathLike[str]",
    format: str = "png",
    *,
    scale: float = 1,
    quick: bool = False,
    partial: bool = False,
    exact: bool = False,
    model: "Model | str | os.PathLike[str] | None" = None,
    max_memory: "int | None" = None,
    source_filesystem: Any = None,
    target_filesystem: Any = None,
    retries: int = 3,
    progress: bool = True,
    task_options: "dict[str, Any] | None" = None,
) -> Report:
    """Decodes all ``.hlm`` files of a tree into a tree like it: ``a/b.jpg.hlm`` becomes ``a/b.jpg.png``.

    Args:
        format: The extension of a format: png, jpg, webp, tif, ppm or qoi.
        scale, quick, partial, exact, max_memory: As in :func:`heirloom.decode`. What is missing of damaged files
            that were decoded in part is in the notes of the report.
        model: The model that decodes, which is sent to the workers. By default the newest one of each file's
            lineage that a worker has.

    The other arguments, results and exceptions are those of :func:`encode_files`.
    """
    options = {"scale": scale, "quick": quick, "partial": partial, "exact": exact, "max_memory": max_memory}
    decoding(**options)
    extension = format.lower().removeprefix(".")
    if extension not in FORMATS:
        raise BadParameterError(f"images are not written as {format!r}; use one of {', '.join(FORMATS)}")

    def name(file: str) -> "str | None":
        return f"{file[:-4]}.{extension}" if file.endswith(".hlm") else None

    trees = _trees(source, target, source_filesystem, target_filesystem)
    settings = {"work": "decode", "format": extension, **options}
    work = Work(*trees, _new_run(), extension, options)
    return _start(work, name, settings, model, retries, progress, task_options)


def _trees(source: Any, target: Any, source_filesystem: Any, target_filesystem: Any) -> "tuple[Tree, Tree]":
    trees = Tree.open(source, source_filesystem), Tree.open(target, target_filesystem)
    if trees[1].contains(trees[0]):
        raise BadParameterError(f"the source {trees[0].path} lies in the target {trees[1].path}; give another target")
    return trees


def _new_run() -> str:
    return f"unfinished-{uuid.uuid4().hex}"


def _start(
    work: Work,
    name: Any,
    settings: "dict[str, Any]",
    model: Any,
    retries: int,
    progress: bool,
    task_options: "dict[str, Any] | None",
) -> Report:
    bytes_of_model = None
    # With the default model, a later one may go on with a tree: files of all generations live together.
    settings["model"] = "default"
    if model is not None:
        chosen = model if isinstance(model, Model) else Model(model)
        settings["model"] = chosen.generation_id
        if chosen.path is not None:
            with open(chosen.path, "rb") as file:
                bytes_of_model = file.read()
        elif chosen.generation_id != Model("default").generation_id:
            raise BadParameterError("a model that is only in memory cannot be sent to workers; give its path")
    return _run(work, name, settings, bytes_of_model, retries, progress, task_options)
