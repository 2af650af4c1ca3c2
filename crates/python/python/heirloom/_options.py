"""Options as the compiled module takes them, with checked types."""

from __future__ import annotations

import os
from typing import Any

from ._heirloom import Model, prepare
from ._input import bare_exif
from .errors import BadParameterError

# Pixels of an image for one of its smaller copy, in each direction.
_DIVISORS = {1: 1, 1 / 2: 2, 1 / 4: 4, 1 / 8: 8, 1 / 16: 16}


def _model(model: Any) -> "Model | None":
    return model if model is None or isinstance(model, Model) else Model(os.fspath(model))


def encoding(
    *,
    quality: "float | None" = None,
    lam: "float | None" = None,
    target_size: "int | None" = None,
    target_psnr: "float | None" = None,
    lossless: "bool | None" = None,
    effort: int = 1,
    model: Any = None,
    icc: "bytes | None" = None,
    exif: "bytes | None" = None,
    xmp: "bytes | None" = None,
    max_memory: "int | None" = None,
) -> "dict[str, Any]":
    """Options of encoding. A quality counts only where nothing takes its place."""
    replaced = (lam, target_size, target_psnr) != (None, None, None)
    return {
        "quality": None if replaced else quality,
        "lam": lam,
        "target_size": target_size,
        "target_psnr": target_psnr,
        "lossless": lossless,
        "effort": effort,
        "max_memory": max_memory,
        "model": _model(model),
        # Empty metadata is none.
        "icc": icc or None,
        "exif": bare_exif(exif) or None,
        "xmp": xmp or None,
    }


def decoding(
    *,
    crop: "tuple[int, int, int, int] | None" = None,
    scale: float = 1,
    quick: bool = False,
    partial: bool = False,
    exact: bool = False,
    model: Any = None,
    max_memory: "int | None" = None,
) -> "dict[str, Any]":
    """Options of decoding."""
    divisor = _DIVISORS.get(scale)
    if divisor is None:
        raise BadParameterError(f"scale {scale!r} is none of 1, 1/2, 1/4, 1/8 and 1/16")
    if crop is not None:
        crop = tuple(crop)
        if len(crop) != 4 or min(crop) < 0:
            raise BadParameterError(f"the crop {crop} is not x, y, width and height in pixels")
    return {
        "crop": crop,
        "divisor": divisor,
        "quick": quick,
        "partial": partial,
        "exact": exact,
        "max_memory": max_memory,
        "model": _model(model),
    }


# Before anyone can fork, see there.
prepare(encoding(), decoding())
