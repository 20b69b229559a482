"""What a caller gives beside a model of a library, in that library's own words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields

from rnnlens.errors import InputError

__all__ = ["SeriesGiven", "refuse_beside"]


@dataclass(frozen=True, kw_only=True)
class SeriesGiven:
    """What `rnnlens.windows` was given beside a fitted model and its series; None where nothing."""

    #: The fitted scaler that stood before the model.
    scaler: object = None
    #: Other series, known up to the forecast's issue.
    past_covariates: object = None
    #: Other series, known beyond it.
    future_covariates: object = None
    #: What does not change in time.
    static: object = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what was given."""
        return tuple(one.name for one in fields(self) if getattr(self, one.name) is not None)


def refuse_beside(given: SeriesGiven, takes: Collection[str], what: str) -> None:
    """Refuse what does not belong to a model: nothing is ever ignored."""
    for name in given.names:
        if name not in takes:
            known = f"takes {' and '.join(sorted(takes))}" if takes else "takes none of these"
            raise InputError(f"{what} {known}, but {name} was given: leave it out")
