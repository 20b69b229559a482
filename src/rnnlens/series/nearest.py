"""The name that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean"]


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """Ask whether a known name was meant, where one is near: `` (did you mean 'lead'?)``.

    Examples
    --------
    >>> did_you_mean("laed", ["title", "lead"]), did_you_mean("x", ["title", "lead"])
    (" (did you mean 'lead'?)", '')
    """
    by_folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(str(given).casefold(), by_folded, n=1, cutoff=0.7)
    return f" (did you mean {by_folded[near[0]]!r}?)" if near else ""
