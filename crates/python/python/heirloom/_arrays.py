"""NumPy arrays as pixels without gaps, and back.

NumPy is imported when it is first needed: it takes longer than everything else here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import BadParameterError

if TYPE_CHECKING:
    import numpy as np


def pixels(image: Any) -> "tuple[bytes, tuple[int, int], int, int]":
    """Pixels in this machine's byte order, (width, height), number of channels, and bits."""
    import numpy as np

    array = np.asarray(image)
    if array.dtype.kind != "u" or array.dtype.itemsize > 2:
        raise TypeError(f"arrays of dtype {array.dtype} cannot be encoded; convert to uint8 or uint16 first")
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or not 1 <= channels <= 4:
        raise BadParameterError(
            f"an array of shape {array.shape} is no image; shapes are (height, width), or (height, width, channels) "
            "with 1 to 4 channels"
        )
    height, width = array.shape[:2]
    data = array.astype(array.dtype.newbyteorder("="), copy=False).tobytes()
    return data, (width, height), channels, 8 * array.dtype.itemsize


def array(data: bytearray, size: "tuple[int, int]", channels: int, bits: int) -> "np.ndarray":
    """The array of these pixels, which shares their memory."""
    import numpy as np

    width, height = size
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.frombuffer(data, np.uint8 if bits == 8 else np.uint16).reshape(shape)


def write(array: "np.ndarray", out: "np.ndarray") -> None:
    """Copies an image into `out`, where a grey image may have an axis of one channel."""
    import numpy as np

    if not isinstance(out, np.ndarray):
        raise TypeError(f"`out` is an array of NumPy, not {type(out).__name__}")
    if out.dtype != array.dtype:
        raise TypeError(f"`out` has the dtype {out.dtype}, but the image {array.dtype}")
    if out.shape == (*array.shape, 1):
        array = array[..., np.newaxis]
    if out.shape != array.shape:
        raise BadParameterError(f"`out` has the shape {out.shape}, but the image {array.shape}")
    if not out.flags.writeable:
        raise BadParameterError("`out` cannot be written to; give an array whose flag `writeable` is set")
    np.copyto(out, array)
