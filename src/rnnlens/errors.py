"""Every error that rnnlens raises on purpose.

The tree::

    RnnlensError
    ├── InputError          a file, an array or an option is not what it must be
    │   ├── UnreadableFile      the file is missing, truncated or of another kind
    │   ├── UnsupportedModel    a layer or an option that rnnlens does not implement
    │   ├── DataError           a column, a value or a shape of the data
    │   └── ConfigError         the sidecar file
    ├── MissingLibrary      an optional library is needed and not installed
    └── NotAdditive         contributions do not sum to the change of the forecast

Each message is one sentence: what it is, what was expected, what to do.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "DataError",
    "InputError",
    "MissingLibrary",
    "NotAdditive",
    "RnnlensError",
    "UnreadableFile",
    "UnsupportedModel",
]


#: Characters that end a line or steer a terminal, and how a message shows them: names in a model
#: file may hold any.
SHOWN = {code: ascii(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}


class RnnlensError(Exception):
    """The root of every error that rnnlens raises on purpose."""

    def __str__(self) -> str:
        return super().__str__().translate(SHOWN)


class InputError(RnnlensError, ValueError):
    """An argument, a file or a value is not what it must be."""


class UnreadableFile(InputError):
    """A file is missing, truncated, or not of a kind that rnnlens reads."""


class UnsupportedModel(InputError):
    """A model uses a layer or an option that rnnlens does not implement."""


class DataError(InputError):
    """A column, a value or a shape of the data is not what it must be."""


class ConfigError(InputError):
    """A sidecar file is not what it must be."""


class MissingLibrary(RnnlensError, ImportError):
    """An optional library is needed for this and is not installed."""


class NotAdditive(RnnlensError, ArithmeticError):
    """Contributions do not sum to the change of the forecast within the tolerance."""
