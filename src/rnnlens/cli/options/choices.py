"""Words that an option takes, as the registries of what they name list them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from rnnlens.api.forecast.trust import METHODS as TRUSTED
from rnnlens.attribution.baselines.baseline import NAMED
from rnnlens.attribution.baselines.grouped import CALENDAR
from rnnlens.attribution.registry import METHODS
from rnnlens.bulk.options import STORED
from rnnlens.evidence.options import SAMPLERS
from rnnlens.evidence.statistics.loss import LOSSES
from rnnlens.evidence.statistics.multiplicity import CORRECTIONS
from rnnlens.evidence.table.rows import BY

__all__ = [
    "BaselineName",
    "ChartName",
    "Correction",
    "Loss",
    "MethodName",
    "Nonlinearity",
    "RowsBy",
    "SamplerName",
    "StoredAs",
    "TrustedMethod",
    "WeightKind",
]


def one_of(title: str, names: Iterable[str]) -> type[StrEnum]:
    """Make the enum that typer shows and checks; `flattened` hands on the plain words."""
    members = {name.replace(" ", "_"): name for name in names}
    return cast("type[StrEnum]", StrEnum(title, members))


#: Baselines, single values first.
_VALUES = ("zero", "mean", *CALENDAR)
BASELINES = (*_VALUES, *(name for name in NAMED if name not in _VALUES), "conditional")

#: Charts that a command draws, in the order in which one asks; `cli/commands/recipes.py` has how.
CHARTS = (
    "anatomy",
    "forecast",
    "lag_shares",
    "lag_feature",
    "lag_contributions",
    "waterfall",
    "beeswarm",
    "calendar",
    "certificates",
    "interactions",
    "methods",
    "baselines",
    "memory",
    "weights",
    "summarized_weights",
    "gates",
    "gate_contributions",
    "fixed_points",
    "eigenvalues",
    "bifurcations",
    "probe",
    "compared_weights",
    "record",
)

if TYPE_CHECKING:  # what commands see of them
    ChartName = str
    BaselineName = Correction = Loss = MethodName = str
    Nonlinearity = RowsBy = SamplerName = StoredAs = TrustedMethod = WeightKind = str
else:
    ChartName = one_of("ChartName", CHARTS)
    BaselineName = one_of("BaselineName", BASELINES)
    Correction = one_of("Correction", CORRECTIONS)
    Loss = one_of("Loss", sorted(LOSSES))
    MethodName = one_of("MethodName", METHODS)
    Nonlinearity = one_of("Nonlinearity", ("tanh", "relu"))
    RowsBy = one_of("RowsBy", BY)
    SamplerName = one_of("SamplerName", SAMPLERS)
    StoredAs = one_of("StoredAs", STORED)
    TrustedMethod = one_of("TrustedMethod", TRUSTED)
    WeightKind = one_of("WeightKind", ("W", "U", "b"))
