"""Chunks of arrays as images: what the codecs of Zarr and numcodecs have in common."""

from __future__ import annotations

import numpy as np

from .errors import BadParameterError, UnsupportedError


def check_dtype(dtype: np.dtype) -> None:
    """Refuses what is not uint8 or uint16, of any byte order."""
    if dtype.kind != "u" or dtype.itemsize > 2:
        raise UnsupportedError(
            f"the codec 'heirloom' holds arrays of dtype uint8 and uint16, not {dtype}; use another codec for this one"
        )


def image_shape(shape: "tuple[int, ...]") -> "tuple[int, ...]":
    """The shape (height, width) or (height, width, channels) of the image in a chunk: the chunk's without
    leading axes of length 1.

    >>> image_shape((512, 512)), image_shape((1, 1, 512, 512)), image_shape((1, 512, 512, 3))
    ((512, 512), (512, 512), (512, 512, 3))
    """
    leading = 0
    while len(shape) - leading > 2 and shape[leading] == 1 and not _is_image(shape[leading:]):
        leading += 1
    if not _is_image(shape[leading:]):
        raise BadParameterError(
            f"chunks of the shape {tuple(shape)} are no images; the codec 'heirloom' holds (height, width), or "
            "(height, width, channels) with 1 to 4 channels, behind any number of axes of length 1"
        )
    return tuple(shape[leading:])


def _is_image(shape: "tuple[int, ...]") -> bool:
    return len(shape) == 2 or (len(shape) == 3 and 1 <= shape[2] <= 4)
