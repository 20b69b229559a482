"""A view says first what its result rests on that the network's source did not say."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, TypeVar

from rnnlens.views.words.origin import origin_sentences

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group

    Result = TypeVar("Result", bound=xr.Dataset | xr.DataTree)

__all__ = ["with_origin"]


def with_origin(view: Callable[[Result], Group]) -> Callable[[Result], Group]:
    """Put what is assumed of the network, and left out of it, before a view."""

    @wraps(view)
    def stating(result: Result) -> Group:
        from rich.console import Group

        said = origin_sentences(result.attrs)
        return Group(*said, "", view(result)) if said else view(result)

    return stating
