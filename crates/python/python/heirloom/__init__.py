"""Heirloom: a learned image codec that keeps learning while every file it ever wrote stays decodable.

>>> import numpy as np
>>> import heirloom
>>> image = np.zeros((48, 64, 3), dtype=np.uint8)  # height, width, channels
>>> image[:, :, 0] = np.arange(64) * 4
>>> data = heirloom.encode(image, quality=60)
>>> heirloom.decode(data).shape
(48, 64, 3)

Where Pillow is installed, importing this module is enough for ``PIL.Image.open("x.hlm")`` and
``image.save("x.hlm", quality=60)``. Zarr and numcodecs find the codec ``heirloom`` by themselves.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

# `_threads` is for the compiled module. Imported later, by one thread while another one forks, it would
# leave the child to wait for an import that nobody finishes.
from . import _arrays, _threads, errors
from ._heirloom import Info, Model, __version__, models, set_threads, threads
from ._heirloom import decode as _decode
from ._heirloom import encode as _encode
from ._heirloom import info as _info
from ._input import file as _file
from ._input import is_pillow as _is_pillow
from ._options import decoding as _decoding
from ._options import encoding as _encoding
from .errors import (
    BadModelError,
    BadParameterError,
    CutShortError,
    DamagedError,
    DamagedWarning,
    HeirloomError,
    HeirloomIOError,
    NotHeirloomError,
    NotKeptWarning,
    OverLimitError,
    UnknownModelError,
    UnsupportedError,
)

try:
    from . import _pillow
except ModuleNotFoundError as error:
    # Any other missing module is a defect.
    if (error.name or "").partition(".")[0] != "PIL":
        raise
else:
    _pillow.register()

if TYPE_CHECKING:
    from typing import BinaryIO

    import numpy as np
    from PIL import Image

__all__ = [
    "BadModelError",
    "BadParameterError",
    "CutShortError",
    "DamagedError",
    "DamagedWarning",
    "HeirloomError",
    "HeirloomIOError",
    "Info",
    "Model",
    "NotHeirloomError",
    "NotKeptWarning",
    "OverLimitError",
    "UnknownModelError",
    "UnsupportedError",
    "__version__",
    "decode",
    "encode",
    "errors",
    "info",
    "models",
    "set_threads",
    "threads",
]


def encode(
    image: "np.ndarray | Image.Image",
    quality: float = 50,
    *,
    lam: "float | None" = None,
    target_size: "int | None" = None,
    target_psnr: "float | None" = None,
    lossless: "bool | None" = None,
    effort: int = 1,
    model: "Model | str | os.PathLike[str] | None" = None,
    icc: "bytes | None" = None,
    exif: "bytes | None" = None,
    xmp: "bytes | None" = None,
    max_memory: "int | None" = None,
) -> bytes:
    """Encodes an image into the bytes of a file, the same ones as the command writes.

    Args:
        image: An array of shape (height, width) or (height, width, channels), with the channels grey;
            grey, alpha; red, green, blue; or red, green, blue, alpha. Of dtype uint8 or uint16, of any
            strides. Or an image of Pillow in one of the modes L, LA, RGB, RGBA and I;16, whose ICC profile,
            Exif and XMP are kept unless others are given here.
        quality: From 0 (smallest file) to 100 (best image), on a logarithmic scale over the model's
            range of λ.
        lam: The rate-distortion multiplier λ, instead of a quality.
        target_size: Largest size of the file in bytes, instead of a quality. The best image within it is
            searched, which takes two to three times as long.
        target_psnr: Lowest PSNR in dB, instead of a quality.
        lossless: True to store all pixels without loss, False for none. By default those tiles are stored
            without loss that the model would make worse or larger.
        effort: Time to spend on a smaller or better file, from 1 to 9: 5 takes over a minute for a megapixel
            on two cores, and each step about 1.7 times as long.
        model: The model that encodes: a :class:`Model`, or what makes one. The default model if None.
        icc: ICC profile.
        exif: Exif: a TIFF structure, with or without the prefix ``Exif\\0\\0``.
        xmp: XMP packet.
        max_memory: Most bytes of memory to work in; 2 GiB by default.

    Raises:
        BadParameterError: An array whose shape is no image's, or an option out of range.
        TypeError: A dtype other than uint8 and uint16.
        UnsupportedError: A mode of Pillow that is not in the list above.
        OverLimitError: An image that needs more memory.

    >>> grey = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    >>> data = encode(grey, target_size=2000)
    >>> len(data) <= 2000
    True
    >>> encode(grey.astype(float))
    Traceback (most recent call last):
    TypeError: arrays of dtype float64 cannot be encoded; convert to uint8 or uint16 first
    """
    if _is_pillow(image):
        # What the image carries, where nothing else is given.
        icc, exif, xmp = _pillow.metadata(image, icc, exif, xmp)
        pixels = _pillow.pixels(image)
    else:
        pixels = _arrays.pixels(image)
    options = _encoding(
        quality=quality,
        lam=lam,
        target_size=target_size,
        target_psnr=target_psnr,
        lossless=lossless,
        effort=effort,
        model=model,
        icc=icc,
        exif=exif,
        xmp=xmp,
        max_memory=max_memory,
    )
    return _encode(*pixels, options)


def decode(
    data: "bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO",
    *,
    crop: "tuple[int, int, int, int] | None" = None,
    scale: float = 1,
    quick: bool = False,
    partial: bool = False,
    exact: bool = False,
    model: "Model | str | os.PathLike[str] | None" = None,
    out: "np.ndarray | None" = None,
    max_memory: "int | None" = None,
) -> "np.ndarray":
    """Decodes a file into an array, with the same pixels as the command.

    Args:
        data: The bytes of a file, its path, or a file object. Of a path and a crop only those parts of
            the file are read that the crop needs.
        crop: The part to decode, as x, y, width and height in pixels. Only its tiles are decoded.
        scale: 1, 1/2, 1/4, 1/8 or 1/16 for a smaller copy, whose sides are rounded up; after `crop`. Each of
            its pixels is the mean of a square; 1/16 leaves out the finest detail and comes close to it.
        quick: Whether a copy of 1/8 or 1/16 may be blurred, of about 30 dB at 1/8, in a fraction of the time.
        partial: Whether to decode what is left of a file that is damaged or cut short behind its header.
            A :class:`DamagedWarning` then says what is missing.
        exact: Whether the pixels must be those that the file had when it was written, which only the
            generation that wrote it gives.
        model: The model that decodes: a :class:`Model`, or what makes one. By default the newest one of
            the file's lineage, of those that :func:`models` returns.
        out: An array to write to, of the image's shape and dtype, and any strides.
        max_memory: Most bytes of memory to work in, instead of 2 GiB and 2^28 pixels.

    Returns:
        `out`, or a new array of shape (height, width), or (height, width, channels) if there are several
        channels; of dtype uint8 or uint16.

    Raises:
        NotHeirloomError, DamagedError, CutShortError: What is wrong with the file.
        UnknownModelError: There is no model of the file's lineage.
        OverLimitError: The image needs more memory.
        BadParameterError: A crop that is not within the image, or an `out` of another shape.

    >>> data = encode(np.full((100, 200, 3), 90, np.uint8))
    >>> decode(data, crop=(10, 20, 50, 40)).shape
    (40, 50, 3)
    >>> decode(data, scale=1/8).shape
    (13, 25, 3)
    >>> decode(data[:50])
    Traceback (most recent call last):
    heirloom.errors.CutShortError: ...
    """
    options = _decoding(
        crop=crop, scale=scale, quick=quick, partial=partial, exact=exact, model=model, max_memory=max_memory
    )
    *pixels, problem = _decode(_file(data), options, False)
    array = _arrays.array(*pixels)
    if problem is not None:
        warnings.warn(problem, DamagedWarning, stacklevel=2)
    if out is None:
        return array
    _arrays.write(array, out)
    return out


def info(data: "bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO") -> Info:
    """Reads what a file says about itself, and verifies all of its checksums. No pixels are decoded.

    Args:
        data: The bytes of a file, its path, or a file object.

    Raises:
        NotHeirloomError, DamagedError, CutShortError: What is wrong with the file.

    >>> about = info(encode(np.zeros((48, 64), np.uint8), icc=b"profile"))
    >>> about.width, about.height, about.shape, about.dtype, about.icc
    (64, 48, (48, 64), 'uint8', b'profile')
    """
    return _info(_file(data))
