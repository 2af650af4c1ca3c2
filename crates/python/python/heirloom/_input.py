"""Files and images of many kinds, turned into the few that the compiled module takes."""

from __future__ import annotations

import os
import sys
from typing import Any

EXIF_PREFIX = b"Exif\0\0"


def file(data: Any) -> "bytes | str":
    """The bytes of a file, or its path."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, (str, os.PathLike)):
        return os.fspath(data)
    if callable(read := getattr(data, "read", None)):
        data = read()
    try:
        return bytes(memoryview(data))
    except TypeError:
        raise TypeError(
            "a file is given as bytes, as a path, or as an object with a method `read` that returns bytes, not as "
            f"{type(data).__name__}"
        ) from None


def is_pillow(image: Any) -> bool:
    """Whether this is an image of Pillow, which is not imported for that."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def bare_exif(exif: "bytes | None") -> "bytes | None":
    """Exif without the prefix that it has in JPEG files, and in Pillow."""
    return None if exif is None else bytes(exif).removeprefix(EXIF_PREFIX)
