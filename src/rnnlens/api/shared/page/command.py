"""What makes a page again, for it to say: the command that was typed, or the call."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.evidence.options import Shares

__all__ = ["call_text", "typed", "typed_command"]

_typed: ContextVar[str] = ContextVar("typed", default="")


@contextmanager
def typed(words: Sequence[str]) -> Generator[None, None, None]:
    """Say that all within was asked for by these words on the command line."""
    token = _typed.set(shlex.join(_short(word) for word in words))
    try:
        yield
    finally:
        _typed.reset(token)


def typed_command() -> str:
    """Give the command that was typed; empty where none was."""
    return _typed.get()


def call_text(page: Path, explained: xr.Dataset, shares: Shares, held: Sequence[str] | None) -> str:
    """Give the call that makes a page again, with the options that were not left as they are."""
    network = str(explained.attrs.get("network") or "")
    lines = [f"net = rnnlens.read({network!r})"] if network else []
    given = [f"target={str(explained.attrs['target'])!r}"]
    if held is not None:
        given.append(f"held={list(held)!r}")
    if isinstance(shares.baseline, str):
        given.append(f"shares=rnnlens.Shares(baseline={shares.baseline!r}, seed={shares.seed})")
    call = f"rnnlens.report(net, windows, {page.name!r}, {', '.join(given)})"
    return "\n".join(["import rnnlens", *lines, call])


def _short(word: str) -> str:
    """Give a file's name without the folders, which nobody else has.

    Examples
    --------
    >>> _short("/home/me/weather.keras"), _short("--lead"), _short("a/b")
    ('weather.keras', '--lead', 'b')
    """
    return Path(word).name if "/" in word or "\\" in word else word
