"""The codec ``heirloom`` of numcodecs, for arrays of Zarr v2 and whatever else uses numcodecs.

>>> import numcodecs, numpy as np
>>> codec = numcodecs.get_codec({"id": "heirloom", "quality": 60})
>>> codec.decode(codec.encode(np.full((1, 64, 64), 90, dtype=np.uint8))).shape
(64, 64)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numcodecs.abc import Codec

from . import decode, encode
from ._chunks import check_dtype, image_shape
from .errors import BadParameterError

__all__ = ["Heirloom"]


class Heirloom(Codec):
    """Arrays (height, width) or (height, width, channels) of dtype uint8 or uint16, lossy unless
    `lossless` is true. The options are those of :func:`heirloom.encode`.

    Decoding gives back the image without leading axes of length 1; Zarr restores them.
    """

    codec_id = "heirloom"

    def __init__(
        self,
        quality: float = 50,
        *,
        lam: "float | None" = None,
        target_psnr: "float | None" = None,
        lossless: "bool | None" = None,
    ) -> None:
        self.quality = quality
        self.lam = lam
        self.target_psnr = target_psnr
        self.lossless = lossless

    def encode(self, buf: Any) -> bytes:
        """Encodes an array."""
        array = np.asarray(buf)
        check_dtype(array.dtype)
        return encode(
            array.reshape(image_shape(array.shape)),
            self.quality,
            lam=self.lam,
            target_psnr=self.target_psnr,
            lossless=self.lossless,
        )

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Decodes an image into a new array, or into `out`, which has its size and dtype."""
        array = decode(buf)
        if out is None:
            return array
        target = np.asarray(out)
        if target.size != array.size or target.dtype != array.dtype:
            raise BadParameterError(
                f"`out` has the shape {target.shape} and dtype {target.dtype}, but the image {array.shape} and "
                f"{array.dtype}"
            )
        np.copyto(target, array.reshape(target.shape))
        return out
