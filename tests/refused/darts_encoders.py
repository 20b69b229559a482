"""Models of darts that add columns of one forecast alone, and scalers of what they add."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from refused.registry import section
from rnnlens.adapters.darts.encoding import with_encodings
from rnnlens.adapters.given import SeriesGiven

case = section("Columns that models of darts add")


class FutureIntegerIndexEncoder:
    """What counts steps."""


class FutureCyclicEncoder:
    """What tells the month."""


class RNNModel:
    """A fitted model that adds columns."""

    def __init__(self, encoder: object) -> None:
        self.encoders = SimpleNamespace(
            past_encoders=[], future_encoders=[encoder], encoding_available=True
        )


def asked(encoder: object, given: SeriesGiven) -> None:
    facts: Any = SimpleNamespace(model=RNNModel(encoder), horizons=1)
    with_encodings(facts, None, given)


@case("steps counted from the end")
def _(_: Path) -> None:
    asked(FutureIntegerIndexEncoder(), SeriesGiven())


@case("a scaler of what is scaled already")
def _(_: Path) -> None:
    asked(FutureCyclicEncoder(), SeriesGiven(scaler={"future_covariates": object()}))
