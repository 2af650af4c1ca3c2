"""What can go wrong: one class for each kind of error, all of them :class:`HeirloomError`."""

__all__ = [
    "BadModelError",
    "BadParameterError",
    "CutShortError",
    "DamagedError",
    "DamagedWarning",
    "HeirloomError",
    "HeirloomIOError",
    "NotHeirloomError",
    "NotKeptWarning",
    "OverLimitError",
    "UnknownModelError",
    "UnsupportedError",
]


class HeirloomError(Exception):
    """The base of all errors here. The message says what is wrong, where, and what can be done."""


class NotHeirloomError(HeirloomError):
    """The bytes are not a Heirloom file."""


class UnsupportedError(HeirloomError):
    """A newer version of this package may be able to do it."""


class DamagedError(HeirloomError):
    """The file was altered after it was written."""


class CutShortError(HeirloomError):
    """The end of the file is missing."""


class UnknownModelError(HeirloomError):
    """The file needs a model that is not here."""


class OverLimitError(HeirloomError):
    """The file or image needs more memory or pixels than is allowed."""


class BadParameterError(HeirloomError, ValueError):
    """An argument, or a value in a file, is impossible."""


class BadModelError(HeirloomError):
    """A model file is not usable."""


class HeirloomIOError(HeirloomError, OSError):
    """Reading or writing failed. Files that cannot be opened raise Python's own ``OSError``."""


class DamagedWarning(UserWarning):
    """A damaged file was decoded in part, as ``partial=True`` asks for."""


class NotKeptWarning(UserWarning):
    """Something of an image file is not in the result, such as a comment or further frames."""
