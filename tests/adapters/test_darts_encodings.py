"""Covariates that a model of darts makes itself; the library is tried by ``make integrations``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from rnnlens.adapters.darts.encoding import with_encodings
from rnnlens.adapters.given import SeriesGiven
from rnnlens.errors import DataError, UnsupportedModel

SERIES = SimpleNamespace(time_index=range(9))


class PastCyclicEncoder:
    """A kind of encoder that darts has."""


class PastIntegerIndexEncoder:
    """The kind that counts from the end."""


def facts(*encoders: object, available: bool = True) -> Any:
    """Stand in for a model that adds past covariates, and for its horizons."""
    made = SimpleNamespace(
        past_encoders=list(encoders), future_encoders=[], encoding_available=available
    )

    def generate_fit_predict_encodings(n, series, past_covariates, future_covariates):
        assert series is SERIES
        return [past_covariates, f"month for {n} steps"], future_covariates

    model = SimpleNamespace(
        encoders=made, generate_fit_predict_encodings=generate_fit_predict_encodings
    )
    return SimpleNamespace(model=model, horizons=12)


def test_what_a_model_adds_is_put_beside_what_was_given():
    given = SeriesGiven(past_covariates="warmth", future_covariates="holiday")
    past, future = with_encodings(facts(PastCyclicEncoder()), SERIES, given)
    assert past == ["warmth", "month for 12 steps"] and future == "holiday"
    # a scaler of what no encoder adds to is that of what was given
    given = SeriesGiven(past_covariates="warmth", scaler={"series": 1, "future_covariates": 2})
    assert with_encodings(facts(PastCyclicEncoder()), SERIES, given)[1] is None


def test_a_model_without_encoders_takes_what_was_given():
    given = SeriesGiven(past_covariates="warmth")
    assert with_encodings(facts(available=False), SERIES, given) == ("warmth", None)
    none: Any = SimpleNamespace(model=SimpleNamespace(encoders=None), horizons=1)
    assert with_encodings(none, SERIES, given) == ("warmth", None)
    # what is no series is refused behind, in words of its own
    assert with_encodings(facts(PastCyclicEncoder()), "no series", given) == ("warmth", None)


def test_columns_of_a_forecasts_own_and_scalers_of_both_are_refused():
    with pytest.raises(UnsupportedModel, match="counts steps from the end of its series"):
        with_encodings(facts(PastIntegerIndexEncoder()), SERIES, SeriesGiven())
    given = SeriesGiven(scaler={"past_covariates": object()})
    with pytest.raises(DataError, match="adds past_covariates of its own .add_encoders., already"):
        with_encodings(facts(PastCyclicEncoder()), SERIES, given)
