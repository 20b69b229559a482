"""Charts of results, one function a chart; each gives an Altair chart, and `save` a file of it."""

from rnnlens.plot.evidence import (
    baselines,
    certificates,
    interactions,
    lag_shares,
    methods,
)
from rnnlens.plot.forecasts import (
    beeswarm,
    calendar,
    forecast,
    lag_contributions,
    lag_feature,
    waterfall,
)
from rnnlens.plot.network import (
    anatomy,
    compared_weights,
    record,
    summarized_weights,
    weights,
)
from rnnlens.plot.saving import save
from rnnlens.plot.states import (
    bifurcations,
    eigenvalues,
    fixed_points,
    gate_contributions,
    gates,
    memory,
    probe,
)

__all__ = [
    "anatomy",
    "baselines",
    "beeswarm",
    "bifurcations",
    "calendar",
    "certificates",
    "compared_weights",
    "eigenvalues",
    "fixed_points",
    "forecast",
    "gate_contributions",
    "gates",
    "interactions",
    "lag_contributions",
    "lag_feature",
    "lag_shares",
    "memory",
    "methods",
    "probe",
    "record",
    "save",
    "summarized_weights",
    "waterfall",
    "weights",
]
