"""The verbs of rnnlens. Each loads what it needs when it is called."""

from rnnlens.api.converting import convert, identify
from rnnlens.api.explaining import explain, lags
from rnnlens.api.looking import describe, trace, weights
from rnnlens.api.reading import fidelity, predict, read, windows
from rnnlens.api.reporting import report

__all__ = [
    "convert",
    "describe",
    "explain",
    "fidelity",
    "identify",
    "lags",
    "predict",
    "read",
    "report",
    "trace",
    "weights",
    "windows",
]
