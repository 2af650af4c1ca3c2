"""The codec ``heirloom`` of Zarr v3: each chunk is one Heirloom file.

Zarr finds it by its entry point, so that arrays which were written elsewhere open without an import:

>>> import numpy as np, zarr
>>> from heirloom.zarr import HeirloomCodec
>>> array = zarr.create_array(
...     store={}, shape=(10, 256, 256, 3), chunks=(1, 256, 256, 3), dtype="uint8",
...     serializer=HeirloomCodec(quality=60), compressors=None)
>>> array[0] = np.full((256, 256, 3), 90, dtype=np.uint8)
>>> array[0].shape
(256, 256, 3)
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.abc.codec import ArrayBytesCodec
from zarr.core.common import parse_named_configuration

from . import decode, encode
from ._chunks import check_dtype, image_shape
from .errors import BadParameterError

if TYPE_CHECKING:
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer

__all__ = ["HeirloomCodec"]

_NAME = "heirloom"


@dataclass(frozen=True)
class HeirloomCodec(ArrayBytesCodec):
    """Chunks (height, width) or (height, width, channels) of dtype uint8 or uint16, lossy unless
    `lossless` is true.

    The options are those of :func:`heirloom.encode`; `lam` and `target_psnr` take the place of the
    quality. They count in writing only.
    """

    quality: float = 50
    lam: "float | None" = None
    target_psnr: "float | None" = None
    lossless: "bool | None" = None

    is_fixed_size = False

    @classmethod
    def from_dict(cls, data: "dict[str, Any]") -> "HeirloomCodec":
        """The codec with the options that an array's metadata hold."""
        _, configuration = parse_named_configuration(data, _NAME, require_configuration=False)
        return cls(**(configuration or {}))

    def to_dict(self) -> "dict[str, Any]":
        """What an array's metadata say about the codec: the options that are not the default ones."""
        options = {"quality": self.quality, "lam": self.lam, "target_psnr": self.target_psnr, "lossless": self.lossless}
        given = {name: value for name, value in options.items() if value is not None}
        return {"name": _NAME, "configuration": given}

    def validate(self, *, shape: "tuple[int, ...]", dtype: Any, chunk_grid: Any) -> None:
        """Refuses arrays whose dtype or chunks cannot be held."""
        check_dtype(dtype.to_native_dtype())
        chunk_shape = getattr(chunk_grid, "chunk_shape", None)
        if chunk_shape is not None:
            image_shape(chunk_shape)

    def _encode_sync(self, chunk: "NDBuffer", spec: "ArraySpec") -> "Buffer":
        array = chunk.as_numpy_array()
        check_dtype(array.dtype)
        data = encode(
            array.reshape(image_shape(array.shape)),
            self.quality,
            lam=self.lam,
            target_psnr=self.target_psnr,
            lossless=self.lossless,
        )
        return spec.prototype.buffer.from_bytes(data)

    def _decode_sync(self, data: "Buffer", spec: "ArraySpec") -> "NDBuffer":
        array = decode(data.to_bytes())
        dtype = spec.dtype.to_native_dtype()
        check_dtype(dtype)
        if array.size != np.prod(spec.shape) or array.dtype != dtype.newbyteorder("="):
            raise BadParameterError(
                f"the chunk is an image of shape {array.shape} and dtype {array.dtype}, but the array needs "
                f"{tuple(spec.shape)} and {dtype}"
            )
        return spec.prototype.nd_buffer.from_numpy_array(array.astype(dtype, copy=False).reshape(spec.shape))

    async def _encode_single(self, chunk: "NDBuffer", spec: "ArraySpec") -> "Buffer":
        return await asyncio.to_thread(self._encode_sync, chunk, spec)

    async def _decode_single(self, data: "Buffer", spec: "ArraySpec") -> "NDBuffer":
        return await asyncio.to_thread(self._decode_sync, data, spec)

    def compute_encoded_size(self, input_byte_length: int, spec: "ArraySpec") -> int:
        """Unknown before encoding."""
        raise NotImplementedError("the size of an encoded image depends on its pixels")
