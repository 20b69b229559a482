"""Which version of a library is at hand."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["named"]


def named(library: str) -> str:
    """Give a library's name and version; the name alone where it was not installed as a package."""
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return library
