"""Parts of arrays."""

from __future__ import annotations

from numba.extending import register_jitable

__all__ = ["in_line", "part", "rest"]


@register_jitable
def part(a, begin, end):
    """Give ``a[begin:end]`` of a line of numbers; both places must be in it."""
    return a[begin:end]


@register_jitable
def rest(a, begin):
    """Give ``a[begin:]`` of a line of numbers; the place must be in it or at its end."""
    return a[begin:]


@register_jitable
def in_line(a):
    """Give the numbers of an array whose rows lie together as one line; it must not outlive it."""
    return a.reshape(-1)
