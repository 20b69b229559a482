"""The verbs of rnnlens. Each loads what it needs when it is called."""

from rnnlens.api.certifying import certify
from rnnlens.api.comparing import compare_baselines, interactions
from rnnlens.api.converting import convert, identify
from rnnlens.api.explaining import explain
from rnnlens.api.gates import gate_effects, paths
from rnnlens.api.intervening import intervene
from rnnlens.api.lag_table import lags
from rnnlens.api.looking import describe, trace, weights
from rnnlens.api.reading import fidelity, predict, read, windows
from rnnlens.api.reporting import report
from rnnlens.api.trusting import trust

__all__ = [
    "certify",
    "compare_baselines",
    "convert",
    "describe",
    "explain",
    "fidelity",
    "gate_effects",
    "identify",
    "interactions",
    "intervene",
    "lags",
    "paths",
    "predict",
    "read",
    "report",
    "trace",
    "trust",
    "weights",
    "windows",
]
