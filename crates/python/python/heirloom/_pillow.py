"""Heirloom files in Pillow: opening, saving, thumbnails, and metadata."""

from __future__ import annotations

import sys
from array import array
from io import BytesIO
from typing import IO, Any

from PIL import Image, ImageFile

from ._heirloom import MAGIC, head
from ._heirloom import decode as decode_pixels
from ._heirloom import encode as encode_pixels
from ._heirloom import info as read_info
from ._input import EXIF_PREFIX
from ._options import decoding, encoding
from .errors import CutShortError, DamagedError, HeirloomError, UnsupportedError

_FORMAT = "HEIRLOOM"
_EXTENSION = ".hlm"
_MIME_TYPE = "image/x-heirloom"
_DEFAULT_QUALITY = 50

# Channels and bits of the modes that can be saved.
_MODES = {"L": (1, 8), "LA": (2, 8), "RGB": (3, 8), "RGBA": (4, 8), "I;16": (1, 16), "I;16L": (1, 16), "I;16B": (1, 16)}
# Modes of the pixel formats. Pillow has none of 16 bits but grey, so that others become 8 bits, as its PNG
# files of 16 bits do.
_MODE_OF_CHANNELS = ["L", "LA", "RGB", "RGBA"]
_OPTIONS = ("quality", "lam", "target_size", "target_psnr", "lossless", "effort", "model", "max_memory")


class HeirloomImageFile(ImageFile.ImageFile):
    """An open file. Pixels are decoded when they are first used."""

    format = _FORMAT
    format_description = "Heirloom image"

    def _open(self) -> None:
        self._data = self.fp.read()
        try:
            width, height, channels, bits, icc, exif, xmp = head(self._data)
        except HeirloomError as error:
            # The exception by which Pillow knows that a file is not of a format.
            raise SyntaxError(str(error)) from error
        self._size = self._full_size = (width, height)
        self._mode = "I;16" if (channels, bits) == (1, 16) else _MODE_OF_CHANNELS[channels - 1]
        self._scale = 1
        if icc is not None:
            self.info["icc_profile"] = icc
        if exif is not None:
            self.info["exif"] = EXIF_PREFIX + exif
        if xmp is not None:
            self.info["xmp"] = xmp
        self._await_pixels()

    def _await_pixels(self) -> None:
        rawmode = self.mode
        if self.mode == "I;16" and sys.byteorder == "big":
            rawmode = "I;16B"
        self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, rawmode)]

    def draft(
        self, mode: "str | None", size: "tuple[int, int] | None"
    ) -> "tuple[str, tuple[int, int, float, float]] | None":
        """Decodes a smaller copy, of at least `size`, when pixels are next used."""
        if len(self.tile) != 1 or size is None:
            return None
        width, height = self._full_size
        ratio = min(width // max(size[0], 1), height // max(size[1], 1))
        divisor = max(d for d in (1, 2, 4, 8, 16) if d <= max(ratio, 1))
        self._scale = 1 / divisor
        self._size = (-(-width // divisor), -(-height // divisor))
        self._await_pixels()
        return self.mode, (0, 0, width / divisor, height / divisor)

    def verify(self) -> None:
        """Checks that the file is whole, without decoding it."""
        try:
            read_info(self._data)
        except HeirloomError as error:
            raise SyntaxError(str(error)) from error
        super().verify()

    def load(self) -> Any:
        if self.tile and self._data is not None:
            pixels = self._decode()
            if self.fp and self._exclusive_fp:
                self.fp.close()
            self.fp = BytesIO(pixels)
            self._data = None
        return super().load()

    def _decode(self) -> bytearray:
        eight_bits = self.mode != "I;16"
        try:
            pixels, *_ = decode_pixels(self._data, decoding(scale=self._scale), eight_bits)
        except (CutShortError, DamagedError) as error:
            if not ImageFile.LOAD_TRUNCATED_IMAGES:
                raise OSError(f"{error}; LOAD_TRUNCATED_IMAGES of PIL.ImageFile loads what is left") from error
            pixels, *_ = decode_pixels(self._data, decoding(scale=self._scale, partial=True), eight_bits)
        return pixels

    def load_seek(self, pos: int) -> None:
        """The pixels begin where `fp` begins."""


def pixels(image: Image.Image) -> "tuple[bytes, tuple[int, int], int, int]":
    """Pixels in this machine's byte order, size, number of channels, and bits."""
    if image.mode not in _MODES:
        raise UnsupportedError(
            f"images of mode {image.mode} cannot be encoded; convert to L, LA, RGB, RGBA or I;16 first"
        )
    channels, bits = _MODES[image.mode]
    data = image.tobytes()
    if bits == 16 and (image.mode == "I;16B") != (sys.byteorder == "big"):
        swapped = array("H", data)
        swapped.byteswap()
        data = swapped.tobytes()
    return data, image.size, channels, bits


def metadata(
    image: Image.Image, icc: "bytes | None", exif: "bytes | Image.Exif | None", xmp: "bytes | None"
) -> "tuple[bytes | None, bytes | None, bytes | None]":
    """ICC profile, Exif and XMP: those given, else those of the image."""
    icc = image.info.get("icc_profile") if icc is None else icc
    exif = image.info.get("exif") if exif is None else exif
    xmp = image.info.get("xmp") if xmp is None else xmp
    return icc, exif.tobytes() if isinstance(exif, Image.Exif) else exif, xmp


def _save(image: Image.Image, fp: IO[bytes], filename: "str | bytes") -> None:
    given = image.encoderinfo
    if image.mode not in _MODES:
        raise OSError(f"cannot write mode {image.mode} as {_FORMAT}")
    icc, exif, xmp = metadata(image, given.get("icc_profile"), given.get("exif"), given.get("xmp"))
    options = {"quality": _DEFAULT_QUALITY} | {name: given[name] for name in _OPTIONS if name in given}
    fp.write(encode_pixels(*pixels(image), encoding(icc=icc, exif=exif, xmp=xmp, **options)))


def register() -> None:
    """Makes Pillow know Heirloom files. Doing it again changes nothing."""
    Image.register_open(_FORMAT, HeirloomImageFile, lambda prefix: prefix.startswith(MAGIC))
    Image.register_save(_FORMAT, _save)
    Image.register_extension(_FORMAT, _EXTENSION)
    Image.register_mime(_FORMAT, _MIME_TYPE)
