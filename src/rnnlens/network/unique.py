"""Names that nothing has yet."""

from __future__ import annotations

__all__ = ["unique_name"]


def unique_name(wanted: str, taken: set[str]) -> str:
    """Give the name, with a number after it where it is taken, and take it.

    Examples
    --------
    >>> taken = {"lstm"}
    >>> unique_name("lstm", taken), unique_name("lstm", taken)
    ('lstm_1', 'lstm_2')
    """
    name, number = wanted, 0
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    return name
