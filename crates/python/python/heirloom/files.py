"""Image files as the command reads and writes them: PNG, JPEG and others to Heirloom files, and back.

Where :func:`heirloom.encode` takes pixels, this takes the bytes of an image file, with its metadata. It
needs neither NumPy nor Pillow.

>>> import heirloom.files
>>> data = heirloom.files.encode(b"P5 2 1 255 \\x00\\xff", lossless=True)
>>> heirloom.files.decode(data, "pgm")
b'P5\\n2 1\\n255\\n\\x00\\xff'
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

from ._heirloom import decode_file, encode_file, extensions
from ._input import file as _bytes
from ._options import decoding, encoding
from .errors import NotKeptWarning

if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from . import Model

__all__ = ["EXTENSIONS", "FORMATS", "decode", "encode"]

EXTENSIONS: "tuple[str, ...]" = tuple(extensions())
"""Extensions of the files that :func:`encode` reads, in lower case and without a dot."""

FORMATS = ("png", "jpg", "webp", "tif", "ppm", "qoi")
"""Formats that :func:`decode` writes."""


def encode(
    data: "bytes | bytearray | memoryview | BinaryIO",
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
) -> bytes:
    """Encodes an image file into a Heirloom file, the same one as the command writes.

    Args:
        data: The bytes of a PNG, JPEG, WebP, TIFF, GIF, BMP, QOI, TGA, PNM or JPEG XL file, or a file object.
            ICC profile, Exif and XMP are kept.
        strict: Whether to refuse files of which anything would not be kept. By default a
            :class:`NotKeptWarning` says what that is.

    The other arguments are those of :func:`heirloom.encode`.

    Raises:
        DamagedError: An image file that is damaged or cut short.
        UnsupportedError: A file of another kind, or something in it that is not read.
        BadParameterError, OverLimitError: As in :func:`heirloom.encode`.
    """
    options = encoding(
        quality=quality,
        lam=lam,
        target_size=target_size,
        target_psnr=target_psnr,
        lossless=lossless,
        effort=effort,
        model=model,
        max_memory=max_memory,
    )
    result, _, notes = encode_file(_in_memory(data), options, strict)
    return _warning(result, notes)


def decode(
    data: "bytes | bytearray | memoryview | BinaryIO",
    format: str = "png",
    *,
    crop: "tuple[int, int, int, int] | None" = None,
    scale: float = 1,
    quick: bool = False,
    partial: bool = False,
    exact: bool = False,
    model: "Model | str | os.PathLike[str] | None" = None,
    max_memory: "int | None" = None,
) -> bytes:
    """Decodes a Heirloom file into an image file, the same one as the command writes.

    Args:
        data: The bytes of a file, or a file object.
        format: The extension of a format: png, jpg, webp, tif, ppm or qoi. A :class:`NotKeptWarning` says
            what the format cannot hold.

    The other arguments, and the exceptions, are those of :func:`heirloom.decode`. Of a damaged file, with
    `partial`, the warning says what is missing.
    """
    options = decoding(
        crop=crop, scale=scale, quick=quick, partial=partial, exact=exact, model=model, max_memory=max_memory
    )
    result, _, notes = decode_file(_in_memory(data), options, format.lower().removeprefix("."))
    return _warning(result, notes)


def _in_memory(data: "Any") -> bytes:
    if isinstance(data, (str, os.PathLike)):
        raise TypeError("image files are given as bytes or as file objects here, not as paths")
    return _bytes(data)


def _warning(result: bytes, notes: "list[str]") -> bytes:
    for note in notes:
        warnings.warn(f"the image: {note}", NotKeptWarning, stacklevel=3)
    return result
