"""A refusal that carries the fact by which a reader goes on, and how others' are quoted."""

from __future__ import annotations

from rnnlens.errors import UnsupportedModel

__all__ = ["WrongSampleAxis", "first_line"]


class WrongSampleAxis(UnsupportedModel):
    """A refusal that may come of taking another axis than that of the samples for it."""


def first_line(error: Exception, longest: int | None = None) -> str:
    """Give the first line of what another library says, to be quoted."""
    return str(error).strip().split("\n", maxsplit=1)[0][:longest]
