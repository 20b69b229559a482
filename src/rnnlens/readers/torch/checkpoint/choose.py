"""Which state dict of several is meant, and which part of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.names import told
from rnnlens.readers.torch.checkpoint.parts import Part
from rnnlens.readers.torch.weights.accounting import listed
from rnnlens.readers.torch.weights.names import is_recurrent

__all__ = ["chosen", "joined"]


def chosen(parts: Sequence[Part], part: str | None, what: str) -> Part:
    """Give the state dict that is meant: the only one, or the one that was named.

    A part is named by where it was found, or by the beginning of its arrays' names.
    """
    if part is None:
        if len(parts) == 1:
            return parts[0]
        names = [one.where or "the top" for one in parts]
        raise UnsupportedModel(
            f"{what} holds {len(parts)} state dicts with recurrent layers "
            f"({listed([repr(name) for name in names])}): say which is meant, as in "
            f'part="{names[0]}" (--part {names[0]})'
        )
    for one in sorted(parts, key=lambda one: -len(one.where)):
        if part == (one.where or "the top"):
            return one
        within = f"{one.where}." if one.where else ""
        if part.startswith(within) or len(parts) == 1:
            taken = _under(one, part.removeprefix(within))
            if taken is not None:
                return taken
    known = [name for one in parts for name in _names(one)]
    raise InputError(
        f"{what} has no part {part!r} with a recurrent layer; it has {listed(known) or 'none'}"
    )


def _under(part: Part, start: str) -> Part | None:
    """Take the arrays whose names begin so; None where none of them is a recurrent layer's."""
    arrays = {key: value for key, value in part.arrays.items() if key.startswith(f"{start}.")}
    if not any(is_recurrent(key) for key in arrays):
        return None
    others = len(part.arrays) - len(arrays)
    left = (told("{count} arrays outside of {name}", count=others, name=start),) if others else ()
    return replace(part, arrays=arrays, left_out=(*part.left_out, *left))


def _names(part: Part) -> list[str]:
    """Name what may be asked for of a state dict."""
    prefix = f"{part.where}." if part.where else ""
    starts = {key.partition(".")[0] for key in part.arrays if is_recurrent(key) and "." in key}
    return [*([part.where] if part.where else []), *(prefix + start for start in sorted(starts))]


def joined(parts: Sequence[Part]) -> Part:
    """Give the arrays of all state dicts as one, each by where it was found."""
    if len(parts) == 1:
        return parts[0]
    arrays = {
        f"{one.where}.{key}" if one.where else key: value
        for one in parts
        for key, value in one.arrays.items()
    }
    return Part("", arrays)
