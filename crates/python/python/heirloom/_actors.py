"""Actors for ``map_batches`` of Ray Data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import decode as _decode
from . import encode as _encode
from ._heirloom import encode_file as _encode_file
from ._options import encoding
from .errors import BadParameterError

if TYPE_CHECKING:
    from collections.abc import Callable


class Encoder:
    """An actor for ``map_batches`` that encodes the images of a column.

    ::

        photos = ray.data.read_binary_files("photos", include_paths=True)
        files = photos.map_batches(
            heirloom.ray.Encoder, fn_constructor_kwargs={"quality": 60}, batch_size=16,
            compute=ray.data.ActorPoolStrategy(size=4))

    Args:
        quality: As in :func:`heirloom.encode`; further options, too.
        column: The column of images: bytes of image files (PNG, JPEG and so on), or arrays.
        result: The column that is added for the Heirloom files, as bytes.
        error: The column that is added for what went wrong: a class and a message, or an empty text. The
            bytes of such an image are empty.
    """

    def __init__(
        self, quality: float = 50, *, column: str = "bytes", result: str = "heirloom", error: str = "error", **options: Any
    ) -> None:
        self._options = {"quality": quality, **options}
        self._columns = column, result, error
        # Now rather than with the first image, and an option out of range ends the job.
        _encode_file(b"P5 1 1 255 \0", encoding(**self._options), False)

    def __call__(self, batch: "dict[str, np.ndarray]") -> "dict[str, np.ndarray]":
        column, result, error = self._columns
        done, errors = _each(self._one, batch[column], b"")
        return {**batch, result: np.array(done, dtype=object), error: np.array(errors, dtype=object)}

    def _one(self, image: Any) -> bytes:
        if isinstance(image, np.ndarray):
            return _encode(image, **self._options)
        return _encode_file(bytes(image), encoding(**self._options), False)[0]


class Decoder:
    """An actor for ``map_batches`` that decodes the Heirloom files of a column into arrays.

    Args:
        column: The column of files, as bytes.
        result: The column that is added for the arrays.
        error: The column that is added for what went wrong: a class and a message, or an empty text. The
            array of such a file has no pixels.
        channels: 3 gives all images three channels, so that they can be stacked: grey is repeated and alpha
            dropped. None leaves them as they are.
        options: As in :func:`heirloom.decode`.
    """

    def __init__(
        self,
        *,
        column: str = "bytes",
        result: str = "image",
        error: str = "error",
        channels: "int | None" = 3,
        **options: Any,
    ) -> None:
        if channels not in (None, 3):
            raise BadParameterError(f"channels are 3 or None, not {channels}")
        self._options, self._columns, self._channels = options, (column, result, error), channels

    def __call__(self, batch: "dict[str, np.ndarray]") -> "dict[str, np.ndarray]":
        column, result, error = self._columns
        done, errors = _each(self._one, batch[column], np.zeros((0, 0, 3), np.uint8))
        images = np.empty(len(done), dtype=object)
        images[:] = done
        return {**batch, result: images, error: np.array(errors, dtype=object)}

    def _one(self, data: Any) -> np.ndarray:
        image = _decode(bytes(data), **self._options)
        if self._channels is None:
            return image
        if image.ndim == 2:
            image = image[..., np.newaxis]
        colour = image[..., :3] if image.shape[2] >= 3 else image[..., :1]
        return np.broadcast_to(colour, (*image.shape[:2], 3))


def _each(work: "Callable[[Any], Any]", column: Any, nothing: Any) -> "tuple[list[Any], list[str]]":
    """The results of `work`, or `nothing`, and the errors."""
    done, errors = [], []
    for value in column:
        try:
            done.append(work(value))
            errors.append("")
        except Exception as error:
            done.append(nothing)
            errors.append(f"{type(error).__name__}: {error}")
    return done, errors
