"""rnnlens opens up a trained recurrent network and says what it learned."""

from rnnlens.api import (
    convert,
    describe,
    explain,
    fidelity,
    identify,
    lags,
    predict,
    read,
    report,
    trace,
    weights,
    windows,
)

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

__version__ = "0.1.0"
