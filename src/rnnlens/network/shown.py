"""What shows a network in a notebook: a room that may import views leaves it here."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["markup_of_network", "shown_by"]

_SHOWS: list[Callable[..., str]] = []


def shown_by(show: Callable[..., str]) -> None:
    """Let networks be shown by a function that gives HTML."""
    _SHOWS[:] = [show]


def markup_of_network(network: object) -> str | None:
    """Give a network as HTML, or None where nothing shows it."""
    return _SHOWS[0](network) if _SHOWS else None
