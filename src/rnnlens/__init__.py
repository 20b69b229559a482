"""rnnlens opens up a trained recurrent network and says what it learned."""

from rnnlens.api import (
    certify,
    compare_baselines,
    convert,
    describe,
    explain,
    fidelity,
    gate_effects,
    identify,
    interactions,
    intervene,
    lags,
    paths,
    predict,
    read,
    report,
    trace,
    trust,
    weights,
    windows,
)

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

__version__ = "0.1.0"
