"""How fast this machine does a kind of work: measured once, rounded, and kept for the machine.

A budget in seconds becomes a number of cell evaluations by such a pace. It is rounded down to a
power of two, and the same work finds the same number again, whatever else the machine does then: so
that two calls with one budget do the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from math import floor, ldexp, log2
from pathlib import Path

__all__ = ["calibrated"]

#: More than any machine does in a second: such a number is no pace.
LARGEST = 1e15
#: Work a second, by kind of work, as far as this process knows it.
_known: dict[str, float] = {}


def calibrated(kind: str, seconds_apiece: Callable[[], float]) -> float:
    """Give how much of a kind of work is done in a second: a power of two.

    Examples
    --------
    >>> _known["a kind of work"] = 2.0
    >>> calibrated("a kind of work", lambda: 1.0)
    2.0
    """
    if kind not in _known:
        kept = _kept()
        if kind not in kept:
            kept[kind] = ldexp(1.0, floor(log2(1 / max(seconds_apiece(), 1e-12))))
            _keep(kept)
        _known[kind] = kept[kind]
    return _known[kind]


def _file() -> Path:
    from rnnlens.engine.kernels.lowlevel.kept import caches

    return caches() / "pace.json"


def _kept() -> dict[str, float]:
    """Read what was measured before; nothing of what is no pace."""
    with suppress(OSError, ValueError):
        found = json.loads(_file().read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return {
                kind: pace
                for kind, pace in found.items()
                if isinstance(pace, float) and 0 < pace < LARGEST
            }
    return {}


def _keep(paces: dict[str, float]) -> None:
    """Write it for the next process, where that can be; another one's reading is never half."""
    with suppress(OSError):
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(paces), encoding="utf-8")
        part.replace(file)
