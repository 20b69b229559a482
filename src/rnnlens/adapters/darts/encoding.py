"""Covariates that a model of darts makes itself, from the times of its series: ``add_encoders``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnnlens.adapters.darts.facts import Facts
from rnnlens.errors import DataError, UnsupportedModel

if TYPE_CHECKING:
    from rnnlens.adapters.given import SeriesGiven

__all__ = ["with_encodings"]


def with_encodings(facts: Facts, series: Any, given: SeriesGiven) -> tuple[Any, Any]:
    """Give past and future covariates, beside what was given those that the model makes itself."""
    past, future = given.past_covariates, given.future_covariates
    encoders = getattr(facts.model, "encoders", None)
    if encoders is None or not encoders.encoding_available:
        return past, future
    each = {
        "past_covariates": encoders.past_encoders,
        "future_covariates": encoders.future_encoders,
    }
    scaler = given.scaler if isinstance(given.scaler, Mapping) else {}
    name = type(facts.model).__name__
    for which, made in each.items():
        if any("IntegerIndex" in type(one).__name__ for one in made):
            raise UnsupportedModel(
                f"the {name} counts steps from the end of its series (add_encoders with "
                "'position'), so that each forecast has a column of its own there: fit it with "
                "'cyclic' or 'datetime_attribute', which are of the time alone"
            )
        if made and which in scaler:
            raise DataError(
                f"the {name} adds {which} of its own (add_encoders), already scaled, and scaler "
                f"holds one for {which}: give yours as the model was fitted on them, and leave "
                "that scaler out"
            )
    if not hasattr(series, "time_index") and not isinstance(series, list | tuple):
        return past, future  # no series of darts: refused behind
    return facts.model.generate_fit_predict_encodings(
        n=facts.horizons, series=series, past_covariates=past, future_covariates=future
    )
